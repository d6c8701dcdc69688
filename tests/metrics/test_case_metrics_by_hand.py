"""Metrics on masks small enough to draw."""

import math

import numpy as np
import pytest

from nnunet_skipstudy.metrics import (
    CaseMetrics,
    Outcome,
    SurfaceDistances,
    edge_voxels,
    hausdorff,
    hausdorff_95,
    image_diagonal,
    measure_case,
    surface_dice,
    surface_distances,
)
from nnunet_skipstudy.metrics.overlap import Mask
from nnunet_skipstudy.registry import BothEmpty, Surface


def draw(*rows: str) -> Mask:
    return np.array([[cell == "#" for cell in row] for row in rows])


def case_metrics(
    *numbers: float, size: int, predicted: int | None, outcome: Outcome, error: float = 0.0
) -> CaseMetrics:
    """Of DSC, HD, HD95, ASSD and NSD; recall and precision are the DSC's where all or nothing is shared."""
    values = dict(zip(("dsc", "hd", "hd95", "assd", "nsd"), numbers, strict=True))
    values |= {"recall": numbers[0], "precision": numbers[0], "relative_volume_error": error}
    return CaseMetrics(values, size, predicted, outcome)


EMPTY = draw("...", "...", "...")
DOT = draw("#..", "...", "...")


def test_edges_are_the_mask_minus_its_cross_shaped_erosion() -> None:
    """Only the voxel with four neighbours inside the mask is not on the edge; diagonals don't matter."""
    mask = draw(
        "..#..",
        ".###.",
        "#####",
        ".###.",
        "..#..",
    )
    np.testing.assert_array_equal(
        edge_voxels(mask),
        draw(
            "..#..",
            ".#.#.",
            "#...#",
            ".#.#.",
            "..#..",
        ),
    )


def test_the_image_border_counts_as_background() -> None:
    """A mask that fills the image has its edge on the border."""
    np.testing.assert_array_equal(edge_voxels(draw("###", "###", "###")), draw("###", "#.#", "###"))


def test_two_dots_two_columns_apart() -> None:
    """One dot against another: nothing shared, every distance 2 pixels."""
    measured = measure_case(draw("#..."), draw("..#."), tolerance=1)
    assert measured == case_metrics(0.0, 2.0, 2.0, 2.0, 0.0, size=1, predicted=1, outcome=Outcome.BOTH)


def test_a_row_that_is_one_pixel_too_long() -> None:
    """Reference 3 pixels, prediction 4: DSC 2·3/7; distances 0,0,0 and 0,0,0,1."""
    measured = measure_case(draw("###..."), draw("####.."), tolerance=0)
    assert measured.values["dsc"] == pytest.approx(6 / 7)
    assert measured.values["hd"] == 1
    assert measured.values["hd95"] == pytest.approx(0.85)  # 95th percentile of 0,0,0,1 by linear interpolation
    assert measured.values["assd"] == pytest.approx(1 / 7)
    assert measured.values["nsd"] == pytest.approx(6 / 7)
    assert (measured.reference_size, measured.predicted_size) == (3, 4)


def test_recall_precision_and_volume_error_say_which_way_a_prediction_is_wrong() -> None:
    """Reference 4 pixels; 2 of them in a prediction of 6 is too much, 1 of them in a prediction of 1 too little."""
    reference = draw("####....", "........")
    larger = measure_case(reference, draw("..####..", "##......"), tolerance=1).values
    smaller = measure_case(reference, draw("#.......", "........"), tolerance=1).values
    names = ("recall", "precision", "relative_volume_error")
    assert [larger[name] for name in names] == [2 / 4, 2 / 6, (6 - 4) / 4]
    assert [smaller[name] for name in names] == [1 / 4, 1, (1 - 4) / 4]


