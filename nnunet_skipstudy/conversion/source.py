"""A download as it came: a folder at any sensible depth, or the publisher's zip or tar, which is read safely.

An archive is refused whole when a member could end up outside the folder that it is unpacked into, or isn't a plain
file: absolute names, ``..``, links, devices. Only the members that belong to the data set are unpacked. Whatever
checksum an archive carries is compared: those of a zip's members, of a tar's headers, of a compressed tar as a whole.
"""

import hashlib
import os
import re
import shutil
import stat
import tarfile
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar

from tqdm import tqdm

from nnunet_skipstudy.errors import UserError

SMALL_BYTES = 4 << 20
END_BYTES = 1 << 20
DEEPEST = 8
"""Folders further down are not looked at."""
JUNK_NAMES: frozenset[str] = frozenset({"__macosx", ".ds_store", "thumbs.db", "desktop.ini"})
UNPACK_IT = "unpack it with a program that can, and give the folder"
FLAGS = re.IGNORECASE | re.ASCII


@dataclass(frozen=True)
class Layout:
    """What a data set's files are called below its topmost folder, as regular expressions.

    By ``images``, images and masks, the topmost folder is found; ``tables`` are other files that are read; ``unused``
    belong to the download but not to the study. ``expected``: what to expect, for an error message.
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
    def fingerprint(self) -> str:
        """SHA-256 of all names, sizes and contents: the same for a folder and the archive that it came from.

        Of files larger than ``SMALL_BYTES`` only the ends count, which is enough for a ``.nii.gz``: the checksum of
        its content ends it.

        Raises:
            UserError: the archive is damaged, or a file can't be read.
        """
        digests = {}
        for name, blocks in _contents(self, ends=True):
            digest = hashlib.sha256()
            for block in blocks:
                digest.update(block)
            digests[name] = digest.hexdigest()
        lines = "".join(f"{name}\0{self.sizes[name]}\0{digest}\n" for name, digest in sorted(digests.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def find_download(path: Path, layout: Layout, name: str) -> Download:
    """Look through a folder or an archive's table of contents for a data set.

    Raises:
        UserError: there is nothing, it is unsafe or damaged, or holds the data set not exactly once.
    """
    with _complaints_explained(path):
        if not path.exists():
            raise UserError(f"{path}: no such file or folder; give the download of {name}")
        sizes = _folder_sizes(path, layout) if path.is_dir() else _archive_sizes(path)
    sizes = {member: size for member, size in sizes.items() if not is_junk(member)}
    prefix = _only_prefix(path, sizes, layout, name)
    start = f"{prefix}/" if prefix else ""
    inside = {member.removeprefix(start): size for member, size in sizes.items() if member.startswith(start)}
    for member in inside:
        if member.endswith(".nii.gz") and member.removesuffix(".gz") in inside:
            raise UserError(
                f"{path}: holds both {member} and {member.removesuffix('.gz')}, and readers of the one get the other; "
                "remove one of them"
            )
    wanted = {
        member: size
        for member, size in inside.items()
        if re.fullmatch(f"(?:{layout.images})|(?:{layout.tables})", member, FLAGS)
    }
    strangers = (member for member in sorted(inside.keys() - wanted.keys()) if is_image_name(member))
    return Download(
        path, prefix, wanted, tuple(member for member in strangers if not re.fullmatch(layout.unused, member, FLAGS))
    )


def _only_prefix(path: Path, members: Iterable[str], layout: Layout, name: str) -> str:
    """The folder below which the data set lies."""
    below = re.compile(rf"(?:(?P<prefix>.*?)/)??(?:{layout.images})", FLAGS | re.DOTALL)
    prefixes = Counter(match["prefix"] or "" for member in members if (match := below.fullmatch(member)))
    if not prefixes:
        raise UserError(f"{path}: holds no {name}; give the folder or archive with {layout.expected}")
    if len(prefixes) > 1:
        found = ", ".join(prefix or "." for prefix in sorted(prefixes)[:3])
        raise UserError(f"{path}: holds {name} {len(prefixes)} times ({found}); give one of these folders")
    (prefix,) = prefixes
    return prefix


def is_junk(name: str) -> bool:
    """Whether a file is one that an operating system leaves behind, such as macOS's ``._spleen_2.nii.gz``."""
    return any(part.lower() in JUNK_NAMES or part.startswith("._") for part in PurePosixPath(name).parts)


