"""What a difference between two networks is taken for, and how many trainings would settle it."""

import numpy as np
from scipy import stats

from nnunet_skipstudy.analysis.statistics.bootstrap import CONFIDENCE
from nnunet_skipstudy.registry import METRICS, SMALLEST_DIFFERENCE

SMALLEST_DISTANCE = 1.0
"""One pixel, or 1 mm where images have a spacing."""
SIGNIFICANT = 0.05

BETTER, WORSE, EQUIVALENT, UNDECIDED = "better", "worse", "equivalent", "undecided"
POWER = 0.8
MOST_TRAININGS = 100
ROUNDING = 1e-9
"""A standard error below it is one of floating-point numbers."""


def smallest_difference(metric: str, share: float = SMALLEST_DIFFERENCE) -> float:
    """The smallest difference of a metric that matters; ``share`` is that of shares."""
    return SMALLEST_DISTANCE if METRICS[metric].unit else share


def verdict(low: float, high: float, p_holm: float, least: float, lower_is_better: bool) -> str:
    """Of the first network against the other.

    Equivalent: the 95 % interval lies within the smallest difference that matters. Better or worse: the p-value after
    Holm's correction is below 0.05, and so 0 lies outside the interval. Undecided: neither; empty without an interval.
    """
    if np.isnan(low):
        return ""
    if -least < low and high < least:
        return EQUIVALENT
    if not p_holm < SIGNIFICANT:
        return UNDECIDED
    return BETTER if (high < 0) == lower_is_better else WORSE


def false_claim(p_value: float) -> float:
    """The probability that the difference has the other sign, as a flat prior has it: one tail of the t distribution.

    Christodoulou et al. (2025), section 2, with the variance between trainings in the standard error where it is known.
    """
    return p_value / 2


def share_of_trainings(se_cases: float, se_trainings: float) -> float:
    """The share of the squared standard error that comes from the trainings, 0…1; NaN where there is no error."""
    total = se_cases**2 + se_trainings**2
    return se_trainings**2 / total if total > ROUNDING**2 else float("nan")


def trainings_needed(estimate: float, se_cases: float, se_trainings: float, k: int, n_groups: int) -> int | None:
    """So many trainings of each network tell a difference of this size from 0 in four of five studies, on these cases.

    Two-sided at 5 %, of one comparison alone; the variance between trainings is taken as it was found, with ``k`` of
    each network, at least 2; the two errors together are above :data:`ROUNDING`. ``None`` where
    :data:`MOST_TRAININGS` don't: the cases are too few.
    """
    for n in range(2, MOST_TRAININGS + 1):
        of_trainings = se_trainings**2 * k / n
        variance = se_cases**2 + of_trainings
        df = variance**2 / (se_cases**4 / max(n_groups - 1, 1) + of_trainings**2 / (2 * (n - 1)))
        reach = stats.t.ppf((1 + CONFIDENCE) / 2, df)
        if stats.nct.sf(reach, df, abs(estimate) / np.sqrt(variance)) >= POWER:
            return n
    return None
