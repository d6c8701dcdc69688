"""What joins a network's levels: spread over them, the worst one, and how a metric follows texture disparity (TD)."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.case_metrics import METRICS
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, divide, nanmean
from nnunet_skipstudy.analysis.statistics.disparity_slope import theil_sen
from nnunet_skipstudy.analysis.statistics.setting import LOWER_IS_BETTER
from nnunet_skipstudy.analysis.tables import groups
from nnunet_skipstudy.registry import level_order

ACROSS_COLUMNS: tuple[str, ...] = (
    *("n_levels", "cv_across_levels", "cv_of_level_means", "worst_level", "worst_mean"),
    *("disparity_area", "disparity_slope", "n_disparity"),
)
"""The columns of :func:`across_levels` after its keys."""


def across_levels(cases: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """One row per ``keys`` and metric.

    Args:
        cases: the table of cases.
        keys: what keeps rows apart, without the level.

    Returns:
        ``keys``, ``metric`` and :data:`ACROSS_COLUMNS`: ``cv_across_levels`` (population sd / mean over the levels
        for each case, averaged over cases that have all levels; NaN for one level), ``cv_of_level_means`` (as the
        original study: sd / mean of the level means), ``worst_level`` and its ``worst_mean``, ``disparity_area``
        (area under the means against the levels' mean TD, divided by the range of TD: a mean height over TD; NaN
        where TD is not known or doesn't vary), ``disparity_slope`` (Theil and Sen's line over ``n_disparity``
        images of all cases and levels, the metric's change per unit of TD).
    """
    rows = [
        {**dict(zip(keys, values, strict=True)), **row}
        for values, part in groups(cases, *keys)
        for row in _of_network(part)
    ]
    return pd.DataFrame(rows, columns=[*keys, "metric", *ACROSS_COLUMNS])


def _of_network(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    levels = sorted(rows["level"].unique(), key=level_order)
    names = list(dict.fromkeys(rows["case"]))
    at = (
        pd.Categorical(rows["case"], names).codes.astype(int),
        pd.Categorical(rows["level"], levels).codes.astype(int),
    )
    disparity = _table(rows["disparity"].to_numpy(dtype=float), at, (len(names), len(levels)))
    for metric in METRICS:
        values = _table(rows[metric].to_numpy(dtype=float), at, disparity.shape)
        means = nanmean(values)
        known = ~np.isnan(means)
        worst = _worst(means, metric) if known.any() else None
        line = theil_sen(disparity.ravel(), values.ravel())
        several = len(levels) > 1
        yield {
            "metric": metric,
            "n_levels": int(known.sum()),
            "cv_across_levels": _mean_cv(values) if several else np.nan,
            "cv_of_level_means": float(divide(means.std(), means.mean())) if several else np.nan,
            "worst_level": "" if worst is None else levels[worst],
            "worst_mean": np.nan if worst is None else float(means[worst]),
            "disparity_area": _area(nanmean(np.where(np.isnan(values), np.nan, disparity)), means),
            "disparity_slope": line.slope,
            "n_disparity": line.n_points,
        }


def _table(values: Floats, at: tuple[Any, Any], shape: tuple[int, ...]) -> Floats:
    """Values by case and level, replicates averaged."""
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, at, np.nan_to_num(values))
    np.add.at(counts, at, ~np.isnan(values))
    return divide(sums, counts)


def _worst(means: Floats, metric: str) -> int:
    return int(np.nanargmax(means) if metric in LOWER_IS_BETTER else np.nanargmin(means))


def _mean_cv(values: Floats) -> float:
    """The mean over cases of each one's CV over the levels; cases whose mean is 0 have none."""
    return float(nanmean(divide(values.std(axis=1), values.mean(axis=1))))


def _area(disparity: Floats, means: Floats) -> float:
    known = ~np.isnan(disparity) & ~np.isnan(means)
    x, y = disparity[known], means[known]
    if len(x) < 2 or np.ptp(x) < 1e-12:
        return float("nan")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) / np.ptp(x))
