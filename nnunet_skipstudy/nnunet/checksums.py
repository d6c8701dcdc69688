"""Whether the content of a file is what was written, by its checksum: most readers don't look at it."""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

PNG = b"\x89PNG\r\n\x1a\n"
GZIP = b"\x1f\x8b"
GIPL_HEADER_BYTES = 256


def png_parts(content: bytes) -> set[bytes]:
    """The names of a PNG file's parts, each of which has been compared with its checksum.

    Raises:
        ValueError, EOFError: a part is damaged, or the file ends early.
    """
    view, place, kinds = memoryview(content), len(PNG), set()
    while place + 12 <= len(view):
        length, kind = struct.unpack_from(">I4s", view, place)
        end = place + 8 + length
        if end + 4 > len(view):
            break
        if zlib.crc32(view[place + 4 : end]) != struct.unpack_from(">I", view, end)[0]:
            raise ValueError(f"its part {kind.decode('latin-1')!r} doesn't agree with its checksum")
        kinds.add(kind)
        if kind == b"IEND":
            return kinds
        place = end + 4
    raise EOFError("ends before its end mark")


@dataclass(frozen=True)
class Store:
    """Where a volume's voxels are: in which file, from which byte on, and whether they are deflated there.

    ``compressed`` is None where the bytes are neither voxels as they are nor deflated ones.
    """

    file: Path
    offset: int
    compressed: bool | None


def store_of(path: Path) -> Store:
    """Where the voxels of a .gipl, .mha or .nrrd file are; the latter two may hold them in another file.

    Raises:
        ValueError: they are in several files.
    """
    if path.name.lower().endswith(".gipl"):
        return Store(path, GIPL_HEADER_BYTES, False)
    with path.open("rb") as stream:
        if path.name.lower().endswith(".mha"):
            fields = _fields(stream, b"=", last="elementdatafile")
            other, plain = fields.get("elementdatafile", "LOCAL"), fields.get("headersize", "0") == "0"
            compressed = fields.get("compresseddata", "").lower() == "true" and plain
            encoded = not plain or fields.get("binarydata", "true").lower() != "true"
        else:
            fields = _fields(stream, b":", last="")
            other, plain = fields.get("datafile", fields.get("data file", "LOCAL")), "skip" not in "".join(fields)
            compressed = fields.get("encoding") in ("gz", "gzip") and plain
            encoded = not plain or fields.get("encoding") not in ("raw", "gz", "gzip")
        here = stream.tell()
    if other.startswith("LIST") or "%" in other:
        raise ValueError("holds its voxels in several files; save them as one")
    file, offset = (path, here) if other == "LOCAL" else (path.parent / other, 0)
    return Store(file, offset, None if encoded else compressed)


def _fields(stream: IO[bytes], separator: bytes, *, last: str) -> dict[str, str]:
    """The fields of a text header, up to and with the ``last`` one, or an empty line."""
    fields: dict[str, str] = {}
    for line in stream:
        name, _, value = (part.strip().decode("latin-1") for part in line.partition(separator))
        fields[name.lower()] = value
        if name.lower() == last:
            break
    return fields


def check_store(store: Store, expected_bytes: int) -> None:
    """Refuse voxels that are missing, or aren't what was deflated. Raises EOFError, OSError or zlib.error."""
    if store.compressed is None:
        return
    found = store.file.stat().st_size - store.offset
    if store.compressed:
        with store.file.open("rb") as stream:
            stream.seek(store.offset)
            found = len(inflated(stream.read(), expected_bytes))
    if found < expected_bytes:
        raise EOFError(f"holds {found} bytes of the {expected_bytes} that its header announces")


def inflated(content: bytes, size: int) -> npt.NDArray[np.uint8]:
    """What was deflated, in zlib's form or gzip's, compared with the checksum that it carries.

    Args:
        content: one stream, or gzip's several; what follows zlib's is left alone.
        size: how many bytes are expected; others are returned all the same, only later.

    Raises:
        EOFError, OSError, zlib.error: it ends early, or is not what was compressed.
    """
    import imagecodecs  # nnU-Net's own; twice as fast as zlib

    zipped = content.startswith(GZIP)
    try:
        room = np.empty(size, np.uint8)
        found = (imagecodecs.gzip_decode if zipped else imagecodecs.deflate_decode)(content, out=room.data)
        if len(found) == size:
            return room
    except imagecodecs.DeflateError:  # another size, several streams, or damaged: the slower one says which
        pass
    if zipped:
        return np.frombuffer(bytearray(gzip.decompress(content)), np.uint8)
    engine = zlib.decompressobj()
    made = engine.decompress(content)
    if not engine.eof:
        raise EOFError("ends within its compressed content")
    return np.frombuffer(bytearray(made), np.uint8)
