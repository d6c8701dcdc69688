"""The metrics against brute force and closed forms, and what must not change them."""

import itertools
import math

import numpy as np
import pytest
from random_masks import SPACINGS, blob, pair

from nnunet_skipstudy.metrics import CaseMetrics, edge_voxels, measure_case, surface_distances
from nnunet_skipstudy.metrics.overlap import Mask, overlap
from nnunet_skipstudy.registry import Surface

SHAPES = [(13, 17), (5, 9, 8)]
NAMES = ("dsc", "hd", "hd95", "assd", "nsd")
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_surface = pytest.mark.parametrize("surface", Surface)
every_seed = pytest.mark.parametrize("seed", range(8))


def by_brute_force(reference: Mask, prediction: Mask, spacing: tuple[float, ...], tolerance: float) -> list[float]:
    """All five metrics of edge voxels, from every distance between two edge voxels."""

    def edges(mask: Mask) -> np.ndarray:
        kept = [
            place
            for place in np.argwhere(mask)
            if not all(
                0 <= place[axis] + step < mask.shape[axis]
                and mask[tuple(place + step * (np.arange(mask.ndim) == axis))]
                for axis in range(mask.ndim)
                for step in (-1, 1)
            )
        ]
        return np.array(kept) * spacing

    ours, theirs = edges(reference), edges(prediction)
    between = np.sqrt(((ours[:, None] - theirs[None]) ** 2).sum(axis=2))
    one, other = between.min(axis=1), between.min(axis=0)
    both = np.concatenate([one, other])
    return [
        2 * (reference & prediction).sum() / (reference.sum() + prediction.sum()),
        both.max(),
        max(np.percentile(one, 95), np.percentile(other, 95)),
        both.mean(),
        (both <= tolerance * (1 + 1e-9)).mean(),
    ]


def values(measured: CaseMetrics) -> list[float]:
    return [measured.values[name] for name in NAMES]


@every_seed
@every_shape
def test_metrics_equal_brute_force(shape: tuple[int, ...], seed: int) -> None:
    """Smooth objects and salt and pepper, at even and uneven spacing, at tolerances between and on distances."""
    rng = np.random.default_rng(seed)
    for reference, prediction in (pair(seed, shape), rng.random((2, *shape)) < 0.15):
        for spacing in SPACINGS[len(shape)]:
            for tolerance in (0.0, min(spacing), 2.5):
                measured = measure_case(reference, prediction, spacing, tolerance=tolerance)
                assert values(measured) == pytest.approx(by_brute_force(reference, prediction, spacing, tolerance))


@every_seed
@every_shape
def test_sizes_and_boxes_equal_numpy_s(shape: tuple[int, ...], seed: int) -> None:
    """Whatever the length of a row: eight voxels are counted at a time where it is a multiple of 8."""
    rng = np.random.default_rng(seed)
    shape = (*shape[:-1], int(rng.choice([7, 8, 16, 24])))
    reference, prediction = rng.random((2, *shape)) < rng.choice([0.01, 0.2, 0.9])
    reference[(0,) * len(shape)] = prediction[(-1,) * len(shape)] = True
    found = overlap(reference, prediction)
    assert (found.reference_size, found.prediction_size) == (reference.sum(), prediction.sum())
    assert found.shared == (reference & prediction).sum()
    for mask, box in ((reference, found.reference_box), (prediction, found.prediction_box)):
        places = np.argwhere(mask)
        assert [(part.start, part.stop) for part in box] == list(
            zip(places.min(axis=0), places.max(axis=0) + 1, strict=True)
        )


@every_seed
@every_surface
@every_shape
def test_what_must_not_change_a_metric(shape: tuple[int, ...], surface: Surface, seed: int) -> None:
    """Who is the reference; mirroring; more image around it; the order of the axes with their spacing; the unit."""
    reference, prediction = pair(seed, shape)
    spacing = SPACINGS[len(shape)][1]
    expected = values(measure_case(reference, prediction, spacing, tolerance=1.5, surface=surface))

    def same(ours: Mask, theirs: Mask, spacing: tuple[float, ...] = spacing) -> None:
        measured = measure_case(ours, theirs, spacing, tolerance=1.5, surface=surface)
        assert values(measured) == pytest.approx(expected, rel=1e-9)

    same(prediction, reference)
    for axis in range(len(shape)):
        same(np.flip(reference, axis), np.flip(prediction, axis))
    same(np.pad(reference, 3), np.pad(prediction, 3))
    same(np.pad(reference, [(2, 0)] * len(shape)), np.pad(prediction, [(2, 0)] * len(shape)))
    same(reference.T, prediction.T, spacing[::-1])
    doubled = tuple(2 * width for width in spacing)
    larger = measure_case(reference, prediction, doubled, tolerance=3, surface=surface)
    dsc, hd, hd95, assd, nsd = expected
    assert values(larger) == pytest.approx([dsc, 2 * hd, 2 * hd95, 2 * assd, nsd])


