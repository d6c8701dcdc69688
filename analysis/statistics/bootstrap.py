"""Cluster bootstrap: groups of cases (a patient, a slide) are drawn with replacement, whole.

A statistic is computed once on rows of weighted sums: the data as they are, every resample, and the data without
each group in turn. So all networks, levels and statistics share the same resamples, which keeps them paired, and
numpy does the work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

Floats = npt.NDArray[np.float64]
Known = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]

CONFIDENCE, N_RESAMPLES = 0.95, 2000
SEED = 20_221_109
"""Of the resamples, unless another is asked for: a report must not change from run to run."""
MIN_GROUPS = 5
"""With fewer groups no interval is given."""
MIN_GROUPS_OF_SPREAD = 20
"""Nor one of a coefficient of variation: one failure more or less would move it out of any interval."""

ROUNDING = 1e-12
"""A smaller share of a mean square is no variance, nor one of a mean a spread over levels: it is what sums err by."""


@dataclass(frozen=True)
class Interval:
    """Estimates with their confidence intervals, of one shape; the bounds are NaN where there is none."""

    estimate: Floats
    low: Floats
    high: Floats


class ClusterBootstrap:
    """Resamples of one set of cases.

    Args:
        groups: each case's group; cases of one group stay together.
        n_resamples: how many.
        seed: of the draws.
    """

    def __init__(self, groups: Sequence[str], n_resamples: int = N_RESAMPLES, seed: int = SEED) -> None:
        names, self._codes = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
        self.n_groups = len(names)
        self.n_resamples = n_resamples
        rng = np.random.default_rng(seed)
        drawn = rng.multinomial(self.n_groups, np.full(self.n_groups, 1 / self.n_groups), size=n_resamples)
        without_one = 1 - np.eye(self.n_groups)
        self._weights: Floats = np.concatenate([np.ones((1, self.n_groups)), drawn, without_one]).astype(float)

    def sums(self, values: Floats) -> Floats:
        """Weighted sums of (case, …), NaN as 0: (row, …): the data, the resamples, the data without each group."""
        by_group = np.zeros((self.n_groups, *values.shape[1:]))
        np.add.at(by_group, self._codes, np.nan_to_num(values))
        flat = self._weights @ by_group.reshape(self.n_groups, -1)
        return flat.reshape(-1, *values.shape[1:])

    def means(self, values: Floats) -> Floats:
        """Means over the cases that have a value; shapes as in :meth:`sums`."""
        return divide(self.sums(values), self.sums((~np.isnan(values)).astype(float)))

    def spreads(self, values: Floats) -> Floats:
        """Population standard deviations over the cases that have a value; shapes as in :meth:`sums`."""
        shifted = values - np.nan_to_num(nanmean(values))  # near 0, so that the difference of squares loses no digits
        squares = self.means(shifted**2)
        variance = squares - self.means(shifted) ** 2
        return np.sqrt(np.where(variance < ROUNDING * squares, 0, variance))

    def known(self, values: Floats) -> Known:
        """Which groups have a value at all: (case, …) to (group, …)."""
        found = np.zeros((self.n_groups, *values.shape[1:]), dtype=bool)
        np.logical_or.at(found, self._codes, ~np.isnan(values))
        return found

    def spread_interval(self, rows: Floats, known: Known | None = None) -> Interval:
        """Intervals for coefficients of variation: leave-one-group-out jackknife, Student's t, on the log scale.

        The bootstrap's are too short for them. With fewer than :data:`MIN_GROUPS_OF_SPREAD` groups there is none.

        Args:
            rows: (row, …), positive where known; no interval where a row is 0.
            known: (group, …), of :meth:`known`, the groups that it was made of: others are no observations.
                ``None``: all.
        """
        estimate = np.asarray(rows[0])
        with np.errstate(invalid="ignore", divide="ignore"):
            pulls, n = _pulls(np.log(rows[1 + self.n_resamples :]), known)  # those that leave out one group
            error = np.sqrt((n - 1) / n * np.sum(pulls**2, axis=0))
            factor = np.exp(stats.t.ppf((1 + CONFIDENCE) / 2, np.maximum(n - 1, 1)) * error)
            sure = (n >= MIN_GROUPS_OF_SPREAD) & (estimate > 0) & np.isfinite(factor)
            return Interval(
                estimate, np.where(sure, estimate / factor, np.nan), np.where(sure, estimate * factor, np.nan)
            )


def _pulls(without_one: Floats, known: Known | None) -> tuple[Floats, Counts]:
    """How far each group pulls a statistic, 0 for groups that it wasn't made of; and how many it was made of."""
    if known is None:
        known = np.ones(without_one.shape, dtype=bool)
    n = known.sum(axis=0)
    mean = divide(np.where(known, without_one, 0).sum(axis=0), n.astype(float))
    return np.where(known, mean - without_one, 0), n


def averaged(values: Floats, at: tuple[Any, ...], shape: tuple[int, ...]) -> Floats:
    """(row, …) to (*shape, …): the mean of what is known of the rows at each place, which ``at`` says by axis."""
    sums, counts = (np.zeros((*shape, *values.shape[1:])) for _ in range(2))
    np.add.at(sums, at, np.nan_to_num(values))
    np.add.at(counts, at, ~np.isnan(values))
    return divide(sums, counts)


def divide(part: Floats, whole: Floats) -> Floats:
    """``part / whole``, NaN where ``whole`` is 0."""
    result: Floats = np.divide(part, whole, out=np.full(np.broadcast(part, whole).shape, np.nan), where=whole != 0)
    return result


def nanmean(stacked: Floats, axis: int = 0) -> Floats:
    """The mean of the known values along an axis; NaN, without a warning, where none is known."""
    counts = (~np.isnan(stacked)).sum(axis=axis)
    sums = np.nan_to_num(stacked).sum(axis=axis)
    result: Floats = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
    return result
