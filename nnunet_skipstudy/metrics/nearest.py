"""The distance from each point of one grid to the nearest point of another, exactly.

Distances along rows come first: one sweep forth and one back give them for every column. From a starting point
the rows around it are then looked at, nearest first, until none can hold anything nearer. That is fast while the
two sets lie near each other, as good segmentations do. Where they lie so far apart that it would cost more than
the lower envelopes of parabolas (Felzenszwalb and Huttenlocher 2012) over all rows, those are taken.
"""

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.support.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Distances = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Rows = npt.NDArray[np.uint16] | npt.NDArray[np.int32]

PATIENCE = 4
"""How many rows the search may look at for each element of the envelopes before they take over."""
SLACK = 1 + 1e-9
"""An upper bound is widened by it, so that rounding can't hide what lies exactly on it."""


@compiled
def places_of(codes: Bytes) -> Places:
    """The places of all points of a grid with three axes, (n, 3), in the grid's order."""
    n_slices, n_rows, n_columns = codes.shape
    counts = np.zeros((n_slices, n_rows), dtype=np.int64)
    for z in range(n_slices):
        for y in range(n_rows):
            row, count = codes[z, y], np.int32(0)
            for x in range(n_columns):
                count += np.int32(row[x] != 0)
            counts[z, y] = count
    places = np.empty((counts.sum(), 3), dtype=np.int64)
    i = 0
    for z in range(n_slices):
        for y in range(n_rows):
            left, x = counts[z, y], 0
            while left:
                if codes[z, y, x]:
                    places[i, 0], places[i, 1], places[i, 2] = z, y, x
                    i += 1
                    left -= 1
                x += 1
    return places


def nearest_distances(starts: Places, goal: Bytes, spacing: Distances) -> Distances:
    """The distance from each starting place to the nearest point of a grid, in the unit of ``spacing``.

    Args:
        starts: (n, 3), counted from the grid's first point; they may lie outside of it, negative too. In the grid's
            order, so that neighbours follow each other.
        goal: the grid, three axes, at least one point (not 0).
        spacing: the grid's, of each axis.
    """
    rows: Rows = np.empty(goal.shape, dtype=np.uint16 if goal.shape[2] < 2**16 else np.int32)
    occupied = _sweep(goal, rows)
    squares = np.empty(len(starts))
    found = _search(starts, rows, occupied, spacing, squares, PATIENCE)
    if found < len(starts):
        squares[found:] = _envelopes(starts[found:], rows, occupied, spacing)
    return np.sqrt(squares, out=squares)


@compiled
def _sweep(goal: Bytes, rows: Rows) -> npt.NDArray[np.bool_]:
    """Fill ``rows`` with the distance, in columns, to the nearest point of the same row; tell which rows hold any."""
    n_slices, n_rows, n_columns = goal.shape
    occupied = np.zeros((n_slices, n_rows), dtype=np.bool_)
    for z in range(n_slices):
        for y in range(n_rows):
            points, row = goal[z, y], rows[z, y]
            first = -1
            for x in range(n_columns):
                if points[x]:
                    first = x
                    break
            if first < 0:
                continue
            occupied[z, y] = True
            for x in range(first):
                row[x] = first - x
            last = first
            for x in range(first, n_columns):
                if points[x]:
                    middle = (last + x) // 2
                    for between in range(middle + 1, x):
                        row[between] = x - between
                    last = x
                row[x] = x - last
    return occupied


