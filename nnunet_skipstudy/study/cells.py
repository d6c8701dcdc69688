"""The state of each cell, read from what lies on disk, and the work on one."""

import contextlib
import errno
import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.study.cell import Cell, Grid
from nnunet_skipstudy.study.locks import is_held, waited_for
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps import STEPS
from nnunet_skipstudy.study.steps.step import About, Measured, Work
from nnunet_skipstudy.study.work import Terminated
from nnunet_skipstudy.support.files import read_record, write_json

PROGRESS_SECONDS = 5.0
KILLED = "ended without a word (killed: out of memory, cancelled, over its time limit, or the machine went down)"


class State(str, Enum):
    """What has become of a cell."""

    DONE = "done"
    RUNNING = "running"
    FAILED = "failed"
    WAITING = "waiting"


@dataclass(frozen=True)
class CellState:
    """A cell's state.

    ``error``: why it failed. ``seconds``: how long it took, or has been running. ``share``: how much of it is done.
    ``measured``: what a finished one has left in its marker.
    """

    cell: Cell
    state: State
    error: str = ""
    seconds: float | None = None
    share: float = 0.0
    measured: Measured = field(default_factory=dict)


def states(grid: Grid, places: Places, lost: Collection[str] = ()) -> list[CellState]:
    """The state of every cell, in the grid's order; one whose needs are not done, or are lost, is not done either."""
    done = _names(places.engine / "cells")
    started = _names(places.engine / "started")
    valid: set[str] = set()
    for cell in grid.values():
        if cell.file_name in done and cell.key not in lost and all(key in valid for key in cell.needs if key in grid):
            valid.add(cell.key)
    return [_state(cell, places, cell.key in valid, started) for cell in grid.values()]


def _names(folder: Path) -> set[str]:
    """One listing a step instead of a look at each of a thousand files."""
    return {f"{entry.parent.name}/{entry.stem}" for entry in folder.glob("*/*.json")}


def _state(cell: Cell, places: Places, done: bool, started: set[str]) -> CellState:
    if done:
        content = read_record(places.marker(cell))
        return CellState(cell, State.DONE, "", content.get("seconds"), 1.0, content.get("measured", {}))
    if cell.file_name not in started:
        return CellState(cell, State.WAITING)
    content = read_record(places.record(cell))
    if "error" in content:
        return CellState(cell, State.FAILED, content["error"], content.get("seconds"))
    if is_held(places.cell_lock(cell)):
        seconds = time.time() - content.get("started", time.time())
        return CellState(cell, State.RUNNING, seconds=seconds, share=content.get("share", 0.0))
    return CellState(cell, State.FAILED, KILLED)


def lost(grid: Grid, places: Places, found: Iterable[CellState]) -> set[str]:
    """The finished cells whose results are gone, or another's by now, and are needed by a cell that isn't finished.

    A marker says that a cell was finished, not that its files stayed. Results that nothing needs any more may be
    removed to save space; the report is needed.
    """
    done = {state.cell.key for state in found if state.state is State.DONE}
    wanted = {cell.key for cell in grid.values() if STEPS[cell.step].about is About.STUDY}
    gone: set[str] = set()
    for cell in reversed(grid.values()):  # those that need a cell stand behind it
        if cell.key in done and cell.key in wanted:
            name = places.found_name(cell.settings["dataset"]) if "dataset" in cell.settings else ""
            if name is None or not STEPS[cell.step].stands(cell, places, name):
                gone.add(cell.key)
        if cell.key not in done or cell.key in gone:
            wanted.update(cell.needs)
    return gone


def work_on(
    cell: Cell,
    places: Places,
    command: Callable[[list[str]], int],
    on_progress: Callable[[float], None] = lambda share: None,
) -> bool:
    """Work on a cell until it is finished or has failed; nothing where it is finished.

    A process that an earlier run left behind may still be at it: its end is waited for. Whether the cell is finished;
    if not, its record says why.
    """

    def waiting(holder: str) -> None:
        print(f"skipstudy: {cell.key} is being worked on by {holder}; waiting for its end", file=sys.stderr, flush=True)

    with waited_for(places.cell_lock(cell), waiting):
        if places.marker(cell).is_file():
            return True
        started = time.monotonic()
        try:
            _record_start(cell, places)
            print(f"--- {cell.key}, settings {cell.digest}, {time.strftime('%Y-%m-%d %H:%M:%S')}", flush=True)
            measured = STEPS[cell.step].run(cell, Work(places, command, _throttled(cell, places, on_progress)))
            _record_done(cell, places, measured, time.monotonic() - started)
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
    """Pass the share on, and now and then note it for those who look at the cell from another process."""
    last = time.monotonic()

    def progress(share: float) -> None:
        nonlocal last
        on_progress(share)
        if time.monotonic() - last >= PROGRESS_SECONDS:
            last = time.monotonic()
            record = read_record(places.record(cell))
            write_json(places.record(cell), {**record, "share": round(share, 4)})

    return progress


def _record_start(cell: Cell, places: Places) -> None:
    """Note that a cell was started here and now; what other settings of it had finished holds no more."""
    for other in places.marker(cell).parent.glob(f"{cell.name}.*.json"):
        if other != places.marker(cell):
            other.unlink(missing_ok=True)
    write_json(places.record(cell), {"started": time.time(), "host": socket.gethostname(), "process": os.getpid()})


def record_failure(cell: Cell, places: Places, error: str, seconds: float) -> None:
    """Note why a cell failed."""
    write_json(places.record(cell), {**read_record(places.record(cell)), "error": error, "seconds": seconds})


def _record_done(cell: Cell, places: Places, measured: Measured, seconds: float) -> None:
    """Leave the marker of a finished cell."""
    content = {
        "cell": cell.key,
        "digest": cell.digest,
        "settings": dict(cell.settings),
        "ended": time.time(),
        "seconds": round(seconds, 3),
        "host": socket.gethostname(),
        "measured": measured,
    }
    write_json(places.marker(cell), content)
    places.record(cell).unlink(missing_ok=True)
