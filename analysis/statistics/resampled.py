"""A setting with its resamples: what estimates, comparisons and rankings are computed from."""

from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED, NetworkKey
from nnunet_skipstudy.analysis.statistics.between_trainings import Between, between, with_mean_of_levels
from nnunet_skipstudy.analysis.statistics.bootstrap import ClusterBootstrap, Floats, divide, nanmean
from nnunet_skipstudy.analysis.statistics.intervals import Estimates, ratios
from nnunet_skipstudy.analysis.statistics.pairwise import RankTests, rank_tests
from nnunet_skipstudy.analysis.statistics.setting import (
    ALL_LEVELS,
    Setting,
    fewest,
    level_cvs,
    never_right,
    without_reference,
)
from nnunet_skipstudy.registry import METRICS

Row = dict[str, Any]


class Resampled:
    """A setting whose levels are followed by their mean, and the cluster bootstrap over its cases.

    Attributes:
        setting: what was measured.
        bootstrap: over the setting's groups; all statistics share its resamples.
        levels: the setting's, and ``ALL_LEVELS`` where there are several.
        values: (case, network, level, metric).
        changes: as ``values``; their mean leaves the reference level out.
        before: as ``changes``, what they are counted from.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.bootstrap = ClusterBootstrap(setting.groups)
        self.levels = (*setting.levels, ALL_LEVELS) if len(setting.levels) > 1 else setting.levels
        self.values = _with_mean(setting.values)
        self.changes = self._with_mean_change(setting.changes)
        self.before = self._with_mean_change(setting.before)

    def _with_mean_change(self, changes: Floats) -> Floats:
        mean = nanmean(without_reference(self.setting, changes), 2)[:, :, None]
        return np.concatenate([changes, mean], axis=2)[:, :, : len(self.levels)]

    @cached_property
    def means(self) -> Floats:
        """(row, network, level, metric), rows as :class:`ClusterBootstrap` makes them."""
        return self.bootstrap.means(self.values)

    @cached_property
    def cvs(self) -> Floats:
        """Coefficients of variation over cases, as :attr:`means`; NaN where every prediction of a level failed."""
        found = divide(self.bootstrap.spreads(self.values), self.means)
        return np.where(self.all_failed[..., None], np.nan, found)

    @cached_property
    def cvs_of_level_means(self) -> Floats:
        """(row, network, metric): sd by mean of the level means, as the original study; NaN where everything failed."""
        found = level_cvs(self.bootstrap.means(self.setting.profiles), axis=2)
        return np.where(self.all_failed[:, -1, None], np.nan, found)

    @cached_property
    def all_failed(self) -> npt.NDArray[np.bool_]:
        """(network, level), whether every prediction failed there; of all levels: at each of them."""
        by_level = never_right(self.setting.failures, 0)
        return np.concatenate([by_level, by_level.all(axis=1, keepdims=True)], axis=1)[:, : len(self.levels)]

    @cached_property
    def spread_of_values(self) -> list[Floats]:
        """Each training set's deviations, (replicate, network, level, metric)."""
        return self._joined(self.setting.deviations)

    @cached_property
    def spread_of_changes(self) -> list[Floats]:
        """As :attr:`spread_of_values`."""
        return self._joined(self.setting.change_deviations)

    @cached_property
    def spread_of_changed(self) -> list[Floats]:
        """As :attr:`spread_of_values`, of those that have a change."""
        both = zip(self.setting.deviations, self.setting.change_deviations, strict=True)
        return self._joined(tuple(np.where(np.isnan(change), np.nan, value) for value, change in both))

    @cached_property
    def between_values(self) -> Between:
        """The variance between trainings of :attr:`values`' means, (network, level, metric)."""
        return between(self.spread_of_values)

    @cached_property
    def between_changes(self) -> Between:
        """As :attr:`between_values`."""
        return between(self.spread_of_changes)

    def _joined(self, strata: tuple[Floats, ...]) -> list[Floats]:
        return [stratum[:, :, : len(self.levels)] for stratum in with_mean_of_levels(strata)]

    @cached_property
    def ends(self) -> tuple[Floats, Floats]:
        """(metric,): the least and the largest value that a case can have; of distances, that any has."""
        known = [
            [metric.perfect, *([] if metric.worst is None else [metric.worst]), *_range(values)]
            for metric, values in zip(METRICS.values(), np.moveaxis(self.setting.values, -1, 0), strict=True)
        ]
        return np.array([min(row) for row in known]), np.array([max(row) for row in known])

    def estimate(self, parts: Floats, trainings: Between, ends: tuple[Floats, Floats] | None = None) -> Estimates:
        """Means of (case, …) over the cases that have a value, with their errors; see :func:`~.intervals.ratios`."""
        known = (~np.isnan(parts)).astype(float)
        sums, counts = self.setting.group_sums(parts), self.setting.group_sums(known)
        return ratios(sums, counts, counts > 0, trainings, ends)

    @cached_property
    def rank_tests(self) -> dict[tuple[int, int], RankTests]:
        """By level and metric: Wilcoxon's test of each pair of ranked networks, over groups of cases."""
        first, other = (list(side) for side in zip(*combinations(self.setting.ranked, 2), strict=True))
        return rank_tests(self.setting.group_means(self.values[:, first] - self.values[:, other]))

    def replicates(self, trainings: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """(network, level), the fewest trainings that a case was averaged over; of all levels: at any."""
        by_level = fewest(trainings)
        return np.concatenate([by_level, fewest(by_level.T)[:, None]], axis=1)[:, : len(self.levels)]

    def facts(self, metric: str, level: str, quantity: str) -> Row:
        """The columns of a row that say where it belongs."""
        setting = self.setting
        return {
            "dataset": setting.dataset,
            "trained_on": setting.training,
            "label": setting.label,
            "metric": metric,
            "level": level,
            "quantity": quantity,
        }

    def counts(self, known: Floats) -> Row:
        """How many cases, and groups of cases, have a value: ``known`` is (case,), NaN where there is none."""
        chosen = ~np.isnan(known)
        return {"n_cases": int(chosen.sum()), "n_groups": len(np.unique(self.setting.codes[chosen]))}


def _range(values: Floats) -> list[float]:
    known = values[np.isfinite(values)]
    return [float(known.min()), float(known.max())] if len(known) else []


def _with_mean(values: Floats) -> Floats:
    if values.shape[2] < 2:
        return values
    return np.concatenate([values, values.mean(axis=2, keepdims=True)], axis=2)


def named(key: NetworkKey) -> Row:
    """A network's columns."""
    return dict(zip(PUBLISHED, key, strict=True))
