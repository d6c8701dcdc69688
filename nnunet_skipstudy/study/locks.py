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


def _try_again(stream: IO[str], seconds: float) -> bool:
    time.sleep(seconds)
    return _try(stream)


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock.

    Raises:
        UserError: it can't be told.
    """
    with _at_work(path):
        return locks.is_held(path)


@contextmanager
def only_run(path: Path, what: str) -> Iterator[None]:
    """Hold a lock, or refuse.

    Raises:
        UserError: another process holds it, or it can't be made.
    """
    with _opened(path) as stream:
        if not any(_try_again(stream, seconds) for seconds in (0.0, 0.1, 0.3)):
            stream.seek(0)
            holder = stream.read().strip() or "another process"
            raise UserError(f"{what}: is being run by {holder}; wait for it or end it, then run again")
        with _own(stream):
            yield


@contextmanager
def waited_for(path: Path, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Hold a lock as soon as it is free; ``on_wait`` is told once who holds it.

    Raises:
        UserError: it can't be made.
    """
    with _opened(path) as stream:
        told = False
        while not _try(stream):
            if not told:
                stream.seek(0)
                on_wait(stream.read().strip() or "another process")
                told = True
            time.sleep(POLL_SECONDS)
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
