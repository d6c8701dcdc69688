"""What a shape scores where there is no object: the part of a texture disparity that its size alone makes."""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture.circle import N_CODES, RADIUS_PX, Codes
from nnunet_skipstudy.texture.patterns import Inside

STEP_PX = 2
"""Between the places that a shape is moved to."""
LEAST_ROOM = 4
"""A shape has room where its places, in pixels, are this many times its own pixels."""
BLOCKS_A_SIDE = 5
"""Blocks stand in for a shape without room: so many a side of the square that has its pixels."""
LEAST_BLOCK_PX, SMALL_BACKGROUND_PX = 4, 4096
"""A side of the smallest blocks that a background beyond so many pixels is cut into."""
MOST_DRAWS = 1000
DRAWS = 20
"""By default: of one texture alone, a value is above all of them in 1 of 21 images."""
Counts = npt.NDArray[np.int64]


def null_draws(case: str, n_draws: int, *, seed: int = 0) -> list[float]:
    """The numbers, 0 ... 1, that a case's null is drawn with, which depend on nothing but case and seed.

    So all levels and labels of a case have the same draws.

    Raises:
        UserError: a number of draws that is negative or above 1000.
    """
    if not 0 <= n_draws <= MOST_DRAWS:
        raise UserError(f"{n_draws} draws of the null; give 0 (none) to {MOST_DRAWS} (--null)")
    digest = sha256(f"null/{seed}/{case}".encode()).digest()
    numbers: list[float] = np.random.default_rng(int.from_bytes(digest[:8], "big")).random(n_draws).tolist()
    return numbers


def null_counts(
    codes: Codes, inside: Inside, free: Inside, surround: Inside | None, uniform: Sequence[float]
) -> tuple[Counts, Counts]:
    """How often each code occurs inside and outside of the object's shape, drawn in its own background.

    Where there is room, the same shape is moved to a random place, all of it in the background; outside is then what
    of the background it leaves, or its surround, moved likewise. A shape that isn't at the image's edge, whose
    patterns are others, isn't moved there. Where there is no room, the background is cut into blocks, and those nearest
    to a random one are taken until they hold about as many pixels as the object, at most half of the background;
    outside is the rest. (Blocks scattered over the background would be more like it than a compact object is.)

    Args:
        codes: (row, column).
        inside: the object, same shape, not empty.
        free: the background, same shape, not empty.
        surround: what the object is held against, where that isn't all of the background.
        uniform: numbers 0 ... 1 excluded, one a draw: the same number is about the same place on slices that are alike.

    Returns:
        (draw, code) inside and outside; 0 where a background of one pixel can't be divided.
    """
    # numba takes its time to import
    from nnunet_skipstudy.texture.compiled_null import moved_counts, runs_of
    from nnunet_skipstudy.texture.compiled_patterns import counts

    if not len(uniform):
        return np.zeros((0, N_CODES), np.int64), np.zeros((0, N_CODES), np.int64)
    # one machine code serves all
    codes, inside, free = np.ascontiguousarray(codes), np.ascontiguousarray(inside), np.ascontiguousarray(free)
    runs, edge, n_inside = runs_of(inside), _edge(inside), int(np.count_nonzero(inside))
    moves = _moves(runs, ~free, edge, -(-LEAST_ROOM * n_inside // STEP_PX**2))
    within = (slice(edge, codes.shape[0] - edge), slice(edge, codes.shape[1] - edge))
    if not len(moves):
        ours = _drawn(codes[within], free[within], n_inside, uniform)
    else:
        taken = moves[[int(number * len(moves)) for number in uniform]]
        ours = moved_counts(codes, runs, taken, free)
        if surround is not None:
            return ours, moved_counts(codes, runs_of(np.ascontiguousarray(surround)), taken, free)
    inner = np.zeros_like(free)
    inner[within] = free[within]
    total, of_inner = counts(codes, free, inner, N_CODES)
    rest = of_inner - ours
    # scaled up to all of the background, so that the image's edge keeps its share
    scale = of_inner.sum() / np.maximum(1, rest.sum(axis=1, keepdims=True))
    return ours, np.rint(rest * scale).astype(np.int64) + (total - of_inner)


def _edge(inside: Inside) -> int:
    """How near to the image's edge the shape may be drawn, in pixels: where patterns reach beyond it only if its do."""
    rows, columns = (slice(RADIUS_PX, size - RADIUS_PX) for size in inside.shape)
    return 0 if np.count_nonzero(inside) > np.count_nonzero(inside[rows, columns]) else RADIUS_PX


def _moves(runs: Counts, taken: Inside, edge: int, least: int) -> Counts:
    """Where the shape can be moved to; nowhere, if to fewer than ``least`` places."""
    from nnunet_skipstudy.texture.compiled_null import places

    (rows, columns), box = taken.shape, (runs[:, 0].min(), runs[:, 0].max(), runs[:, 1].min(), runs[:, 2].max())
    reach = np.array([edge - box[0], rows - edge - 1 - box[1], edge - box[2], columns - edge - box[3]], np.int64)
    return np.asarray(places(runs[np.argsort(runs[:, 1] - runs[:, 2], kind="stable")], taken, reach, STEP_PX, least))


def _drawn(codes: Codes, free: Inside, n_inside: int, uniform: Sequence[float]) -> Counts:
    """For each draw the codes of the blocks nearest to a random one that hold about as many pixels as the object.

    (draw, code); at most half of the background, and nothing where it is no more than one block.
    """
    from nnunet_skipstudy.texture.compiled_null import block_counts, nearest_counts

    n_free = int(np.count_nonzero(free))
    wanted = min(n_inside, n_free // 2)
    side = max(LEAST_BLOCK_PX if n_free > SMALL_BACKGROUND_PX else 1, round(wanted**0.5 / BLOCKS_A_SIDE))
    blocks = block_counts(np.ascontiguousarray(codes), np.ascontiguousarray(free), side)
    sizes = blocks.sum(axis=2)
    ends = np.cumsum(sizes)
    firsts = np.searchsorted(ends, np.array(uniform) * ends[-1], side="right")
    return nearest_counts(blocks, sizes, firsts, _by_distance(*sizes.shape), wanted)


@lru_cache(maxsize=64)
def _by_distance(rows: int, columns: int) -> Counts:
    """All steps between two blocks, (step, 2) rows and columns, the shortest first, then by row and column."""
    steps = np.mgrid[1 - rows : rows, 1 - columns : columns].reshape(2, -1).T
    return np.ascontiguousarray(steps[np.argsort((steps**2).sum(axis=1), kind="stable")])
