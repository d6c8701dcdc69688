"""A setting with its resamples: what estimates, comparisons and rankings are computed from."""

from functools import cached_property
from typing import Any

import numpy as np

from nnunet_skipstudy.analysis.case_metrics import METRICS
from nnunet_skipstudy.analysis.looks import NetworkKey
from nnunet_skipstudy.analysis.statistics.bootstrap import ClusterBootstrap, Floats, divide, nanmean
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, LOWER_IS_BETTER, Setting

Row = dict[str, Any]


class Resampled:
    """A setting whose levels are followed by their mean, and the cluster bootstrap over its cases.

    Attributes:
        setting: what was measured.
        bootstrap: over the setting's groups; all statistics share its resamples.
        levels: the setting's, and ``ALL_LEVELS`` where there are several.
        values: (case, network, level, metric).
        changes: as ``values``; their mean leaves the reference level out.
    """

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        self.bootstrap = ClusterBootstrap(setting.groups)
        self.levels = (*setting.levels, ALL_LEVELS) if len(setting.levels) > 1 else setting.levels
        self.values = _with_mean(setting.values)
        shifted = setting.changes.copy()
        for index, reference in enumerate(setting.references):
            if reference in setting.levels:
                shifted[:, index, setting.levels.index(reference)] = np.nan
        self.changes = np.concatenate([setting.changes, nanmean(shifted, 2)[:, :, None]], axis=2)
        self.changes = self.changes[:, :, : len(self.levels)]

    @cached_property
    def means(self) -> Floats:
        """(row, network, level, metric), rows as :class:`ClusterBootstrap` makes them."""
        return self.bootstrap.means(self.values)

    @cached_property
    def spreads(self) -> Floats:
        """Population standard deviations over cases, as :attr:`means`."""
        return self.bootstrap.spreads(self.values)

    @cached_property
    def level_cvs(self) -> Floats:
        """(case, network, metric): each case's sd over the levels by its mean over them, NaN where a level lacks."""
        values = self.setting.values
        return divide(values.std(axis=2), values.mean(axis=2))

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
    words = (f"{prefix}{name}" for name in ("architecture", "trainer", "plans", "configuration"))
    return dict(zip(words, key, strict=True))


def metric_index(metric: str) -> int:
    """A metric's place on the last axis."""
    return METRICS.index(metric)


def is_lower_better(metric: str) -> bool:
    """Whether a metric is a distance."""
    return metric in LOWER_IS_BETTER