def test_spacing_scales_each_axis_on_its_own() -> None:
    """Three rows apart at 0.5 mm and two columns apart at 1 mm is 2.5 mm."""
    start, goal = np.zeros((2, 5, 5), dtype=bool)
    start[0, 0] = goal[3, 2] = True
    assert measure_case(start, goal, (0.5, 1.0), tolerance=2).values["hd"] == pytest.approx(2.5)


def test_hd95_is_the_larger_of_the_two_directed_percentiles() -> None:
    """From the row's 21 pixels the 95th percentile is 19 (of 0…20); from the single dot it is 0."""
    row = np.ones((1, 21), dtype=bool)
    dot = np.zeros((1, 21), dtype=bool)
    dot[0, 0] = True
    distances = surface_distances(row, dot, (1, 1))
    assert hausdorff(distances) == 20
    assert hausdorff_95(distances) == pytest.approx(19)


def test_a_distance_equal_to_the_tolerance_is_within_it() -> None:
    """3 x 0.1 is 0.30000000000000004 to a computer, and still within 0.3."""
    distances = surface_distances(draw("#..."), draw("...#"), (0.1, 0.1))
    assert surface_dice(distances, 0.3) == 1
    assert surface_dice(distances, 0.299) == 0


def test_two_dots_by_surface_elements() -> None:
    """The corners of the dots lie in columns 0, 1 and 2, 3: half the contour is 2 pixels off, half 1."""
    measured = measure_case(draw("#..."), draw("..#."), tolerance=1, surface=Surface.SURFEL)
    assert measured == case_metrics(0.0, 2.0, 2.0, 1.5, 0.5, size=1, predicted=1, outcome=Outcome.BOTH)


def test_a_longer_row_by_surface_elements() -> None:
    """Contours of 4 halves of a diagonal and 2 or 3 straight pixels above and below; two halves are 1 pixel off.

    They are a sixth of the prediction's contour, so its 95 % reach out to them.
    """
    measured = measure_case(draw("###..."), draw("####.."), tolerance=0, surface=Surface.SURFEL)
    off, whole = math.sqrt(2), 4 * math.sqrt(2) + 4 + 6
    assert (measured.values["hd"], measured.values["hd95"]) == (1, 1)
    assert measured.values["assd"] == pytest.approx(off / whole)
    assert measured.values["nsd"] == pytest.approx(1 - off / whole)


@pytest.mark.parametrize(
    ("spacing", "lengths", "area"),
    [
        ((3.0, 4.0), 4 * [2.5], 10.0),  # halves of the diagonal of 3 x 4
        ((1.0, 1.0, 1.0), 8 * [math.sqrt(3) / 8], math.sqrt(3)),  # triangles with three sides of sqrt(1/2)
    ],
)
def test_the_surface_of_one_voxel(spacing: tuple[float, ...], lengths: list[float], area: float) -> None:
    dot = np.zeros([3] * len(spacing), dtype=bool)
    dot[(1,) * len(spacing)] = True
    distances = surface_distances(dot, dot, spacing, Surface.SURFEL)
    assert distances.reference_areas is not None
    assert distances.reference_areas.tolist() == pytest.approx(lengths)
    assert distances.reference_areas.sum() == pytest.approx(area)


def test_a_percentile_on_the_border_between_two_distances() -> None:
    """Of 20 equal parts 19 are 95 %: rounding of their sum must not add the twentieth."""
    values, areas = np.arange(20.0), np.full(20, 0.1)
    assert hausdorff_95(SurfaceDistances(values, np.zeros(1), areas, np.ones(1))) == 18


