"""What a difference between two networks is taken for: better, worse, as good as equal, or not known."""

import numpy as np

from nnunet_skipstudy.registry import METRICS, SMALLEST_DIFFERENCE

SMALLEST_DISTANCE = 1.0
"""One pixel, or 1 mm where images have a spacing."""
SIGNIFICANT = 0.05

BETTER, WORSE, EQUIVALENT, UNDECIDED = "better", "worse", "equivalent", "undecided"


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
