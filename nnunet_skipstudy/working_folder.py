"""Folders to write into until all is done, and the removal of those that dead runs left.

A working folder is held by a lock on a file in it, which the operating system gives up when the process dies,
however it dies. So a folder whose lock can be had belongs to nobody. Where there are no such locks nothing is removed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nnunet_skipstudy import file_lock
from nnunet_skipstudy.errors import UserError

PREFIX = ".writing-"
"""nnU-Net doesn't take a folder of such a name for a data set."""
LOCK = "in-use"


@contextmanager
def working_folder(root: Path) -> Iterator[Path]:
    """A temporary folder in ``root``, on its file system, removed in the end.

    Raises:
        UserError: there can't be one.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder, lock = _made_and_held(root)
    except OSError as error:
        raise UserError(
            f"{root}: can't be written to ({error.strerror}); set nnU-Net's folders to a place that can"
        ) from error
    try:
        yield folder
    finally:
        lock.close()  # Windows removes no open file
        shutil.rmtree(folder, ignore_errors=True)


def _made_and_held(root: Path) -> tuple[Path, IO[str]]:
    """A new folder and its held lock. Another run may take it for left behind before it is held; then again."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        try:
            lock = (folder / LOCK).open("a")
        except FileNotFoundError:
            continue
        if _take(lock, wait=True) and not _is_in_place(lock, folder / LOCK):
            lock.close()
            continue
        return folder, lock


def remove_leftovers(root: Path) -> None:
    """Remove the working folders in ``root`` whose processes are dead; those of living ones stay."""
    for folder in sorted(root.glob(f"{PREFIX}*")):
        if not folder.is_dir():
            continue
        try:
            lock = (folder / LOCK).open("a")
        except OSError:  # gone meanwhile, or another user's
            continue
        with lock:
            dead = _take(lock, wait=False)
            if dead:
                shutil.rmtree(folder, ignore_errors=True)
        if dead:  # on Windows the open lock has stayed
            shutil.rmtree(folder, ignore_errors=True)


def _take(lock: IO[str], *, wait: bool) -> bool:
    """Whether the lock could be had; never where there are no locks."""
    try:
        return file_lock.AVAILABLE and file_lock.take(lock, wait=wait)
    except OSError:
        return False


def _is_in_place(lock: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock.fileno()), path.stat())
    except FileNotFoundError:
        return False
