"""Texture disparity of a case: flat or volume, with one label or several, against all around it or a ring."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture.disparity import (
    EMPTY,
    FULL,
    Counts,
    Disparity,
    check_image,
    code_counts,
    divergence,
    one_sided,
)
from nnunet_skipstudy.texture.null import null_counts
from nnunet_skipstudy.texture.patterns import DEFINITIONS, SIDE_PX, Inside, pattern_codes, resized_mask, without_frame
from nnunet_skipstudy.texture.planes import planes

Array = npt.NDArray[Any]

BACKGROUNDS: tuple[str, ...] = ("all", "ring")
"""What an object's texture is held against: everything outside it, or a band around it."""
RING_PX = 16
"""Width of the band, in pixels of the 256 x 256 grid: a sixteenth of the image, five times the patterns' radius.

Narrower ones hold too few pixels for a histogram of 26 bins around small objects, and mostly patterns that the
outline crosses; wider ones reach the air around a patient.
"""


@dataclass(frozen=True)
class CaseDisparity:
    """The disparity of all that is labelled, and of each label."""

    union: Disparity
    labels: dict[str, Disparity]


def case_disparity(
    image: Array,
    label_map: Array,
    *,
    labels: Mapping[str, int | Sequence[int]] | None = None,
    ignore: int | None = None,
    definition: str = "kamath2025",
    background: str = "all",
    ring_px: float = RING_PX,
    axis: int = 0,
    draws: Sequence[float] = (),
) -> CaseDisparity:
    """The :func:`~nnunet_skipstudy.texture.disparity.texture_disparity` of a case's labels and of their union.

    Larger = further apart = easier task. A label is held against all that is not that label. Of a volume the patterns'
    histograms are pooled over the slices that hold the label (the union: any) and both sides at 256 x 256 pixels. So
    spacing doesn't matter; the larger the object on a slice, the more it counts.

    Args:
        image: grey (row, column) or (slice, row, column), or colour (row, column, 3 or 4; no opacity); real, finite.
        label_map: the image's shape without channels; 0 is background.
        labels: values by name, one value or, for a region, several; None: the union only.
        ignore: a value whose pixels are neither inside nor outside, nnU-Net's ``ignore`` label.
        definition: one of ``DEFINITIONS``.
        background: ``"all"``: what is not the object; ``"ring"``: of that, what is near it on the slice.
        ring_px: how near, in pixels of the 256 x 256 grid.
        axis: across which a volume's slices lie, see :func:`~nnunet_skipstudy.texture.planes.planes`.
        draws: numbers of :func:`~nnunet_skipstudy.texture.null.null_draws`; each puts the object's shape into its own
            background: of a label into all that isn't it, on a volume into each slice, pooled as the object is.

    Returns:
        The disparities, each with the null that was drawn; a value is NaN exactly where its ``reason`` says why.

    Raises:
        UserError: unknown definition or background, shapes that don't fit, pixels that are no finite numbers.
    """
    check_measure(definition, background)
    values = {name: [*value] if isinstance(value, Sequence) else [value] for name, value in (labels or {}).items()}
    union, pools = _Pool(definition), {name: _Pool(definition) for name in values}
    for part, its_labels in _slices(np.asarray(image), np.asarray(label_map), axis):
        check_image(part, its_labels, definition)
        ignored = np.zeros(its_labels.shape, bool) if ignore is None else its_labels == ignore
        known = (its_labels != 0) & ~ignored
        if known.any():
            count = _counting(part, ignored, definition, ring_px if background == "ring" else None, draws)
            union.add(of_union := count(known))
            for name, wanted in values.items():
                inside = np.isin(its_labels, wanted)
                pools[name].add(of_union if np.array_equal(inside, known) else count(inside))
    return CaseDisparity(union.disparity(), {name: pool.disparity() for name, pool in pools.items()})


