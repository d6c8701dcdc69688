"""Codes counted where there is no object, compiled: under a shape that is moved, and in blocks."""

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.support.compiled import compiled
from nnunet_skipstudy.texture.circle import N_CODES, Codes

Inside = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Runs = Indices
"""(run, 3): row, first column, and column after the last one, of pixels that lie side by side."""


@compiled
def places(runs: Runs, taken: Inside, reach: Indices, step: int) -> Indices:
    """Moves that take all runs to pixels that aren't taken: (move, 2) rows and columns, in rising order.

    Args:
        runs: the longest first, so that most moves are refused at once.
        taken: (row, column), which pixels no run may cover.
        reach: the first and last move of rows, and of columns, that keep the runs in the image.
        step: between moves that are tried.
    """
    rows, columns = taken.shape
    before = np.zeros((rows, columns + 1), np.int32)  # how many of a row's pixels are taken left of a column
    for row in range(rows):
        for column in range(columns):
            before[row, column + 1] = before[row, column] + taken[row, column]
    moves = np.empty((((reach[1] - reach[0]) // step + 1) * ((reach[3] - reach[2]) // step + 1), 2), np.int64)
    found = 0
    for down in range(reach[0], reach[1] + 1, step):
        for right in range(reach[2], reach[3] + 1, step):
            free = True
            for run in range(runs.shape[0]):
                row = runs[run, 0] + down
                if before[row, runs[run, 2] + right] != before[row, runs[run, 1] + right]:
                    free = False
                    break
            if free:
                moves[found, 0], moves[found, 1] = down, right
                found += 1
    return moves[:found]


@compiled
def moved_counts(codes: Codes, runs: Runs, move: Indices, free: Inside) -> Indices:
    """How often each code occurs under the runs after a move, on those pixels that are in the image and free."""
    rows, columns = codes.shape
    found = np.zeros(N_CODES, np.int64)
    for run in range(runs.shape[0]):
        row = runs[run, 0] + move[0]
        if 0 <= row < rows:
            for column in range(max(0, runs[run, 1] + move[1]), min(columns, runs[run, 2] + move[1])):
                found[codes[row, column]] += free[row, column]
    return found


@compiled
def block_counts(codes: Codes, free: Inside, block: int) -> Indices:
    """How often each code occurs on the free pixels of each block: (row of blocks, column of blocks, code)."""
    rows, columns = codes.shape
    found = np.zeros(((rows + block - 1) // block, (columns + block - 1) // block, N_CODES), np.int64)
    for row in range(rows):
        for column in range(columns):
            found[row // block, column // block, codes[row, column]] += free[row, column]
    return found
