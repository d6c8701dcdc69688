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
def runs_of(region: Inside) -> Runs:
    """The region's pixels as runs, row by row."""
    rows, columns = region.shape
    found = np.empty((rows * ((columns + 1) // 2), 3), np.int64)
    n = 0
    for row in range(rows):
        before = False
        for column in range(columns):
            here = region[row, column]
            if here and not before:
                found[n, 0], found[n, 1] = row, column
            elif before and not here:
                found[n, 2] = column
                n += 1
            before = here
        if before:
            found[n, 2] = columns
            n += 1
    return found[:n].copy()


@compiled
def places(runs: Runs, taken: Inside, reach: Indices, step: int, least: int) -> Indices:
    """Moves that take all runs to pixels that aren't taken: (move, 2) rows and columns, in rising order.

    Args:
        runs: the longest first, so that most moves are refused at once.
        taken: (row, column), which pixels no run may cover.
        reach: the first and last move of rows, and of columns, that keep the runs in the image.
        step: between moves that are tried.
        least: with fewer moves than these there are none.
    """
    rows, columns = taken.shape
    before = np.zeros((rows + 1, columns + 1), np.int32)  # how many pixels are taken above and left of a corner
    for row in range(rows):
        n = 0
        for column in range(columns):
            n += taken[row, column]
            before[row + 1, column + 1] = before[row, column + 1] + n
    top, bottom = runs[:, 0].min(), runs[:, 0].max() + 1
    left, right = runs[:, 1].min(), runs[:, 2].max()
    of_row = (reach[3] - reach[2]) // step + 1
    moves = np.empty((((reach[1] - reach[0]) // step + 1) * of_row, 2), np.int64)
    found = 0
    for down in range(reach[0], reach[1] + 1, step):
        if found + ((reach[1] - down) // step + 1) * of_row < least:
            return moves[:0]
        for across in range(reach[2], reach[3] + 1, step):
            box = before[bottom + down, right + across] - before[top + down, right + across]
            free = box == before[bottom + down, left + across] - before[top + down, left + across]
            for run in range(0 if free else runs.shape[0]):
                row, start, end = runs[run, 0] + down, runs[run, 1] + across, runs[run, 2] + across
                free = before[row + 1, end] - before[row, end] == before[row + 1, start] - before[row, start]
                if not free:
                    break
            if free:
                moves[found, 0], moves[found, 1] = down, across
                found += 1
    return moves[: found if found >= least else 0]


@compiled
def moved_counts(codes: Codes, runs: Runs, moves: Indices, free: Inside) -> Indices:
    """How often each code occurs under the runs after each move, on those pixels that are in the image and free."""
    rows, columns = codes.shape
    found = np.zeros((moves.shape[0], N_CODES), np.int64)
    for place in range(moves.shape[0]):
        down, right = moves[place]
        for run in range(runs.shape[0]):
            row = runs[run, 0] + down
            if 0 <= row < rows:
                for column in range(max(0, runs[run, 1] + right), min(columns, runs[run, 2] + right)):
                    found[place, codes[row, column]] += free[row, column]
    return found


@compiled
def block_counts(codes: Codes, free: Inside, block: int) -> Indices:
    """How often each code occurs on the free pixels of each block: (row of blocks, column of blocks, code)."""
    rows, columns = codes.shape
    found = np.zeros(((rows + block - 1) // block, (columns + block - 1) // block, N_CODES), np.int64)
    for row in range(rows):
        for start in range(0, columns, block):
            of_block = found[row // block, start // block]
            for column in range(start, min(columns, start + block)):
                of_block[codes[row, column]] += free[row, column]
    return found


@compiled
def nearest_counts(blocks: Indices, sizes: Indices, firsts: Indices, steps: Indices, wanted: int) -> Indices:
    """For each draw the codes of the blocks nearest to its first one, (draw, code).

    So many blocks, at least one and never all, that their pixels come nearest to the number wanted; of two that come
    equally near, fewer. Nothing where fewer than two blocks hold any.

    Args:
        blocks: (row of blocks, column of blocks, code).
        sizes: (row of blocks, column of blocks), their sums.
        firsts: (draw,), numbers of blocks that hold pixels, row by row.
        steps: (step, 2) rows and columns, from a block to the others, the nearest first.
        wanted: pixels.
    """
    rows, columns, n_codes = blocks.shape
    found = np.zeros((len(firsts), n_codes), np.int64)
    most = np.count_nonzero(sizes) - 1
    for draw in range(len(firsts) if most > 0 else 0):
        taken = held = 0
        for place in range(steps.shape[0]):
            row, column = firsts[draw] // columns + steps[place, 0], firsts[draw] % columns + steps[place, 1]
            if not (0 <= row < rows and 0 <= column < columns) or not sizes[row, column]:
                continue
            size = sizes[row, column]
            if taken == most or (taken and abs(held + size - wanted) >= abs(held - wanted)):
                break
            taken += 1
            held += size
            found[draw] += blocks[row, column]
    return found
