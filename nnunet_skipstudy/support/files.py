"""Writing that leaves either the whole file or nothing."""

import csv
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Give a temporary path beside ``target`` that takes its name when the block ends well.

    The temporary name keeps the endings of ``target`` (``.nii.gz``), since writers choose the format by it.
    On an exception nothing appears under ``target`` and what stood there stays.

    Raises:
        OSError: it can't be written; of a full disk, too, it names the file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".writing-", dir=target.parent))
    try:
        temporary = folder / target.name
        with naming(target):
            yield temporary
            temporary.replace(target)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def naming(place: Path) -> Iterator[None]:
    """Within the block the system's complaint that names no file, as of a write to a full disk, gets this name.

    Raises:
        OSError: the block did.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is not None:
            raise OSError(error.errno, error.strerror, str(place)) from error
        raise


def write_text(target: Path, text: str) -> None:
    """Write ``text`` as UTF-8 with unix line ends, atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(target: Path, content: Any) -> None:
    """Write ``content`` as indented JSON, atomically, keys in the order given."""
    write_text(target, json.dumps(content, indent=2) + "\n")


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none.

    Raises:
        UserError: the file is damaged.
    """
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise UserError(f"{path}: can't be read as JSON; remove it") from error


def read_record(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none or it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def write_csv(target: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write dictionaries as CSV with exactly ``columns``, atomically; ``None`` becomes an empty cell.

    Raises:
        ValueError: a row has a key that is not a column.
    """
    with (
        atomic_path(target) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
