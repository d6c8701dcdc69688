"""What the surface of a mask is made of: points on a grid, each with an area.

Two definitions, by name. In both, the surface points lie on a regular grid with the mask's spacing, so that one
search for nearest points serves both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.metrics.overlap import Box, Mask, as_volume
from nnunet_skipstudy.registry import Surface
from nnunet_skipstudy.support.compiled import compiled

Bytes = npt.NDArray[np.uint8]
Areas = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Elements:
    """The surface points of one mask.

    ``codes`` is a grid of three axes, 0 where no point lies, else the index of the point's area in a table.
    ``origin`` is the place of the grid's first point among the mask's voxels (or voxel corners).
    """

    codes: Bytes
    origin: tuple[int, int, int]


def surface_elements(mask: Mask, box: Box, surface: Surface) -> Elements:
    """The surface of a mask, boolean, 2D or 3D, not empty; ``box`` is the smallest that holds it."""
    inside = as_volume(mask[box])
    flat = mask.ndim == 2
    padded: Bytes = np.zeros([n + 2 for n in inside.shape], dtype=np.uint8)
    padded[1:-1, 1:-1, 1:-1] = inside
    if flat:
        padded = padded[1:-1]
    origin = (0, 0, 0, *(int(part.start) for part in box))[-3:]
    codes = _edges(padded, flat) if surface is Surface.VOXEL else _corners(padded, flat)
    return Elements(codes, (origin[0], origin[1], origin[2]))


def edge_voxels(mask: Mask) -> Mask:
    """The voxels of a boolean mask, 2D or 3D, that a cross-shaped erosion takes away.

    A voxel is on the edge when any of its face neighbours (4 in 2D, 6 in 3D) is background; beyond the image's
    border everything is background.
    """
    box = tuple(slice(0, n) for n in mask.shape)
    codes = surface_elements(mask, box, Surface.VOXEL).codes
    return codes.reshape(mask.shape).view(np.bool_)


@compiled
def _edges(padded: Bytes, flat: bool) -> Bytes:
    n_slices, n_rows, n_columns = padded.shape[0], padded.shape[1] - 2, padded.shape[2] - 2
    first = 0 if flat else 1
    codes = np.zeros((n_slices - 2 * first, n_rows, n_columns), dtype=np.uint8)
    for z in range(codes.shape[0]):
        for y in range(n_rows):
            here = padded[z + first, y + 1]
            above, below = padded[z + first, y], padded[z + first, y + 2]
            before, after = padded[z, y + 1], padded[z + 2 * first, y + 1]
            row = codes[z, y]
            for x in range(n_columns):
                inside = here[x] & here[x + 2] & above[x + 1] & below[x + 1] & before[x + 1] & after[x + 1]
                row[x] = here[x + 1] & (inside ^ np.uint8(1))
    return codes


@compiled
def _corners(padded: Bytes, flat: bool) -> Bytes:
    """Of each corner of voxels, which of the 8 (in 2D 4) voxels around it are inside, as bits; 0 for all or none."""
    depth = 1 if flat else 2
    n_rows, n_columns = padded.shape[1] - 1, padded.shape[2] - 1
    codes = np.zeros((padded.shape[0] - depth + 1, n_rows, n_columns), dtype=np.uint8)
    full = np.uint8((1 << (4 * depth)) - 1)
    for z in range(codes.shape[0]):
        for y in range(n_rows):
            row = codes[z, y]
            for dz in range(depth):
                for dy in range(2):
                    line = padded[z + dz, y + dy]
                    for x in range(n_columns):
                        row[x] = (row[x] << 2) | (line[x] << 1) | line[x + 1]
            for x in range(n_columns):
                if row[x] == full:
                    row[x] = 0
    return codes


def element_areas(surface: Surface, spacing: Sequence[float]) -> Areas:
    """The area (in 2D the length) of a surface point by its code, 256 values; edge voxels count 1 each.

    Args:
        surface: what the surface is.
        spacing: the distance between voxel centres along each axis, 2D or 3D; areas have its unit squared.
    """
    if surface is Surface.VOXEL:
        return np.ones(256)
    return _surfel_lengths(*map(float, spacing)) if len(spacing) == 2 else _surfel_areas(*map(float, spacing))


@lru_cache(maxsize=64)
def _surfel_lengths(height: float, width: float) -> Areas:
    """Of the contour between 2 x 2 voxels, which cuts the sides of the square of their centres in half."""
    lengths = np.zeros(256)
    for code in range(1, 15):
        square = _bits(code, (2, 2))
        columns, rows = square[0] != square[1], square[:, 0] != square[:, 1]
        if columns.all() and rows.all():  # a diagonal pair: two corners are cut off
            lengths[code] = np.hypot(height, width)
        elif columns.all() or rows.all():  # the contour runs straight through
            lengths[code] = width if columns.all() else height
        else:  # one corner is cut off
            lengths[code] = np.hypot(height, width) / 2
    return lengths


@lru_cache(maxsize=64)
def _surfel_areas(*spacing: float) -> Areas:
    """Of the surface that marching cubes (Lorensen and Cline 1987) lays between 2 x 2 x 2 voxels.

    The algorithm leaves a choice where inside voxels lie across a diagonal. Here the smaller party of the eight is
    kept apart, so that a mask and its background have the same surface.
    """
    from skimage.measure import marching_cubes  # needed for this table only

    areas = np.zeros(256)
    for code in range(1, 255):
        party = code if code.bit_count() <= 4 else 255 - code
        cube = _bits(party, (2, 2, 2)).astype(np.float32)
        points, triangles, _, _ = marching_cubes(cube, 0.5, method="lorensen", allow_degenerate=True)
        corners = (points.astype(np.float64) * spacing)[triangles]
        normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        areas[code] = np.linalg.norm(normals, axis=1).sum() / 2
    return areas


def _bits(code: int, shape: tuple[int, ...]) -> Mask:
    """The voxels around a corner from its code, the first voxel's bit the highest."""
    n = int(np.prod(shape))
    return np.array([bool(code >> bit & 1) for bit in reversed(range(n))]).reshape(shape)
