"""Working on one cell: its lock, its record, its action, its marker."""

import contextlib
import errno
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from types import FrameType

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.study.cells import record_done, record_failure, record_progress, record_start
from nnunet_skipstudy.study.grid import Cell
from nnunet_skipstudy.study.locks import waited_for
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.train import ACTIONS, Work

PROGRESS_SECONDS = 5.0


class Terminated(BaseException):
    """The process was told to end: cancelled, or over its time limit."""


def work_on(
    cell: Cell,
    places: Places,
    command: Callable[[list[str]], int],
    on_progress: Callable[[float], None] = lambda share: None,
) -> bool:
    """Work on a cell until it is finished or has failed; nothing where it is finished.

    A process that an earlier run left behind may still be at it: its end is waited for.

    Returns:
        Whether the cell is finished; if not, its record says why.
    """

    def waiting(holder: str) -> None:
        print(f"skipstudy: {cell.key} is being worked on by {holder}; waiting for its end", file=sys.stderr, flush=True)

    with waited_for(places.cell_lock(cell), waiting):
        if places.marker(cell).is_file():
            return True
        started = time.monotonic()
        try:
            record_start(cell, places)
            print(f"--- {cell.key}, settings {cell.digest}, {time.strftime('%Y-%m-%d %H:%M:%S')}", flush=True)
            measured = ACTIONS[cell.step](cell, Work(places, command, _throttled(cell, places, on_progress)))
            record_done(cell, places, measured, time.monotonic() - started)
        except KeyboardInterrupt:
            places.record(cell).unlink(missing_ok=True)
            raise
        except (Exception, SystemExit, Terminated) as error:
            traceback.print_exc()
            with contextlib.suppress(OSError):  # on a full disk the record can't be written either
                record_failure(cell, places, words_of(error), time.monotonic() - started)
            return False
        return True


def words_of(error: BaseException) -> str:
    """Why a cell failed, in one line with the remedy where one is known."""
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, Terminated):
        return "was told to end (cancelled, or over its time limit); run again, or give it more time under resources"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"no space left on the disk ({error.filename or 'while writing'}); make room, then run again"
    text = " ".join(str(error).split())[:300]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _throttled(cell: Cell, places: Places, on_progress: Callable[[float], None]) -> Callable[[float], None]:
    last = time.monotonic()

    def progress(share: float) -> None:
        nonlocal last
        on_progress(share)
        if time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            record_progress(cell, places, share)

    return progress


@contextlib.contextmanager
def ending_is_recorded() -> Iterator[None]:
    """Turn the signal that schedulers send before they kill into an exception, so that the cell can say so."""

    def raise_it(number: int, frame: FrameType | None) -> None:
        raise Terminated(signal.Signals(number).name)

    before = signal.signal(signal.SIGTERM, raise_it)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