@every_seed
@every_surface
@every_shape
def test_order_and_bounds(shape: tuple[int, ...], surface: Surface, seed: int) -> None:
    """ASSD and HD95 are at most HD; NSD grows with the tolerance up to 1 at HD; equal masks are perfect."""
    reference, prediction = pair(seed, shape)
    spacing = SPACINGS[len(shape)][1]
    measured = measure_case(reference, prediction, spacing, tolerance=0, surface=surface)
    assert 0 <= measured.values["assd"] <= measured.values["hd"]
    assert 0 <= measured.values["hd95"] <= measured.values["hd"]
    tolerances = np.linspace(0, measured.values["hd"], 9)
    shares = [
        measure_case(reference, prediction, spacing, tolerance=t, surface=surface).values["nsd"] for t in tolerances
    ]
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert shares[0] < 1
    perfect = measure_case(reference, reference.copy(), spacing, tolerance=0, surface=surface)
    assert values(perfect) == [1, 0, 0, 0, 1]


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 3.0)])
@pytest.mark.parametrize("shift", [(0, 1), (3, 0), (2, 2), (0, 9), (5, 7)])
def test_a_moved_box_has_the_closed_form_s_values(shift: tuple[int, int], spacing: tuple[float, float]) -> None:
    """A box of 8 x 10 moved by (a, b): DSC (8 - a)(10 - b) / 80, HD the length of the move."""
    reference, prediction = np.zeros((2, 24, 30), dtype=bool)
    reference[4:12, 5:15] = prediction[4 + shift[0] : 12 + shift[0], 5 + shift[1] : 15 + shift[1]] = True
    move = math.hypot(shift[0] * spacing[0], shift[1] * spacing[1])
    for surface in Surface:
        measured = measure_case(reference, prediction, spacing, tolerance=move, surface=surface)
        assert measured.values["dsc"] == pytest.approx(max(8 - shift[0], 0) * max(10 - shift[1], 0) / 80)
        assert measured.values["hd"] == pytest.approx(move)
        assert measured.values["nsd"] == pytest.approx(1)
        assert measure_case(reference, prediction, spacing, tolerance=0.99 * move, surface=surface).values["nsd"] < 1


@every_surface
def test_two_discs_about_one_centre_have_the_closed_form_s_values(surface: Surface) -> None:
    """Radii 40 and 30: DSC 2 · 30² / (30² + 40²) but for pixels, every distance 10 but for one pixel's width."""
    row, column = np.mgrid[:101, :101] - 50
    large, small = (row**2 + column**2 <= radius**2 for radius in (40, 30))
    measured = measure_case(large, small, tolerance=12, surface=surface)
    assert measured.values["dsc"] == pytest.approx(2 * 900 / 2500, abs=0.005)
    for distance in (measured.values["hd"], measured.values["hd95"], measured.values["assd"]):
        assert distance == pytest.approx(10, abs=1)
    assert measured.values["nsd"] == 1
    assert measure_case(large, small, tolerance=8.5, surface=surface).values["nsd"] == 0


@pytest.mark.parametrize("spacing", [(2.0, 1.0, 1.0), (1.0, 1.0, 1.0)])
def test_a_ball_s_surface_has_a_ball_s_area(spacing: tuple[float, float, float]) -> None:
    """Surface elements add up to 4 pi r² and a disc's contour to 2 pi r, but for the grid."""
    z, y, x = (s * np.arange(-24, 25)[:n] for s, n in zip(spacing, (49, 49, 49), strict=True))
    ball = z[:, None, None] ** 2 + y[None, :, None] ** 2 + x[None, None, :] ** 2 <= 20**2
    found = surface_distances(ball, ball, spacing, Surface.SURFEL)
    assert found.reference_areas is not None
    assert found.reference_areas.sum() == pytest.approx(4 * math.pi * 20**2, rel=0.12)
    disc = ball[24]
    found = surface_distances(disc, disc, spacing[1:], Surface.SURFEL)
    assert found.reference_areas is not None
    assert found.reference_areas.sum() == pytest.approx(2 * math.pi * 20, rel=0.09)


@every_surface
def test_one_false_voxel_far_away_moves_hd_and_hardly_the_others(surface: Surface) -> None:
    """HD is its distance; HD95 stays; DSC and ASSD follow it only as far as it is large."""
    reference = np.zeros((60, 60), dtype=bool)
    reference[10:30, 10:30] = True
    prediction = reference.copy()
    prediction[55, 20] = True
    measured = measure_case(reference, prediction, tolerance=1, surface=surface)
    assert measured.values["hd"] == pytest.approx(26, abs=1)
    assert measured.values["hd95"] == 0
    assert measured.values["dsc"] == pytest.approx(800 / 801)
    assert 0 < measured.values["assd"] < 1
    assert measured.values["nsd"] > 0.97


@every_surface
def test_a_disc_that_moves_away_gets_worse_step_by_step(surface: Surface) -> None:
    """DSC falls to 0, HD is the step, ASSD grows."""
    row, column = np.mgrid[:31, :60]
    disc = (row - 15) ** 2 + (column - 12) ** 2 <= 10**2
    moved = [measure_case(disc, np.roll(disc, step, axis=1), tolerance=2, surface=surface) for step in range(0, 30, 3)]
    assert [m.values["hd"] for m in moved] == pytest.approx(list(range(0, 30, 3)))
    assert all(
        later.values["dsc"] < sooner.values["dsc"] or later.values["dsc"] == 0
        for sooner, later in itertools.pairwise(moved)
    )
    assert all(later.values["assd"] > sooner.values["assd"] for sooner, later in itertools.pairwise(moved))
    assert all(m.values["nsd"] < moved[0].values["nsd"] == 1 for m in moved[1:])
    assert (moved[0].values["dsc"], moved[-1].values["dsc"]) == (1, 0)


@every_shape
def test_an_edge_is_inside_and_what_is_not_edge_has_all_its_neighbours(shape: tuple[int, ...]) -> None:
    mask = blob(np.random.default_rng(2), shape, 0.6)
    edge = edge_voxels(mask)
    assert not (edge & ~mask).any()
    padded = np.pad(mask, 1)
    middle = (slice(1, -1),) * mask.ndim
    around = [np.roll(padded, step, axis)[middle] for axis in range(mask.ndim) for step in (-1, 1)]
    np.testing.assert_array_equal(mask & ~edge, np.logical_and.reduce([mask, *around]))
