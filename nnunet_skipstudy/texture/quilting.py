"""Image quilting: more of a texture, sewn from patches of what there is of it."""

import numpy as np
import numpy.typing as npt

Scaled = npt.NDArray[np.float64]
Inside = npt.NDArray[np.bool_]

LEAST_PX = 6
"""A side of the smallest patches."""
LEAST_PLACES = 32
"""Patches are halved until they fit into so many places."""
OVERLAP = 4
"""Neighbours overlap by a side divided by this."""
CANDIDATES = 8
"""Patches that are looked at for each place; of more, those chosen would be of one part of a texture that varies."""


def quilted(
    source: Scaled, allowed: Inside, shape: tuple[int, int], rng: np.random.Generator, *, side_px: int
) -> Scaled | None:
    """A texture of a given size, of patches that lie in a region of the source.

    Row by row each patch is, of some drawn at random, the one that fits best to its neighbours where they overlap; the
    seam runs where the two differ least.

    Args:
        source: (row, column) or (row, column, channel).
        allowed: (row, column), what patches are cut from.
        shape: rows and columns wanted.
        rng: where patches are drawn.
        side_px: of a patch; halved, down to 6, where too few fit into the region.

    Returns:
        (row, column[, channel]); None where the region holds no patch.

    Source: Efros and Freeman 2001.
    """
    places = _places(allowed, side_px)
    while len(places) < LEAST_PLACES and side_px // 2 >= LEAST_PX:
        side_px //= 2
        places = _places(allowed, side_px)
    if not len(places):
        return None
    overlap = max(1, side_px // OVERLAP)
    step = side_px - overlap
    n_rows, n_columns = (max(1, -(-(length - overlap) // step)) for length in shape)
    sewn = np.zeros((n_rows * step + overlap, n_columns * step + overlap, *source.shape[2:]))
    for row in range(n_rows):
        for column in range(n_columns):
            target = sewn[row * step : row * step + side_px, column * step : column * step + side_px]
            left, top = overlap * (column > 0), overlap * (row > 0)
            patch = _fitting(source, places, target, (top, left), rng)
            keep = _keep(target, patch, top, left)
            target[...] = np.where(keep if patch.ndim == 2 else keep[..., None], target, patch)
    return sewn[: shape[0], : shape[1]]


def _places(allowed: Inside, side_px: int) -> npt.NDArray[np.int64]:
    """(place, 2): the first rows and columns of the squares that lie in the region."""
    if min(allowed.shape) < side_px:
        return np.zeros((0, 2), np.int64)
    sums = np.pad(allowed.astype(np.int64), ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)
    n = side_px
    return np.argwhere(sums[n:, n:] - sums[:-n, n:] - sums[n:, :-n] + sums[:-n, :-n] == n * n)


def _fitting(
    source: Scaled, places: npt.NDArray[np.int64], target: Scaled, margins: tuple[int, int], rng: np.random.Generator
) -> Scaled:
    """Of some patches the one that differs least from what is there already, in the margins at top and left."""
    side, (top, left) = len(target), margins
    drawn = places[rng.integers(len(places), size=CANDIDATES)]
    patches = np.stack([source[row : row + side, column : column + side] for row, column in drawn])
    squares = (patches - target) ** 2
    across = tuple(range(1, squares.ndim))
    misfit = squares[:, :top].sum(axis=across) + squares[:, top:, :left].sum(axis=across)
    return np.asarray(patches[int(np.argmin(misfit))])


def _keep(target: Scaled, patch: Scaled, top: int, left: int) -> Inside:
    """Which pixels of the target stay under a patch: those on its neighbours' side of the seams."""
    squares = (patch - target) ** 2
    cost = squares if squares.ndim == 2 else squares.sum(axis=2)
    keep = np.zeros(cost.shape, bool)
    if left:
        keep[:, :left] |= np.arange(left) < _seam(cost[:, :left])[:, None]
    if top:
        keep[:top] |= (np.arange(top) < _seam(cost[:top].T)[:, None]).T
    return keep


def _seam(cost: Scaled) -> npt.NDArray[np.int64]:
    """Of (step, place) the place at each step of the cheapest way from first to last, one place aside at most."""
    total = cost.copy()
    for step in range(1, len(total)):
        before = np.pad(total[step - 1], 1, constant_values=np.inf)
        total[step] += np.minimum(np.minimum(before[:-2], before[2:]), before[1:-1])
    way = np.zeros(len(total), np.int64)
    way[-1] = np.argmin(total[-1])
    for step in range(len(total) - 2, -1, -1):
        first = max(way[step + 1] - 1, 0)
        way[step] = first + np.argmin(total[step, first : way[step + 1] + 2])
    return way
