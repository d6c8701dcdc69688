"""Whether a NIfTI file is complete and undamaged: SimpleITK reads any without a word and fills up with anything."""

import gzip
import struct
from math import prod
from os import SEEK_END
from pathlib import Path

GZIP = b"\x1f\x8b"
HEADER_BYTES = 348
HEADER_2_BYTES = 540


def check_complete(path: Path) -> None:
    """Compare the number of bytes in a NIfTI file, compressed or not, with what its header says.

    Of a compressed file only the first block and the last four bytes are read, which hold its uncompressed size;
    where that doesn't fit, the file is decompressed to the end, since it may have been compressed in parts.

    Raises:
        ValueError: bytes are missing, or the file is no NIfTI file.
        OSError, EOFError, zlib.error: it can't be read or decompressed.
    """
    with path.open("rb") as stream:
        compressed = stream.read(2) == GZIP
    with gzip.open(path) if compressed else path.open("rb") as stream:
        expected = _expected_bytes(stream.read(HEADER_2_BYTES))
    if compressed and _compressed_size(path) == expected % 2**32:
        return
    found = _decompressed_bytes(path) if compressed else path.stat().st_size
    if found < expected:
        raise ValueError(f"holds {found} bytes of the {expected} that its header announces")


def check_undamaged(path: Path) -> None:
    """Decompress a file to its end, which compares all of its content with the checksum that it carries.

    That takes as long as reading the image does; a file that isn't compressed has no checksum, and passes.

    Raises:
        OSError, EOFError, zlib.error: the content is not what was compressed.
    """
    with path.open("rb") as stream:
        compressed = stream.read(2) == GZIP
    if compressed:
        _decompressed_bytes(path)


def _compressed_size(path: Path) -> int:
    """What the end of a whole gzip file says of its uncompressed size, modulo 2 to the 32."""
    with path.open("rb") as raw:
        raw.seek(-4, SEEK_END)
        size: int = struct.unpack("<I", raw.read(4))[0]
    return size


def _decompressed_bytes(path: Path) -> int:
    found = 0
    with gzip.open(path) as stream:
        while block := stream.read(1 << 20):
            found += len(block)
    return found


def _expected_bytes(header: bytes) -> int:
    """What a header, NIfTI 1 or 2 of either byte order, says about the size of the whole file."""
    if len(header) < HEADER_BYTES:
        raise ValueError("ends within its header")
    for order in "<>":
        (size,) = struct.unpack(f"{order}i", header[:4])
        if size == HEADER_BYTES:
            dimensions = struct.unpack(f"{order}8h", header[40:56])
            (bits,) = struct.unpack(f"{order}h", header[72:74])
            (offset,) = struct.unpack(f"{order}f", header[108:112])
        elif size == HEADER_2_BYTES and len(header) >= HEADER_2_BYTES:
            dimensions = struct.unpack(f"{order}8q", header[16:80])
            (bits,) = struct.unpack(f"{order}h", header[14:16])
            (offset,) = struct.unpack(f"{order}q", header[168:176])
        else:
            continue
        sizes = dimensions[1 : 1 + max(0, min(7, dimensions[0]))]
        return int(offset) + int(prod(sizes)) * int(bits) // 8
    raise ValueError("is no NIfTI file")
