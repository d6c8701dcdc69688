"""The signal with which a cell's process is told to end."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from nnunet_skipstudy.support.signals import handled_here


class Terminated(BaseException):
    """The process was told to end: cancelled, or over its time limit."""


@contextlib.contextmanager
def ending_is_recorded() -> Iterator[None]:
    """Turn the signal that schedulers send before they kill into an exception, so that the cell can say so."""

    def raise_it(number: int, frame: FrameType | None) -> None:
        raise Terminated(signal.Signals(number).name)

    with handled_here(signal.SIGTERM, raise_it):
        yield
