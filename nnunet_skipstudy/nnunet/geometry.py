"""What an image is, where its voxels lie in space, and whether two images lie on one grid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

TOLERANCES: dict[str, float] = {"spacing": 1e-4, "direction": 1e-3, "origin": 1e-2}
"""How far two files may differ and still lie on one grid: NIfTI keeps its geometry in single precision."""


@dataclass(frozen=True)
class Geometry:
    """Where an image's grid lies in space.

    ``spacing`` is in mm, in the array's axis order; origin and direction are SimpleITK's, for comparison only.
    """

    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


@dataclass(frozen=True)
class Grid:
    """The shape of a volume's array and where it lies."""

    shape: tuple[int, ...]
    geometry: Geometry


@dataclass(frozen=True)
class Image:
    """An array and, where the file has one, its geometry (``None`` for flat images: distances are in pixels).

    A flat array of three dimensions is (row, column, channel); ``lossy``: the pixels are not those once saved.
    """

    array: npt.NDArray[Any]
    geometry: Geometry | None
    lossy: bool = False


def difference(ours: Geometry, theirs: Geometry, *, only: Sequence[str] = tuple(TOLERANCES)) -> str | None:
    """The first of spacing, direction and origin in which two geometries differ, with both values; None: in none."""
    for name in only:
        mine, others, tolerance = getattr(ours, name), getattr(theirs, name), TOLERANCES[name]
        close = (math.isclose(a, b, rel_tol=1e-4, abs_tol=tolerance) for a, b in zip(mine, others, strict=False))
        if len(mine) != len(others) or not all(close):
            return f"{name} {_listed(mine)} and {_listed(others)}"
    return None


def _listed(values: Sequence[float]) -> str:
    return "(" + ", ".join(f"{value + 0.0:g}" for value in values) + ")"  # -0.0 becomes 0
