"""Distances between the surfaces of two masks, and the metrics that are made of them.

One set of distances, found once, serves every metric here. What a surface is made of is a choice,
:class:`~nnunet_skipstudy.metrics.elements.Surface`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.metrics.elements import element_areas, surface_elements
from nnunet_skipstudy.metrics.nearest import nearest_distances, places_of
from nnunet_skipstudy.metrics.overlap import Mask, Overlap, overlap
from nnunet_skipstudy.registry import Surface

Distances = npt.NDArray[np.float64]

ROUNDING = 1e-7
"""Relative slack when a distance is held against a tolerance: 3 x 0.1 has to count as within 0.3."""
SHARE_ROUNDING = 1e-12
"""Relative slack when a share of the area is held against a percentage."""


@dataclass(frozen=True)
class SurfaceDistances:
    """The distance from each surface point of one mask to the nearest of the other, in the spacing's unit.

    The areas are those of the surface elements, in the spacing's unit squared (2D: lengths); ``None`` for edge
    voxels, which all weigh the same.
    """

    from_reference: Distances
    from_prediction: Distances
    reference_areas: Distances | None = None
    prediction_areas: Distances | None = None

    @property
    def directed(self) -> tuple[tuple[Distances, Distances | None], ...]:
        """Distances and areas of the reference's surface, and of the prediction's."""
        return (self.from_reference, self.reference_areas), (self.from_prediction, self.prediction_areas)


def surface_distances(
    reference: Mask, prediction: Mask, spacing: Sequence[float], surface: Surface = Surface.VOXEL
) -> SurfaceDistances:
    """Measure both directed sets of distances between the surfaces of two masks.

    Args:
        reference: boolean, 2D or 3D, not empty.
        prediction: boolean, the same shape, not empty.
        spacing: the distance between voxel centres along each axis; the result has its unit.
        surface: what a surface is.

    Raises:
        ValueError: a mask is empty: it has no surface.
    """
    return distances_of_overlap(reference, prediction, spacing, surface, overlap(reference, prediction))


def distances_of_overlap(
    reference: Mask, prediction: Mask, spacing: Sequence[float], surface: Surface, found: Overlap
) -> SurfaceDistances:
    """As :func:`surface_distances`, for masks whose bounding boxes are known."""
    if not (found.reference_size and found.prediction_size):
        raise ValueError("an empty mask has no surface; treat empty masks before measuring distances")
    ours = surface_elements(reference, found.reference_box, surface)
    theirs = surface_elements(prediction, found.prediction_box, surface)
    scale = np.array((1.0, *spacing)[-3:], dtype=np.float64)
    shift = np.subtract(ours.origin, theirs.origin)
    our_places, their_places = places_of(ours.codes), places_of(theirs.codes)
    distances = (
        nearest_distances(our_places + shift, theirs.codes, scale),
        nearest_distances(their_places - shift, ours.codes, scale),
    )
    if surface is Surface.VOXEL:
        return SurfaceDistances(*distances)
    areas = element_areas(surface, spacing)
    return SurfaceDistances(
        *distances, areas[ours.codes[tuple(our_places.T)]], areas[theirs.codes[tuple(their_places.T)]]
    )


def hausdorff(distances: SurfaceDistances) -> float:
    """The Hausdorff distance: the largest of all surface distances. Smaller is better, 0…∞."""
    return float(max(distances.from_reference.max(), distances.from_prediction.max()))


def hausdorff_95(distances: SurfaceDistances) -> float:
    """The larger of the two directed 95th percentiles. Smaller is better.

    Of edge voxels: interpolated, as MONAI's (other tools pool both directions). Of surface elements: the smallest
    distance within which 95 % of the area lies, as DeepMind's robust Hausdorff distance.
    """
    return max(_percentile_95(values, areas) for values, areas in distances.directed)


def _percentile_95(values: Distances, areas: Distances | None) -> float:
    if areas is not None:
        order = np.argsort(values)
        share = np.cumsum(areas[order])
        place = np.searchsorted(share, 0.95 * share[-1] * (1 - SHARE_ROUNDING))
        return float(values[order[place]])
    rank = 0.95 * (values.size - 1)  # numpy.percentile's default, without its overhead
    below = int(rank)
    above = min(below + 1, values.size - 1)
    parted = np.partition(values, (below, above))
    return float(parted[below] + (parted[above] - parted[below]) * (rank - below))


def average_surface_distance(distances: SurfaceDistances) -> float:
    """The mean over both surfaces pooled, by area (MONAI's symmetric ASSD). Smaller is better, 0…∞.

    Of surface elements: DeepMind's package gives the two directed means; this is their mean, weighted by the areas
    of the two surfaces.
    """
    total = weight = 0.0
    for values, areas in distances.directed:
        total += float((values if areas is None else values * areas).sum())
        weight += values.size if areas is None else float(areas.sum())
    return total / weight


def surface_dice(distances: SurfaceDistances, tolerance: float) -> float:
    """The share of both surfaces that lies within ``tolerance`` of the other surface.

    The normalised surface distance (NSD) of Nikolov et al. 2018; of edge voxels as MONAI's
    ``SurfaceDiceMetric(use_subvoxels=False)``. Larger is better, 0…1.

    Args:
        distances: of the two surfaces.
        tolerance: in the unit of the distances, at least 0; a distance equal to it is within.
    """
    limit = tolerance * (1 + ROUNDING)
    within = whole = 0.0
    for values, areas in distances.directed:
        near = values <= limit
        within += float(np.count_nonzero(near) if areas is None else areas[near].sum())
        whole += values.size if areas is None else float(areas.sum())
    return within / whole
