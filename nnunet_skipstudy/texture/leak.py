"""A probe for leaks: how well the sharpness of an image's texture alone shows where the object is."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.texture.background_blur import gaussian_blur
from nnunet_skipstudy.texture.patterns import Inside, resized_grey, resized_mask
from nnunet_skipstudy.texture.planes import flat_parts

HIGH_PASS_PX, POOLED_PX = 2.0, 2.0
"""The Gaussians, in pixels at 256 x 256: finer than the first is high; its size is averaged under the second."""
Array = npt.NDArray[Any]


def leak_probe(image: Array, mask: Array, *, axis: int = 0) -> float:
    """The Dice coefficient, with the object, of the best threshold on the image's local sharpness.

    Sharpness is what a Gaussian takes away, its magnitude averaged under another, at 256 x 256 pixels; the threshold,
    and which side of it, is the best for this one image (of a volume: for all its slices that hold both object and
    background), which no network can know. So it says what blur along the reference's outline gives away: where object
    and surroundings have one texture, little more than the object's whole image does, 2a / (1 + a) for a share a.

    Args:
        image: (row, column), (row, column, 3 or 4) beside a flat mask, or (slice, row, column); real, finite.
        mask: the image's shape without channels; non-zero is the object.
        axis: across which a volume's slices lie.

    Returns:
        0 ... 1; the lower, the less it shows. NaN where no slice has both sides.
    """
    found = list(_sharpness(np.asarray(image), np.asarray(mask) != 0, axis))
    if not found:
        return float("nan")
    sharpness, inside = (np.concatenate([part[side] for part in found]) for side in (0, 1))
    return best_dice(sharpness, inside)


def best_dice(score: npt.NDArray[np.float64], inside: Inside) -> float:
    """The largest Dice coefficient that all above, or all below, any threshold of a score has with the object.

    Args:
        score: (pixel,), float64, finite, 0 or more; two that differ in their last bit alone count as one.
        inside: (pixel,), at least one.
    """
    from nnunet_skipstudy.texture.compiled_leak import best_dice_of_sorted  # numba takes its time to import

    keys = np.abs(score).view(np.uint64)
    keys &= ~np.uint64(1)
    keys |= inside  # the side rides along: five times argsort's speed
    keys.sort()
    return float(best_dice_of_sorted(keys))


def _sharpness(image: Array, inside: Inside, axis: int) -> Iterator[tuple[npt.NDArray[np.float64], Inside]]:
    for part, its_inside in flat_parts(image, inside, axis):
        its_inside = resized_mask(its_inside)
        if its_inside.any() and not its_inside.all():
            grey = resized_grey(part).astype(np.float64)
            high = np.abs(grey - gaussian_blur(grey, HIGH_PASS_PX))
            yield gaussian_blur(high, POOLED_PX).ravel(), its_inside.ravel()
