"""The metrics on surface elements equal those of DeepMind's surface-distance package."""

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from random_masks import SPACINGS, pair

from nnunet_skipstudy.metrics import measure_case
from nnunet_skipstudy.metrics.elements import element_areas
from nnunet_skipstudy.metrics.overlap import Mask
from nnunet_skipstudy.registry import Surface

TOLERANCE = 2.0


def deepmind_metrics(reference: Mask, prediction: Mask, spacing: Sequence[float]) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls parts of scipy by their old names
        import surface_distance as peer

        distances = peer.compute_surface_distances(reference, prediction, spacing)
        directed = peer.compute_average_surface_distance(distances)
        areas = [distances[f"surfel_areas_{side}"].sum() for side in ("gt", "pred")]
        return {
            "dsc": peer.compute_dice_coefficient(reference, prediction),
            "hd": peer.compute_robust_hausdorff(distances, 100),
            "hd95": peer.compute_robust_hausdorff(distances, 95),
            "assd": np.average(directed, weights=areas),  # the package leaves the pair apart
            "nsd": peer.compute_surface_dice_at_tolerance(distances, TOLERANCE),
        }


def assert_equal_to_deepmind(reference: Mask, prediction: Mask, spacing: Sequence[float]) -> None:
    measured = measure_case(reference, prediction, spacing, tolerance=TOLERANCE, surface=Surface.SURFEL)
    for name, value in deepmind_metrics(reference, prediction, spacing).items():
        assert measured.values[name] == pytest.approx(value, rel=1e-5, abs=1e-5), name


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("shape", [(40, 31), (12, 25, 18)])
def test_random_masks(shape: tuple[int, ...], seed: int) -> None:
    """Moved and unrelated masks, noise and its background, equal and uneven spacing."""
    reference, prediction = pair(seed, shape)
    if seed > 7:
        rng = np.random.default_rng(seed)
        reference, prediction = rng.random((2, *shape)) < (0.5, 0.1)[seed % 2]
    for spacing in SPACINGS[len(shape)]:
        assert_equal_to_deepmind(reference, prediction, spacing)


@pytest.mark.parametrize("n_axes", [2, 3])
def test_one_voxel_objects_at_the_border_and_whole_images(n_axes: int) -> None:
    shape = (9, 7, 8)[:n_axes]
    corner, middle = np.zeros((2, *shape), dtype=bool)
    corner[(0,) * n_axes] = middle[(4,) * n_axes] = True
    for spacing in SPACINGS[n_axes]:
        assert_equal_to_deepmind(corner, middle, spacing)
        assert_equal_to_deepmind(np.ones(shape, dtype=bool), middle, spacing)
        assert_equal_to_deepmind(corner, corner, spacing)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.7, 1.9), (1.0, 1.0, 1.0), (5.0, 0.78, 1.3)])
def test_the_area_of_every_neighbourhood(spacing: tuple[float, ...]) -> None:
    """All 16 in 2D and all 256 in 3D; ours are computed, theirs are a table."""
    from surface_distance import lookup_tables as peer

    if len(spacing) == 2:
        expected = peer.create_table_neighbour_code_to_contour_length(spacing)
    else:
        expected = peer.create_table_neighbour_code_to_surface_area(spacing)
    ours = element_areas(Surface.SURFEL, spacing)[: len(expected)]
    np.testing.assert_allclose(ours, expected, rtol=1e-6)
