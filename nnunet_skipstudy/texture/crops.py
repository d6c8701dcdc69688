"""Pieces of a texture, with the pieces of training and test from different parts of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError


@dataclass(frozen=True)
class Region:
    """A rectangle of a texture, in its pixels."""

    row: int
    column: int
    rows: int
    columns: int


@dataclass(frozen=True)
class Crop:
    """A square piece of a texture: its upper left pixel in the whole texture, and whether it is mirrored."""

    row: int
    column: int
    flip_rows: bool
    flip_columns: bool


def halves(rows: int, columns: int) -> tuple[Region, Region]:
    """The two halves of a texture, cut across its longer side (a square one: left and right)."""
    if rows > columns:
        half = rows // 2
        return Region(0, 0, half, columns), Region(half, 0, rows - half, columns)
    half = columns // 2
    return Region(0, 0, rows, half), Region(0, half, rows, columns - half)


def draw_crop(region: Region, size_px: int, rng: np.random.Generator) -> Crop:
    """A random crop of ``size_px`` squared in the region, mirrored at random. Raises UserError: it doesn't fit."""
    if min(region.rows, region.columns) < size_px:
        raise UserError(
            f"a crop of {size_px} x {size_px} pixels doesn't fit into {region.rows} x {region.columns}; "
            "ask for a smaller one"
        )
    return Crop(
        row=region.row + int(rng.integers(region.rows - size_px + 1)),
        column=region.column + int(rng.integers(region.columns - size_px + 1)),
        flip_rows=bool(rng.integers(2)),
        flip_columns=bool(rng.integers(2)),
    )


def cut(texture: npt.NDArray[Any], crop: Crop, size_px: int) -> npt.NDArray[Any]:
    """The crop's pixels, (size_px, size_px); a view of the texture."""
    piece = texture[crop.row : crop.row + size_px, crop.column : crop.column + size_px]
    return piece[:: -1 if crop.flip_rows else 1, :: -1 if crop.flip_columns else 1]
