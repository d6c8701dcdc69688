"""What a shape scores where there is no object: the part of a texture disparity that its size alone makes."""

from collections.abc import Sequence
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
    from nnunet_skipstudy.texture.compiled_null import block_counts, moved_counts  # numba takes its time to import

    ours, theirs = np.zeros((len(uniform), N_CODES), np.int64), np.zeros((len(uniform), N_CODES), np.int64)
    if not len(uniform):
        return ours, theirs
    runs = _runs(inside)
    edge = _edge(inside)
    moves = _moves(runs, ~free, edge)
    n_inside = int(inside.sum())
    within = (slice(edge, codes.shape[0] - edge), slice(edge, codes.shape[1] - edge))
    total = np.bincount(codes[within][free[within]], minlength=N_CODES)
    frame = np.bincount(codes[free], minlength=N_CODES) - total
    if len(moves) * STEP_PX**2 < LEAST_ROOM * n_inside:
        wanted = min(n_inside, int(total.sum()) // 2)
        least = LEAST_BLOCK_PX if total.sum() > SMALL_BACKGROUND_PX else 1
        side = max(least, round(wanted**0.5 / BLOCKS_A_SIDE))
        blocks = block_counts(np.ascontiguousarray(codes[within]), np.ascontiguousarray(free[within]), side)
        ours = _drawn(blocks, wanted, uniform)
        return ours, np.stack([_rest(total, drawn, frame) for drawn in ours])
    around = None if surround is None else _runs(surround)
    for draw, number in enumerate(uniform):
        move = moves[int(number * len(moves))]
        ours[draw] = moved_counts(codes, runs, move, free)
        theirs[draw] = _rest(total, ours[draw], frame) if around is None else moved_counts(codes, around, move, free)
    return ours, theirs


def _rest(total: Counts, ours: Counts, frame: Counts) -> Counts:
    """What of the background a draw leaves, scaled up to all of it, so that the image's edge keeps its share."""
    rest = total - ours
    return np.asarray(np.rint(rest * (total.sum() / max(1, rest.sum()))).astype(np.int64) + frame)


def _edge(inside: Inside) -> int:
    """How near to the image's edge the shape may be drawn, in pixels: where patterns reach beyond it only if its do."""
    rows, columns = (slice(RADIUS_PX, size - RADIUS_PX) for size in inside.shape)
    return 0 if inside.sum() > inside[rows, columns].sum() else RADIUS_PX


def _moves(runs: Counts, taken: Inside, edge: int) -> Counts:
    """Where the shape can be moved to."""
    from nnunet_skipstudy.texture.compiled_null import places

    (rows, columns), box = taken.shape, (runs[:, 0].min(), runs[:, 0].max(), runs[:, 1].min(), runs[:, 2].max())
    reach = np.array([edge - box[0], rows - edge - 1 - box[1], edge - box[2], columns - edge - box[3]], np.int64)
    return np.asarray(places(runs[np.argsort(runs[:, 1] - runs[:, 2], kind="stable")], taken, reach, STEP_PX))


def _runs(region: Inside) -> Counts:
    """The region's pixels as runs, row by row: (run, 3) row, first column, column after the last one."""
    padded = np.zeros((region.shape[0], region.shape[1] + 2), np.int8)
    padded[:, 1:-1] = region
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    return np.stack([rows, starts, np.nonzero(steps == -1)[1]], axis=1).astype(np.int64)


def _drawn(blocks: Counts, wanted: int, uniform: Sequence[float]) -> Counts:
    """For each draw the codes of the blocks nearest to a random one that hold about as many pixels as are wanted.

    (draw, code); never all of the blocks, and nothing of fewer than two.
    """
    flat = blocks.reshape(-1, N_CODES)
    filled = np.flatnonzero(flat.any(axis=1))
    if filled.size < 2:
        return np.zeros((len(uniform), N_CODES), np.int64)
    ends = np.cumsum(flat[filled].sum(axis=1))
    places = np.stack(np.divmod(filled, blocks.shape[1]), axis=1)
    first = places[np.searchsorted(ends, np.array(uniform) * ends[-1], side="right")]
    order = np.argsort(((places - first[:, None]) ** 2).sum(axis=2), axis=1, kind="stable")[:, :-1]
    counts = np.cumsum(flat[filled[order]], axis=1)  # draw, number of blocks taken, code
    nearest = np.argmin(np.abs(counts.sum(axis=2) - wanted), axis=1)
    return np.asarray(counts[np.arange(len(uniform)), nearest])
