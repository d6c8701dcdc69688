"""Duplicates and near-duplicates among flat images, found by what they look like.

Two images count as near-duplicates when their coarse layout or their fine structure says so. The layout: their
perceptual hashes (the signs of the low frequencies of a cosine transform, 64 bits) differ in few bits, and their
thumbnails are highly correlated. The hash alone is too easily pleased by images of one kind, which all have the same
coarse layout; the correlation alone by smooth ones. Both leave brightness and contrast alone, and bear a small mark, a
little noise and a change of size. The fine structure: one image, moved, cropped or rescaled, agrees with the other
where they overlap, see :mod:`~nnunet_skipstudy.conversion.registration`. Mirrored and rotated copies aren't seen.
The thresholds were set on real breast ultrasound images; a data set's duplicates.csv lists what was found, to be
looked at.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.conversion.registration import Look, look, registered

THUMBNAIL_PX = 32
HASH_PX = 8
LARGEST_DISTANCE = 8
"""Of 64 bits."""
LEAST_CORRELATION = 0.93
"""From here on no false pair was seen among 647 real images; with 0.97, a sixth of the true ones is missed."""
Thumbnail = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pair:
    """Two cases that look alike.

    ``distance``: between their hashes, 0 ... 64 bits. ``correlation``: of their thumbnails, up to 1. ``agreement``: of
    their fine structure where they overlap, up to 1; None where they can't be registered.
    """

    case: str
    other: str
    distance: int
    correlation: float
    agreement: float | None = None


@dataclass(frozen=True)
class Looks:
    """What of a grey image its copies are found by."""

    thumbnail: Thumbnail
    fine: Look


def looks(image: npt.NDArray[np.uint8]) -> Looks:
    """The looks of a grey image, (row, column)."""
    return Looks(thumbnail(image), look(image))


def thumbnail(image: npt.NDArray[np.uint8]) -> Thumbnail:
    """A grey image's means over 32 x 32 cells, (32, 32); an image with fewer pixels repeats some."""
    cells = image.astype(np.float64)
    for axis, size in enumerate(image.shape):
        borders = np.linspace(0, size, THUMBNAIL_PX + 1)
        starts = np.minimum(borders[:-1].astype(int), size - 1)
        ends = np.maximum(borders[1:].astype(int), starts + 1)
        sums = np.cumsum(cells, axis=axis)
        sums = np.concatenate([np.zeros_like(sums.take([0], axis=axis)), sums], axis=axis)
        lengths = (ends - starts).reshape((-1, 1) if axis == 0 else (1, -1))
        cells = (sums.take(ends, axis=axis) - sums.take(starts, axis=axis)) / lengths
    return cells.astype(np.float32)


def perceptual_hash(small: Thumbnail) -> npt.NDArray[np.bool_]:
    """Which of the 8 x 8 lowest frequencies, without the mean, lie above their median; 63 bits and a False."""
    from scipy.fft import dctn

    low = dctn(small.astype(np.float64), norm="ortho")[:HASH_PX, :HASH_PX].ravel()
    bits = low > np.median(low[1:])
    bits[0] = False
    return np.asarray(bits)


def near_duplicates(cases: Mapping[str, Looks]) -> list[Pair]:
    """All pairs of cases that look alike, in the order of the mapping."""
    names = list(cases)
    if len(names) < 2:
        return []
    hashes = np.stack([perceptual_hash(cases[name].thumbnail) for name in names]).astype(np.float32)
    counts = hashes.sum(axis=1)
    distances = counts[:, None] + counts[None, :] - 2 * hashes @ hashes.T
    flat = np.stack([cases[name].thumbnail.ravel() for name in names]).astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(flat, axis=1, keepdims=True)
    flat /= np.where(lengths > 0, lengths, 1)
    correlations = flat @ flat.T
    alike = (np.rint(distances) <= LARGEST_DISTANCE) & (correlations >= LEAST_CORRELATION)
    agreements = registered([cases[name].fine for name in names])
    for pair in agreements:
        alike[pair] = True
    return [
        Pair(
            *(names[a], names[b], int(np.rint(distances[a, b])), round(min(1.0, float(correlations[a, b])), 6)),
            agreements.get((int(a), int(b))),
        )
        for a, b in zip(*np.nonzero(np.triu(alike, 1)), strict=True)
    ]


def merged_groups(groups: Mapping[str, str], pairs: Iterable[Pair]) -> dict[str, str]:
    """Each case's group after those of all pairs, linked through others too, became one; it has the smallest name."""
    from scipy.cluster.hierarchy import DisjointSet

    joined = DisjointSet(groups.values())
    for pair in pairs:
        joined.merge(groups[pair.case], groups[pair.other])
    smallest = {group: min(joined.subset(group)) for group in joined}
    return {case: smallest[group] for case, group in groups.items()}
