"""Texture disparity (TD): how different the texture inside a mask is from the texture outside it."""

import warnings
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError

DEFINITIONS: tuple[str, ...] = ("kamath2025", "jensen_shannon")
"""The study's measure, and one without its known weaknesses."""

SIDE_PX = 256
"""Images and masks are brought to this many rows and columns, so that patterns are taken at one scale."""
RADIUS_PX = 3
POINTS = 24
N_BINS = POINTS + 2
"""Method "uniform" tells 25 uniform patterns apart and puts all others into one bin."""

WITHOUT_FRAME = (slice(RADIUS_PX, -RADIUS_PX), slice(RADIUS_PX, -RADIUS_PX))
"""The pixels whose whole circle lies in the image."""

Array = npt.NDArray[Any]
Histogram = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Disparity:
    """A texture disparity; ``value`` is NaN exactly where ``reason`` says why there is none."""

    value: float
    reason: str | None = None


def texture_disparity(image: Array, mask: Array, *, definition: str = "kamath2025") -> float:
    """How far the texture inside the mask is from the texture outside; larger = further apart = easier task.

    Image and mask are brought to 256 x 256 (image: grey, anti-aliased; mask: nearest neighbour). Local binary
    patterns with radius 3 px, 24 points, method "uniform" give each pixel one of 26 codes; p and q are the
    codes' normalised histograms inside and outside the mask. The arguments are not altered.

    ``"kamath2025"`` is the study's measure, sum of p log2(p / q) over the codes where both p and q are
    non-zero, for comparison with published values. It is a Kullback-Leibler divergence with terms left out,
    and has the weaknesses of one:

    - It is asymmetric: exchanging inside and outside changes it.
    - The codes that only one side has are left out. So two histograms without a common code, as far apart as
      can be, score 0 like two equal ones, and the value can be negative.
    - The patterns are taken on a floating-point image, in which rounding errors decide ties: a flat region
      may get any code, and the same picture in another scale of grey another value.
    - What lies beyond the image is taken as black, so that a frame of 3 px, mostly outside the mask, has codes
      of its own: a flat image with a disc in its middle scores 0.08.

    ``"jensen_shannon"`` is the Jensen-Shannon divergence of p and q in bits: 0 for equal histograms, 1 for
    histograms without a common code, symmetric, always finite. Its patterns are taken on 256 integer grey
    levels spread evenly over the resized image's own range. The own range, not that of the data type, because
    a picture may come as 8 bit, as 12 of 16 bits, as Hounsfield units or as floats in 0...1: brightness and
    contrast of the whole image then don't matter (but for rounding). The price: one extreme pixel coarsens
    the levels of all others. The frame of 3 px is left out.

    Both are biased upwards where a region is small (few hundred pixels), since its histogram is noisy, and
    both depend on the number of pixels the image had before it was resized: compare within a data set.

    Args:
        image: grey (row, column) or RGB (row, column, 3), of any real data type, finite.
        mask: (row, column), the same rows and columns; non-zero is inside.
        definition: ``"kamath2025"`` or ``"jensen_shannon"``.

    Returns:
        The disparity in bits: ``kamath2025`` any real number, typically 0 ... 1; ``jensen_shannon`` 0 ... 1.
        NaN where inside or outside is empty; :func:`disparity_or_reason` says which.

    Raises:
        UserError: unknown definition, wrong or differing shapes, pixels that are no finite real numbers.

    Source: Kamath et al., "To skip or not to skip"; Ojala et al. 2002 (patterns); Lin 1991 (Jensen-Shannon).
    """
    return disparity_or_reason(image, mask, definition=definition).value


