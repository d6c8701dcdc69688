"""A study's locks: of the whole, of each cell, of the slots that cells wait for."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support import locks

POLL_SECONDS = 0.5
LOOK_SECONDS = 0.2
"""A look at a lock takes it for a moment."""
_held: set[int] = set()


def _let_go_in_child() -> None:
    """A forked worker of nnU-Net's shares its parent's locks, and would keep them when the parent is killed."""
    for descriptor in _held:
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, descriptor)
        os.close(nothing)


if hasattr(os, "register_at_fork"):  # Windows forks nothing
    os.register_at_fork(after_in_child=_let_go_in_child)


@contextmanager
def _at_work(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"{path}: can't be used as a lock ({error.strerror}); give the study a 'root' that can be written to"
        ) from error


def _opened(path: Path) -> IO[str]:
    with _at_work(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+", encoding="utf-8")


@contextmanager
def _own(stream: IO[str]) -> Iterator[None]:
    """Sign a lock that was taken, and keep it from children."""
    _held.add(stream.fileno())
    try:
        stream.seek(0)
        stream.truncate()
        stream.write(f"process {os.getpid()} on {socket.gethostname()}\n")
        stream.flush()
        yield
    finally:
        _held.discard(stream.fileno())


def _try(stream: IO[str]) -> bool:
    with _at_work(Path(stream.name)):
        return locks.take(stream)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock. Raises UserError: it can't be told."""
    with _at_work(path):
        return locks.is_held(path)


@contextmanager
def only_run(path: Path, what: str) -> Iterator[None]:
    """Hold a lock, or refuse. Raises UserError: another process holds it, or it can't be made."""

    def refuse(holder: str) -> None:
        raise UserError(f"{what}: is being run by {holder}; wait for it or end it, then run again")

    with waited_for(path, refuse, patience=2):
        yield


@contextmanager
def waited_for(path: Path, on_wait: Callable[[str], None], patience: int = 0) -> Iterator[None]:
    """Hold a lock as soon as it is free; ``on_wait`` is told once who holds it, after as many tries as ``patience``.

    Raises:
        UserError: it can't be made.
    """
    with _opened(path) as stream:
        tries = 0
        while not _try(stream):
            if tries == patience:
                stream.seek(0)
                on_wait(stream.read().strip() or "another process")
            time.sleep(POLL_SECONDS if tries >= patience else LOOK_SECONDS)
            tries += 1
        with _own(stream):
            yield


@contextmanager
def one_of(paths: Sequence[Path]) -> Iterator[int]:
    """Hold the first lock of several that becomes free, and give its number; without any, 0."""
    if not paths:
        yield 0
        return
    with ExitStack() as streams:
        opened = [streams.enter_context(_opened(path)) for path in paths]
        while True:
            for number, stream in enumerate(opened):
                if _try(stream):
                    with _own(stream):
                        yield number
                    return
            time.sleep(POLL_SECONDS)
