"""NIfTI files: SimpleITK reads damaged and truncated ones without a word, and fills up with anything."""

import gzip
import struct
from dataclasses import dataclass
from math import isfinite, prod
from os import SEEK_END
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.nnunet.checksums import GZIP, inflated
from nnunet_skipstudy.nnunet.geometry import Geometry, Grid

KINDS: dict[int, tuple[str, int, int]] = {348: ("Nifti1Header", 344, 352), 540: ("Nifti2Header", 4, 544)}
"""By the size that a header gives of itself: its name in nibabel, where its mark is, where voxels may begin."""
TO_ITK = np.diag([-1.0, -1.0, 1.0])
"""From NIfTI's axes of the patient to SimpleITK's, and back."""
Voxels = npt.NDArray[Any]


@dataclass(frozen=True)
class _Layout:
    """How a file's voxels lie in it, and what they stand for: value x slope + intercept."""

    dtype: np.dtype[Any]
    count: int
    offset: int
    slope: float
    intercept: float

    @property
    def end(self) -> int:
        return self.offset + self.count * self.dtype.itemsize


def read_voxels(path: Path) -> Voxels:
    """The voxels of a NIfTI file, compressed or not, as one row in the order of (slice, row, column).

    Decompressing compares all of the content with its checksum. Type and scale are as SimpleITK has them: scaled
    integers become single precision.

    Raises:
        ValueError: the file is no NIfTI file, or its header is damaged.
        OSError, EOFError, zlib.error: it is truncated, or its content is not what was compressed.
    """
    layout = _layout(_start(path))
    raw = path.read_bytes()
    content = inflated(raw, layout.end) if raw.startswith(GZIP) else np.frombuffer(bytearray(raw), np.uint8)
    if content.size < layout.end:
        raise EOFError(f"holds {content.size} bytes of the {layout.end} that its header announces")
    stored = content[layout.offset : layout.end].view(layout.dtype)
    if (layout.slope, layout.intercept) == (1.0, 0.0) or layout.dtype.kind not in "iuf":
        return stored.astype(layout.dtype.newbyteorder("="), copy=False)
    scaled = stored.astype(np.float64) * layout.slope + layout.intercept
    return scaled if layout.dtype.kind == "f" and layout.dtype.itemsize > 4 else scaled.astype(np.float32)


def check_complete(path: Path) -> None:
    """Compare the number of bytes in a NIfTI file that has just been written with what its header says.

    Of a compressed file only the start is read, and the end, which holds its uncompressed size modulo 2 to the 32.

    Raises:
        ValueError, OSError, EOFError, zlib.error: bytes are missing, or the file can't be read.
    """
    layout = _layout(_start(path))
    with path.open("rb") as stream:
        compressed = stream.read(2) == GZIP
        stream.seek(-4, SEEK_END)
        size = int.from_bytes(stream.read(), "little")
        found = size if compressed else stream.tell()
    if found != layout.end % 2**32 if compressed else found < layout.end:
        raise EOFError(f"holds {found} bytes of the {layout.end} that its header announces")


def _start(path: Path) -> bytes:
    """The header and what follows it, decompressed."""
    with path.open("rb") as raw:
        compressed = raw.read(2) == GZIP
    with gzip.open(path) if compressed else path.open("rb") as stream:
        return stream.read(max(KINDS))


def nibabel_grid(path: Path) -> Grid:
    """The grid of what SimpleITK refuses, as NibabelIO has it: sheared, NIfTI 2. Raises ValueError: not 3D."""
    header = _header(_start(path))
    shape, zooms, affine = header.get_data_shape(), header.get_zooms(), header.get_best_affine()
    if len(shape) != 3:
        raise ValueError(f"has {len(shape)} dimensions, where only nibabel can read it; three are needed")
    direction = TO_ITK @ affine[:3, :3] / zooms
    spacing = tuple(float(zoom) for zoom in zooms[::-1])
    return Grid(shape[::-1], Geometry(spacing, tuple(TO_ITK @ affine[:3, 3]), tuple(direction.ravel())))


def is_sheared(geometry: Geometry) -> bool:
    """Whether the axes are not at right angles, which SimpleITK can't write."""
    axes = np.reshape(geometry.direction, (len(geometry.spacing),) * 2)
    return not np.allclose(axes @ axes.T, np.eye(len(axes)), atol=1e-4)


def write_sheared(path: Path, array: Voxels, geometry: Geometry) -> None:
    """Write a volume whose axes are not at right angles."""
    import nibabel

    affine = np.eye(4)
    affine[:3, :3] = TO_ITK @ np.reshape(geometry.direction, (3, 3)) * geometry.spacing[::-1]
    affine[:3, 3] = TO_ITK @ geometry.origin
    nibabel.save(nibabel.Nifti1Image(array.T, affine), path)  # type: ignore[no-untyped-call]


def _header(content: bytes) -> Any:
    """The header at the start of a file's content, NIfTI 1 or 2, of either byte order."""
    import nibabel  # takes as long to import as numpy

    for order in "<>":
        size = struct.unpack_from(f"{order}i", content)[0] if len(content) >= min(KINDS) else max(KINDS)
        if size in KINDS and len(content) < size:
            raise EOFError("ends within its header")
        if size in KINDS and content.startswith(b"n+", KINDS[size][1]):
            return getattr(nibabel, KINDS[size][0])(content[:size], order, check=False)
    raise ValueError("is no NIfTI file, or its header is damaged")


def _layout(content: bytes) -> _Layout:
    header = _header(content)
    offset, least = int(header["vox_offset"]), KINDS[int(header["sizeof_hdr"])][2]
    if offset < least:
        raise ValueError(f"its header says that voxels begin at byte {offset}, within it; they can from {least} on")
    slope, intercept = (float(header[name]) for name in ("scl_slope", "scl_inter"))
    slope = slope if isfinite(slope) else 0.0
    counts = isfinite(intercept) and (slope or least == KINDS[348][2])  # SimpleITK's way, and nibabel's of NIfTI 2
    return _Layout(
        header.get_data_dtype(), prod(header.get_data_shape()), offset, slope or 1.0, intercept if counts else 0.0
    )
