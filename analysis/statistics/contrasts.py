"""The study's own question as numbers: what skips add to a network, level by level."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.resampled import Row
from nnunet_skipstudy.analysis.statistics.setting import Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.verdict import verdict
from nnunet_skipstudy.registry import SKIP_PAIRS

DIFFERENCE, OF_CHANGE = "difference", "difference_of_change"


@dataclass(frozen=True)
class Contrast:
    """``first`` minus ``other`` in mean DSC, or in its change, at one level; without ``other``: the change of one.

    ``low``, ``high``: 95 % interval, NaN where there is none. ``verdict``: of the first against the other, empty
    without an interval; of one network, of its interval against 0. ``scope``: whom the interval speaks of. ``zone``:
    the smallest difference that matters, NaN where there is no other. ``p_false``: the probability that the difference
    has the other sign, NaN likewise. ``se_cases``, ``se_trainings``: what its error is made of, from ``n_groups``
    groups of cases and ``n_trainings`` of each network.
    """

    first: NetworkKey
    other: NetworkKey | None
    level: str
    estimate: float
    low: float
    high: float
    verdict: str
    scope: str
    zone: float
    p_false: float
    se_cases: float
    se_trainings: float
    n_trainings: int
    n_groups: int


@dataclass(frozen=True)
class Contrasts:
    """What a setting has to say on the question, level by level.

    ``skips``: whether the pairs differ in their skips alone; else all networks are set against the best one at the
    ``hardest`` level, or, of one network only, its ``changes`` stand alone. ``changes``: of the change from the
    reference level; ``differences``: of the DSC itself.
    """

    skips: bool
    hardest: str
    changes: tuple[Contrast, ...]
    differences: tuple[Contrast, ...]

    @property
    def leading(self) -> list[Contrast]:
        """Those that answer the question: at the hardest level, of changes where there are any, one a pair."""
        of_changes = [one for one in self.changes if one.level == self.hardest]
        return of_changes or [one for one in self.differences if one.level == self.hardest]


def contrasts(statistics: Statistics, setting: Setting) -> Contrasts:
    """Pairs with and without skips; where there is none, every network against the best; of one, its changes."""
    networks = setting.ranked or list(range(len(setting.networks)))
    hardest = setting.hardest
    known = {setting.networks[i] for i in networks}
    if len(known) == 1:
        (alone,) = known
        rows = [
            row for row in statistics.rows(setting, "change") if row["key"] == alone and row["level"] in setting.levels
        ]
        return Contrasts(False, hardest, _known(_contrast(row, alone, None) for row in rows), ())
    pairs = [
        (key.trained_alike(with_skips), key)
        for without, with_skips in SKIP_PAIRS
        for key in setting.networks
        if key.architecture == without and {key, key.trained_alike(with_skips)} <= known
    ]
    skips = bool(pairs)
    if not skips:
        at_hardest = statistics.by_network(setting, "mean", hardest)
        values = {key: at_hardest[key]["estimate"] for key in setting.networks if key in known & set(at_hardest)}
        best = max(values, key=lambda key: -math.inf if math.isnan(values[key]) else values[key], default=None)
        pairs = [(key, best) for key in setting.networks if best is not None and key in known - {best}]
    changes, differences = (
        _known(
            _contrast(row, *pair)
            for pair in pairs
            for level in setting.levels
            if (row := statistics.difference(setting, quantity, level, *pair))
        )
        for quantity in (OF_CHANGE, DIFFERENCE)
    )
    return Contrasts(skips, hardest, changes, differences)


def _known(found: Iterable[Contrast]) -> tuple[Contrast, ...]:
    return tuple(one for one in found if not math.isnan(one.estimate))


def _contrast(row: Row, first: NetworkKey, other: NetworkKey | None) -> Contrast:
    estimate, low, high, found = row["estimate"], row["low"], row["high"], row["verdict"]
    if other is None:
        found = verdict(low, high, 0.0 if low * high > 0 else 1.0, 0.0, lower_is_better=False)
    errors = (row[name] for name in ("smallest_difference", "p_false", "se_cases", "se_trainings"))
    counts = (int(row[name]) for name in ("n_trainings", "n_groups"))
    return Contrast(first, other, row["level"], estimate, low, high, found, row["scope"], *errors, *counts)
