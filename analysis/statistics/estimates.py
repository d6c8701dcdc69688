"""Each network on its own: means, changes and spread with their intervals."""

from collections.abc import Iterator

import numpy as np

from nnunet_skipstudy.analysis.statistics.between_trainings import Indices, between
from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS, MIN_GROUPS_OF_SPREAD, Floats, Interval, divide
from nnunet_skipstudy.analysis.statistics.intervals import Estimates, ratios
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, named
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS
from nnunet_skipstudy.analysis.statistics.td_axis import TD_WORDS, theil_sen
from nnunet_skipstudy.registry import METRICS, STUDYS_TD

OF_CASES = "t, cluster jackknife, 95 %"
OF_CASES_AND_TRAININGS = "t, cluster jackknife and variance between trainings, 95 %"
JACKKNIFE = "leave-one-group-out jackknife, log scale, 95 %"
PERCENTILE = "cluster bootstrap, percentiles, 95 %"
NETWORKS, TRAININGS = "networks", "trainings"
"""What a row speaks of: networks, where the variance between their trainings is in it, else the trainings at hand."""


def estimates(data: Resampled) -> Iterator[Row]:
    """Rows of ``mean``, ``change``, ``relative_change`` and ``cv`` by level, and of what joins the levels."""
    of_values, of_changes = data.replicates(data.setting.trainings), data.replicates(data.setting.paired)
    for quantity, found in _means(data).items():
        values, replicates = (data.values, of_values) if quantity == "mean" else (data.changes, of_changes)
        for at in np.ndindex(found.estimate.shape):
            network, level, metric = at
            if quantity == "relative_change" and _signed(metric):
                continue
            if quantity == "mean" or _moves(data, network, level):
                row = estimate_row(data, quantity, at, found, values[:, network, level, metric], data.levels[level])
                yield row | errors(found, at) | {"n_replicates": int(replicates[network, level])}
    yield from _spreads(data, "cv", data.cvs, data.values, data.levels, of_values)
    if len(data.setting.levels) > 1:
        joined, fewest = (ALL_LEVELS,), of_values[:, -1:]
        cvs, level_means = data.setting.level_cvs[:, :, None], data.setting.profiles.mean(axis=2, keepdims=True)
        yield from _spreads(data, "cv_across_levels", data.bootstrap.means(cvs), cvs, joined, fewest)
        yield from _spreads(data, "cv_of_level_means", data.cvs_of_level_means[:, :, None], level_means, joined, fewest)
    yield from _slopes(data)


def _signed(metric: int) -> bool:
    """Whether a metric's mean may lie around 0, so that nothing is divided by it."""
    return list(METRICS.values())[metric].signed


def _means(data: Resampled) -> dict[str, Estimates]:
    """Arrays (network, level, metric).

    A case's worst change is the one from the mean that it is counted from to the metric's worst value.
    """
    least, most = (np.broadcast_to(end, data.values.shape[1:]) for end in data.ends)
    count = (~np.isnan(data.changes)).astype(float)
    sums, before, counts = (data.setting.group_sums(of) for of in (data.changes, data.before, count))
    start = divide(before.sum(axis=0), counts.sum(axis=0))
    relative = divide(sums.sum(axis=0), before.sum(axis=0))
    with np.errstate(invalid="ignore"):
        spread = [  # of a ratio, to first order
            np.where(np.isinf(change), np.inf, divide(change - relative * (value - change), start))
            for change, value in zip(data.spread_of_changes, data.spread_of_changed, strict=True)
        ]
    of_relative = (divide(least - start, start), divide(most - start, start))
    return {
        "mean": data.estimate(data.values, data.between_values, (least, most)),
        "change": data.estimate(data.changes, data.between_changes, (least - start, most - start)),
        "relative_change": ratios(sums, before, counts > 0, between(spread), of_relative),
    }


def errors(found: Estimates, at: tuple[int, ...]) -> Row:
    """The columns that say where the uncertainty comes from, and whom the row speaks of."""
    k = int(found.k[at])
    several = k > 1
    return {
        "scope": NETWORKS if several else TRAININGS,
        "n_trainings": k,
        "se_cases": float(found.se_cases[at]),
        "se_trainings": float(found.se_trainings[at]) if several else np.nan,
        "df": float(found.df[at]),
        **({"test": OF_CASES_AND_TRAININGS if several else OF_CASES} if np.isfinite(found.low[at]) else {}),
    }


def _moves(data: Resampled, network: int, level: int) -> bool:
    """Whether a level has a reference level other than itself."""
    return bool((~np.isnan(data.changes[:, network, level])).any()) and (
        data.setting.references[network] != data.levels[level]
    )


def _spreads(
    data: Resampled, quantity: str, rows: Floats, values: Floats, levels: tuple[str, ...], replicates: Indices
) -> Iterator[Row]:
    """A coefficient of variation: (row, network, level, metric) of the bootstrap, made of (case, network, …)."""
    interval = data.bootstrap.spread_interval(rows, data.bootstrap.known(values))
    for at in np.ndindex(interval.estimate.shape):
        network, level, metric = at
        if not _signed(metric):
            row = estimate_row(data, quantity, at, interval, values[:, network, level, metric], levels[level])
            yield row | {"n_replicates": int(replicates[network, level])}


def estimate_row(
    data: Resampled, quantity: str, at: tuple[int, ...], interval: Interval | Estimates, values: Floats, level: str
) -> Row:
    """One row: ``at`` begins with the network and ends with the metric; ``values`` are its cases'."""
    low = float(interval.low[at])
    counts = data.counts(values)
    few = counts["n_groups"] < (MIN_GROUPS_OF_SPREAD if quantity.startswith("cv") else MIN_GROUPS)
    why = f"{counts['n_groups']} groups of cases are too few" if few else "the estimate is 0 or not defined"
    return {
        **data.facts(list(METRICS)[at[-1]], level, quantity),
        **named(data.setting.networks[at[0]]),
        "estimate": float(interval.estimate[at]),
        "low": low,
        "high": float(interval.high[at]),
        **counts,
        "scope": TRAININGS,
        "test": JACKKNIFE if np.isfinite(low) else f"no interval: {why}",
    }


def _slopes(data: Resampled) -> Iterator[Row]:
    setting = data.setting
    codes = np.repeat(setting.codes, len(setting.levels))
    disparity = setting.disparities.ravel()
    if np.isnan(disparity).all():
        return
    replicates = data.replicates(setting.trainings)[:, -1]
    measure = f", by {TD_WORDS[setting.measure]}" if setting.measure != STUDYS_TD else ""
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
            "scope": TRAININGS,
            "test": f"Theil-Sen over {line.n_points} images{measure}; "
            + (PERCENTILE if np.isfinite(line.low) else "no interval: too few groups of cases"),
        }