def disparity_or_reason(image: Array, mask: Array, *, definition: str = "kamath2025") -> Disparity:
    """The same as :func:`texture_disparity`, with the reason beside a value that is NaN."""
    image, mask = np.asarray(image), np.asarray(mask)
    _check(image, mask, definition)
    inside = mask != 0
    if not inside.any():
        return Disparity(nan, "the mask is empty")
    if inside.all():
        return Disparity(nan, "the mask covers the whole image, nothing is outside")
    inside = _resized_mask(inside)
    if definition == "jensen_shannon":
        inside = inside[WITHOUT_FRAME]
    if not inside.any() or inside.all():
        side = "inside" if not inside.any() else "outside"
        return Disparity(nan, f"nothing is left {side} the mask at {SIDE_PX} x {SIDE_PX} pixels")
    grey = _resized_grey(image)
    if definition == "kamath2025":
        return Disparity(_truncated_divergence(*_histograms(_float_patterns(grey), inside)))
    patterns = _patterns(_grey_levels(grey))[WITHOUT_FRAME]
    return Disparity(_jensen_shannon(*_histograms(patterns, inside)))


def _check(image: Array, mask: Array, definition: str) -> None:
    """Refuse what has no disparity, naming the argument and what was got."""
    if definition not in DEFINITIONS:
        raise UserError(f"definition {definition!r} of texture disparity; choose one of {', '.join(DEFINITIONS)}")
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)):
        raise UserError(
            f"image of shape {image.shape}; texture disparity needs (rows, columns) or (rows, columns, 3): "
            "drop an alpha channel, take slices of a volume"
        )
    if mask.shape != image.shape[:2]:
        raise UserError(
            f"mask of shape {mask.shape} for an image of {image.shape[:2]} rows and columns; "
            "give the mask that belongs to the image"
        )
    for name, array in (("image", image), ("mask", mask)):
        if array.dtype.kind not in "buif":
            raise UserError(f"{name} of data type {array.dtype}; give real numbers")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise UserError(f"{name} has pixels that are NaN or infinite; replace them first")


def _resized_grey(image: Array) -> Array:
    from skimage.color import rgb2gray
    from skimage.transform import resize
    from skimage.util import img_as_float

    grey = rgb2gray(image) if image.ndim == 3 else image
    grey = img_as_float(grey)
    if grey.shape != (SIDE_PX, SIDE_PX):  # a resize to the same size changes nothing but takes its time
        grey = resize(grey, (SIDE_PX, SIDE_PX), anti_aliasing=True)
    return np.asarray(grey)


def _resized_mask(inside: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    from skimage.transform import resize

    if inside.shape == (SIDE_PX, SIDE_PX):
        return inside
    return np.asarray(resize(inside, (SIDE_PX, SIDE_PX), order=0, anti_aliasing=False), dtype=bool)


def _grey_levels(grey: Array) -> npt.NDArray[np.uint8]:
    """256 integer levels over the image's own range; a flat image is all 0."""
    low, high = float(grey.min()), float(grey.max())
    if high == low:
        return np.zeros(grey.shape, np.uint8)
    return np.rint((grey.astype(np.float64) - low) / (high - low) * 255).astype(np.uint8)


def _patterns(image: Array) -> Array:
    from skimage.feature import local_binary_pattern

    return np.asarray(local_binary_pattern(image, POINTS, RADIUS_PX, method="uniform"))


def _float_patterns(grey: Array) -> Array:
    """Patterns of a floating-point image, as the study took them, against scikit-image's advice."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Applying `local_binary_pattern` to floating-point", UserWarning)
        return _patterns(grey)


def _histograms(patterns: Array, inside: npt.NDArray[np.bool_]) -> tuple[Histogram, Histogram]:
    """The normalised histograms of the patterns inside and outside, always of 26 bins."""
    codes = patterns.astype(np.intp)
    counts = (np.bincount(codes[region], minlength=N_BINS) for region in (inside, ~inside))
    p, q = (count / count.sum() for count in counts)
    return p, q


def _truncated_divergence(p: Histogram, q: Histogram) -> float:
    """Kullback-Leibler divergence in bits over the bins in which both are non-zero."""
    both = (p > 0) & (q > 0)
    return float(np.sum(p[both] * np.log2(p[both] / q[both])))


def _jensen_shannon(p: Histogram, q: Histogram) -> float:
    """Jensen-Shannon divergence in bits, 0 ... 1."""
    middle = (p + q) / 2
    value = (_truncated_divergence(p, middle) + _truncated_divergence(q, middle)) / 2
    return min(max(value, 0.0), 1.0)  # rounding can step over an end