@pytest.mark.parametrize(
    ("reference", "prediction", "outcome", "predicted_size"),
    [
        (DOT, EMPTY, Outcome.MISSED, 0),
        (EMPTY, DOT, Outcome.SPURIOUS, 1),
        (DOT, None, Outcome.ABSENT, None),
        (EMPTY, None, Outcome.ABSENT, None),
    ],
)
def test_a_failure_counts_as_the_worst_possible(
    reference: Mask, prediction: Mask | None, outcome: Outcome, predicted_size: int | None
) -> None:
    """DSC 0, NSD 0, distances the diagonal: sqrt(6² + 3²) for 3 x 3 voxels of 2 x 1 mm; whatever a surface is.

    The whole volume lacks; relative to an empty reference there is no volume.
    """
    worst = math.sqrt(45)
    size = int(reference.sum())
    for surface in Surface:
        measured = measure_case(reference, prediction, (2, 1), tolerance=1, surface=surface)
        expected = case_metrics(
            *(0.0, worst, worst, worst, 0.0),
            size=size,
            predicted=predicted_size,
            outcome=outcome,
            error=-1.0 if size else math.nan,
        )
        assert measured == expected


def test_two_empty_masks_are_perfect_or_left_out() -> None:
    """The policy decides; left out is every case with an empty reference, and the outcome is told apart either way."""
    counted = measure_case(EMPTY, EMPTY, tolerance=1)
    assert counted == case_metrics(1.0, 0.0, 0.0, 0.0, 1.0, size=0, predicted=0, outcome=Outcome.BOTH_EMPTY)
    excluded = measure_case(EMPTY, EMPTY, tolerance=1, both_empty=BothEmpty.EXCLUDE)
    assert excluded.outcome is Outcome.BOTH_EMPTY
    assert all(map(math.isnan, excluded.values.values()))
    for prediction, outcome in ((DOT, Outcome.SPURIOUS), (None, Outcome.ABSENT)):
        invented = measure_case(EMPTY, prediction, tolerance=1, both_empty=BothEmpty.EXCLUDE)
        assert invented.outcome is outcome
        assert all(map(math.isnan, invented.values.values()))
    missed = measure_case(DOT, EMPTY, tolerance=1, both_empty=BothEmpty.EXCLUDE)
    assert (missed.outcome, missed.values["dsc"]) == (Outcome.MISSED, 0.0)


def test_the_diagonal_is_the_study_s() -> None:
    assert image_diagonal((256, 256), (1, 1)) == pytest.approx(math.sqrt(2) * 256)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"prediction": np.zeros((2, 2), dtype=bool)}, "shape"),
        ({"prediction": np.zeros((3, 3), dtype=np.uint8)}, "boolean"),
        ({"prediction": DOT, "spacing": (1.0,)}, "each of 2 axes"),
        ({"prediction": DOT, "spacing": (1.0, 0.0)}, "positive"),
        ({"prediction": DOT, "tolerance": -1.0}, "at least 0"),
        ({"prediction": DOT, "tolerance": math.nan}, "at least 0"),
    ],
)
def test_bad_arguments_are_named(arguments: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        measure_case(DOT, **{"tolerance": 1.0, **arguments})  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(2, 7, 9), (1, 1, 8), (3, 5, 16), (4, 3, 1), (1, 2, 2032), (1, 2, 2048)])
def test_layout_in_memory_changes_nothing(shape: tuple[int, ...]) -> None:
    """Views that are transposed, reversed or cut out are measured as their copies are."""
    rng = np.random.default_rng(0)
    reference, prediction = rng.random((2, *(n + 2 for n in shape))) < 0.4
    for view in (np.transpose, np.flip, lambda mask: mask[1:-1, 1:-1, 1:-1]):
        ours, theirs = view(reference), view(prediction)
        expected = measure_case(ours.copy(), theirs.copy(), (3, 2, 1), tolerance=1)
        assert measure_case(ours, theirs, (3, 2, 1), tolerance=1) == expected
        assert expected.reference_size == np.count_nonzero(ours)
        assert expected.values["dsc"] == pytest.approx(
            2 * np.count_nonzero(ours & theirs) / (ours.sum() + theirs.sum())
        )


def test_an_empty_mask_has_no_surface() -> None:
    with pytest.raises(ValueError, match="no surface"):
        surface_distances(EMPTY, DOT, (1, 1))
