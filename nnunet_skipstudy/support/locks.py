"""Locks on open files, which the operating system gives up when the process that holds them ends, however it ends."""

import os
import time
from pathlib import Path
from typing import IO, Any

fcntl: Any
msvcrt: Any
try:
    import fcntl
except ImportError:
    fcntl = None
try:
    import msvcrt
except ImportError:
    msvcrt = None

AVAILABLE = bool(fcntl or msvcrt)
"""Whether this machine has such locks: those of Unix, or those of Windows."""
POLL_SECONDS = 0.2
_FAR_BEHIND = 2**30
"""Windows locks bytes, and nobody can read those: one that is never written."""


def take(stream: IO[Any], *, wait: bool = False) -> bool:
    """Lock an open file for this process alone, until it is closed.

    Args:
        stream: opened for reading or writing, at best for appending: what others wrote into it should stay.
        wait: until it is free.

    Returns:
        Whether the lock is held now; where there are no locks (:data:`AVAILABLE`) it always is.

    Raises:
        OSError: the file system has no locks.
    """
    while not _try(stream):
        if not wait:
            return False
        time.sleep(POLL_SECONDS)
    return True


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock; False without a file, or locks. Raises OSError: it can't be read."""
    try:
        with path.open("rb") as stream:
            return not _try(stream, shared=True)
    except FileNotFoundError:
        return False


def _try(stream: IO[Any], *, shared: bool = False) -> bool:
    """Whether the lock could be had; a shared one stands in the way of no other look at it."""
    if fcntl:
        try:
            fcntl.flock(stream, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    elif msvcrt:
        return _try_on_windows(stream.fileno())
    return True


def _try_on_windows(descriptor: int) -> bool:
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    os.lseek(descriptor, _FAR_BEHIND, os.SEEK_SET)
    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    except PermissionError:
        return False
    finally:
        os.lseek(descriptor, position, os.SEEK_SET)
    return True
