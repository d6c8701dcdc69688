"""Reading and writing images and masks of the formats that nnU-Net reads, with their geometry.

Arrays are indexed (row, column) in 2D and (slice, row, column) in 3D, as nnU-Net's own readers do; nothing is
transposed.
"""

import os
import struct
import sys
import zlib
from collections.abc import Callable
from errno import ENOSPC
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.checksums import PNG, check_store, png_parts, store_of
from nnunet_skipstudy.nnunet.geometry import Geometry as Geometry
from nnunet_skipstudy.nnunet.geometry import Grid
from nnunet_skipstudy.nnunet.geometry import Image as Image
from nnunet_skipstudy.nnunet.nifti import check_complete, is_sheared, nibabel_grid, read_voxels, write_sheared
from nnunet_skipstudy.nnunet.tiff import read_tiff, spacing_file, tiff_grid, write_tiff_volume
from nnunet_skipstudy.support.files import atomic_path

TIFF_ENDINGS: tuple[str, ...] = (".tif", ".tiff")
"""Flat images (nnU-Net's NaturalImage2DIO) or volumes, whose spacing is in a file beside them (its Tiff3DIO)."""
NATURAL_ENDINGS: tuple[str, ...] = (".png", ".bmp", *TIFF_ENDINGS)
"""Images that have no spacing in themselves."""
PHOTO_ENDINGS: tuple[str, ...] = (".jpg", ".jpeg", ".webp")
"""Lossy or screen formats, which nnU-Net doesn't read: good enough as a source of texture only."""
MEDICAL_ENDINGS: tuple[str, ...] = (".nii.gz", ".nii", ".nrrd", ".mha", ".gipl")
"""Images with spacing, origin and direction (nnU-Net's SimpleITKIO, or NibabelIO where that one can't)."""
NIFTI_ENDINGS: tuple[str, ...] = (".nii.gz", ".nii")
HEADER_BYTES, SIZES_AT = 352, 42
"""Of a NIfTI header, with the four bytes behind it; where it says how many voxels there are along each axis."""
FLAT_TYPES: dict[str, tuple[tuple[str, int], ...]] = {
    ".png": (("uint8", 2), ("uint8", 3), ("uint16", 2)),
    ".bmp": (("uint8", 2), ("uint8", 3)),
}
"""Types and dimensions that a flat format holds; TIFF holds them all."""
PIXELS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "I", "I;16", "I;16B")
"""Pillow's modes of grey and red-green-blue, with and without opacity or palette."""
LOSSY = ("JPEG", "MPO", "WEBP")
ORIENTATION = 0x0112
HARMLESS = "unexpected scales in sform"
"""A warning of ITK's about NIfTI files like ACDC's: the spacing is then taken from the header's own field."""
NOT_OF_THE_KIND = ("UnidentifiedImageError", "TiffFileError", "HeaderDataError", "ValueError", "Unable to determine")
"""Of the libraries' complaints those about a header, or a file that is no image at all."""


Made = TypeVar("Made")


def ending_of(path: Path) -> str | None:
    """The known ending of a file's name (``.nii.gz`` before ``.gz``), in lower case, or ``None``."""
    name = path.name.lower()
    return next((e for e in (*MEDICAL_ENDINGS, *NATURAL_ENDINGS) if name.endswith(e)), None)


def read_image(path: Path, *, volume: bool | None = None) -> Image:
    """Read one image or mask, and compare it with the checksum that its format carries.

    Args:
        path: of a format that nnU-Net reads.
        volume: whether a TIFF file of three dimensions is a volume, or a colour image; None: as it says itself.

    Returns:
        The array as stored: flat images (row, column) or (row, column, channel); volumes (slice, row, column),
        2D medical files (row, column).

    Raises:
        UserError: the file is absent, of an unknown format, damaged, or holds what no image of nnU-Net's does:
            several values a voxel, NaN or infinity, colours other than grey and RGB, several pictures.
    """
    ending = _known_ending(path)
    if ending in MEDICAL_ENDINGS:
        return _decoded(path, _read_medical)
    return _decoded(path, _read_flat if ending not in TIFF_ENDINGS else lambda file: read_tiff(file, volume))


