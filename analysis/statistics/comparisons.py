"""Networks against each other, and the study's groups of networks against each other."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, nanmean
from nnunet_skipstudy.analysis.statistics.estimates import BOOTSTRAP
from nnunet_skipstudy.analysis.statistics.pairwise import holm, signed_rank
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, named
from nnunet_skipstudy.registry import ARCHITECTURES, METRICS, Group

GROUPS: tuple[str, ...] = (Group.NO_SKIP.value, Group.STANDARD.value, Group.ENHANCED.value)
"""The study's groups of networks; others are compared one by one only."""


def comparisons(data: Resampled) -> Iterator[Row]:
    """Rows of ``difference`` and ``difference_of_change``, and the same of groups of networks.

    The difference is first minus other, in the metric's own direction. The p-values of one level and metric are
    one family for Holm's correction.
    """
    members = {
        f"{name} networks": {name: [i for i in data.setting.ranked if _group(data, i) == name]} for name in GROUPS
    }
    sides: list[tuple[str, Floats, Row]] = []
    for quantity, values in (("difference", data.values), ("difference_of_change", data.changes)):
        sides = [(str(i), values[:, i], named(data.setting.networks[i])) for i in data.setting.ranked]
        yield from _pairs(data, quantity, sides)
        grouped = [
            (name, nanmean(values[:, indices], 1), {"group": name})
            for by_name in members.values()
            for name, indices in by_name.items()
            if indices
        ]
        yield from _pairs(data, f"group_{quantity}", grouped)


def _group(data: Resampled, index: int) -> str:
    known = ARCHITECTURES.get(data.setting.networks[index].architecture)
    return known.group.value if known else ""


def _pairs(data: Resampled, quantity: str, sides: list[tuple[str, Floats, Row]]) -> Iterator[Row]:
    pairs = list(combinations(sides, 2))
    if not pairs:
        return
    differences = np.stack([first[1] - other[1] for first, other in pairs], axis=1)  # case, pair, level, metric
    if np.isnan(differences).all():
        return
    interval = data.bootstrap.interval(data.bootstrap.means(differences), data.bootstrap.known(differences))
    by_group = data.setting.group_means(differences)
    for level, level_name in enumerate(data.levels):
        for metric, metric_name in enumerate(METRICS):
            known = ~np.isnan(differences[:, :, level, metric])
            if not known.any() or (quantity.endswith("change") and _no_change(data, level_name)):
                continue
            tests = [signed_rank(by_group[:, pair, level, metric]) for pair in range(len(pairs))]
            corrected = holm([test.p_value for test in tests])
            for pair, ((_, _, first), (_, _, other)) in enumerate(pairs):
                test, at = tests[pair], (pair, level, metric)
                yield {
                    **data.facts(metric_name, level_name, quantity),
                    **first,
                    **_other(other),
                    "estimate": float(interval.estimate[at]),
                    "low": float(interval.low[at]),
                    "high": float(interval.high[at]),
                    "n_cases": int(known[:, pair].sum()),
                    "n_groups": test.n,
                    "test": f"{test.method}; interval: {BOOTSTRAP}"
                    if np.isfinite(interval.low[at])
                    else f"{test.method}; no interval",
                    "statistic": test.statistic,
                    "p_value": test.p_value,
                    "p_holm": float(corrected[pair]),
                    "n_tests": int(np.isfinite(corrected).sum()),
                    "effect": test.effect,
                }


def _no_change(data: Resampled, level: str) -> bool:
    """Whether the level is the one that all networks' changes are counted from."""
    return set(data.setting.references) == {level}


def _other(side: dict[str, Any]) -> Row:
    return {f"other_{name}": value for name, value in side.items()}
