"""Local binary patterns of an image, at the scale at which texture disparity is taken."""

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.texture.circle import RADIUS_PX, Codes

Array = npt.NDArray[Any]
Inside = npt.NDArray[np.bool_]

DEFINITIONS: tuple[str, ...] = ("kamath2025", "jensen_shannon")
"""The study's measure, and one without its known weaknesses."""
SIDE_PX = 256
"""Images and masks are brought to this many rows and columns, so that patterns are taken at one scale."""
WITHOUT_FRAME = (slice(RADIUS_PX, -RADIUS_PX), slice(RADIUS_PX, -RADIUS_PX))
"""The pixels whose whole circle lies in the image."""


def pattern_codes(image: Array, definition: str) -> Codes:
    """The code of each pixel, 0 ... 25, in the way of one definition of texture disparity.

    Args:
        image: grey (row, column) or RGB (row, column, 3), real and finite.
        definition: ``"kamath2025"``: patterns of the floating-point image; ``"jensen_shannon"``: of 256 grey
            levels over its own range.

    Returns:
        (256, 256); for ``"jensen_shannon"`` without a frame of 3 px, (250, 250).
    """
    # numba takes half a second to import, so that --help must not
    from nnunet_skipstudy.texture.compiled_patterns import uniform_patterns

    grey = resized_grey(image)
    if definition == "kamath2025":
        return uniform_patterns(grey)
    return uniform_patterns(_grey_levels(grey))[WITHOUT_FRAME]


def without_frame(region: Inside, definition: str) -> Inside:
    """A region at 256 x 256 pixels, cut to the pixels of :func:`pattern_codes`."""
    return region if definition == "kamath2025" else region[WITHOUT_FRAME]


def resized_mask(inside: Inside) -> Inside:
    """The mask at 256 x 256 pixels: nearest neighbour, as scikit-image's ``resize`` picks it."""
    if inside.shape == (SIDE_PX, SIDE_PX):
        return inside
    rows, columns = (_picked(length) for length in inside.shape)
    return inside[np.ix_(rows, columns)]


@lru_cache(maxsize=64)
def _picked(length: int) -> npt.NDArray[np.intp]:
    """Which of ``length`` rows scikit-image picks for each of 256, resizing by nearest neighbour."""
    from skimage.transform import resize

    numbers = np.arange(length, dtype=np.float64)[:, None]
    return np.asarray(resize(numbers, (SIDE_PX, 1), order=0, preserve_range=True, anti_aliasing=False)[:, 0], np.intp)


def resized_grey(image: Array) -> Array:
    """A flat image, grey or RGB, in grey at 256 x 256 pixels, anti-aliased; integers are scaled by their type."""
    from skimage.color import rgb2gray
    from skimage.transform import resize
    from skimage.util import img_as_float

    grey = rgb2gray(image) if image.ndim == 3 else image
    grey = img_as_float(grey)
    if grey.shape != (SIDE_PX, SIDE_PX):  # a resize to the same size changes nothing but takes its time
        grey = resize(grey, (SIDE_PX, SIDE_PX), anti_aliasing=True)
    return np.asarray(grey)


def _grey_levels(grey: Array) -> Codes:
    """256 integer levels over the image's own range; a flat image is all 0."""
    low, high = float(grey.min()), float(grey.max())
    if high == low:
        return np.zeros(grey.shape, np.uint8)
    return np.rint((grey.astype(np.float64) - low) / (high - low) * 255).astype(np.uint8)