def check_measure(definition: str, background: str) -> None:
    """Refuse a definition or background that there isn't. Raises UserError: it is one of these."""
    if definition not in DEFINITIONS:
        raise UserError(f"definition {definition!r} of texture disparity; choose one of {', '.join(DEFINITIONS)}")
    if background not in BACKGROUNDS:
        raise UserError(f"background {background!r} of texture disparity; choose one of {', '.join(BACKGROUNDS)}")


Counted = tuple[Counts, Counts, Counts, Counts] | str
"""The codes' counts inside and outside, and those of each draw (draw, code); or why a slice has none."""


def _counting(
    image: Array, ignored: Inside, definition: str, ring_px: float | None, draws: Sequence[float]
) -> Callable[[Inside], Counted]:
    """What counts the codes of one slice on both sides of a mask."""
    codes = pattern_codes(image, definition)
    known = ~resized_mask(ignored)

    def count(inside: Inside) -> Counted:
        if not inside.any():
            return EMPTY
        if inside.all():
            return FULL
        inside = resized_mask(inside)
        sides = [inside, ~inside] if ring_px is None else [inside, ~inside, ring(inside, ring_px)]
        inside, free, *surround = (without_frame(side & known, definition) for side in sides)
        outside = surround[0] if surround else free
        reason = one_sided(inside, outside)
        if reason is not None:
            return reason
        counted = code_counts(codes, inside, outside)
        return *counted, *null_counts(codes, inside, free, surround[0] if surround else None, draws)

    return count


@dataclass
class _Pool:
    """Counts of the codes, summed over slices, of the object and of each draw; and why slices were left out."""

    definition: str
    counts: list[Counts] = field(default_factory=list)
    reasons: set[str] = field(default_factory=set)

    def add(self, counted: Counted) -> None:
        if isinstance(counted, str):
            self.reasons.add(counted)
        else:
            self.counts = [one + other for one, other in zip(self.counts, counted, strict=False)] or [*counted]

    def disparity(self) -> Disparity:
        if self.counts:
            inside, outside, ours, theirs = self.counts
            pairs = [pair for pair in zip(ours, theirs, strict=True) if pair[0].any() and pair[1].any()]
            null = tuple(divergence(one, other, self.definition) for one, other in pairs)
            return Disparity(divergence(inside, outside, self.definition), None, int(inside.sum()), null)
        reasons = self.reasons - {EMPTY}
        if not reasons:
            return Disparity(nan, EMPTY)
        if len(reasons) == 1:
            return Disparity(nan, reasons.pop())
        return Disparity(nan, f"no slice has both sides of the mask at {SIDE_PX} x {SIDE_PX} pixels")


def ring(inside: Inside, width_px: float) -> Inside:
    """What is outside the mask and at most ``width_px`` away from its nearest pixel; empty for an empty mask.

    Raises:
        UserError: the width is not positive.
    """
    from scipy.ndimage import distance_transform_edt

    if not width_px > 0:
        raise UserError(f"a ring of {width_px:g} px around the object; give a positive width")
    result = np.zeros_like(inside)
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if rows.size:
        reach = int(np.ceil(width_px))
        window = tuple(slice(max(axis[0] - reach, 0), axis[-1] + reach + 1) for axis in (rows, columns))
        distance = distance_transform_edt(~inside[window])
        result[window] = (distance > 0) & (distance <= width_px)
    return result


def _slices(image: Array, label_map: Array, axis: int) -> Iterator[tuple[Array, Array]]:
    """The flat images of a case with their label maps; opacity is left out."""
    if label_map.ndim == 2 and image.ndim == 3 and image.shape[2] == 4:
        yield image[..., :3], label_map
    elif label_map.ndim == 3 and image.shape == label_map.shape:
        yield from zip(planes(image, axis), planes(label_map, axis), strict=True)
    elif label_map.ndim == 2:
        yield image, label_map
    else:
        raise UserError(
            f"label map of shape {label_map.shape} for an image of shape {image.shape}; "
            "give the label map that belongs to the image, one image file a channel"
        )
