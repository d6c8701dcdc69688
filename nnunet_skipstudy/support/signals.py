"""Handlers of signals that are a process's own: what it forks must still end when it is told to.

A forked child inherits its parent's handler. A worker of a pool then survives the signal that ends it, or, told before
Python in it is ready, forgets that it was, and the pool that waits for its end waits for ever.
"""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]


@contextmanager
def handled_here(number: int, handler: Handler) -> Iterator[None]:
    """Handle a signal within the block, in this process alone: what it forks meanwhile has the system's own handling.

    Args:
        number: the signal, ``signal.SIGTERM`` for one.
        handler: called in the main thread, as Python calls handlers.

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
    """``fork`` whose child has no handler for a signal; one that comes meanwhile is held back, for both of them.

    A hook of ``os.register_at_fork`` won't do: the exception of a handler that runs in a hook is lost.
    """

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
