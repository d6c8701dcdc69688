"""Running a study: its lock, its cells on an executor, and the report from what exists."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nnunet_skipstudy.study.grid import Cell, Grid, make_grid, settings_hash
from nnunet_skipstudy.study.locks import only_run
from nnunet_skipstudy.study.places import Places, places_of
from nnunet_skipstudy.study.plan_words import plan_words
from nnunet_skipstudy.study.settings import Study
from nnunet_skipstudy.study.states import CellState, State, states

ANALYSIS = "analyze/study"

Executor = Callable[["Opened", Grid], None]
"""Works on the unfinished cells of a grid; returns when nothing more can be done. Failures are in the records."""


@dataclass(frozen=True)
class Opened:
    """A study with its folders and its cells."""

    file: Path
    study: Study
    places: Places
    grid: Grid

    def states(self) -> list[CellState]:
        """The state of every cell."""
        return states(self.grid, self.places)


def open_study(file: Path, study: Study) -> Opened:
    """Find a study's folders and make its cells; nothing is written."""
    places = places_of(file, study)
    grid = make_grid(study, places.nnunet, file.parent.resolve())
    return Opened(file, study, places, _with_notes(grid, study, []))


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the states of all cells; the analysis that was made, of all or of what exists; its report."""

    states: list[CellState]
    analysis: Cell | None
    report: Path | None


def run_study(opened: Opened, execute: Executor) -> Outcome:
    """Work on everything that is not finished, then analyze what exists.

    Raises:
        UserError: another run is at work on this study.
    """
    places = opened.places
    with only_run(places.lock, str(opened.file)):
        report = places.analysis / "report.html"
        if not report.is_file():
            places.marker(opened.grid[ANALYSIS]).unlink(missing_ok=True)
        _execute(opened, opened.grid, execute)
        found = opened.states()
        partial = next(state for state in found if state.cell.key == ANALYSIS).state is not State.DONE
        analysis = opened.grid[ANALYSIS]
        if partial:
            grid = _partial(opened, found)
            if not grid:
                return Outcome(found, None, None)
            analysis = grid[ANALYSIS]
            if not report.is_file():
                places.marker(analysis).unlink(missing_ok=True)
            _execute(opened, grid, execute)
        made = places.marker(analysis).is_file()
        return Outcome(found, analysis if made else None, report if made else None)


def _execute(opened: Opened, grid: Grid, execute: Executor) -> None:
    if any(state.state is not State.DONE for state in states(grid, opened.places)):
        execute(opened, grid)


def _partial(opened: Opened, found: list[CellState]) -> Grid:
    """Finished predictions and the analysis of these alone, which says what is missing."""
    predictions = [state for state in found if state.cell.step == "predict"]
    done = {state.cell.key: state.cell for state in predictions if state.state is State.DONE}
    notes = missing_words(opened, found)
    analysis = opened.grid[ANALYSIS]
    digest = settings_hash(analysis.settings, [cell.digest for cell in done.values()])
    shortened = dataclasses.replace(analysis, needs=tuple(done), digest=digest)
    if not done:
        return {}
    return _with_notes({**done, ANALYSIS: shortened}, opened.study, notes, opened.grid)


def missing_words(opened: Opened, found: list[CellState]) -> list[str]:
    """What the report lacks and why, a line a model."""
    by_key = {state.cell.key: state for state in found}
    lines = []
    for state in found:
        if state.cell.step == "predict" and state.state is not State.DONE:
            reason = _reason(state, by_key)
            lines.append(f"Missing: {state.cell.name}: {reason}.")
    return lines


def _reason(state: CellState, by_key: dict[str, CellState]) -> str:
    if state.error:
        return f"{state.cell.step} failed: {state.error}"
    for key in state.cell.needs:
        need = by_key[key]
        if need.state is not State.DONE:
            return _reason(need, by_key)
    return f"{state.cell.step} is not done"


def _with_notes(grid: Grid, study: Study, notes: list[str], whole: Grid | None = None) -> Grid:
    """The grid whose analysis says these notes, and what the plans were sized for."""
    if ANALYSIS not in grid:
        return grid
    plan = next(cell for cell in (whole or grid).values() if cell.step == "plan")
    analysis: Cell = grid[ANALYSIS]
    conduct = {**analysis.conduct, "notes": [*notes, *plan_words(plan.settings["plans"])]}
    return {**grid, ANALYSIS: dataclasses.replace(analysis, conduct=conduct)}
