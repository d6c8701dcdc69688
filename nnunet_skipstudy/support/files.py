"""Writing that leaves either the whole file or nothing; reading JSON; where paths lead."""

import csv
import hashlib
import json
import os
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
    """Give the system's complaint that names no file, as of a full disk, this name. Raises OSError: the block did."""
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
    """A file's JSON object; empty where there is no file. Raises UserError: it is damaged, or holds no object."""
    if not path.is_file():
        return {}
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: can't be read as JSON ({error}); mend or remove the file") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no JSON object; mend or remove the file")
    return content


def read_json(path: Path) -> Any:
    """What a JSON file holds, also one with a byte order mark.

    Raises:
        OSError: it can't be read.
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return json.loads(path.read_bytes())
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def read_record(path: Path) -> dict[str, Any]:
    """The JSON object in a file; empty where there is none or it is damaged."""
    try:
        content = read_json(path)
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_csv(target: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write dictionaries as CSV with exactly ``columns``, atomically; ``None`` becomes an empty cell.

    Raises:
        ValueError: a row has a key that is not a column.
    """
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def expanded(text: str) -> Path:
    """A path as somebody wrote it into a file: ``$VARIABLE`` and ``~`` become what they stand for."""
    return Path(os.path.expanduser(os.path.expandvars(text)))  # noqa: PTH111  # Path's raises for a stranger's ~


def beside(path: Path) -> list[Path]:
    """The folders beside which ``path`` lies: its own, and where it is a link those of what it leads to.

    A link to another disk keeps what belongs to it beside the link; so that comes first, then link by link, and last
    the folder without any links on the way.
    """
    return list(dict.fromkeys(place.parent for place in led_to(path)))


def led_to(path: Path) -> list[Path]:
    """``path``, absolute, and what it leads to, link by link. Raises UserError: the links lead in a circle."""
    places = [Path(os.path.abspath(path))]  # noqa: PTH100  # resolve() would follow the links
    while places[-1].is_symlink():
        target = Path(os.path.abspath(places[-1].parent / places[-1].readlink()))  # noqa: PTH100
        if target in places:
            raise UserError(f"{path}: is a link that leads to itself; mend it")
        places.append(target)
    return list(dict.fromkeys([*places, places[-1].resolve()]))


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()
