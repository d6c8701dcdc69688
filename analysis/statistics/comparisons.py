"""Networks against each other, and the study's groups of networks against each other."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np

from nnunet_skipstudy.analysis.statistics.between_trainings import Between, summed
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, nanmean
from nnunet_skipstudy.analysis.statistics.estimates import errors
from nnunet_skipstudy.analysis.statistics.intervals import Estimates
from nnunet_skipstudy.analysis.statistics.pairwise import holm, rank_tests
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, named
from nnunet_skipstudy.analysis.statistics.verdict import false_claim, smallest_difference, verdict
from nnunet_skipstudy.registry import ARCHITECTURES, METRICS, Group

GROUPS: tuple[str, ...] = (Group.NO_SKIP.value, Group.STANDARD.value, Group.ENHANCED.value)
"""The study's groups of networks; others are compared one by one only."""


class _Side(NamedTuple):
    """One side of a comparison: ``values`` (case, level, metric), ``trainings`` of their means, its columns."""

    values: Floats
    trainings: Between
    columns: Row


def comparisons(data: Resampled, least: float) -> Iterator[Row]:
    """Rows of ``difference`` and ``difference_of_change``, and the same of groups of networks.

    The difference is first minus other, in the metric's own direction. The p-values of one level and metric are
    one family for Holm's correction. ``least`` is the smallest difference of a share that matters.
    """
    members = {name: [i for i in data.setting.ranked if _group(data, i) == name] for name in GROUPS}
    for quantity, values, trainings in (
        ("difference", data.values, data.between_values),
        ("difference_of_change", data.changes, data.between_changes),
    ):
        alone = [_Side(values[:, i], trainings.at(i), named(data.setting.networks[i])) for i in data.setting.ranked]
        yield from _pairs(data, quantity, alone, least)
        grouped = [
            _Side(
                nanmean(values[:, indices], 1),
                summed([trainings.at(i) for i in indices], [1 / len(indices)] * len(indices)),
                {"group": name},
            )
            for name, indices in members.items()
            if indices
        ]
        yield from _pairs(data, f"group_{quantity}", grouped, least)


def _group(data: Resampled, index: int) -> str:
    known = ARCHITECTURES.get(data.setting.networks[index].architecture)
    return known.group.value if known else ""


def _pairs(data: Resampled, quantity: str, sides: Sequence[_Side], least: float) -> Iterator[Row]:
    pairs = list(combinations(sides, 2))
    if not pairs:
        return
    differences = np.stack([first.values - other.values for first, other in pairs], axis=1)  # case, pair, level, metric
    if np.isnan(differences).all():
        return
    trainings = [summed([first.trainings, other.trainings]) for first, other in pairs]
    found = data.estimate(
        differences, Between(*(np.stack([getattr(t, name) for t in trainings]) for name in ("variance", "df", "k")))
    )
    tests = data.rank_tests if quantity == "difference" else rank_tests(data.setting.group_means(differences))
    for level, level_name in enumerate(data.levels):
        for metric, metric_name in enumerate(METRICS):
            known = ~np.isnan(differences[:, :, level, metric])
            unchanged = quantity.endswith("change") and data.setting.shared_reference == level_name
            if unchanged or not known.any():
                continue
            p_holm = holm(found.p_value[:, level, metric])
            ranks = tests[level, metric]
            for pair, (first, other) in enumerate(pairs):
                at = (pair, level, metric)
                yield {
                    **data.facts(metric_name, level_name, quantity),
                    **first.columns,
                    **{f"other_{name}": value for name, value in other.columns.items()},
                    "n_cases": int(known[:, pair].sum()),
                    "n_tests": int(np.isfinite(p_holm).sum()),
                    **_tested(found, at, float(p_holm[pair]), smallest_difference(metric_name, least), metric_name),
                    "n_groups": ranks.tests[pair].n,
                    "rank_test": ranks.tests[pair].method,
                    "p_ranks": ranks.tests[pair].p_value,
                    "p_ranks_holm": float(ranks.p_holm[pair]),
                    "effect": ranks.tests[pair].effect,
                }


def _tested(found: Estimates, at: tuple[int, ...], p_holm: float, least: float, metric: str) -> Row:
    estimate, low, high = (float(getattr(found, name)[at]) for name in ("estimate", "low", "high"))
    row, error = METRICS[metric], float(np.hypot(found.se_cases[at], found.se_trainings[at]))
    return {
        "estimate": estimate,
        "low": low,
        "high": high,
        "test": "no interval",
        **errors(found, at),
        "statistic": estimate / error if error and np.isfinite(low) else np.nan,
        "p_value": float(found.p_value[at]),
        "p_holm": p_holm,
        "p_false": false_claim(float(found.p_value[at])),
        "smallest_difference": least,
        "verdict": "" if row.signed else verdict(low, high, p_holm, least, row.lower_is_better),
    }
