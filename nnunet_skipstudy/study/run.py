"""Running a study: its lock, its cells on an executor, and the report from what exists."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.study.audit import lost
from nnunet_skipstudy.study.cells import CellState, State, states
from nnunet_skipstudy.study.data_facts import DataFacts
from nnunet_skipstudy.study.grid import Cell, Grid, make_grid, settings_hash
from nnunet_skipstudy.study.locks import only_run
from nnunet_skipstudy.study.places import Places, places_of
from nnunet_skipstudy.study.plan_words import plan_words
from nnunet_skipstudy.study.settings import Study

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
    facts: DataFacts

    def states(self) -> list[CellState]:
        """The state of every cell; finished ones whose results are gone but needed count as waiting."""
        return states(self.grid, self.places, self.lost())

    def lost(self) -> set[str]:
        """The finished cells whose results are gone but needed."""
        return lost(self.grid, self.places, states(self.grid, self.places))


def open_study(file: Path, study: Study) -> Opened:
    """Find a study's folders and make its cells; nothing is written."""
    places = places_of(file, study)
    facts = DataFacts(places)
    grid = make_grid(study, facts, file.parent.resolve())
    return Opened(file, study, places, _with_notes(grid, study, []), facts)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the states of all cells; the analysis that was made, of all or of what exists; its report."""

    states: list[CellState]
    analysis: Cell | None
    report: Path | None


def run_study(opened: Opened, execute: Executor) -> Outcome:
    """Work on everything that is not finished, then analyze what exists.

    Raises:
        UserError: another run is at work on this study, or data that it converted was changed by somebody else.
    """
    places = opened.places
    with only_run(places.lock, str(opened.file)):
        opened.facts.save()
        _refuse_changed_data(opened)
        for key in opened.lost():
            places.marker(opened.grid[key]).unlink(missing_ok=True)
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


def _refuse_changed_data(opened: Opened) -> None:
    for dataset in opened.study.datasets:
        differing = opened.facts.changed(dataset.id) if dataset.converter else []
        if differing:
            raise UserError(
                f"{opened.file}: data set {dataset.id}: {', '.join(differing)} changed since this study converted it, "
                "so that its results are of other data; put that back, or remove the data set's folder to have it "
                "converted anew, or take its converter out of the study to have it used as it is"
            )


def _execute(opened: Opened, grid: Grid, execute: Executor) -> None:
    if any(state.state is not State.DONE for state in states(grid, opened.places)):
        execute(opened, grid)


def _partial(opened: Opened, found: list[CellState]) -> Grid:
    """Finished predictions and the analysis of these alone, which says what is missing."""
    predictions = [state for state in found if state.cell.step == "predict"]
    done = {state.cell.key: state.cell for state in predictions if state.state is State.DONE}
    notes = missing_words(opened, found)
    analysis = opened.grid[ANALYSIS]
    settings = {**analysis.settings, "missing": notes}  # another reason makes another report
    digest = settings_hash(settings, [cell.digest for cell in done.values()])
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
