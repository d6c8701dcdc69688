"""A setting with its resamples: what estimates, comparisons and rankings are computed from."""

from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED, NetworkKey
from nnunet_skipstudy.analysis.statistics.bootstrap import ClusterBootstrap, Floats, divide, nanmean
from nnunet_skipstudy.analysis.statistics.setting import (
    ALL_LEVELS,
    Setting,
    fewest,
    never_right,
    without_reference,
)

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
    def spreads(self) -> Floats:
        """Population standard deviations over cases, as :attr:`means`."""
        return self.bootstrap.spreads(self.values)

    @cached_property
    def cvs(self) -> Floats:
        """Coefficients of variation over cases, as :attr:`means`; NaN where every prediction of a level failed."""
        return np.where(self.all_failed[..., None], np.nan, divide(self.spreads, self.means))

    @cached_property
    def all_failed(self) -> npt.NDArray[np.bool_]:
        """(network, level), whether every prediction failed there; of all levels: at each of them."""
        by_level = never_right(self.setting.failures, 0)
        return np.concatenate([by_level, by_level.all(axis=1, keepdims=True)], axis=1)[:, : len(self.levels)]

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


def _with_mean(values: Floats) -> Floats:
    if values.shape[2] < 2:
        return values
    return np.concatenate([values, values.mean(axis=2, keepdims=True)], axis=2)


def named(key: NetworkKey, prefix: str = "") -> Row:
    """A network's columns."""
    return dict(zip((prefix + name for name in PUBLISHED), key, strict=True))
