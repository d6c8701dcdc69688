"""The metrics of the registry's rows: each the function of its row's name, of a pair of masks that aren't empty."""

from dataclasses import dataclass

from nnunet_skipstudy.metrics import surface
from nnunet_skipstudy.metrics.overlap import Mask, Overlap, dice_of_sizes


@dataclass(frozen=True)
class Pair:
    """Reference and prediction, boolean, of one shape, none empty, and what metrics share.

    ``tolerance``: of the NSD, in the unit of the ``distances``.
    """

    reference: Mask
    prediction: Mask
    overlap: Overlap
    distances: surface.SurfaceDistances
    tolerance: float


def dsc(pair: Pair) -> float:
    """Dice similarity coefficient."""
    return dice_of_sizes(pair.overlap.reference_size, pair.overlap.prediction_size, pair.overlap.shared)


def recall(pair: Pair) -> float:
    """Share of the reference that was predicted."""
    return pair.overlap.shared / pair.overlap.reference_size


def precision(pair: Pair) -> float:
    """Share of the prediction that is in the reference."""
    return pair.overlap.shared / pair.overlap.prediction_size


def relative_volume_error(pair: Pair) -> float:
    """How much too large the prediction is, as a share of the reference; negative where it is too small."""
    return (pair.overlap.prediction_size - pair.overlap.reference_size) / pair.overlap.reference_size


def hd(pair: Pair) -> float:
    """Hausdorff distance."""
    return surface.hausdorff(pair.distances)


def hd95(pair: Pair) -> float:
    """The larger of the directed 95th percentiles of distances."""
    return surface.hausdorff_95(pair.distances)


def assd(pair: Pair) -> float:
    """Average symmetric surface distance."""
    return surface.average_surface_distance(pair.distances)


def nsd(pair: Pair) -> float:
    """Normalised surface distance."""
    return surface.surface_dice(pair.distances, pair.tolerance)