def read_label_map(path: Path) -> Image:
    """Whole numbers, one a pixel, not lossy. Raises UserError: it is none, or as :func:`read_image` does."""
    image = read_image(path, volume=True)
    array = image.array
    if array.ndim not in (2, 3) or (array.ndim == 3 and image.geometry is None):
        raise UserError(
            f"{path}: has shape {array.shape}, more than one value a pixel; save the label map as a grey image"
        )
    if image.lossy:
        raise UserError(f"{path}: is compressed with losses, which alters labels; make it again from the original")
    if array.dtype.kind == "f" and (array != np.rint(array)).any():
        value = float(array[array != np.rint(array)].flat[0])
        raise UserError(f"{path}: holds the value {value!r}; save the label map with whole numbers")
    return image


def read_grid(path: Path) -> Grid | None:
    """The grid of a volume, from its header alone; None for a flat image. Raises UserError: as :func:`read_image`."""
    ending = _known_ending(path)
    if ending in MEDICAL_ENDINGS:
        return _decoded(path, _medical_grid)
    return _decoded(path, tiff_grid) if ending in TIFF_ENDINGS else None


def has_spacing(path: Path) -> bool:
    """Whether a file's distances are in mm: of a TIFF file, whether it is a volume with its spacing beside it."""
    return ending_of(path) in MEDICAL_ENDINGS or (len(file_parts(path)) > 1 and read_grid(path) is not None)


def file_parts(path: Path) -> tuple[Path, ...]:
    """All files that an image is made of: its own, and where there is one the file of its voxels or spacing."""
    if path.name.lower().endswith(TIFF_ENDINGS):
        beside = spacing_file(path)
        return (path,) if beside is None else (path, beside)
    if not path.name.lower().endswith((".mha", ".nrrd")):
        return (path,)
    try:
        return tuple(dict.fromkeys((path, store_of(path).file)))
    except (OSError, ValueError):  # reading it says what is wrong
        return (path,)


def read_picture(path: Path) -> npt.NDArray[np.generic]:
    """Read a flat image that need not be one that nnU-Net reads: also JPEG, turned as it is to be shown.

    Returns:
        The array, (row, column) or (row, column, channel).

    Raises:
        UserError: the file is absent, of an unknown format, or can't be decoded.
    """
    known = (*NATURAL_ENDINGS, *PHOTO_ENDINGS)
    _check_file(path)
    if not path.name.lower().endswith(known):
        raise UserError(f"{path}: not a picture; convert it to one of {', '.join(known)}")
    if path.name.lower().endswith(TIFF_ENDINGS):
        return _decoded(path, read_tiff).array
    return _decoded(path, lambda file: _read_flat(file, turn=True)).array


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise UserError(f"{path}: no such file; check the path")


def _known_ending(path: Path) -> str:
    _check_file(path)
    ending = ending_of(path)
    if ending is None:
        known = ", ".join((*NATURAL_ENDINGS, *MEDICAL_ENDINGS))
        raise UserError(f"{path}: not an image format that nnU-Net reads; convert it to one of {known}")
    return ending


def _decoded(path: Path, read: Callable[[Path], Made]) -> Made:
    """What ``read`` makes of the file, its many kinds of complaint turned into one."""
    try:
        made = read(path)
    except UserError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        odd = any(words in reason for words in NOT_OF_THE_KIND)
        cause = "damaged, or not what its name says" if odd else "truncated or damaged"
        raise UserError(
            f"{path}: can't be read as an image ({reason[:200]}); the file is {cause}: fetch or make it again"
        ) from error
    if isinstance(made, Image):
        if made.array.dtype.kind not in "buif":
            raise UserError(f"{path}: holds {made.array.dtype}, which is no real number; save it as such")
        if made.array.dtype.kind == "f" and not np.isfinite(made.array).all():
            raise UserError(f"{path}: image has pixels that are NaN or infinite; replace them first")
    return made


