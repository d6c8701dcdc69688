"""What joins a network's levels: spread over them, the worst one, and how a metric follows texture disparity (TD)."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.measuring.columns import groups, metrics_of
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, averaged, nanmean
from nnunet_skipstudy.analysis.statistics.paired import at_all_levels, failed
from nnunet_skipstudy.analysis.statistics.setting import level_cvs, never_right
from nnunet_skipstudy.analysis.statistics.td_axis import axis_measure, on_axis, theil_sen
from nnunet_skipstudy.registry import METRICS, in_order

ACROSS_COLUMNS: tuple[str, ...] = (
    *("n_levels", "cv_across_levels", "cv_of_level_means", "worst_level", "worst_mean"),
    *("disparity_area", "disparity_slope", "n_disparity", "td_measure", "n_cv_across_levels"),
)
"""The columns of :func:`across_levels` after its keys."""


def across_levels(cases: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """One row per ``keys``, which keep rows apart, without the level, and metric.

    Returns:
        ``keys``, ``metric`` and :data:`ACROSS_COLUMNS`: ``cv_across_levels`` (population sd / mean over the levels
        for each case, averaged over the ``n_cv_across_levels`` cases that have one: all levels, and not a failure at
        each of them; NaN for one level), ``cv_of_level_means`` (as the original study: sd / mean of the level means;
        NaN where every prediction failed), ``worst_level`` and its ``worst_mean``, ``disparity_area``
        (area under the means against the levels' mean TD, divided by the range of TD: a mean height over TD; NaN
        where TD is not known or doesn't vary), ``disparity_slope`` (Theil and Sen's line over ``n_disparity``
        images of all cases and levels, the metric's change per unit of TD), ``td_measure`` (in which TD is taken).
        Both spreads leave out trainings that lack a level: they would show how trainings differ.
    """
    rows = [
        {**dict(zip(keys, values, strict=True)), **row}
        for values, part in groups(cases, *keys)
        for row in _of_network(part)
    ]
    return pd.DataFrame(rows, columns=[*keys, "metric", *ACROSS_COLUMNS])


def _of_network(rows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    levels = in_order(rows["level"].unique())
    names = list(dict.fromkeys(rows["case"]))
    at = (
        pd.Categorical(rows["case"], names).codes.astype(int),
        pd.Categorical(rows["level"], levels).codes.astype(int),
    )
    complete = at_all_levels(rows).to_numpy()
    disparity = averaged(on_axis(rows).to_numpy(dtype=float), at, (len(names), len(levels)))
    failures = averaged(failed(rows).to_numpy(), at, disparity.shape)
    all_failed = never_right(failures)
    several = len(levels) > 1
    for metric in metrics_of(rows):
        numbers = rows[metric].to_numpy(dtype=float)
        values = averaged(numbers, at, disparity.shape)
        profiles = averaged(np.where(complete, numbers, np.nan), at, disparity.shape)
        steady = several and not METRICS[metric].signed
        cvs = np.where(all_failed, np.nan, level_cvs(profiles)) if steady else np.full(len(names), np.nan)
        profile = nanmean(profiles)
        means = nanmean(values)
        known = ~np.isnan(means)
        worst = _worst(means, metric) if known.any() else None
        line = theil_sen(disparity.ravel(), values.ravel())
        yield {
            "metric": metric,
            "n_levels": int(known.sum()),
            "cv_across_levels": float(nanmean(cvs)),
            "cv_of_level_means": float(level_cvs(profile, 0)) if steady and not all_failed.all() else np.nan,
            "worst_level": "" if worst is None else levels[worst],
            "worst_mean": np.nan if worst is None else float(means[worst]),
            "disparity_area": _area(nanmean(np.where(np.isnan(values), np.nan, disparity)), means),
            "disparity_slope": line.slope,
            "n_disparity": line.n_points,
            "td_measure": axis_measure(rows) if line.n_points else "",
            "n_cv_across_levels": int((~np.isnan(cvs)).sum()),
        }


def _worst(means: Floats, metric: str) -> int:
    row = METRICS[metric]
    if row.signed:
        return int(np.nanargmax(np.abs(means)))
    return int(np.nanargmax(means) if row.lower_is_better else np.nanargmin(means))


def _area(disparity: Floats, means: Floats) -> float:
    known = ~np.isnan(disparity) & ~np.isnan(means)
    x, y = disparity[known], means[known]
    if len(x) < 2 or np.ptp(x) < 1e-12:
        return float("nan")
    order = np.argsort(x, kind="stable")
    x, y = x[order], y[order]
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) / np.ptp(x))
