"""Random closed shapes whose outline is a chain of cubic Bézier curves."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError

POINTS_PER_CURVE = 24
SMALLEST_IMAGE_PX = 32
"""In a smaller image a shape of many points is a few pixels' noise."""
Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ShapePreset:
    """How difficult the outlines of shapes are.

    - ``points``: number of anchor points, through which the outline runs;
    - ``radius``: distance of the outline's furthest point from the centre, as a part of the image's side;
      each shape's own lies within 15 % of it;
    - ``edginess``: 0 ... 1; 0 puts all anchors on a circle and rounds the outline at them, 1 puts each anchor
      anywhere between centre and circle and makes it a corner.
    """

    points: int
    radius: float
    edginess: float


SHAPE_PRESETS: dict[str, ShapePreset] = {
    "round": ShapePreset(points=5, radius=0.30, edginess=0.15),
    "smooth": ShapePreset(points=7, radius=0.32, edginess=0.35),
    "wavy": ShapePreset(points=10, radius=0.34, edginess=0.50),
    "jagged": ShapePreset(points=14, radius=0.37, edginess=0.62),
    "spiky": ShapePreset(points=20, radius=0.40, edginess=0.75),
}
"""From easiest to hardest. The radius grows so that the shapes of all presets cover about as many pixels."""


@dataclass(frozen=True)
class Shape:
    """One drawn shape, ready to be rasterised.

    ``anchors`` are (row, column) one after the other around the origin, in any unit; the outline through them
    is scaled to ``radius_px`` and moved to ``centre_px`` (row, column).
    """

    anchors: tuple[tuple[float, float], ...]
    edginess: float
    radius_px: float
    centre_px: tuple[float, float]


def shape_preset(name: str) -> ShapePreset:
    """The preset of this name. Raises UserError: there is none."""
    if name not in SHAPE_PRESETS:
        raise UserError(f"no shape preset {name!r}; choose one of {', '.join(SHAPE_PRESETS)}")
    return SHAPE_PRESETS[name]


def draw_shape(preset: ShapePreset, size_px: int, rng: np.random.Generator) -> Shape:
    """A shape inside an image of ``size_px`` rows and columns. Raises UserError: that is less than 32 pixels."""
    if size_px < SMALLEST_IMAGE_PX:
        raise UserError(f"image size {size_px}; give at least {SMALLEST_IMAGE_PX} pixels, to hold a shape")
    jitter = rng.uniform(-0.3, 0.3, preset.points)
    angles = (np.arange(preset.points) + jitter) * 2 * np.pi / preset.points + rng.uniform(0, 2 * np.pi)
    distances = 1 - preset.edginess * rng.uniform(0, 1, preset.points)
    anchors = distances[:, None] * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    radius_px = preset.radius * size_px * rng.uniform(0.85, 1.15)
    row, column = rng.uniform(radius_px, size_px - 1 - radius_px, 2)
    return Shape(
        anchors=tuple((float(r), float(c)) for r, c in anchors),
        edginess=preset.edginess,
        radius_px=float(radius_px),
        centre_px=(float(row), float(column)),
    )


def outline(shape: Shape) -> Points:
    """The closed outline as a fine polygon, (point, 2) of (row, column) in pixels, first point not repeated.

    No point is further than ``radius_px`` from ``centre_px``; the furthest is as far.
    """
    anchors = np.asarray(shape.anchors, dtype=np.float64)
    after = np.roll(anchors, -1, axis=0)
    chords = np.linalg.norm(after - anchors, axis=1, keepdims=True)
    directions = after - np.roll(anchors, 1, axis=0)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    reach = 0.4 * (1 - shape.edginess**2) * chords  # 0.4 of the chord makes four anchors on a circle a circle
    leaving = anchors + reach * directions
    arriving = after - reach * np.roll(directions, -1, axis=0)
    t = np.linspace(0, 1, POINTS_PER_CURVE, endpoint=False)[:, None, None]
    curves = (
        (1 - t) ** 3 * anchors + 3 * (1 - t) ** 2 * t * leaving + 3 * (1 - t) * t**2 * arriving + t**3 * after
    )  # (step, curve, 2)
    points = curves.transpose(1, 0, 2).reshape(-1, 2)
    scale = shape.radius_px / np.linalg.norm(points, axis=1).max()
    return np.asarray(points * scale + np.asarray(shape.centre_px))


def shape_mask(shape: Shape, size_px: int) -> npt.NDArray[np.bool_]:
    """The shape's pixels, (size_px, size_px): one connected region without holes, never empty.

    Where thin parts of the outline leave several pieces on the grid, the largest stays.
    """
    from scipy import ndimage
    from skimage.draw import polygon

    points = outline(shape)
    mask = np.zeros((size_px, size_px), dtype=bool)
    mask[polygon(points[:, 0], points[:, 1], mask.shape)] = True
    pieces, n_pieces = ndimage.label(mask)
    if n_pieces > 1:
        mask = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
    return np.asarray(ndimage.binary_fill_holes(mask), dtype=bool)
