"""All metrics of one case and label, with a decision for every empty or absent mask."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from nnunet_skipstudy.metrics import measures
from nnunet_skipstudy.metrics.overlap import Mask, overlap
from nnunet_skipstudy.metrics.surface import distances_of_overlap
from nnunet_skipstudy.registry import METRICS, BothEmpty, Surface


class Outcome(str, Enum):
    """What there was to compare."""

    BOTH = "both"
    """Reference and prediction hold the label."""
    BOTH_EMPTY = "both_empty"
    """Neither does: a correct empty prediction."""
    MISSED = "missed"
    """The prediction is empty, the reference is not."""
    SPURIOUS = "spurious"
    """The reference is empty, the prediction is not."""
    ABSENT = "absent"
    """There is no prediction at all."""


@dataclass(frozen=True)
class CaseMetrics:
    """The metrics of one case and label.

    ``values``: by name, of every row of :data:`~nnunet_skipstudy.registry.METRICS`; distances in the spacing's unit.
    Sizes are numbers of voxels; ``predicted_size`` is ``None`` where there is no prediction.
    """

    values: dict[str, float]
    reference_size: int
    predicted_size: int | None
    outcome: Outcome


def image_diagonal(shape: Sequence[int], spacing: Sequence[float]) -> float:
    """The length of an image's diagonal, the distance that a failed prediction counts as.

    The study's: sqrt(2)·256 for 256 x 256 pixels.
    """
    return math.sqrt(sum((n * s) ** 2 for n, s in zip(shape, spacing, strict=True)))


def measure_case(
    reference: Mask,
    prediction: Mask | None,
    spacing: Sequence[float] | None = None,
    *,
    tolerance: float,
    both_empty: BothEmpty = BothEmpty.COUNT,
    surface: Surface = Surface.VOXEL,
) -> CaseMetrics:
    """Measure one prediction against its reference.

    A missed, spurious or absent one counts as the worst possible: shares 0, all distances the image's diagonal, the
    relative volume error -1, or NaN where the reference is empty. An empty reference counts as ``both_empty`` says.

    Args:
        reference: boolean, 2D or 3D.
        prediction: boolean, the same shape; ``None`` where there is none.
        spacing: the distance between voxel centres along each axis; ``None`` means 1, distances in pixels.
        tolerance: of the NSD, in the spacing's unit, at least 0.
        both_empty: what an empty reference counts as.
        surface: what the surface of a mask is.

    Raises:
        ValueError: the shapes differ, the spacing has another number of axes or is not positive, or the
            tolerance is negative.

    Example:
        >>> import numpy as np
        >>> from nnunet_skipstudy import measure_case
        >>> reference = np.pad(np.ones((20, 20), bool), 20)
        >>> found = measure_case(reference, np.roll(reference, 2, axis=0), tolerance=1)
        >>> found.values["dsc"], found.values["hd"], found.outcome.value
        (0.9, 2.0, 'both')
    """
    _check(reference, prediction, spacing, tolerance)
    spacing = (1.0,) * reference.ndim if spacing is None else spacing
    found = overlap(reference, reference if prediction is None else prediction)
    reference_size, predicted_size = found.reference_size, None if prediction is None else found.prediction_size
    outcome = _outcome(reference_size, predicted_size)
    if not reference_size and both_empty is BothEmpty.EXCLUDE:
        values = dict.fromkeys(METRICS, math.nan)
    elif prediction is not None and outcome is Outcome.BOTH:
        distances = distances_of_overlap(reference, prediction, spacing, surface, found)
        pair = measures.Pair(reference, prediction, found, distances, tolerance)
        values = {name: float(getattr(measures, name)(pair)) for name in METRICS}
    elif outcome is Outcome.BOTH_EMPTY:
        values = {name: metric.perfect for name, metric in METRICS.items()}
    else:
        values = failed_values(image_diagonal(reference.shape, spacing), reference_size > 0)
    return CaseMetrics(values, reference_size, predicted_size, outcome)


def _outcome(reference_size: int, predicted_size: int | None) -> Outcome:
    if predicted_size is None:
        return Outcome.ABSENT
    if reference_size:
        return Outcome.BOTH if predicted_size else Outcome.MISSED
    return Outcome.SPURIOUS if predicted_size else Outcome.BOTH_EMPTY


def failed_values(diagonal: float, with_reference: bool) -> dict[str, float]:
    """What every metric of a missed, spurious or absent prediction counts as; distances as the ``diagonal``.

    ``with_reference``: whether the reference holds the label; without, no volume is relative to it (NaN).
    """
    return {
        name: math.nan if metric.signed and not with_reference else diagonal if metric.worst is None else metric.worst
        for name, metric in METRICS.items()
    }


def _check(reference: Mask, prediction: Mask | None, spacing: Sequence[float] | None, tolerance: float) -> None:
    for name, mask in (("reference", reference), ("prediction", prediction)):
        if mask is not None and mask.dtype != np.bool_:
            raise ValueError(f"{name} has dtype {mask.dtype}; give a boolean mask, such as labels == 1")
    if prediction is not None and prediction.shape != reference.shape:
        raise ValueError(f"prediction has shape {prediction.shape}, reference {reference.shape}; give equal shapes")
    if spacing is not None and (len(spacing) != reference.ndim or min(spacing) <= 0):
        raise ValueError(f"spacing {tuple(spacing)}; give one positive number for each of {reference.ndim} axes")
    if not tolerance >= 0:
        raise ValueError(f"tolerance {tolerance}; give a number of at least 0")
