"""Agreement of two masks, voxel by voxel."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.support.compiled import compiled

Mask = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]
Box = tuple[slice, ...]


def dice(reference: Mask, prediction: Mask) -> float:
    """The Dice similarity coefficient, 2|A∩B| / (|A| + |B|) (Dice 1945).

    Larger is better, 0…1, no unit.

    Args:
        reference: boolean, any shape.
        prediction: boolean, the same shape.

    Returns:
        The coefficient; NaN where both masks are empty (what that counts as is the caller's policy).
    """
    sizes = int(np.count_nonzero(reference)), int(np.count_nonzero(prediction))
    return dice_of_sizes(*sizes, int(np.count_nonzero(reference & prediction)))


def dice_of_sizes(reference: int, prediction: int, shared: int) -> float:
    """The Dice coefficient of two masks from their numbers of voxels and of those that they share."""
    total = reference + prediction
    return 2 * shared / total if total else float("nan")


@dataclass(frozen=True)
class Overlap:
    """Numbers of voxels of two masks, and the smallest box that holds each (of no length for an empty mask)."""

    reference_size: int
    prediction_size: int
    shared: int
    reference_box: Box
    prediction_box: Box


def overlap(reference: Mask, prediction: Mask) -> Overlap:
    """Find sizes and bounding boxes in one pass over two masks of the same shape, 2D or 3D."""
    ours, theirs = as_volume(reference), as_volume(prediction)
    columns: Bytes = np.zeros((1, 2, ours.shape[2]), dtype=np.uint8)
    sizes, ranges = _scan(ours, theirs, columns[0], _words(ours), _words(theirs), _words(columns)[0])
    n_reference, n_prediction, n_shared = sizes.tolist()
    boxes = [_box(found, seen, reference.ndim) for found, seen in zip(ranges.tolist(), columns[0], strict=True)]
    return Overlap(n_reference, n_prediction, n_shared, *boxes)


def _box(ranges: list[list[int]], seen: Bytes, n_axes: int) -> Box:
    columns = np.flatnonzero(seen)
    last = slice(int(columns[0]), int(columns[-1]) + 1) if columns.size else slice(0, 0)
    return (*(slice(*found) for found in ranges), last)[-n_axes:]


def as_volume(mask: Mask) -> Bytes:
    """A mask as bytes in three axes, the last one contiguous; an image becomes a volume of one slice."""
    volume: Bytes = np.ascontiguousarray(mask).view(np.uint8)
    return volume[np.newaxis] if volume.ndim == 2 else volume


def _words(volume: Bytes) -> Words:
    """The same memory, eight voxels at a time along rows; one word only where rows can't be counted in words.

    A row's voxels are added up in the eight bytes of a word, each of which holds 255 at most.
    """
    n_columns = volume.shape[2]
    if n_columns % 8 or n_columns > 255 * 8:
        return np.zeros((1, 1, 1), dtype=np.uint64)
    return volume.view(np.uint64)


@compiled
def _scan(
    ours: Bytes, theirs: Bytes, columns: Bytes, our_words: Words, their_words: Words, column_words: Words
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Sizes (ours, theirs, shared), and of each mask the ranges of slices and rows; marks the columns of each."""
    n_slices, n_rows, n_columns = ours.shape
    by_words = our_words.shape[:2] == ours.shape[:2] and our_words.shape[2] * 8 == n_columns
    sizes = np.zeros(3, dtype=np.int64)
    ranges = np.zeros((2, 2, 2), dtype=np.int64)
    for z in range(n_slices):
        for y in range(n_rows):
            n_ours = n_theirs = n_shared = np.int64(0)
            if by_words:
                our_row, their_row = our_words[z, y], their_words[z, y]
                our_sum = their_sum = shared_sum = np.uint64(0)
                for x in range(our_row.size):
                    our_sum += our_row[x]
                    their_sum += their_row[x]
                    shared_sum += our_row[x] & their_row[x]
                if not our_sum | their_sum:
                    continue
                n_ours, n_theirs, n_shared = _of_bytes(our_sum), _of_bytes(their_sum), _of_bytes(shared_sum)
                for x in range(our_row.size):
                    column_words[0, x] |= our_row[x]
                    column_words[1, x] |= their_row[x]
            else:
                for x in range(n_columns):
                    n_ours += ours[z, y, x]
                    n_theirs += theirs[z, y, x]
                    n_shared += ours[z, y, x] & theirs[z, y, x]
                    columns[0, x] |= ours[z, y, x]
                    columns[1, x] |= theirs[z, y, x]
            if n_ours:
                _widen(ranges[0], z, y, sizes[0] == 0)
            if n_theirs:
                _widen(ranges[1], z, y, sizes[1] == 0)
            sizes[0] += n_ours
            sizes[1] += n_theirs
            sizes[2] += n_shared
    return sizes, ranges


@compiled
def _of_bytes(word: np.uint64) -> np.int64:
    """The sum of a word's eight bytes."""
    total = np.int64(0)
    for _ in range(8):
        total += np.int64(word & np.uint64(255))
        word >>= np.uint64(8)
    return total


@compiled
def _widen(ranges: npt.NDArray[np.int64], z: int, y: int, first: bool) -> None:
    """Make the ranges hold a slice and a row; slices come in order."""
    ranges[0, 0], ranges[0, 1] = z if first else ranges[0, 0], z + 1
    ranges[1, 0], ranges[1, 1] = y if first else min(ranges[1, 0], y), y + 1 if first else max(ranges[1, 1], y + 1)
