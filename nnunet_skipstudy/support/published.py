"""An output folder that gets all of its files or none, and keeps none of an earlier run's."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.files import sha256_of_file
from nnunet_skipstudy.support.working_folder import remove_leftovers, working_folder

MANIFEST = Path(".cache") / "files.sha256"
"""Where an output folder's own files are listed, as sha256sum does: digest, two spaces, path."""
PREFIX = ".analyzing-"
"""The start of the name of the folder that is written into; a run that was killed leaves it to the next one."""
Listed = set[tuple[str, str]]
"""Pairs of (path, digest)."""


@contextmanager
def published(output: Path) -> Iterator[Path]:
    """Give an empty folder beside ``output`` whose files move there when the block ends well.

    Files of the same name are replaced. Files that an earlier run left there and this one didn't make are removed,
    unless somebody has changed them since; all others are left alone. On an exception nothing changes in ``output``.
    What killed runs left beside ``output`` goes.

    Raises:
        UserError: ``output`` can't be a folder or can't be written.
    """
    check_output(output)
    remove_leftovers(output.parent, PREFIX)
    with working_folder(output.parent, PREFIX, "choose another folder with -o") as working:
        folder = working / "made"  # beside the lock
        folder.mkdir()
        yield folder
        _put_in_place(folder, output, working / MANIFEST.name)


def _put_in_place(folder: Path, output: Path, draft: Path) -> None:
    """Move the files; each new list of them is written into ``draft`` first, which goes with a killed run's folder."""
    sources = sorted(path for path in folder.rglob("*") if path.is_file())
    made = {(path.relative_to(folder).as_posix(), sha256_of_file(path)) for path in sources}
    former = _listed(output / MANIFEST)
    _list(output / MANIFEST, former | made, draft)  # so that a run killed from here on leaves nothing that isn't listed
    for source in sources:
        target = output / source.relative_to(folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    _remove(output, former, kept={path for path, _ in made})
    _list(output / MANIFEST, made, draft)


def _listed(manifest: Path) -> Listed:
    """What an earlier run left; nothing where the list can't be read."""
    try:
        lines = manifest.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return set()
    return {(path, digest) for digest, _, path in (line.partition("  ") for line in lines) if path}


def _list(manifest: Path, files: Listed, draft: Path) -> None:
    text = "".join(f"{digest}  {path}\n" for path, digest in sorted(files))
    draft.write_text(text, encoding="utf-8", newline="\n")
    manifest.parent.mkdir(parents=True, exist_ok=True)
    draft.replace(manifest)


def _remove(output: Path, former: Listed, kept: set[str]) -> None:
    for name in {path for path, _ in former} - kept:
        inside = PurePosixPath(name)
        path = output / inside
        if inside.is_absolute() or ".." in inside.parts or not path.is_file() or path.is_symlink():
            continue
        if (name, sha256_of_file(path)) in former:
            path.unlink()
            with suppress(OSError):  # others' files lie beside it
                path.parent.rmdir()


def check_output(output: Path) -> None:
    """See, before long work, that ``output`` can be a folder. Raises UserError: something else stands there."""
    for path in (output, *output.parents):
        if path.exists() and not path.is_dir():
            raise UserError(f"{path}: is not a folder; choose another one with -o")
