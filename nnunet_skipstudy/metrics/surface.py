"""Distances between the surfaces of two masks; a surface is the set of *edge voxels*, as in the study and MONAI.

One set of distances, found once, serves every metric here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from nnunet_skipstudy.metrics.overlap import Mask

Distances = npt.NDArray[np.float64]

ROUNDING = 1e-7
"""Relative slack when a distance is held against a tolerance: 3 x 0.1 has to count as within 0.3."""


@dataclass(frozen=True)
class SurfaceDistances:
    """The distance from each edge voxel of one mask to the nearest edge voxel of the other, in the spacing's unit."""

    from_reference: Distances
    from_prediction: Distances


def edge_voxels(mask: Mask) -> Mask:
    """The voxels of ``mask`` that a cross-shaped erosion takes away.

    A voxel is on the edge when any of its face neighbours (4 in 2D, 6 in 3D) is background; beyond the image's
    border everything is background.

    Args:
        mask: boolean, 2D or 3D.
    """
    padded = np.zeros([n + 2 for n in mask.shape], dtype=bool)
    centre = (slice(1, -1),) * mask.ndim
    padded[centre] = mask
    inside = mask.copy()
    for axis in range(mask.ndim):
        for neighbour in (slice(None, -2), slice(2, None)):
            inside &= padded[(*centre[:axis], neighbour, *centre[axis + 1 :])]
    return mask & ~inside


def bounding_box(mask: Mask) -> tuple[slice, ...]:
    """The smallest box that holds every true voxel of a mask that is not empty."""
    box = []
    for axis in range(mask.ndim):
        others = tuple(other for other in range(mask.ndim) if other != axis)
        occupied = np.flatnonzero(mask.any(axis=others))
        box.append(slice(int(occupied[0]), int(occupied[-1]) + 1))
    return tuple(box)


def surface_distances(reference: Mask, prediction: Mask, spacing: Sequence[float]) -> SurfaceDistances:
    """Measure both directed sets of distances between the surfaces of two masks.

    Args:
        reference: boolean, 2D or 3D, not empty.
        prediction: boolean, the same shape, not empty.
        spacing: the distance between voxel centres along each axis; the result has its unit.

    Raises:
        ValueError: a mask is empty: it has no surface.
    """
    if not (reference.any() and prediction.any()):
        raise ValueError("an empty mask has no surface; treat empty masks before measuring distances")
    box = bounding_box(reference | prediction)
    edges = edge_voxels(reference[box]), edge_voxels(prediction[box])
    scale = np.asarray(spacing, dtype=np.float64)
    return SurfaceDistances(_directed(*edges, scale), _directed(*edges[::-1], scale))


def _directed(start: Mask, goal: Mask, scale: Distances) -> Distances:
    shared = goal[start]
    distances = np.zeros(shared.size)
    if not shared.all():
        tree = cKDTree(np.argwhere(goal) * scale, balanced_tree=False, compact_nodes=False)
        distances[~shared] = tree.query((np.argwhere(start & ~goal)) * scale)[0]
    return distances


def hausdorff(distances: SurfaceDistances) -> float:
    """The Hausdorff distance: the largest of all surface distances. Smaller is better, 0…∞."""
    return float(max(distances.from_reference.max(), distances.from_prediction.max()))


def hausdorff_95(distances: SurfaceDistances) -> float:
    """The larger of the two directed 95th percentiles (MONAI's HD95; others pool both sets). Smaller is better."""
    directed = (distances.from_reference, distances.from_prediction)
    return float(max(np.percentile(values, 95) for values in directed))


def average_surface_distance(distances: SurfaceDistances) -> float:
    """The mean over both sets of distances pooled (MONAI's symmetric ASSD). Smaller is better, 0…∞."""
    return float(np.concatenate((distances.from_reference, distances.from_prediction)).mean())


def surface_dice(distances: SurfaceDistances, tolerance: float) -> float:
    """The share of all edge voxels that lie within ``tolerance`` of the other surface.

    The normalised surface distance (NSD) of Nikolov et al. 2018 on edge voxels, as MONAI's
    ``SurfaceDiceMetric(use_subvoxels=False)``. Larger is better, 0…1.

    Args:
        distances: of the two surfaces.
        tolerance: in the unit of the distances, at least 0; a distance equal to it is within.
    """
    limit = tolerance * (1 + ROUNDING)
    both = np.concatenate((distances.from_reference, distances.from_prediction))
    return float(np.count_nonzero(both <= limit) / both.size)
