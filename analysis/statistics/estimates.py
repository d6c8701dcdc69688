"""Each network on its own: means, changes and spread with their intervals."""

from collections.abc import Iterator

import numpy as np

from nnunet_skipstudy.analysis.case_metrics import METRICS
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, Interval, divide
from nnunet_skipstudy.analysis.statistics.disparity_slope import theil_sen
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, named
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS

BOOTSTRAP = "cluster bootstrap, BCa, 95 %"
JACKKNIFE = "leave-one-group-out jackknife, log scale, 95 %"
PERCENTILE = "cluster bootstrap, percentiles, 95 %"


def estimates(data: Resampled) -> Iterator[Row]:
    """Rows of ``mean``, ``change``, ``relative_change`` and ``cv`` by level, and of what joins the levels."""
    means, changes = data.means, data.bootstrap.means(data.changes)
    # relative: over the cases that have a change, as the change itself
    before = data.bootstrap.means(data.values - data.changes)
    by_level = {
        "mean": (data.bootstrap.interval(means), data.values, BOOTSTRAP),
        "change": (data.bootstrap.interval(changes), data.changes, BOOTSTRAP),
        "relative_change": (data.bootstrap.interval(divide(changes, before)), data.changes, BOOTSTRAP),
        "cv": (data.bootstrap.spread_interval(divide(data.spreads, means)), data.values, JACKKNIFE),
    }
    for quantity, (interval, values, method) in by_level.items():
        for at in np.ndindex(interval.estimate.shape):
            network, level, metric = at
            if quantity in ("change", "relative_change") and not _moves(data, network, level):
                continue
            yield _row(data, quantity, at, interval, values[:, network, level, metric], method, data.levels[level])
    if len(data.setting.levels) > 1:
        yield from _over_levels(data)
    yield from _slopes(data)


def _moves(data: Resampled, network: int, level: int) -> bool:
    """Whether a level has a reference level other than itself."""
    return bool((~np.isnan(data.changes[:, network, level])).any()) and (
        data.setting.references[network] != data.levels[level]
    )


def _over_levels(data: Resampled) -> Iterator[Row]:
    case_cvs = data.level_cvs
    level_means = data.means[:, :, : len(data.setting.levels)]
    cv_of_means = divide(level_means.std(axis=2), level_means.mean(axis=2))
    both = {
        "cv_across_levels": (data.bootstrap.means(case_cvs), case_cvs),
        "cv_of_level_means": (cv_of_means, data.setting.values.mean(axis=2)),
    }
    for quantity, (rows, values) in both.items():
        interval = data.bootstrap.spread_interval(rows)
        for at in np.ndindex(interval.estimate.shape):
            network, metric = at
            yield _row(data, quantity, at, interval, values[:, network, metric], JACKKNIFE, ALL_LEVELS)


def _row(
    data: Resampled,
    quantity: str,
    at: tuple[int, ...],
    interval: Interval,
    values: Floats,
    method: str,
    level: str,
) -> Row:
    low = float(interval.low[at])
    counts = data.counts(values)
    return {
        **data.facts(METRICS[at[-1]], level, quantity),
        **named(data.setting.networks[at[0]]),
        "estimate": float(interval.estimate[at]),
        "low": low,
        "high": float(interval.high[at]),
        **counts,
        "n_replicates": int(data.setting.replicates[at[0]]),
        "test": method if np.isfinite(low) else f"no interval: {_why(counts['n_groups'])}",
    }


def _why(n_groups: int) -> str:
    return f"{n_groups} groups of cases are too few" if n_groups < 5 else "the estimate is 0 or not defined"


def _slopes(data: Resampled) -> Iterator[Row]:
    setting = data.setting
    codes = np.repeat(setting.codes, len(setting.levels))
    disparity = setting.disparities.ravel()
    if np.isnan(disparity).all():
        return
    for index, key in enumerate(setting.networks):
        values = setting.values[:, index, :, METRICS.index("dsc")].ravel()
        line = theil_sen(disparity, values, codes)
        if np.isnan(line.slope):
            continue
        known = ~np.isnan(values) & ~np.isnan(disparity)
        yield {
            **data.facts("dsc", ALL_LEVELS, "slope_on_disparity"),
            **named(key),
            "estimate": line.slope,
            "low": line.low,
            "high": line.high,
            "n_cases": len(np.unique(np.flatnonzero(known) // len(setting.levels))),
            "n_groups": len(np.unique(codes[known])),
            "n_replicates": int(setting.replicates[index]),
            "test": f"Theil-Sen over {line.n_points} images; {PERCENTILE}"
            if np.isfinite(line.low)
            else f"Theil-Sen over {line.n_points} images; no interval: too few groups of cases",
        }
