"""How a metric follows the texture disparity (TD) of each image: a robust line through all cases and levels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.analysis.statistics.bootstrap import CONFIDENCE, MIN_GROUPS, SEED, Floats

MAX_POINTS = 400
"""More points than this are thinned, evenly along TD: the estimate takes the slopes of all pairs of points."""
N_RESAMPLES = 400


@dataclass(frozen=True)
class Slope:
    """Theil and Sen's line: ``slope`` is the median of the slopes of all pairs of points.

    ``intercept`` makes the median residual 0. ``low`` and ``high``: 95 % cluster bootstrap percentiles, NaN without
    groups. ``n_points`` went in. All NaN where TD doesn't vary. A positive slope of the DSC: better the further
    object and surroundings are apart in texture.
    """

    slope: float
    intercept: float
    low: float
    high: float
    n_points: int


def theil_sen(disparity: Floats, values: Floats, codes: npt.NDArray[np.int64] | None = None) -> Slope:
    """Fit the line.

    Args:
        disparity: of each point; ``values`` likewise. Points with a NaN are left out.
        values: the metric.
        codes: each point's group, for the interval; ``None``: no interval.
    """
    known = np.flatnonzero(~np.isnan(disparity) & ~np.isnan(values))
    n = len(known)
    known = known[np.argsort(disparity[known], kind="stable")]
    if n > MAX_POINTS:
        known = known[np.linspace(0, n - 1, MAX_POINTS).round().astype(int)]
    x, y = disparity[known], values[known]
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] - x[first]
    pairs = apart > 1e-12
    if not pairs.any():
        return Slope(np.nan, np.nan, np.nan, np.nan, n)
    first, second = first[pairs], second[pairs]
    slopes = (y[second] - y[first]) / apart[pairs]
    slope = float(np.median(slopes))
    low, high = np.nan, np.nan
    if codes is not None:
        names, own = np.unique(codes[known], return_inverse=True)
        if len(names) >= MIN_GROUPS:
            order = np.argsort(slopes, kind="stable")
            low, high = _interval(slopes[order], own[first[order]], own[second[order]], len(names))
    return Slope(slope, float(np.median(y - slope * x)), low, high, n)


def _interval(
    slopes: Floats, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], n_groups: int
) -> tuple[float, float]:
    """Percentiles of the weighted median slope: a pair counts as often as both its points were drawn."""
    rng = np.random.default_rng(SEED)
    medians = []
    for drawn in rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=N_RESAMPLES):
        weights = np.cumsum(drawn[first] * drawn[second])
        if weights[-1]:
            medians.append(slopes[np.searchsorted(weights, weights[-1] / 2)])
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)
