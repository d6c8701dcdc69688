"""Intervals and tests of means, changes and differences: what cases and trainings contribute to their error.

The squared standard error is that of a jackknife over groups of cases plus the variance between trainings; Student's t
with Satterthwaite's degrees of freedom does the rest. Where a value has a worst and a best one, half a made-up group
of cases at the worst is added for one bound and at the best for the other: in a small sample a rare failure may be
missing, and without it an interval near the ceiling would not reach the truth.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import stats

from nnunet_skipstudy.analysis.statistics.between_trainings import Between, satterthwaite
from nnunet_skipstudy.analysis.statistics.bootstrap import CONFIDENCE, MIN_GROUPS, Floats, divide

PSEUDO = 0.5
"""Made-up groups of cases at the worst, or the best, value."""


@dataclass(frozen=True)
class Estimates:
    """Ratios of sums, with their errors; arrays of one shape.

    ``low`` and ``high``: 95 %, NaN with fewer than :data:`~.bootstrap.MIN_GROUPS` groups. ``se_cases``, and
    ``se_trainings``, 0 where only one training is known, which ``k`` tells. ``df`` of the two together.
    """

    estimate: Floats
    low: Floats
    high: Floats
    se_cases: Floats
    se_trainings: Floats
    df: Floats
    k: npt.NDArray[np.int64]

    @cached_property
    def p_value(self) -> Floats:
        """Two-sided, of a true value of 0; NaN without an interval, and where nothing varies around 0."""
        error = np.hypot(self.se_cases, self.se_trainings)
        with np.errstate(divide="ignore", invalid="ignore"):
            found = 2 * stats.t.sf(np.abs(self.estimate) / error, self.df)
        return np.where(np.isnan(self.low), np.nan, found)


def ratios(
    parts: Floats, wholes: Floats, known: npt.NDArray[np.bool_], trainings: Between, ends: tuple[Floats, Floats] | None
) -> Estimates:
    """Estimate sums of ``parts`` by sums of ``wholes``.

    Args:
        parts: (group, …): each group of cases' sum.
        wholes: (group, …): likewise; for a mean the number of cases.
        known: (group, …): whether a group takes part.
        trainings: the variance between trainings of the ratio, of the shape of one group.
        ends: the least and the largest value that a case can have, of the same shape; ``None``: no made-up groups.
    """
    n = known.sum(axis=0).astype(float)
    parts, wholes = np.where(known, parts, 0), np.where(known, wholes, 0)
    estimate, error = _jackknife(parts, wholes, known, n, None)
    variance = np.nan_to_num(trainings.variance)
    sure = (n >= MIN_GROUPS) & np.isfinite(estimate)

    def df(squared: Floats) -> Floats:
        return satterthwaite(np.stack([squared, variance]), np.stack([np.maximum(n - 1, 1), trainings.df]))

    bounds = []
    for sign, end in zip((-1, 1), ends or (None, None), strict=True):
        middle, squared = (estimate, error) if end is None else _jackknife(parts, wholes, known, n, end)
        reach = stats.t.ppf((1 + CONFIDENCE) / 2, df(squared)) * np.sqrt(squared + variance)
        bound = middle + sign * np.where(squared + variance == 0, 0, reach)
        if end is not None:
            bound = np.maximum(bound, end) if sign < 0 else np.minimum(bound, end)
        bounds.append(np.where(sure, bound, np.nan))
    return Estimates(estimate, bounds[0], bounds[1], np.sqrt(error), np.sqrt(variance), df(error), trainings.k)


def _jackknife(
    parts: Floats, wholes: Floats, known: npt.NDArray[np.bool_], n: Floats, end: Floats | None
) -> tuple[Floats, Floats]:
    """The ratio, and its squared standard error by leaving out each group in turn.

    ``end``: the ratio of :data:`PSEUDO` groups more, of average weight.
    """
    added = 0.0 if end is None else PSEUDO
    weight = divide(wholes.sum(axis=0), n)
    worth = np.zeros_like(weight) if end is None else weight * end
    part, whole = parts.sum(axis=0) + added * worth, wholes.sum(axis=0) + added * weight
    ratio = divide(part, whole)
    pulls = np.where(known, divide(part - parts, whole - wholes) - ratio, 0)
    squares = (pulls**2).sum(axis=0) + added * np.nan_to_num(divide(part - worth, whole - weight) - ratio) ** 2
    size = n + added
    return ratio, divide((size - 1) * squares, size)
