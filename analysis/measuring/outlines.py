"""Outlines of masks along the edges of pixels."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class Outlines(NamedTuple):
    """Closed lines around objects and their holes, one behind the other.

    ``corners``: (corner, 2), row and column, where a pixel's upper left corner is whole; ``starts``: which of them
    each line begins with. A line's first step is along a row, then they alternate; the last one, back to its first
    corner, is left out. The object lies on the right of each step.
    """

    corners: Indices
    starts: Indices


def outlines(inside: Mask) -> Outlines:
    """The outlines of a mask (row, column); pixels that touch at a corner only are told apart.

    Steps along rows and along columns are found apart, then each is followed by the one that begins at its end.
    """
    filled = [np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0)]
    if not len(filled[0]):
        return Outlines(np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64))
    (top, bottom), (left, right) = ((own[0], own[-1] + 1) for own in filled)
    corners, starts = _outlines(inside[top:bottom, left:right])
    return Outlines(corners + np.array([top, left]), starts)


def _outlines(inside: Mask) -> Outlines:
    begin, end, right = _steps(inside)
    up_end, up_begin, up = _steps(inside.T)
    # where two pixels touch at a corner four steps meet: each turns right, around its own pixel
    across = _joined(end, ~right, up_begin[:, ::-1], up)
    order, starts = _rounds(_joined(up_end[:, ::-1], up, begin, right)[across])
    return Outlines(np.stack([begin[order], end[order]], axis=1).reshape(-1, 2), 2 * starts)


def _steps(inside: Mask) -> tuple[Indices, Indices, Mask]:
    """The straight pieces of outline along rows: where each begins and ends, and whether it runs forward."""
    edges = np.diff(np.pad(inside, 1).astype(np.int8), axis=0)
    flat, width = edges.ravel(), edges.shape[1]  # the frame is empty, so no piece goes on in the next row
    changes = np.flatnonzero(np.diff(flat, prepend=np.int8(0)))
    pieces = flat[changes[:-1]] != 0
    forward = flat[changes[:-1]][pieces] > 0  # the object lies below
    first, last = (
        np.stack([places // width, places % width - 1], axis=1)
        for places in (changes[:-1][pieces], changes[1:][pieces])
    )
    return np.where(forward[:, None], first, last), np.where(forward[:, None], last, first), forward


def _joined(ends: Indices, arriving_second: Mask, begins: Indices, leaving_second: Mask) -> Indices:
    """For each end the piece that begins there; of two the first goes on with the first."""
    following = np.empty(len(ends), dtype=np.int64)
    following[_by_place(ends, arriving_second)] = _by_place(begins, leaving_second)
    return following


def _by_place(places: Indices, second: Mask) -> Indices:
    return np.argsort(((places[:, 0] << 31) + places[:, 1]) * 2 + second, kind="stable")


def _rounds(following: Indices) -> tuple[Indices, Indices]:
    """All pieces in the order in which they follow each other, and where each round starts."""
    left = following.tolist()
    order: list[int] = []
    starts: list[int] = []
    for piece in range(len(left)):
        if left[piece] >= 0:
            starts.append(len(order))
        while left[piece] >= 0:
            order.append(piece)
            left[piece], piece = -1, left[piece]
    return np.array(order, dtype=np.int64), np.array(starts, dtype=np.int64)
