"""Handlers of signals that forked children don't inherit: a pool waits for ever for a worker that survives its end."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any


@contextmanager
def handled_here(number: int, handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Handle a signal within the block, in this process alone; what it forks has the system's own handling.

    Raises:
        ValueError: this is not the main thread.
    """
    fork: Any = getattr(os, "fork", None)  # Windows has none
    forking, came = False, False

    def late(number: int, frame: FrameType | None) -> None:
        nonlocal came
        if forking:  # in a hook of forking Python swallows what a handler raises
            came = True
        else:
            handler(number, frame)

    def fork_without_handler() -> int:
        nonlocal forking, came
        forking, came = True, False
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})  # of this thread, the only one that the child has
        try:
            child: int = fork()
            if child == 0:
                signal.signal(number, signal.SIG_DFL)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
            forking = False
        if came and child:
            handler(number, None)
        return child

    before = signal.signal(number, late)
    if fork:
        os.fork = fork_without_handler
    try:
        yield
    finally:
        if fork:
            os.fork = fork
        signal.signal(number, before)
