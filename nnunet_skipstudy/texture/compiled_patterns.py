"""Uniform local binary patterns, compiled: scikit-image's codes, to the last tie, at a fraction of its time."""

from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.support.compiled import compiled
from nnunet_skipstudy.texture.circle import POINTS, RADIUS_PX, Codes

PAD_PX = RADIUS_PX + 1
"""Black around the image, so wide that no point's four neighbours lie beyond it."""
N_LINES = 2 * PAD_PX
"""Rows that the points of one centre lie between."""
NEIGHBOURS = (1 << (POINTS - 1)) - 1
"""The bits of the 23 pairs of neighbouring points."""
Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]


def uniform_patterns(image: npt.NDArray[Any]) -> Codes:
    """``local_binary_pattern(image, 24, 3, method="uniform")`` of scikit-image, code by code.

    A point of the circle is interpolated between its four neighbours, and counts as set where it is not darker
    than the centre. In a flat region, or where intensities tie, rounding decides; so the weights are the very
    numbers that scikit-image multiplies by: the fraction of (row + offset), which differs in its last bits from
    row to row, and not the fraction of the offset. As there, what lies beyond the image is 0, and changes along
    the circle are counted from the first point to the last, not back to the first.

    Args:
        image: (row, column), real, finite.

    Returns:
        Codes 0 ... 25, same shape.

    Source: Ojala et al. 2002; scikit-image 0.26 for the details. The test compares all codes with scikit-image.
    """
    rows, columns = image.shape
    pixels = np.ascontiguousarray(image, np.float64)
    row_offsets, column_offsets, column_of_point = _circle()
    return _codes(pixels, *_grid(row_offsets, rows), *_grid(column_offsets, columns), column_of_point)


@cache
def _circle() -> tuple[tuple[float, ...], tuple[float, ...], Indices]:
    """The points' row offsets, their different column offsets, and which of the latter is whose.

    Points above and below each other have one column offset, so that their interpolation along the row is shared.
    """
    angles = 2 * np.pi * np.arange(POINTS, dtype=np.float64) / POINTS
    rows, columns = np.round(-RADIUS_PX * np.sin(angles), 5), np.round(RADIUS_PX * np.cos(angles), 5)
    different, whose = np.unique(columns, return_inverse=True)
    return tuple(rows.tolist()), tuple(different.tolist()), whose


@lru_cache(maxsize=8)
def _grid(offsets: tuple[float, ...], length: int) -> tuple[Indices, Floats]:
    """Of each offset along one axis: the padded index of pixel 0's lower neighbour, and weights (offset, pixel)."""
    places = np.arange(length)[None, :] + np.array(offsets)[:, None]
    weights = np.asarray(places - np.floor(places), np.float64)
    return np.floor(offsets).astype(np.intp) + PAD_PX, weights


@compiled
def _number_of_ones(word: int) -> int:
    """How many of a word's lowest 24 bits are set: summed in pairs, fours, bytes, then all, without a branch."""
    word = word - ((word >> 1) & 0x555555)
    word = (word & 0x333333) + ((word >> 2) & 0x333333)
    word = (word + (word >> 4)) & 0x0F0F0F
    return (word + (word >> 8) + (word >> 16)) & 0x1F


@compiled
def _lines_of(
    point: int, row: int, lines: Floats, row_starts: Indices, row_weights: Floats, column_of_point: Indices
) -> tuple[Floats, Floats, float]:
    """The two rows that a point of the circle lies between, and how much of the lower one counts."""
    upper, of_point = row + row_starts[point], lines[column_of_point[point]]
    return of_point[upper % N_LINES], of_point[(upper + 1) % N_LINES], row_weights[point, row]


@compiled
def _codes(
    image: Floats,
    row_starts: Indices,
    row_weights: Floats,
    column_starts: Indices,
    column_weights: Floats,
    column_of_point: Indices,
) -> Codes:
    """The codes, row by row; the inner loops run along a row over numbers of eight bytes, for SIMD.

    ``lines`` holds the latest eight rows of the padded image, interpolated along the row at each column offset; of
    the padded image one row stands in memory at a time. A pixel's 24 comparisons are collected as the bits of one
    word, four points at a time: words are then read and written six times instead of 24.
    """
    rows, columns = row_weights.shape[1], column_weights.shape[1]
    codes = np.empty((rows, columns), np.uint8)
    lines = np.empty((len(column_starts), N_LINES, columns))
    words = np.empty(columns, np.int64)
    padded = np.zeros(columns + 2 * PAD_PX)
    for latest in range(rows + N_LINES):
        for column in range(columns):
            padded[PAD_PX + column] = image[latest - PAD_PX, column] if 0 <= latest - PAD_PX < rows else 0.0
        for offset in range(len(column_starts)):
            start = column_starts[offset]
            pixels = padded[start : start + columns + 1]
            line, weights = lines[offset, latest % N_LINES], column_weights[offset]
            for column in range(columns):
                line[column] = (1 - weights[column]) * pixels[column] + weights[column] * pixels[column + 1]
        row = latest - N_LINES
        if row >= 0:
            centre = image[row]
            for first in range(0, POINTS, 4):
                a, b, c, d = first, first + 1, first + 2, first + 3
                top_a, bottom_a, weight_a = _lines_of(a, row, lines, row_starts, row_weights, column_of_point)
                top_b, bottom_b, weight_b = _lines_of(b, row, lines, row_starts, row_weights, column_of_point)
                top_c, bottom_c, weight_c = _lines_of(c, row, lines, row_starts, row_weights, column_of_point)
                top_d, bottom_d, weight_d = _lines_of(d, row, lines, row_starts, row_weights, column_of_point)
                for column in range(columns):
                    here = centre[column]
                    bits = (
                        np.int64((1 - weight_a) * top_a[column] + weight_a * bottom_a[column] >= here) << 3
                        | np.int64((1 - weight_b) * top_b[column] + weight_b * bottom_b[column] >= here) << 2
                        | np.int64((1 - weight_c) * top_c[column] + weight_c * bottom_c[column] >= here) << 1
                        | np.int64((1 - weight_d) * top_d[column] + weight_d * bottom_d[column] >= here)
                    )
                    words[column] = words[column] << 4 | bits if first else bits
            for column in range(columns):
                changes = _number_of_ones((words[column] ^ (words[column] >> 1)) & NEIGHBOURS)
                codes[row, column] = _number_of_ones(words[column]) if changes <= 2 else POINTS + 1
    return codes


@compiled
def counts(
    codes: Codes, inside: npt.NDArray[np.bool_], outside: npt.NDArray[np.bool_], n_codes: int
) -> npt.NDArray[np.int64]:
    """How often each of ``n_codes`` codes occurs in two regions of the same (row, column): (region, code)."""
    found = np.zeros((2, n_codes), np.int64)
    for row in range(codes.shape[0]):
        for column in range(codes.shape[1]):
            code = codes[row, column]
            found[0, code] += inside[row, column]
            found[1, code] += outside[row, column]
    return found
