"""Agreement of two masks, voxel by voxel."""

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]


def dice(reference: Mask, prediction: Mask) -> float:
    """The Dice similarity coefficient, 2|A∩B| / (|A| + |B|) (Dice 1945).

    Larger is better, 0…1, no unit.

    Args:
        reference: boolean, any shape.
        prediction: boolean, the same shape.

    Returns:
        The coefficient; NaN where both masks are empty (what that counts as is the caller's policy).
    """
    total = int(np.count_nonzero(reference)) + int(np.count_nonzero(prediction))
    if total == 0:
        return float("nan")
    return 2 * int(np.count_nonzero(reference & prediction)) / total