def is_image_name(name: str) -> bool:
    """Whether a file's ending is that of an image."""
    return name.lower().endswith((".png", ".bmp", ".jpg", ".jpeg", ".tif", ".tiff", ".nii", ".nii.gz"))


def _folder_sizes(folder: Path, layout: Layout) -> dict[str, int]:
    """All files below a folder with their sizes.

    Raises:
        UserError: a file of the data set is a link to nothing.
        OSError: a folder can't be looked into.
    """
    wanted = re.compile(rf"(?:.*/)?(?:{layout.images}|{layout.tables})", FLAGS | re.DOTALL)
    sizes = {}
    seen = set()
    for root, folders, files in os.walk(folder, followlinks=True, onerror=_raise):
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


def _raise(error: OSError) -> None:
    raise error


def _archive_sizes(path: Path) -> dict[str, int]:
    if tarfile.is_tarfile(path):
        return {name: size for name, size, _ in _tar_members(path)}
    if not zipfile.is_zipfile(path):
        raise UserError(
            f"{path}: neither a folder nor a whole zip or tar archive; give the download as it came, or fetch it again"
        )
    with zipfile.ZipFile(path) as archive:
        return {name: member.file_size for name, member in _zip_members(archive, path).items()}


def _zip_members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The files in a zip; old Windows programs wrote backslashes between folders."""
    members = {}
    for member in archive.infolist():
        name = member.filename.replace("\\", "/")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise _unsafe(path, member.filename, "is a link")
        _check_name(path, name)
        if member.flag_bits & 1:
            raise UserError(f"{path}: its member {member.filename!r} is encrypted; {UNPACK_IT}")
        if not name.endswith("/"):
            members[name] = member
    return members


class _TarMember(tarfile.TarInfo):
    """A member whose damaged header is an error: tarfile takes it, and a missing one, for the archive's end."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: str, errors: str) -> "_TarMember":
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):  # which ends a whole archive
                raise
            raise tarfile.ReadError(f"{error or 'it ends early'}") from error


def _tar_members(path: Path) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and content of each file in a tar, in its order, since a compressed one can't be read backwards."""
    with tarfile.open(path, tarinfo=_TarMember) as archive:
        for member in archive:
            if not (member.isfile() or member.isdir()):
                raise _unsafe(path, member.name, "is a link or a device")
            _check_name(path, member.name)
            if member.isfile() and (stream := archive.extractfile(member)):
                yield member.name.removeprefix("./"), member.size, stream
        while archive.fileobj and archive.fileobj.read(1 << 20):  # a checksum of all comes last
            pass


def _check_name(path: Path, name: str) -> None:
    plain = name.replace("\\", "/")
    if plain.startswith("/") or re.match(r"[A-Za-z]:", plain) or ".." in PurePosixPath(plain).parts:
        raise _unsafe(path, name, "could be unpacked to anywhere")
    if "\\" in name:
        raise _unsafe(path, name, "has a backslash in its name, which is a folder to some systems and none to others")


def _unsafe(path: Path, member: str, reason: str) -> UserError:
    return UserError(f"{path}: its member {member!r} {reason}; fetch the archive from its publisher")


