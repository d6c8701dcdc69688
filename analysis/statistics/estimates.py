"""Each network on its own: means, changes and spread with their intervals."""

from collections.abc import Iterator

import numpy as np

from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, Interval, divide
from nnunet_skipstudy.analysis.statistics.disparity_slope import theil_sen
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, named
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS
from nnunet_skipstudy.registry import METRICS

BOOTSTRAP = "cluster bootstrap, BCa, 95 %"
JACKKNIFE = "leave-one-group-out jackknife, log scale, 95 %"
PERCENTILE = "cluster bootstrap, percentiles, 95 %"


def estimates(data: Resampled) -> Iterator[Row]:
    """Rows of ``mean``, ``change``, ``relative_change`` and ``cv`` by level, and of what joins the levels."""
    bootstrap = data.bootstrap
    with_value, with_change = bootstrap.known(data.values), bootstrap.known(data.changes)
    changes = bootstrap.means(data.changes)
    # relative: over the cases and levels that have a change, as the change itself
    relative = divide(changes, bootstrap.means(data.before))
    by_level = {
        "mean": (bootstrap.interval(data.means, with_value), data.values, BOOTSTRAP),
        "change": (bootstrap.interval(changes, with_change), data.changes, BOOTSTRAP),
        "relative_change": (bootstrap.interval(relative, with_change), data.changes, BOOTSTRAP),
        "cv": (bootstrap.spread_interval(data.cvs, with_value), data.values, JACKKNIFE),
    }
    of_values, of_changes = data.replicates(data.setting.trainings), data.replicates(data.setting.paired)
    for quantity, (interval, values, method) in by_level.items():
        replicates = of_changes if values is data.changes else of_values
        for at in np.ndindex(interval.estimate.shape):
            network, level, metric = at
            if quantity in ("relative_change", "cv") and _signed(metric):
                continue
            if quantity in ("change", "relative_change") and not _moves(data, network, level):
                continue
            row = _row(data, quantity, at, interval, values[:, network, level, metric], method, data.levels[level])
            yield row | {"n_replicates": int(replicates[network, level])}
    if len(data.setting.levels) > 1:
        yield from _over_levels(data)
    yield from _slopes(data)


def _signed(metric: int) -> bool:
    """Whether a metric's mean may lie around 0, so that nothing is divided by it."""
    return list(METRICS.values())[metric].signed


def _moves(data: Resampled, network: int, level: int) -> bool:
    """Whether a level has a reference level other than itself."""
    return bool((~np.isnan(data.changes[:, network, level])).any()) and (
        data.setting.references[network] != data.levels[level]
    )


def _over_levels(data: Resampled) -> Iterator[Row]:
    case_cvs = data.setting.level_cvs
    profiles = data.setting.profiles
    level_means = data.bootstrap.means(profiles)
    cv_of_means = divide(level_means.std(axis=2), level_means.mean(axis=2))
    cv_of_means = np.where(data.all_failed[:, -1, None], np.nan, cv_of_means)
    both = {
        "cv_across_levels": (data.bootstrap.means(case_cvs), case_cvs),
        "cv_of_level_means": (cv_of_means, profiles.mean(axis=2)),
    }
    replicates = data.replicates(data.setting.trainings)[:, -1]
    for quantity, (rows, values) in both.items():
        interval = data.bootstrap.spread_interval(rows, data.bootstrap.known(values))
        for at in np.ndindex(interval.estimate.shape):
            network, metric = at
            if _signed(metric):
                continue
            row = _row(data, quantity, at, interval, values[:, network, metric], JACKKNIFE, ALL_LEVELS)
            yield row | {"n_replicates": int(replicates[network])}


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
        **data.facts(list(METRICS)[at[-1]], level, quantity),
        **named(data.setting.networks[at[0]]),
        "estimate": float(interval.estimate[at]),
        "low": low,
        "high": float(interval.high[at]),
        **counts,
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
    replicates = data.replicates(setting.trainings)[:, -1]
    for index, key in enumerate(setting.networks):
        values = setting.dsc[:, index].ravel()
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
            "n_replicates": int(replicates[index]),
            "test": f"Theil-Sen over {line.n_points} images; {PERCENTILE}"
            if np.isfinite(line.low)
            else f"Theil-Sen over {line.n_points} images; no interval: too few groups of cases",
        }