def _read_flat(path: Path, *, turn: bool = False) -> Image:
    from PIL import Image as Pillow
    from PIL import ImageOps

    content = path.read_bytes()
    parts = png_parts(content) if content.startswith(PNG) else {b"eXIf", b"acTL"}
    with Pillow.open(BytesIO(content)) as picture:
        if picture.mode not in PIXELS:
            raise UserError(f"{path}: has colours of the kind {picture.mode}; save it in grey or RGB")
        if b"acTL" in parts and picture.format != "MPO" and getattr(picture, "n_frames", 1) > 1:
            raise UserError(f"{path}: holds several pictures; save the one that is meant")
        lossy = picture.format in LOSSY
        if b"eXIf" in parts and picture.getexif().get(ORIENTATION, 1) != 1:
            if not turn:
                raise UserError(f"{path}: is to be shown turned (EXIF), which nnU-Net doesn't do; save it upright")
            return Image(np.array(ImageOps.exif_transpose(picture)), None, lossy)
        if picture.mode in ("L", "RGB", "RGBA"):
            return Image(np.array(picture), None, lossy)
    from skimage.io import imread

    return Image(np.asarray(imread(path)), None, lossy)


@cache
def _simple_itk() -> Any:
    """SimpleITK, without the warning that is known to be harmless."""
    import SimpleITK as sitk

    class Words(sitk.LoggerBase):  # type: ignore[misc]
        def show(self, text: str) -> None:
            if HARMLESS not in text:
                sys.stderr.write(text)

        DisplayText = DisplayErrorText = DisplayWarningText = DisplayGenericOutputText = DisplayDebugText = show

    words = Words()
    words.former = words.SetAsGlobalITKLogger()
    sitk.words = words  # lives as long as the library does
    return sitk


def _medical_grid(path: Path) -> Grid:
    reader = _simple_itk().ImageFileReader()
    reader.SetFileName(str(path))
    try:  # without SetImageIO, which crashes where two threads call it at once
        reader.ReadImageInformation()
    except RuntimeError:
        if not path.name.lower().endswith(NIFTI_ENDINGS):
            raise
        return nibabel_grid(path)
    if reader.GetNumberOfComponents() != 1:
        raise UserError(f"{path}: has {reader.GetNumberOfComponents()} values a voxel; save a file for each")
    spacing = tuple(reader.GetSpacing())[::-1]
    return Grid(tuple(reader.GetSize())[::-1], Geometry(spacing, reader.GetOrigin(), reader.GetDirection()))


def _read_medical(path: Path) -> Image:
    if path.name.lower().endswith(NIFTI_ENDINGS):
        voxels = read_voxels(path)  # before SimpleITK: what a damaged header announces may not fit into memory
        grid = _medical_grid(path)
        return Image(voxels.reshape(grid.shape), grid.geometry)
    store, grid, sitk = store_of(path), _medical_grid(path), _simple_itk()
    array = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    check_store(store, array.nbytes)
    return Image(array, grid.geometry)


