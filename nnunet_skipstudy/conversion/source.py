"""A download as it came: a folder at any sensible depth, or the publisher's zip or tar, which is read safely.

An archive is refused whole when a member could end up outside the folder that it is unpacked into, or isn't a plain
file: absolute names, ``..``, links, devices. Only the members that belong to the data set are unpacked.
"""

import hashlib
import os
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from tqdm import tqdm

from nnunet_skipstudy.errors import UserError

SMALL_BYTES = 4 << 20
END_BYTES = 1 << 20
DEEPEST = 8
"""Folders further down are not looked at."""
JUNK_NAMES: frozenset[str] = frozenset({"__macosx", ".ds_store", "thumbs.db", "desktop.ini"})
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError)
"""What the readers of archives complain with."""


@dataclass(frozen=True)
class Layout:
    """What a data set's files are called below its topmost folder, as regular expressions.

    Attributes:
        images: images and masks; the topmost folder is found by them.
        tables: other files that are read, such as a table of patients; names that match nothing: ``"$^"``.
        unused: files that belong to the download but not to the study.
        expected: what to expect, for an error message.
    """

    images: str
    expected: str
    tables: str = r"$^"
    unused: str = r"$^"


@dataclass(frozen=True)
class Download:
    """The files of a download that belong to a data set, by their names below ``prefix``, and their sizes.

    ``strangers`` are images, by their ending, that nothing is known about.
    """

    path: Path
    prefix: str
    sizes: Mapping[str, int]
    strangers: tuple[str, ...]

    @property
    def names_and_sizes(self) -> str:
        """SHA-256 of all names and sizes, by which former versions told downloads apart."""
        lines = "".join(f"{name}\0{size}\n" for name, size in sorted(self.sizes.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all names, sizes and contents: the same for a folder and the archive that it came from.

        Of files larger than ``SMALL_BYTES`` only the ends count, which is enough for a ``.nii.gz``: the checksum of
        its content ends it.

        Raises:
            UserError: the archive is damaged, or a file can't be read.
        """
        with _damage_explained(self.path):
            digests = {name: _digest(stream, size) for name, stream, size in _contents(self)}
        lines = "".join(f"{name}\0{self.sizes[name]}\0{digest}\n" for name, digest in sorted(digests.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def find_download(path: Path, layout: Layout, name: str) -> Download:
    """Look through a folder or an archive's table of contents for a data set.

    Raises:
        UserError: there is nothing, it is unsafe or damaged, or holds the data set not exactly once.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file or folder; give the download of {name}")
    sizes = _folder_sizes(path, layout) if path.is_dir() else _archive_sizes(path)
    sizes = {member: size for member, size in sizes.items() if not is_junk(member)}
    below = re.compile(rf"(?:(?P<prefix>.*?)/)??(?:{layout.images})", re.IGNORECASE)
    prefixes = Counter(match["prefix"] or "" for member in sizes if (match := below.fullmatch(member)))
    if not prefixes:
        raise UserError(f"{path}: holds no {name}; give the folder or archive with {layout.expected}")
    if len(prefixes) > 1:
        found = ", ".join(prefix or "." for prefix in sorted(prefixes)[:3])
        raise UserError(f"{path}: holds {name} {len(prefixes)} times ({found}); give one of these folders")
    (prefix,) = prefixes
    start = f"{prefix}/" if prefix else ""
    inside = {member.removeprefix(start): size for member, size in sizes.items() if member.startswith(start)}
    for member in inside:
        if member.endswith(".nii.gz") and member.removesuffix(".gz") in inside:
            raise UserError(
                f"{path}: holds both {member} and {member.removesuffix('.gz')}, and readers of the one get the other; "
                "remove one of them"
            )
    wanted = re.compile(f"(?:{layout.images})|(?:{layout.tables})", re.IGNORECASE)
    unused = re.compile(layout.unused, re.IGNORECASE)
    return Download(
        path,
        prefix,
        {member: size for member, size in inside.items() if wanted.fullmatch(member)},
        tuple(
            member
            for member in sorted(inside)
            if is_image_name(member) and not wanted.fullmatch(member) and not unused.fullmatch(member)
        ),
    )


def is_junk(name: str) -> bool:
    """Whether a file is one that an operating system leaves behind, such as macOS's ``._spleen_2.nii.gz``."""
    return any(part.lower() in JUNK_NAMES or part.startswith("._") for part in PurePosixPath(name).parts)


def is_image_name(name: str) -> bool:
    """Whether a file's ending is that of an image."""
    return name.lower().endswith((".png", ".bmp", ".nii", ".nii.gz"))


def _folder_sizes(folder: Path, layout: Layout) -> dict[str, int]:
    """All files below a folder with their sizes.

    Raises:
        UserError: a folder can't be looked into, or a file of the data set is a link to nothing.
    """
    wanted = re.compile(rf"(?:.*/)?(?:{layout.images}|{layout.tables})", re.IGNORECASE)
    sizes = {}
    seen = set()
    for root, folders, files in os.walk(folder, followlinks=True, onerror=_refuse_unreadable):
        here = Path(root)
        real = here.resolve()
        if real in seen or len(here.relative_to(folder).parts) >= DEEPEST:
            folders.clear()
            continue
        seen.add(real)
        folders.sort()
        for file in files:
            path = here / file
            name = path.relative_to(folder).as_posix()
            if path.is_file():
                sizes[name] = path.stat().st_size
            elif path.is_symlink() and wanted.fullmatch(name) and not is_junk(name):
                raise UserError(f"{path}: is a link to nothing; fetch its content (git annex get, datalad get)")
    return sizes


def _refuse_unreadable(error: OSError) -> None:
    raise UserError(f"{error.filename}: can't be looked into ({error.strerror}); make it readable") from error


def _archive_sizes(path: Path) -> dict[str, int]:
    with _damage_explained(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return dict(_zip_members(archive, path))
        if tarfile.is_tarfile(path):
            with tarfile.open(path) as tar:
                return dict(_tar_members(tar, path))
    raise UserError(
        f"{path}: neither a folder nor a whole zip or tar archive; give the download as it came, or fetch it again"
    )


def _zip_members(archive: zipfile.ZipFile, path: Path) -> Iterator[tuple[str, int]]:
    for member in archive.infolist():
        if stat.S_ISLNK(member.external_attr >> 16):
            raise _unsafe(path, member.filename, "is a link")
        name = _zip_name(member)
        _check_name(path, name)
        if not name.endswith("/"):
            yield name, member.file_size


def _zip_name(member: zipfile.ZipInfo) -> str:
    """A member's name; old Windows programs wrote backslashes between folders."""
    return member.filename.replace("\\", "/")


def _tar_members(archive: tarfile.TarFile, path: Path) -> Iterator[tuple[str, int]]:
    for member in archive:
        if not (member.isfile() or member.isdir()):
            raise _unsafe(path, member.name, "is a link or a device")
        _check_name(path, member.name)
        if member.isfile():
            yield member.name.removeprefix("./"), member.size


def _check_name(path: Path, name: str) -> None:
    plain = name.replace("\\", "/")
    if plain.startswith("/") or re.match(r"[A-Za-z]:", plain) or ".." in PurePosixPath(plain).parts:
        raise _unsafe(path, name, "could be unpacked to anywhere")
    if "\\" in name:
        raise _unsafe(path, name, "has a backslash in its name, which is a folder to some systems and none to others")


def _unsafe(path: Path, member: str, reason: str) -> UserError:
    return UserError(f"{path}: its member {member!r} {reason}; fetch the archive from its publisher")


@contextmanager
def _damage_explained(path: Path) -> Iterator[None]:
    try:
        yield
    except DAMAGED as error:
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: can't be read ({reason}); the archive is truncated or damaged: fetch it again") from (
            error
        )


@contextmanager
def unpacked(download: Download, into: Path) -> Iterator[Path]:
    """The data set's topmost folder: where it is, or for an archive a temporary folder in ``into``.

    Raises:
        UserError: the archive is damaged, or there is no space for it.
    """
    if download.path.is_dir():
        yield download.path / download.prefix
        return
    folder = into / "unpacked"
    needed, free = sum(download.sizes.values()), shutil.disk_usage(into).free
    if needed > free:
        raise UserError(
            f"{download.path}: unpacks to {needed / 1e9:.1f} GB, and {into} has {free / 1e9:.1f} GB left; make space"
        )
    try:
        with (
            _damage_explained(download.path),
            tqdm(total=needed, desc=download.path.name, unit="B", unit_scale=True, disable=None) as bar,
        ):
            _unpack(download, folder, bar.update)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(download: Download, folder: Path, progress: Callable[[int], object]) -> None:
    for name, stream, size in _contents(download):
        _write(stream, folder / name, progress, size)


def _contents(download: Download) -> Iterator[tuple[str, IO[bytes], int]]:
    """Name, content and size of each file of a download, in any order; each is closed when the next one comes."""
    start = f"{download.prefix}/" if download.prefix else ""
    if download.path.is_dir():
        for name, size in download.sizes.items():
            with (download.path / start / name).open("rb") as stream:
                yield name, stream, size
        return
    if zipfile.is_zipfile(download.path):
        with zipfile.ZipFile(download.path) as archive:
            members = {_zip_name(member): member for member in archive.infolist()}
            for name, size in download.sizes.items():
                with archive.open(members[start + name]) as content:
                    yield name, content, size
        return
    with tarfile.open(download.path) as tar:
        for member in tar:  # in the archive's order: a compressed one can't be read backwards
            name = member.name.removeprefix("./")
            if name.startswith(start) and (short := name.removeprefix(start)) in download.sizes and member.isfile():
                extracted = tar.extractfile(member)
                assert extracted is not None  # it is a plain file
                with extracted:
                    yield short, extracted, member.size


def _digest(stream: IO[bytes], size: int) -> str:
    """Of a small file's content, or of a large one's beginning and end."""
    digest = hashlib.sha256()
    if size > SMALL_BYTES:
        digest.update(stream.read(END_BYTES))
        stream.seek(size - END_BYTES)
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _write(stream: IO[bytes], target: Path, progress: Callable[[int], object], size: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    written = 0
    with target.open("wb") as out:
        while block := stream.read(1 << 20):
            written += out.write(block)
            progress(len(block))
    if written != size:
        raise EOFError(f"{target.name} has {written} bytes of {size}")
