"""Texture disparity (TD): how different the texture inside a mask is from the texture outside it."""

from dataclasses import dataclass
from math import isnan, nan
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture.circle import N_CODES, Codes
from nnunet_skipstudy.texture.patterns import DEFINITIONS, SIDE_PX, Inside, pattern_codes, resized_mask, without_frame

Array = npt.NDArray[Any]
Histogram = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


TOLD_APART = 95.0
"""Above this percentile of its null, an object's texture is told from its surroundings."""
EMPTY = "the mask is empty"
FULL = "the mask covers the whole image, nothing is outside"


@dataclass(frozen=True)
class Disparity:
    """A texture disparity, and what the object's shape scores where there is no object.

    Attributes:
        value: in bits; NaN exactly where ``reason`` says why there is none.
        reason: why.
        size_px: pixels of the object at 256 x 256, of a volume over all slices.
        null: the values of the shape in its own background, see :func:`~nnunet_skipstudy.texture.null.null_counts`;
            empty where none was drawn.
    """

    value: float
    reason: str | None = None
    size_px: int = 0
    null: tuple[float, ...] = ()

    @property
    def null_mean(self) -> float:
        """What the shape alone scores; NaN without a null."""
        return sum(self.null) / len(self.null) if self.null else nan

    @property
    def excess(self) -> float:
        """The value beyond the null's mean: 0 where the object's texture is its background's; NaN without a null."""
        return self.value - self.null_mean

    @property
    def percentile(self) -> float:
        """Where among the null's values the value lies, 0 ... 100: uniform where there is only one texture.

        The middle of its rank's share: of 20 draws, 97.6 is above all of them. Equal values count half; NaN without
        a null.
        """
        if not self.null or isnan(self.value):
            return nan
        below = sum(drawn < self.value for drawn in self.null) + sum(drawn == self.value for drawn in self.null) / 2
        return 100 * (below + 0.5) / (len(self.null) + 1)


def texture_disparity(image: Array, mask: Array, *, definition: str = "kamath2025") -> float:
    """How far the texture inside the mask is from the texture outside; larger = further apart = easier task.

    Image and mask are brought to 256 x 256 (image: grey, anti-aliased; mask: nearest neighbour). Local binary
    patterns with radius 3 px, 24 points, method "uniform" give each pixel one of 26 codes; p and q are the
    codes' normalised histograms inside and outside the mask. The arguments are not altered.

    ``"kamath2025"`` is the study's measure, sum of p log2(p / q) over the codes where both p and q are
    non-zero, for comparison with published values. It is a Kullback-Leibler divergence with terms left out,
    and has the weaknesses of one:

    - It is asymmetric, and leaves out the codes that only one side has: two histograms without a common code, as far
      apart as can be, score 0 like two equal ones, and the value can be negative.
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

    Both are biased upwards where a region is small (few hundred pixels), since its histogram is noisy:
    :func:`~nnunet_skipstudy.texture.case_disparity.case_disparity` measures how much. And
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

    Example:
        >>> from skimage import data
        >>> from nnunet_skipstudy import texture_disparity
        >>> round(texture_disparity(data.camera(), data.camera() < 60), 3)
        0.083

    Source: Kamath et al., "To skip or not to skip"; Ojala et al. 2002 (patterns); Lin 1991 (Jensen-Shannon).
    """
    return disparity_or_reason(image, mask, definition=definition).value


def disparity_or_reason(image: Array, mask: Array, *, definition: str = "kamath2025") -> Disparity:
    """The same as :func:`texture_disparity`, with the reason beside a value that is NaN."""
    image, mask = np.asarray(image), np.asarray(mask)
    check_image(image, mask, definition)
    inside = mask != 0
    if not inside.any():
        return Disparity(nan, EMPTY)
    if inside.all():
        return Disparity(nan, FULL)
    inside = without_frame(resized_mask(inside), definition)
    if reason := one_sided(inside, ~inside):
        return Disparity(nan, reason)
    codes = pattern_codes(image, definition)
    return Disparity(divergence(*code_counts(codes, inside, ~inside), definition))


def check_image(image: Array, mask: Array, definition: str) -> None:
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


def one_sided(inside: Inside, outside: Inside) -> str | None:
    """Why two regions at 256 x 256 pixels have no disparity: one of them is empty; None where neither is."""
    for side, region in (("inside", inside), ("outside", outside)):
        if not region.any():
            return f"nothing is left {side} the mask at {SIDE_PX} x {SIDE_PX} pixels"
    return None


def code_counts(codes: Codes, inside: Inside, outside: Inside) -> tuple[Counts, Counts]:
    """How often each of the 26 codes occurs in each of two regions of the same (row, column)."""
    from nnunet_skipstudy.texture.compiled_patterns import counts  # numba takes half a second to import

    ours, theirs = counts(codes, inside, outside, N_CODES)
    return ours, theirs


def divergence(inside: Counts, outside: Counts, definition: str) -> float:
    """The disparity, in bits, of two regions whose codes were counted; neither count may be all 0."""
    p, q = inside / inside.sum(), outside / outside.sum()
    return _truncated_divergence(p, q) if definition == "kamath2025" else _jensen_shannon(p, q)


def _truncated_divergence(p: Histogram, q: Histogram) -> float:
    """Kullback-Leibler divergence in bits over the bins in which both are non-zero."""
    both = (p > 0) & (q > 0)
    return float(np.sum(p[both] * np.log2(p[both] / q[both])))


def _jensen_shannon(p: Histogram, q: Histogram) -> float:
    """Jensen-Shannon divergence in bits, 0 ... 1."""
    middle = (p + q) / 2
    value = (_truncated_divergence(p, middle) + _truncated_divergence(q, middle)) / 2
    return min(max(value, 0.0), 1.0)  # rounding can step over an end
