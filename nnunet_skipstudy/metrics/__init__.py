"""Metrics of segmentations: arrays in, numbers out."""

from nnunet_skipstudy.metrics.case import CaseMetrics, Outcome, image_diagonal, measure_case
from nnunet_skipstudy.metrics.elements import edge_voxels
from nnunet_skipstudy.metrics.overlap import dice
from nnunet_skipstudy.metrics.surface import (
    SurfaceDistances,
    average_surface_distance,
    hausdorff,
    hausdorff_95,
    surface_dice,
    surface_distances,
)

__all__ = [
    "CaseMetrics",
    "Outcome",
    "SurfaceDistances",
    "average_surface_distance",
    "dice",
    "edge_voxels",
    "hausdorff",
    "hausdorff_95",
    "image_diagonal",
    "measure_case",
    "surface_dice",
    "surface_distances",
]
