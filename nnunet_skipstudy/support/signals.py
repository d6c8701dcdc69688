"""Handlers of signals that forked children don't inherit: a pool waits for ever for a worker that survives its end."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def handled_here(number: int, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle a signal within the block, in this process alone; what it forks has the system's own handling.

    Raises:
        ValueError: this is not the main thread.
    """
    before, fork = signal.signal(number, handler), getattr(os, "fork", None)
    if fork:  # Windows has none
        os.fork = _without_handler(fork, number)
    try:
        yield
    finally:
        if fork:
            os.fork = fork
        signal.signal(number, before)


def _without_handler(fork: Callable[[], int], number: int) -> Callable[[], int]:
    """``fork`` whose child has no handler; a signal that comes meanwhile is held back, since a hook would lose it."""

    def fork_without_handler() -> int:
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})
        try:
            child = fork()
            if child == 0:
                signal.signal(number, signal.SIG_DFL)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        return child

    return fork_without_handler
