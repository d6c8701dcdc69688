"""What a comparison says, in words that name whom it speaks of: networks, or the trainings at hand."""

from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.report.words import interval, number, p_value
from nnunet_skipstudy.analysis.statistics.estimates import NETWORKS
from nnunet_skipstudy.analysis.statistics.verdict import BETTER, EQUIVALENT, SIGNIFICANT, WORSE

Row = dict[str, Any]

ONE_TRAINING = (
    "Where networks were trained once, a verdict is on these trainings: how much another seed would change isn't "
    "known, and it may turn a difference round."
)


def with_verdict(row: Row, unit: str = "two trainings") -> str:
    """A difference with its interval, test and verdict; ``unit`` is what differs where trainings are judged."""
    text = interval(row["estimate"], row["low"], row["high"], sign=True)
    if not int(row["n_groups"]):
        return f"{text} (no common cases)"
    n = f"n = {int(row['n_groups'])}"
    if not row["verdict"]:
        return f"{text} ({n}: too few for a test)"
    p = f"{p_value(row['p_holm'])}, " if np.isfinite(row["p_holm"]) else ""
    return f"{text} ({p}{n}: {verdict(row, unit)})"


def verdict(row: Row, unit: str = "two trainings") -> str:
    """The verdict's words; where the rank test says otherwise, that too."""
    whom = "the networks" if row["scope"] == NETWORKS else f"these {unit}"
    found = row["verdict"]
    if found == EQUIVALENT:
        return f"{whom} are equivalent within {number(row['smallest_difference'])}"
    ranks = _ranks(row)
    if found in (BETTER, WORSE):
        return f"{whom} differ" + (f"; {ranks}" if ranks else "")
    alone = not row["low"] <= 0 <= row["high"]
    chance = f"may be chance among {int(row['n_tests'])} comparisons" if alone else "may be chance"
    return chance + (f"; {ranks}" if ranks else "")


def _ranks(row: Row) -> str:
    """Few large differences one way, many small ones the other: the mean follows the few, the rank test the many."""
    differ = row["verdict"] in (BETTER, WORSE)
    if pd.isna(row["p_ranks_holm"]):
        return ""
    by_ranks = row["p_ranks_holm"] < SIGNIFICANT
    if by_ranks and not differ:
        return "ranks differ, means may not"
    if by_ranks and np.sign(row["effect"]) != np.sign(row["estimate"]):
        return "ranks differ the other way: many small differences against few large ones"
    return "means differ, ranks may not" if differ and not by_ranks else ""
