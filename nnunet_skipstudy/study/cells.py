"""The state of each cell, read from what lies on disk."""

import os
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from nnunet_skipstudy.study.grid import Cell, Grid
from nnunet_skipstudy.study.locks import is_held
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.support.files import read_record, write_json


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
    """

    cell: Cell
    state: State
    error: str = ""
    seconds: float | None = None
    share: float = 0.0


KILLED = "ended without a word (killed: out of memory, cancelled, over its time limit, or the machine went down)"


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
        return CellState(cell, State.DONE, seconds=content.get("seconds"), share=1.0)
    if cell.file_name not in started:
        return CellState(cell, State.WAITING)
    content = read_record(places.record(cell))
    if "error" in content:
        return CellState(cell, State.FAILED, content["error"], content.get("seconds"))
    if is_held(places.cell_lock(cell)):
        seconds = time.time() - content.get("started", time.time())
        return CellState(cell, State.RUNNING, seconds=seconds, share=content.get("share", 0.0))
    return CellState(cell, State.FAILED, KILLED)


def record_start(cell: Cell, places: Places) -> None:
    """Note that a cell was started here and now; what other settings of it had finished holds no more."""
    for other in places.marker(cell).parent.glob(f"{cell.name}.*.json"):
        if other != places.marker(cell):
            other.unlink(missing_ok=True)
    write_json(places.record(cell), {"started": time.time(), "host": socket.gethostname(), "process": os.getpid()})


def record_failure(cell: Cell, places: Places, error: str, seconds: float) -> None:
    """Note why a cell failed."""
    write_json(places.record(cell), {**read_record(places.record(cell)), "error": error, "seconds": seconds})


def record_done(cell: Cell, places: Places, measured: dict[str, Any], seconds: float) -> None:
    """Leave the marker of a finished cell."""
    write_json(
        places.marker(cell),
        {
            "cell": cell.key,
            "digest": cell.digest,
            "settings": dict(cell.settings),
            "ended": time.time(),
            "seconds": round(seconds, 3),
            "host": socket.gethostname(),
            "measured": measured,
        },
    )
    places.record(cell).unlink(missing_ok=True)


def record_progress(cell: Cell, places: Places, share: float) -> None:
    """Note how much of a running cell is done, 0 to 1."""
    write_json(places.record(cell), {**read_record(places.record(cell)), "share": round(share, 4)})
