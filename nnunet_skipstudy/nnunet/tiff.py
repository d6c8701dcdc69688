"""TIFF files, flat or volumes, as nnU-Net's NaturalImage2DIO and Tiff3DIO read and write them."""

import json
import logging
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tifffile

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.geometry import Geometry, Grid, Image
from nnunet_skipstudy.support.files import write_json

DEFLATED = (8, 32946)
LOSSY = (6, 7, 33003, 33005, 34892, 50001)
"""Codes of compression: JPEG, JPEG 2000 with losses, WebP."""
NOT_RGB = (5, 8, 9, 10)
"""Codes of colours: CMYK and three kinds of L*a*b*."""
ORIENTATION = 274
UNIT = (1.0, 1.0, 1.0)
"""The spacing of a volume without one, as nnU-Net assumes it."""


def read_tiff(path: Path, volume: bool | None = None) -> Image:
    """Read a TIFF file.

    Three dimensions are a volume (slice, row, column) or a colour image, of which the file can't always tell. A
    colour image comes as (row, column, channel).

    Args:
        path: of the file; the spacing is in a JSON file beside it, of the case's name.
        volume: whether three dimensions are a volume; None: as the file says, or a spacing beside it.

    Raises:
        EOFError, ValueError, zlib.error: the file is damaged, or no TIFF file.
        UserError: the spacing beside it is none.
    """
    with _opened(path) as file:
        first = file.pages.first
        if first.tags.valueof(ORIENTATION, 1) != 1:
            raise UserError(f"{path}: is to be shown turned, which nnU-Net doesn't do; save it upright")
        if first.photometric in NOT_RGB:
            raise UserError(
                f"{path}: has colours of the kind {tifffile.PHOTOMETRIC(first.photometric).name}; save it in RGB"
            )
        if first.compression in DEFLATED:
            for page in file.pages:
                for offset, size in zip(page.dataoffsets, page.databytecounts, strict=True):
                    file.filehandle.seek(offset)
                    zlib.decompress(file.filehandle.read(size))  # compares it with its checksum
        array, grid = file.asarray(), _grid(path, file, volume)
    if grid is None and array.ndim == 3 and array.shape[-1] not in (3, 4) and array.shape[0] in (3, 4):
        array = np.moveaxis(array, 0, -1)
    return Image(array, grid.geometry if grid else None, first.compression in LOSSY)


def tiff_grid(path: Path) -> Grid | None:
    """The grid of a volume, from the file's header; None: a flat image."""
    with _opened(path) as file:
        return _grid(path, file, None)


def write_tiff_volume(path: Path, array: npt.NDArray[Any], geometry: Geometry | None, beside: Path) -> None:
    """Write a volume (slice, row, column), and its spacing for the case ``beside``, where it isn't 1."""
    tifffile.imwrite(path, array, photometric="minisblack", compression="zlib")
    if geometry is not None and geometry.spacing != UNIT:
        write_json(_case_path(beside), {"spacing": list(geometry.spacing)})


def spacing_file(path: Path) -> Path | None:
    """The JSON file beside a TIFF file in which nnU-Net looks for its spacing; None: there is none."""
    return next((file for file in (path.with_suffix(".json"), _case_path(path)) if file.is_file()), None)


class _Complaints(logging.Handler):
    """What tifffile logs as an error in this thread: it leaves out what is damaged, pages too, and goes on."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []
        self.thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self.thread:
            self.found.append(record.getMessage())


@contextmanager
def _opened(path: Path) -> Iterator[tifffile.TiffFile]:
    """A file, all of which is sound. Raises ValueError: tifffile would have gone on without what is wrong."""
    complaints = _Complaints()
    logging.getLogger("tifffile").addHandler(complaints)
    try:
        with tifffile.TiffFile(path) as file:
            yield file
    finally:
        logging.getLogger("tifffile").removeHandler(complaints)
    if complaints.found:
        raise ValueError(complaints.found[0])


def _case_path(path: Path) -> Path:
    return path.with_name(re.sub(r"_\d{4}$", "", path.stem) + ".json")


def _grid(path: Path, file: tifffile.TiffFile, volume: bool | None) -> Grid | None:
    shape, beside = file.series[0].shape, spacing_file(path)
    if volume is None:  # a colour image may have other notes beside it
        volume = "S" not in file.series[0].axes or (beside is not None and b'"spacing"' in beside.read_bytes())
    if len(shape) != 3 or not volume:
        return None
    spacing = UNIT if beside is None else _spacing(beside)
    return Grid(tuple(shape), Geometry(spacing, (0.0,) * 3, (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)))


def _spacing(path: Path) -> tuple[float, ...]:
    try:
        spacing = tuple(float(value) for value in json.loads(path.read_text(encoding="utf-8"))["spacing"])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path}: holds no spacing ({type(error).__name__}: {error}); write it again") from error
    if len(spacing) != 3 or not all(isfinite(value) and value > 0 for value in spacing):
        raise UserError(f"{path}: spacing {spacing}; give three positive numbers: slice, row, column")
    return spacing
