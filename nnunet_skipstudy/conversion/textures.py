"""Where textures come from: scikit-image, a picture of the user's, or made-up noise; and pieces of them."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import read_picture

NAMED_TEXTURES: tuple[str, ...] = ("brick", "grass", "gravel")
"""Textures of 512 x 512 pixels that scikit-image carries (from CC0 sources)."""
PROCEDURAL_PREFIX = "procedural:"
KINDS = f"{', '.join(NAMED_TEXTURES)}, a picture file, or {PROCEDURAL_PREFIX}STRENGTH with a strength from 0 to 1"
FINEST_PX = 3.0
"""Wavelength of the member of strength 0."""
COARSEST_PX = 24.0
"""Wavelength of the member of strength 1."""
BANDWIDTH_OCTAVES = 0.5
MEAN, SPREAD = 0.5, 0.15


@dataclass(frozen=True)
class Texture:
    """A texture's name, for tables, and its grey pixels, (row, column) in 0 ... 1."""

    name: str
    pixels: npt.NDArray[np.float64]

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the pixels."""
        return sha256(repr(self.pixels.shape).encode() + np.ascontiguousarray(self.pixels).tobytes()).hexdigest()


def load_texture(source: str, *, side_px: int, rng: np.random.Generator) -> Texture:
    """The texture that ``source`` names.

    It is ``brick``, ``grass``, ``gravel``; ``procedural:0.4``, of ``side_px`` rows and columns; or the path of a
    picture (PNG, BMP, TIFF, JPEG, WebP), which is made grey.

    Raises:
        UserError: there is no such texture or file, or it can't be read.
    """
    if source in NAMED_TEXTURES:
        from skimage import data

        return Texture(source, grey_pixels(getattr(data, source)(), source))
    if source.startswith(PROCEDURAL_PREFIX):
        return Texture(source, procedural_texture(_strength(source), side_px, rng))
    path = Path(source)
    if not path.exists():
        raise UserError(f"texture {source!r}: no texture of that name and no such file; give {KINDS}")
    return Texture(path.name, grey_pixels(read_picture(path), source))


def grey_pixels(picture: npt.NDArray[Any], name: str) -> npt.NDArray[np.float64]:
    """A picture as grey values in 0 ... 1, without transparency.

    Integers are divided by the largest value of as many bits as the picture's largest one needs, 8 at least, since
    many a picture of 12 bits comes in 16 or 32; negative ones, and floats beyond, are scaled by their range.

    Raises:
        UserError: it is no flat picture, or has pixels that are not finite.
    """
    from skimage.color import rgb2gray

    if picture.ndim == 3 and 1 <= picture.shape[2] <= 4:
        picture = picture[..., 0] if picture.shape[2] < 3 else picture[..., :3]
    if picture.dtype.kind in "ui" and picture.size and picture.min() >= 0:
        picture = picture * (1.0 / (2 ** max(8, int(picture.max()).bit_length()) - 1))
    picture = picture.astype(np.float64)
    if picture.ndim == 3 and picture.shape[2] == 3:
        picture = rgb2gray(picture)
    if picture.ndim != 2 or not picture.size:
        raise UserError(f"texture {name!r} has shape {picture.shape}; give one flat grey or RGB picture")
    grey = picture
    if not np.isfinite(grey).all():
        raise UserError(f"texture {name!r} has pixels that are NaN or infinite; give a picture without")
    if grey.min() < 0 or grey.max() > 1:
        grey = (grey - grey.min()) / np.ptp(grey) if np.ptp(grey) else np.zeros_like(grey)
    return grey


def _strength(source: str) -> float:
    given = source.removeprefix(PROCEDURAL_PREFIX)
    try:
        return float(given)
    except ValueError:
        raise UserError(f"texture {source!r}: {given!r} is no number; give a strength from 0 to 1") from None


def procedural_texture(strength: float, side_px: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Isotropic noise of one band of wavelengths: from 3 px at strength 0 to 24 px at 1, on a log scale.

    All members, (side_px, side_px) in 0 ... 1, have the same mean (0.5) and standard deviation (0.15), so that only the
    texture tells two of them apart. The further apart two strengths, the larger the texture disparity; two draws of one
    strength are the same texture. The noise is periodic: its left edge continues at its right one.

    Raises:
        UserError: the strength is out of range.
    """
    if not 0 <= strength <= 1:
        raise UserError(f"procedural texture of strength {strength:g}; give a strength from 0 to 1")
    wavelength_px = FINEST_PX * (COARSEST_PX / FINEST_PX) ** strength
    noise = np.fft.rfft2(rng.standard_normal((side_px, side_px)))
    frequency = np.hypot(np.fft.fftfreq(side_px)[:, None], np.fft.rfftfreq(side_px)[None, :])
    frequency[0, 0] = 1.0  # any: the mean is taken out below
    octaves = np.log2(frequency * wavelength_px)
    passed = np.exp(-0.5 * (octaves / BANDWIDTH_OCTAVES) ** 2)
    passed[0, 0] = 0.0
    texture = np.fft.irfft2(noise * passed, s=(side_px, side_px))
    return np.asarray(np.clip(MEAN + SPREAD * texture / texture.std(), 0, 1))


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
