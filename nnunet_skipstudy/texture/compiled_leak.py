"""The best threshold of a score, compiled."""

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.support.compiled import compiled


@compiled
def best_dice_of_sorted(keys: npt.NDArray[np.uint64]) -> float:
    """The largest Dice coefficient that the pixels on one side of a threshold have with the object.

    ``keys``: (pixel,), sorted: a score in all bits but the last, which says whether the pixel is the object's. Pixels
    of one score are on one side.
    """
    n, one = len(keys), np.uint64(1)
    all_hits = np.int64(0)
    for place in range(n):
        all_hits += np.int64(keys[place] & one)
    hits, best = np.int64(0), 0.0
    for place in range(n):
        hits += np.int64(keys[place] & one)
        if place + 1 < n and (keys[place] | one) == (keys[place + 1] | one):
            continue
        size = place + 1
        best = max(best, 2 * hits / (size + all_hits), 2 * (all_hits - hits) / (n - size + all_hits))
    return best
