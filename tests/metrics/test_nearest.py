"""The search for nearest points is exact, near and far, by either of its two ways."""

import numpy as np
import pytest
from scipy import ndimage

from nnunet_skipstudy.metrics import nearest
from nnunet_skipstudy.metrics.nearest import nearest_distances, places_of

SPACING = np.array((3.0, 0.7, 1.9))


def expected(starts: np.ndarray, goal: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """By scipy's distance transform of a grid that holds both."""
    low = np.minimum(starts.min(axis=0), 0)
    high = np.maximum(starts.max(axis=0) + 1, goal.shape)
    field = np.ones(high - low, dtype=bool)
    field[tuple(slice(-a, -a + n) for a, n in zip(low, goal.shape, strict=True))] = goal == 0
    distances = ndimage.distance_transform_edt(field, sampling=spacing)
    return np.asarray(distances[tuple((starts - low).T)])


@pytest.mark.parametrize("patience", [0, 4, 10**6])
@pytest.mark.parametrize("shape", [(1, 12, 17), (6, 12, 17), (9, 1, 1)])
@pytest.mark.parametrize("shift", [(0, 0, 0), (-3, 30, -40), (20, -2, 3), (0, 9, 25)])
def test_distances_equal_scipy_s(
    shift: tuple[int, int, int], shape: tuple[int, int, int], patience: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With no patience all but the first start take the envelopes; with much all are searched for."""
    monkeypatch.setattr(nearest, "PATIENCE", patience)
    rng = np.random.default_rng(3)
    for share in (0.02, 0.3):
        goal, start = (rng.random((2, *shape)) < share).astype(np.uint8)
        goal.flat[rng.integers(goal.size)] = start.flat[rng.integers(start.size)] = 1
        starts = places_of(start) + np.array(shift)
        np.testing.assert_array_equal(starts - np.array(shift), np.argwhere(start))
        for spacing in (np.ones(3), SPACING):
            np.testing.assert_allclose(
                nearest_distances(starts, goal, spacing), expected(starts, goal, spacing), rtol=1e-12
            )


def test_far_surfaces_are_left_to_the_envelopes() -> None:
    """Two large sets far apart: the search gives up early, and what it found is kept."""
    rng = np.random.default_rng(1)
    goal = (rng.random((12, 40, 40)) < 0.2).astype(np.uint8)
    starts = places_of((rng.random((12, 40, 40)) < 0.2).astype(np.uint8)) + np.array((0, 0, 400))
    rows = np.empty(goal.shape, dtype=np.uint16)
    occupied = nearest._sweep(goal, rows)
    squares = np.empty(len(starts))
    done = nearest._search(starts, rows, occupied, SPACING, squares, nearest.PATIENCE)
    assert 0 < done < len(starts)
    np.testing.assert_allclose(nearest_distances(starts, goal, SPACING), expected(starts, goal, SPACING))


def test_rows_too_long_for_two_bytes() -> None:
    goal = np.zeros((1, 1, 70_000), dtype=np.uint8)
    goal[0, 0, -1] = 1
    assert nearest_distances(np.zeros((1, 3), dtype=np.int64), goal, np.ones(3)).tolist() == [69_999]
