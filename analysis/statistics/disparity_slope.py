"""How a metric follows the texture disparity (TD) of each image: a robust line through all cases and levels."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.analysis.statistics.bootstrap import CONFIDENCE, MIN_GROUPS, SEED, Floats

Indices = npt.NDArray[np.int64]

MAX_POINTS = 3000
"""More points than this are thinned, evenly along TD: the estimate takes the slopes of all pairs of points."""
MAX_RESAMPLED = 400
"""More points than this are thinned likewise for the interval, which goes through all pairs in every resample."""
N_RESAMPLES = 400


@dataclass(frozen=True)
class Slope:
    """Theil and Sen's line: ``slope`` is the median of the slopes of all pairs of points.

    ``intercept`` makes the median residual 0. ``low`` and ``high``: 95 % cluster bootstrap percentiles, NaN without
    groups. ``n_points`` the line was taken from, after thinning. All NaN where TD doesn't vary. A positive slope of
    the DSC: better the further object and surroundings are apart in texture.
    """

    slope: float
    intercept: float
    low: float
    high: float
    n_points: int


class TdLine(NamedTuple):
    """A network's DSC over TD: (case, level) each, and the line through all of them."""

    disparity: Floats
    values: Floats
    fit: Slope


def theil_sen(disparity: Floats, values: Floats, codes: Indices | None = None) -> Slope:
    """The line through all points without a NaN; ``codes``: each point's group, for the interval; ``None``: none."""
    known = np.flatnonzero(~np.isnan(disparity) & ~np.isnan(values))
    known = _thinned(known[np.argsort(disparity[known], kind="stable")], MAX_POINTS)
    x, y = disparity[known], values[known]
    slopes = _slopes(x, y)[0]
    if not len(slopes):
        return Slope(np.nan, np.nan, np.nan, np.nan, len(known))
    slope = float(np.median(slopes))
    low, high = np.nan, np.nan
    if codes is not None:
        low, high = _interval(x, y, codes[known], slope)
    return Slope(slope, float(np.median(y - slope * x)), low, high, len(known))


def _thinned(points: Indices, most: int) -> Indices:
    return points if len(points) <= most else points[np.linspace(0, len(points) - 1, most).round().astype(int)]


def _slopes(x: Floats, y: Floats) -> tuple[Floats, Indices, Indices]:
    """The slopes of all pairs of points that lie apart in ``x``, which is sorted; and the pairs."""
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] - x[first]
    pairs = apart > 1e-12
    first, second = first[pairs], second[pairs]
    return (y[second] - y[first]) / apart[pairs], first, second


def _interval(x: Floats, y: Floats, codes: Indices, slope: float) -> tuple[float, float]:
    """Percentiles of the weighted median slope: a pair counts as often as both its points were drawn.

    Where points are thinned for it, the percentiles are moved by as much as that moves the slope itself.
    """
    chosen = _thinned(np.arange(len(x)), MAX_RESAMPLED)
    names, own = np.unique(codes[chosen], return_inverse=True)
    slopes, first, second = _slopes(x[chosen], y[chosen])
    if len(names) < MIN_GROUPS or not len(slopes):
        return float("nan"), float("nan")
    order = np.argsort(slopes, kind="stable")
    ordered, first, second = slopes[order], own[first[order]], own[second[order]]
    rng = np.random.default_rng(SEED)
    medians = []
    for drawn in rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=N_RESAMPLES):
        weights = np.cumsum(drawn[first] * drawn[second])
        if weights[-1]:
            medians.append(ordered[np.searchsorted(weights, weights[-1] / 2)])
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    moved = slope - float(np.median(slopes))
    return float(low) + moved, float(high) + moved
