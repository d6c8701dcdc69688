"""Reading and writing images and masks of the formats that nnU-Net reads, with their geometry.

Arrays are indexed (row, column) in 2D and (slice, row, column) in 3D, as nnU-Net's own readers do; nothing is
transposed.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.nifti import check_complete
from nnunet_skipstudy.support.files import atomic_path

NATURAL_ENDINGS: tuple[str, ...] = (".png", ".bmp", ".tif", ".tiff")
"""Flat images, which have no spacing (nnU-Net's NaturalImage2DIO)."""
PHOTO_ENDINGS: tuple[str, ...] = (".jpg", ".jpeg", ".webp")
"""Lossy or screen formats, which nnU-Net doesn't read: good enough as a source of texture only."""
MEDICAL_ENDINGS: tuple[str, ...] = (".nii.gz", ".nii", ".nrrd", ".mha", ".gipl")
"""Images with spacing, origin and direction (nnU-Net's SimpleITKIO)."""
NIFTI_ENDINGS: tuple[str, ...] = (".nii.gz", ".nii")
GIPL_HEADER_BYTES = 256
FLAT_TYPES: dict[str, tuple[tuple[str, int], ...]] = {
    ".png": (("uint8", 2), ("uint8", 3), ("uint16", 2)),
    ".bmp": (("uint8", 2), ("uint8", 3)),
}
"""Types and dimensions that a flat format holds; TIFF holds them all."""


@dataclass(frozen=True)
class Geometry:
    """Where an image's grid lies in space.

    ``spacing`` is in mm, in the array's axis order; origin and direction are SimpleITK's, for comparison only.
    """

    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


@dataclass(frozen=True)
class Image:
    """An array and, where the file has one, its geometry (``None`` for flat images: distances are in pixels)."""

    array: npt.NDArray[np.generic]
    geometry: Geometry | None


def ending_of(path: Path) -> str | None:
    """The known ending of a file's name (``.nii.gz`` before ``.gz``), or ``None``."""
    name = path.name.lower()
    return next((e for e in (*MEDICAL_ENDINGS, *NATURAL_ENDINGS) if name.endswith(e)), None)


def read_image(path: Path) -> Image:
    """Read one image or mask.

    Returns:
        The array as stored: flat images (row, column) or (row, column, channel); volumes (slice, row, column),
        2D medical files (row, column).

    Raises:
        UserError: the file is absent, of an unknown format, or can't be decoded.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; check the path")
    ending = ending_of(path)
    if ending is None:
        known = ", ".join((*NATURAL_ENDINGS, *MEDICAL_ENDINGS))
        raise UserError(f"{path}: not an image format that nnU-Net reads; convert it to one of {known}")
    return _decoded(path, _read_flat if ending in NATURAL_ENDINGS else _read_medical)


def read_picture(path: Path) -> npt.NDArray[np.generic]:
    """Read a flat image that need not be one that nnU-Net reads: also JPEG.

    Returns:
        The array as stored, (row, column) or (row, column, channel).

    Raises:
        UserError: the file is absent, of an unknown format, or can't be decoded.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; check the path")
    known = (*NATURAL_ENDINGS, *PHOTO_ENDINGS)
    if not path.name.lower().endswith(known):
        raise UserError(f"{path}: not a picture; convert it to one of {', '.join(known)}")
    return _decoded(path, _read_flat).array


def _decoded(path: Path, read: Callable[[Path], Image]) -> Image:
    """What ``read`` makes of the file, its many kinds of complaint turned into one."""
    try:
        return read(path)
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: can't be read as an image ({type(error).__name__}: {reason}); "
            "the file is truncated or damaged: fetch or make it again"
        ) from error


def _read_flat(path: Path) -> Image:
    from PIL import Image as Pillow

    with Pillow.open(path) as picture:  # what scikit-image asks, too, after a search that takes as long again
        if picture.format in ("PNG", "BMP") and picture.mode in ("L", "RGB", "RGBA"):
            return Image(np.array(picture), None)
    from skimage.io import imread

    return Image(np.asarray(imread(path)), None)