def write_image(path: Path, array: npt.NDArray[np.generic], geometry: Geometry | None = None) -> None:
    """Write an image in the format that its name ends in, atomically; :func:`read_image` gives it back.

    Args:
        path: of a format that nnU-Net reads; its name decides the format.
        array: (row, column) or (row, column, channel) for a flat image; (slice, row, column) or (row, column)
            for a medical one; in a data type that the format holds (PNG and BMP: 8 bits, PNG also 16).
        geometry: of a medical image; without it spacing 1, origin 0 and axes along the grid. Of a volume in TIFF the
            spacing is written into a file beside it; a flat image has none.

    Raises:
        UserError: an unknown format, a type or shape that it doesn't hold, or a place that can't be written to.
    """
    ending = ending_of(path)
    if ending is None:
        known = ", ".join((*NATURAL_ENDINGS, *MEDICAL_ENDINGS))
        raise UserError(f"{path}: not an image format that nnU-Net reads; write one of {known}")
    try:
        with atomic_path(path) as temporary:
            if ending in MEDICAL_ENDINGS:
                _write_medical(temporary, array, geometry)
            elif ending in TIFF_ENDINGS and array.ndim == 3 and (geometry or array.shape[2] not in (3, 4)):
                write_tiff_volume(temporary, array, geometry, path)
            else:
                _write_flat(temporary, array)
    except OSError as error:
        raise UserError(f"{path}: can't be written ({error.strerror or error}); check space and permissions") from error
    except (TypeError, ValueError, KeyError, RuntimeError, struct.error) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(
            f"{path}: {array.dtype} of shape {array.shape} can't be written as {ending} ({reason}); "
            "choose another format, or check the space"
        ) from error


def _write_flat(path: Path, array: npt.NDArray[np.generic]) -> None:
    from skimage.io import imsave

    held = FLAT_TYPES.get(path.suffix.lower())
    if held is not None and (str(array.dtype), array.ndim) not in held:
        raise ValueError(f"it holds {', '.join(sorted({dtype for dtype, _ in held}))}; 16 bits in grey only")
    imsave(path, array, check_contrast=False)


def _write_medical(path: Path, array: npt.NDArray[np.generic], geometry: Geometry | None) -> None:
    nifti = path.name.lower().endswith(NIFTI_ENDINGS)
    if geometry is not None and nifti and (is_sheared(geometry) or not path.name.endswith(NIFTI_ENDINGS)):
        return write_sheared(path, array, geometry)  # SimpleITK knows neither shear nor endings in capitals
    if path.name.lower().endswith(".nii.gz") and array.ndim in (2, 3):
        return _write_compressed(path, array, geometry)
    _simple_itk().WriteImage(_itk_image(array, geometry), str(path), True)  # compressed where the format can be
    try:  # on a full disk SimpleITK prints a line and goes on
        if nifti:
            check_complete(path)
        elif path.name.lower().endswith(".gipl"):
            check_store(store_of(path), array.nbytes)
    except (EOFError, ValueError, zlib.error) as error:
        raise OSError(f"not all of it was written: {error}") from error
    return None


def _itk_image(array: npt.NDArray[np.generic], geometry: Geometry | None) -> Any:
    image = _simple_itk().GetImageFromArray(array)
    if geometry is not None:
        image.SetSpacing(geometry.spacing[::-1])
        image.SetOrigin(geometry.origin)
        image.SetDirection(geometry.direction)
    return image


def _write_compressed(path: Path, array: npt.NDArray[np.generic], geometry: Geometry | None) -> None:
    """Write a NIfTI file in less than half of SimpleITK's time; the header is SimpleITK's, of an image of one voxel."""
    from imagecodecs import gzip_encode

    one = path.with_name("one.nii")
    _simple_itk().WriteImage(_itk_image(array[(slice(0, 1),) * array.ndim].copy(), geometry), str(one))
    header = bytearray(one.read_bytes()[:HEADER_BYTES])
    one.unlink()
    if len(header) < HEADER_BYTES:  # on a full disk SimpleITK prints a line and goes on
        raise OSError(ENOSPC, os.strerror(ENOSPC))
    struct.pack_into(f"={array.ndim}h", header, SIZES_AT, *array.shape[::-1])
    content = header + bytes(array.nbytes)
    np.frombuffer(content, array.dtype.newbyteorder("="), offset=HEADER_BYTES).reshape(array.shape)[...] = array
    path.write_bytes(gzip_encode(content, level=1))
