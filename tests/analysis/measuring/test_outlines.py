"""Outlines run along the edges of pixels, and hold exactly the pixels of their label."""

import re
from itertools import pairwise

import numpy as np
import pytest
from made_up_predictions import LabelMap, draw

from nnunet_skipstudy.analysis.measuring.outlines import Outlines, outlines
from nnunet_skipstudy.analysis.report.sweep import path_of


def lines_of(found: Outlines) -> list[list[list[int]]]:
    ends = [*found.starts.tolist(), len(found.corners)]
    return [found.corners[start:end].tolist() for start, end in pairwise(ends)]


def filled(found: Outlines, shape: tuple[int, ...]) -> LabelMap:
    """How often the lines go round each pixel to the right: every step along a row counts for all below it."""
    turns = np.zeros((shape[0] + 1, shape[1]), dtype=int)
    for line in lines_of(found):
        for (row, start), (other_row, end) in pairwise([*line, line[0]]):
            assert (row == other_row) != (start == end)
            turns[row, min(start, end) : max(start, end)] += np.sign(end - start)
    return np.cumsum(turns, axis=0)[:-1]


def corners_of(path: str) -> list[list[list[int]]]:
    """The corners, row and column, that a path of steps to the right and down goes through."""
    lines = []
    for line in path.split("z")[:-1]:
        (x, y), steps = map(int, line[1:].split("h")[0].split()), re.findall(r"([hv])(-?\d+)", line)
        corners = [[y, x]]
        for axis, step in steps:
            row, column = corners[-1]
            corners.append([row + int(step), column] if axis == "v" else [row, column + int(step)])
        lines.append(corners)
    return lines


def test_one_pixel_has_four_corners() -> None:
    """At row 1, column 2: to the right, down, back, up. The path says where, and closes itself."""
    found = outlines(draw("....", "..1.", "....") == 1)
    assert lines_of(found) == [[[1, 2], [1, 3], [2, 3], [2, 2]]]
    assert path_of(found) == "M2 1h1v1h-1z"


def test_straight_pieces_have_no_corner_between() -> None:
    assert lines_of(outlines(draw("111", "111") == 1)) == [[[0, 0], [0, 3], [2, 3], [2, 0]]]


def test_pixels_that_touch_at_a_corner_have_lines_of_their_own() -> None:
    """Along both diagonals."""
    for rows in (("1.", ".1"), (".1", "1.")):
        assert len(outlines(draw(*rows) == 1).starts) == 2


def test_a_hole_has_a_line_of_its_own_the_other_way_round() -> None:
    labels = draw("111", "1.1", "111")
    found = outlines(labels == 1)
    assert len(found.starts) == 2
    assert (filled(found, labels.shape) == labels).all()


def test_nothing_has_no_line() -> None:
    found = outlines(draw("....") == 1)
    assert (path_of(found), len(found.starts)) == ("", 0)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_lines_of_noise_hold_its_pixels_and_no_others(share: float) -> None:
    """Of any shape, up to the border and away from it; the path's steps lead from corner to corner."""
    rng = np.random.default_rng(round(10 * share))
    for shape in ((1, 1), (1, 9), (7, 1), (5, 8), (23, 17)):
        for margin in (0, 3):
            inside = np.pad(rng.random(shape) < share, margin)
            found = outlines(inside)
            assert (filled(found, inside.shape) == inside).all()
            assert corners_of(path_of(found)) == lines_of(found)