def _read_medical(path: Path) -> Image:
    import SimpleITK as sitk

    if path.name.lower().endswith(NIFTI_ENDINGS):
        check_complete(path)  # before: what a truncated header announces may not fit into memory
    image = sitk.ReadImage(str(path))
    geometry = Geometry(tuple(image.GetSpacing())[::-1], image.GetOrigin(), image.GetDirection())
    array = sitk.GetArrayFromImage(image)
    if path.name.lower().endswith(".gipl"):
        _check_length(path, array)
    return Image(array, geometry)


def _check_length(path: Path, array: npt.NDArray[np.generic]) -> None:
    """Refuse a file that ends early, in the formats of which SimpleITK doesn't notice it.

    Raises:
        ValueError, EOFError, zlib.error: it does.
    """
    if path.name.lower().endswith(NIFTI_ENDINGS):
        check_complete(path)
    elif path.name.lower().endswith(".gipl") and path.stat().st_size < GIPL_HEADER_BYTES + array.nbytes:
        raise ValueError(f"holds {path.stat().st_size} bytes of {GIPL_HEADER_BYTES + array.nbytes}")


def write_flat(path: Path, array: npt.NDArray[np.uint8]) -> None:
    """Write an 8-bit grey (row, column) or RGB (row, column, 3) image, atomically and losslessly."""
    from skimage.io import imsave

    with atomic_path(path) as temporary:
        imsave(temporary, array, check_contrast=False)


def write_image(path: Path, array: npt.NDArray[np.generic], geometry: Geometry | None = None) -> None:
    """Write an image in the format that its name ends in, atomically; :func:`read_image` gives it back.

    Args:
        path: of a format that nnU-Net reads; its name decides the format.
        array: (row, column) or (row, column, channel) for a flat image; (slice, row, column) or (row, column)
            for a medical one; in a data type that the format holds (PNG and BMP: 8 bits, PNG also 16).
        geometry: of a medical image; without it spacing 1, origin 0 and axes along the grid. A flat image has none.

    Raises:
        UserError: an unknown format, a type or shape that it doesn't hold, or a place that can't be written to.
    """
    ending = ending_of(path)
    if ending is None:
        known = ", ".join((*NATURAL_ENDINGS, *MEDICAL_ENDINGS))
        raise UserError(f"{path}: not an image format that nnU-Net reads; write one of {known}")
    write = _write_flat if ending in NATURAL_ENDINGS else _write_medical
    try:
        with atomic_path(path) as temporary:
            write(temporary, array, geometry)
    except OSError as error:
        raise UserError(f"{path}: can't be written ({error.strerror or error}); check space and permissions") from error
    except (TypeError, ValueError, KeyError, RuntimeError, NotImplementedError) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: {array.dtype} of shape {array.shape} can't be written as {ending} ({reason}); "
            "choose another format, or check the space"
        ) from error


def _write_flat(path: Path, array: npt.NDArray[np.generic], geometry: Geometry | None) -> None:
    from skimage.io import imsave

    held = FLAT_TYPES.get(path.suffix.lower())
    if held is not None and (str(array.dtype), array.ndim) not in held:
        raise ValueError(f"it holds {', '.join(sorted({dtype for dtype, _ in held}))}; 16 bits in grey only")
    imsave(path, array, check_contrast=False)


def _write_medical(path: Path, array: npt.NDArray[np.generic], geometry: Geometry | None) -> None:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(array)
    if geometry is not None:
        image.SetSpacing(geometry.spacing[::-1])
        image.SetOrigin(geometry.origin)
        image.SetDirection(geometry.direction)
    sitk.WriteImage(image, str(path), True)  # compressed where the format can be
    try:  # on a full disk SimpleITK prints a line and goes on
        _check_length(path, array)
    except (EOFError, ValueError, zlib.error) as error:
        raise OSError(f"not all of it was written: {error}") from error
