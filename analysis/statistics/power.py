"""Where the uncertainty of a comparison comes from, and how many trainings would settle it."""

import numpy as np
from scipy import stats

from nnunet_skipstudy.analysis.statistics.bootstrap import CONFIDENCE

POWER = 0.8
MOST_TRAININGS = 100
ROUNDING = 1e-9
"""A standard error below it is one of floating-point numbers."""


def share_of_trainings(se_cases: float, se_trainings: float) -> float:
    """The share of the squared standard error that comes from the trainings, 0…1; NaN where there is no error."""
    total = se_cases**2 + se_trainings**2
    return se_trainings**2 / total if total > ROUNDING**2 else float("nan")


def trainings_needed(estimate: float, se_cases: float, se_trainings: float, k: int, n_groups: int) -> int | None:
    """So many trainings of each network tell a difference of this size from 0 in four of five studies, on these cases.

    Two-sided at 5 %, of one comparison alone; the variance between trainings is taken as it was found.

    Args:
        estimate: the difference.
        se_cases: its standard error from the cases.
        se_trainings: that from the trainings, as it is with ``k`` of each network.
        k: at least 2.
        n_groups: groups of cases. The two errors together are above :data:`ROUNDING`.

    Returns:
        ``None`` where :data:`MOST_TRAININGS` don't: the cases are too few.
    """
    for n in range(2, MOST_TRAININGS + 1):
        of_trainings = se_trainings**2 * k / n
        variance = se_cases**2 + of_trainings
        df = variance**2 / (se_cases**4 / max(n_groups - 1, 1) + of_trainings**2 / (2 * (n - 1)))
        reach = stats.t.ppf((1 + CONFIDENCE) / 2, df)
        if stats.nct.sf(reach, df, abs(estimate) / np.sqrt(variance)) >= POWER:
            return n
    return None