@contextmanager
def _complaints_explained(path: Path) -> Iterator[None]:
    """Whatever goes wrong in here, while a download is read, is one complaint about it."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # the readers of archives have a dozen kinds, not all of them documented
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if isinstance(error, OSError) and error.errno is not None:
            raise UserError(f"{error.filename or path}: can't be read ({error.strerror}); make it readable") from error
        remedy = UNPACK_IT if isinstance(error, NotImplementedError) else "it is truncated or damaged: fetch it again"
        raise UserError(f"{path}: can't be read ({reason}); {remedy}") from error


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
        with tqdm(total=needed, desc=download.path.name, unit="B", unit_scale=True, disable=None) as bar:
            for name, blocks in _contents(download):
                _write(blocks, folder / name, bar.update)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(blocks: Iterable[bytes], target: Path, progress: Callable[[int], object]) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as out:
            for block in blocks:
                progress(out.write(block))
    except OSError as error:
        raise UserError(
            f"{target}: can't be written ({error.strerror}); make space, or unpack it elsewhere and give the folder"
        ) from error


def _contents(download: Download, *, ends: bool = False) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Name and content of each file of a download, in any order; only the ends of large ones, where that is wanted.

    A file is closed when the next one comes.

    Raises:
        UserError: the archive is damaged, or a file can't be read; from the contents, too.
    """
    for name, size, stream in _explained(download.path, _opened(download)):
        yield name, _explained(download.path, _blocks(stream, size, ends=ends))


Item = TypeVar("Item")


def _explained(path: Path, items: Iterator[Item]) -> Iterator[Item]:
    with _complaints_explained(path):
        yield from items


def _opened(download: Download) -> Iterator[tuple[str, int, IO[bytes]]]:
    """Name, size and open file of each file of a download."""
    path, start = download.path, f"{download.prefix}/" if download.prefix else ""
    if path.is_dir():
        for name, size in download.sizes.items():
            with (path / start / name).open("rb") as file:
                yield name, size, file
    elif tarfile.is_tarfile(path):
        for name, size, stream in _tar_members(path):
            if name.startswith(start) and (short := name.removeprefix(start)) in download.sizes:
                yield short, size, stream
    else:
        with zipfile.ZipFile(path) as archive:
            members = _zip_members(archive, path)
            for name, size in download.sizes.items():
                with archive.open(members[start + name]) as stream:
                    yield name, size, stream


def _blocks(stream: IO[bytes], size: int, *, ends: bool) -> Iterator[bytes]:
    read = 0
    if ends and size > SMALL_BYTES:
        yield stream.read(END_BYTES)
        read = stream.seek(size - END_BYTES)
    while block := stream.read(1 << 20):
        read += len(block)
        yield block
    if read != size:
        raise EOFError(f"a file has {read} bytes of {size}")


Key = TypeVar("Key")


def images_and_masks(
    names: Iterable[str], pattern: str, key_of: Callable[[re.Match[str]], Key]
) -> tuple[dict[Key, str], dict[Key, dict[int, str]]]:
    """Images by key, and their masks by key and ``part``, of the names that match; groups of the pattern tell which.

    Raises:
        UserError: a mask lacks its image, or two files have one number.
    """
    images: dict[Key, str] = {}
    masks: dict[Key, dict[int, str]] = defaultdict(dict)
    for match in filter(None, (re.fullmatch(pattern, name, re.IGNORECASE) for name in names)):
        if match["mask"]:
            add_once(masks[key_of(match)], int(match.groupdict().get("part") or 0), match[0])
        else:
            add_once(images, key_of(match), match[0])
    for key, parts in masks.items():
        if key not in images:
            raise UserError(f"{next(iter(parts.values()))}: its image is missing; fetch the download again")
    return images, masks


def add_once(files: MutableMapping[Key, str], key: Key, name: str) -> None:
    """Enter a file by what its name says, unless another one says the same. Raises UserError: one does."""
    if key in files:
        raise UserError(f"{name}: {files[key]} has the same number; remove one of them")
    files[key] = name


def patient_number(text: str) -> str:
    """A table's patient as part of a group's name: 1, 01 and a spreadsheet's 1.0 are one; other signs become ``_``."""
    whole = re.fullmatch(r"0*(\d+)(?:\.0*)?", text, re.ASCII)
    return whole[1] if whole else re.sub(r"[\W_]+", "_", text)
