"""How the intervals and tests were made, and what the data at hand takes from them."""

import itertools
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.report.words import count, number
from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.td_axis import FOLLOWS_SIZE, TD_WORDS, axis_measure, size_rows
from nnunet_skipstudy.registry import EXCESS, UNPERTURBED, in_order, known_order
from nnunet_skipstudy.support.version import __version__

FEW_GROUPS = 20


def versions() -> str:
    """What computed all this."""
    names = ("numpy", "scipy", "pandas", "matplotlib")
    found = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    return f"nnunet_skipstudy {__version__}, Python {platform.python_version()}, {found}"


def statistic_caveats(statistics: Statistics, comparisons: Sequence[Comparison], cases: pd.DataFrame) -> list[str]:
    """What weakens the tests, as far as it applies to this data."""
    found: list[str] = []
    for comparison in comparisons:
        dataset = comparison.reference.dataset
        found += _of_dataset(statistics, comparison, cases[cases["dataset"] == dataset])
    n_tests = int(statistics.table["p_value"].notna().sum())
    if n_tests:
        found.append(
            f"{n_tests} tests were made in all. Holm's correction holds within one metric, level, label and training "
            "set, not over all of them: read the metric and level that you named beforehand."
        )
    return found


def _of_dataset(statistics: Statistics, comparison: Comparison, cases: pd.DataFrame) -> Iterator[str]:
    dataset = comparison.reference.dataset
    overall = statistics.overall(dataset)
    if not overall:
        return
    setting = overall[0]
    n_groups = len(set(setting.groups))
    if MIN_GROUPS <= n_groups < FEW_GROUPS:
        yield (
            f"{dataset}: {count(n_groups, 'group')} of cases are few; intervals are wide, and only large differences "
            "can be told apart."
        )
    if not any(comparison.reference.groups.values()):
        yield (
            f"{dataset}: no groups are known (no cases.csv with patients or slides), so every case counts as "
            "independent; if several come from one patient, the intervals are too short."
        )
    replicates = setting.replicates[setting.replicates > 0]
    if (replicates == 1).any():
        who = "one training per network" if (replicates == 1).all() else "some networks have one training only"
        yield (
            f"{dataset}: {who} to a case and level. Verdicts are on these trainings: how much another seed would "
            "change is not known."
        )
    yield from _disparity(dataset, cases)
    yield from _size(dataset, cases)


def _size(dataset: str, cases: pd.DataFrame) -> Iterator[str]:
    """Whether what slopes go by follows the size of objects."""
    measure = axis_measure(cases)
    for row in size_rows(cases):
        found = row.excess_with_size if measure == EXCESS else row.value_with_size
        if row.level == UNPERTURBED and abs(found) >= FOLLOWS_SIZE:
            yield (
                f"{dataset}: {TD_WORDS[measure]} follows the size of objects (rank correlation "
                f"{number(found, sign=True)} over {row.n_cases} unperturbed cases), so a slope on it is in "
                "part a slope on size."
            )


def _disparity(dataset: str, cases: pd.DataFrame) -> Iterator[str]:
    """Whether the levels' mean TD rises from hardest to easiest, as their names say."""
    known = cases.dropna(subset=["disparity"])
    if known.empty:
        return
    means = known.groupby("level")["disparity"].mean()
    levels = in_order(level for level in means.index if known_order([level]))
    if not known_order(levels):
        return
    fallen = [
        f"{easier} ({number(means[easier])}) lies below {harder} ({number(means[harder])})"
        for harder, easier in itertools.pairwise(levels)
        if np.round(means[easier] - means[harder], 12) < 0
    ]
    if fallen:
        yield f"{dataset}: TD did not move as the levels are named: mean TD at {'; at '.join(fallen)}."
