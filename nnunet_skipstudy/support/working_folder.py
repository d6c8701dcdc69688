"""Folders to write into until all is done, and the removal of those that dead runs left.

A working folder is held by a lock on a file in it, which the operating system gives up when the process dies,
however it dies. So a folder whose lock can be had belongs to nobody. Where there are no such locks nothing is removed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support import locks

PREFIX = ".writing-"
"""nnU-Net doesn't take a folder of such a name for a data set."""
REMEDY = "set nnU-Net's folders to a place that can"
LOCK = "in-use"
LOCK_ENDING = ".lock"


@contextmanager
def working_folder(root: Path, prefix: str = PREFIX, remedy: str = REMEDY) -> Iterator[Path]:
    """A temporary folder in ``root``, removed in the end. Raises UserError: none can be; ends with ``remedy``."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder, lock = _made_and_held(root, prefix)
    except OSError as error:
        raise UserError(f"{root}: can't be written to ({error.strerror}); {remedy}") from error
    try:
        yield folder
    finally:
        lock.close()  # Windows removes no open file
        shutil.rmtree(folder, ignore_errors=True)


def _made_and_held(root: Path, prefix: str) -> tuple[Path, IO[str]]:
    """A new folder and its held lock. Another run may take it for left behind before it is held; then again."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=root))
        try:
            lock = (folder / LOCK).open("a")
        except FileNotFoundError:
            continue
        if _take(lock, wait=True) and not _is_in_place(lock, folder / LOCK):
            lock.close()
            continue
        return folder, lock


@contextmanager
def only_run(root: Path, name: str, what: str) -> Iterator[None]:
    """Keep other runs from the same work in ``root``, by a lock file that is removed in the end.

    Where there are no locks (on some network file systems) nothing is kept apart.

    Args:
        root: where the work is done.
        name: of the work, part of a file's name.
        what: the work in words: ``making data set 502``.

    Raises:
        UserError: another run is at it, or the file can't be made.
    """
    path = root / f"{PREFIX}{name}{LOCK_ENDING}"
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = path.open("a")
        while _take_or_refuse(lock, root, what) and not _is_in_place(lock, path):  # its last holder removed it
            lock.close()
            lock = path.open("a")
    except OSError as error:
        raise UserError(f"{root}: can't be written to ({error.strerror}); {REMEDY}") from error
    with lock:
        try:
            yield
        finally:
            with suppress(PermissionError):  # Windows removes no open file; the next run's remove_leftovers does
                path.unlink(missing_ok=True)


def _take_or_refuse(lock: IO[str], root: Path, what: str) -> bool:
    """Whether the lock is held now; False where there are none."""
    try:
        held = locks.take(lock)
    except OSError:
        return False
    if not held:
        lock.close()
        raise UserError(f"{root}: another run is {what} here; wait until it has ended")
    return locks.AVAILABLE


def remove_leftovers(root: Path, prefix: str = PREFIX) -> None:
    """Remove what dead processes left in ``root``, working folders and locks; what living ones hold stays."""
    for leftover in sorted(root.glob(f"{prefix}*")):
        is_folder = leftover.is_dir()
        if not is_folder and leftover.suffix != LOCK_ENDING:
            continue
        try:
            lock = (leftover / LOCK if is_folder else leftover).open("a")
        except OSError:  # gone meanwhile, or another user's
            continue
        with lock:
            dead = _take(lock, wait=False)
            if dead and is_folder:
                shutil.rmtree(leftover, ignore_errors=True)
            elif dead and os.name != "nt" and _is_in_place(lock, leftover):
                leftover.unlink(missing_ok=True)
        if dead and os.name == "nt":  # where an open file can't be removed
            shutil.rmtree(leftover, ignore_errors=True) if is_folder else leftover.unlink(missing_ok=True)


def _take(lock: IO[str], *, wait: bool) -> bool:
    """Whether the lock could be had; never where there are no locks."""
    try:
        return locks.AVAILABLE and locks.take(lock, wait=wait)
    except OSError:
        return False


def _is_in_place(lock: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False