@compiled
def _search(
    starts: Places, rows: Rows, occupied: npt.NDArray[np.bool_], spacing: Distances, squares: Distances, patience: int
) -> int:
    """Look at rows around each start, and write squared distances; returns how many starts were done."""
    n_slices, n_rows, n_columns = rows.shape
    slice_area, row_area, width = spacing[0] ** 2, spacing[1] ** 2, spacing[2]
    budget = patience * n_slices * (n_rows * min(n_columns, len(starts)) + len(starts))
    steps = 0
    last_z, last_y, last_x, last_distance = -1, -1, 0, np.inf
    for i in range(len(starts)):
        z, y, x = starts[i, 0], starts[i, 1], starts[i, 2]
        column = min(max(x, 0), n_columns - 1)
        gap = abs(x - column)
        best = np.inf
        if z == last_z and y == last_y:  # not farther than through the start before
            best = (last_distance + (x - last_x) * width) ** 2 * SLACK
        for dz in range(max(0, -z, z - n_slices + 1), max(z, n_slices - 1 - z) + 1):
            slice_square = dz * dz * slice_area
            if slice_square >= best:
                break
            for other_z in (z - dz, z + dz):
                if other_z < 0 or other_z >= n_slices:
                    continue
                for dy in range(max(0, -y, y - n_rows + 1), max(y, n_rows - 1 - y) + 1):
                    row_square = slice_square + dy * dy * row_area
                    if row_square >= best:
                        break
                    steps += 1
                    for other_y in (y - dy, y + dy):
                        if 0 <= other_y < n_rows and occupied[other_z, other_y]:
                            along = (np.int64(rows[other_z, other_y, column]) + gap) * width
                            best = min(best, row_square + along * along)
                if dz == 0:
                    break
        squares[i] = best
        last_z, last_y, last_x, last_distance = z, y, x, np.sqrt(best)
        if steps > budget:
            return i + 1
    return len(starts)


@compiled
def _envelopes(starts: Places, rows: Rows, occupied: npt.NDArray[np.bool_], spacing: Distances) -> Distances:
    """Squared distances of starts, however far: along rows as swept, then over the rows, then over the slices."""
    n_slices, n_rows, n_columns = rows.shape
    first_y, last_y = starts[:, 1].min(), starts[:, 1].max()
    order = np.argsort(starts[:, 2] * (last_y - first_y + 1) + starts[:, 1] - first_y)
    lines = np.empty(len(starts), dtype=np.int64)  # starts that differ in the slice alone share a line
    n_lines = 0
    for i in range(len(starts)):
        here, before = starts[order[i]], starts[order[i - 1]]
        if i and (here[1] != before[1] or here[2] != before[2]):
            n_lines += 1
        lines[i] = n_lines
    n_lines += 1
    in_slice = np.full((n_lines, n_slices), np.inf)
    heights = np.empty(max(n_rows, n_slices))
    sites, borders = np.empty(heights.size, dtype=np.int64), np.empty(heights.size)
    for z in range(n_slices):
        if not occupied[z].any():
            continue
        i = 0
        while i < len(starts):
            x = starts[order[i], 2]
            column = min(max(x, 0), n_columns - 1)
            for y in range(n_rows):
                along = (np.int64(rows[z, y, column]) + abs(x - column)) * spacing[2]
                heights[y] = along * along if occupied[z, y] else np.inf
            n_sites, site = _lower_envelope(heights[:n_rows], spacing[1], sites, borders), 0
            while i < len(starts) and starts[order[i], 2] == x:
                y = starts[order[i], 1]
                while site + 1 < n_sites and borders[site + 1] < y:
                    site += 1
                away = (y - sites[site]) * spacing[1]
                in_slice[lines[i], z] = heights[sites[site]] + away * away
                i += 1
    squares = np.empty(len(starts))
    n_sites = 0
    for i in range(len(starts)):
        if i == 0 or lines[i] != lines[i - 1]:
            n_sites = _lower_envelope(in_slice[lines[i]], spacing[0], sites, borders)
        z, site = starts[order[i], 0], 0
        while site + 1 < n_sites and borders[site + 1] < z:
            site += 1
        away = (z - sites[site]) * spacing[0]
        squares[order[i]] = in_slice[lines[i], sites[site]] + away * away
    return squares


@compiled
def _lower_envelope(heights: Distances, spacing: float, sites: Places, borders: Distances) -> int:
    """The parabolas, one upon each height that is finite, of which some part lies below all others.

    Args:
        heights: the lowest value of each parabola, at its index.
        spacing: between the indices.
        sites: gets the indices of those parabolas.
        borders: gets where each begins to be the lowest, in indices.

    Returns:
        How many there are.
    """
    area = spacing * spacing
    n = 0
    for i in range(heights.size):
        if heights[i] == np.inf:
            continue
        border = -np.inf
        while n:
            other = sites[n - 1]
            border = (heights[i] - heights[other]) / (2 * area * (i - other)) + (i + other) / 2
            if border > borders[n - 1]:
                break
            n -= 1
        if n == 0:
            border = -np.inf
        sites[n], borders[n] = i, border
        n += 1
    return n
