"""Running a study: its lock, its cells on an executor, and the report from what exists."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError, nearest, shown
from nnunet_skipstudy.nnunet.calls import output_to, set_environment
from nnunet_skipstudy.nnunet.environment import FOLDER_VARIABLES
from nnunet_skipstudy.planning.planners import plan_words
from nnunet_skipstudy.study.cell import Grid, write_cells
from nnunet_skipstudy.study.cells import CellState, State, lost, record_failure, states, work_on
from nnunet_skipstudy.study.cost import Estimate, estimate
from nnunet_skipstudy.study.grid import make_grid
from nnunet_skipstudy.study.locks import only_run
from nnunet_skipstudy.study.ownership import DataFacts
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.progress import Progress, watched
from nnunet_skipstudy.study.settings import Study
from nnunet_skipstudy.study.snakemake import SNAKEMAKE_LOG, check_executor, run_snakemake, step_entries
from nnunet_skipstudy.study.steps import STEPS
from nnunet_skipstudy.study.steps.step import Measured, NotYet
from nnunet_skipstudy.support.contents import settings_hash
from nnunet_skipstudy.support.files import read_record

ANALYSIS = "analyze/study"

Command = Callable[[list[str]], int]
"""Runs a command of ``skipstudy`` by its arguments, in this process."""
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
        gone = lost(self.grid, self.places, states(self.grid, self.places))
        return states(self.grid, self.places, gone)

    def plan_words(self) -> list[str]:
        """What the report says of the plan that all networks share."""
        return plan_words({**self.study.plans.model_dump(), "architectures": sorted(self.study.networks)})


def open_study(file: Path, study: Study) -> Opened:
    """Find a study's folders and make its cells; nothing is written.

    Raises:
        UserError: its root can't be a folder, resources are given to a step that there is not, or an identifier is
            that of several data sets.
    """
    root = _folder(file, study.root)
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    if not there.is_dir():
        raise UserError(f"{file}: root {study.root!r}: {there} is no folder; give one, or a name that is free")
    for step in study.resources:
        if step not in (*STEPS, "default"):
            raise UserError(f"{file}: resources: unknown step {shown(step)}; {nearest(step, (*STEPS, 'default'))}")
    own = (study.nnunet_raw, study.nnunet_preprocessed, study.nnunet_results)
    folders = zip(FOLDER_VARIABLES, own, strict=True)
    places = Places(root, {name: _folder(file, given) if given else root / name for name, given in folders})
    facts = DataFacts(places)
    opened = Opened(file, study, places, make_grid(study, facts, file.parent.resolve()), facts)
    return dataclasses.replace(opened, grid=_with_notes(opened, opened.grid, []))


def _folder(file: Path, text: str) -> Path:
    """A folder that the study's file names; relative ones start from the file's."""
    return (file.parent / Path(text).expanduser()).resolve()


def refuse_impossible(opened: Opened, found: list[CellState]) -> list[str]:
    """See before any work that what is not done, by the states ``found``, can be.

    Returns:
        What is not there yet, but may come.

    Raises:
        UserError: something can't, as far as can be told from what lies on disk.
    """
    refusals: list[str] = []
    for state in found:
        if state.state is not State.DONE:
            try:
                refusals += STEPS[state.cell.step].refusals(state.cell, opened.places)
            except UserError as error:
                refusals.append(str(error))
    if reasons := list(dict.fromkeys(reason for reason in refusals if not isinstance(reason, NotYet))):
        more = f" ({len(reasons) - 1} more like this: {'; '.join(reasons[1:4])})" if len(reasons) > 1 else ""
        raise UserError(f"{opened.file}: {reasons[0]}{more}")
    return refusals


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the states of all cells; what the analysis, of all or of what exists, has left; its report."""

    states: list[CellState]
    measured: Measured
    report: Path | None


def run_study(opened: Opened, execute: Executor) -> Outcome:
    """Work on everything that is not finished, then analyze what exists.

    Raises:
        UserError: another run is at work on this study, something in it can't be done, or data that it converted was
            changed by somebody else.
    """
    places = opened.places
    with only_run(places.lock, str(opened.file)):
        opened.facts.contents.save()
        for dataset in opened.study.datasets:
            if dataset.converter:
                opened.facts.refuse_changed(dataset.id)
        refuse_impossible(opened, opened.states())
        _execute(opened, opened.grid, execute)
        found = opened.states()
        grid = opened.grid
        if any(state.cell.key == ANALYSIS and state.state is not State.DONE for state in found):
            grid = _partial(opened, found)
            if not grid:
                return Outcome(found, {}, None)
            _execute(opened, grid, execute)
        made = read_record(places.marker(grid[ANALYSIS]))
        return Outcome(found, made.get("measured", {}), places.report if made else None)


def _execute(opened: Opened, grid: Grid, execute: Executor) -> None:
    for key in lost(grid, opened.places, states(grid, opened.places)):
        opened.places.marker(grid[key]).unlink(missing_ok=True)
    if any(state.state is not State.DONE for state in states(grid, opened.places)):
        execute(opened, grid)


def _partial(opened: Opened, found: list[CellState]) -> Grid:
    """Finished predictions and the analysis of these alone, which says what is missing."""
    analysis = opened.grid[ANALYSIS]
    by_key = {state.cell.key: state for state in found}
    done = {key: by_key[key].cell for key in analysis.needs if by_key[key].state is State.DONE}
    if not done:
        return {}
    missing = [by_key[key] for key in analysis.needs if key not in done]
    notes = [f"Missing: {state.cell.name}: {_reason(state, by_key)}." for state in missing]
    settings = {**analysis.settings, "missing": notes}  # another reason makes another report
    digest = settings_hash(settings, [cell.digest for cell in done.values()])
    shortened = dataclasses.replace(analysis, needs=tuple(done), digest=digest)
    return _with_notes(opened, {**done, ANALYSIS: shortened}, notes)


def _reason(state: CellState, by_key: dict[str, CellState]) -> str:
    if state.error:
        return f"{state.cell.step} failed: {state.error}"
    needs = (by_key[key] for key in state.cell.needs)
    open_need = next((need for need in needs if need.state is not State.DONE), None)
    return _reason(open_need, by_key) if open_need else f"{state.cell.step} is not done"


def _with_notes(opened: Opened, grid: Grid, notes: list[str]) -> Grid:
    """The grid whose analysis says these notes, and what the plans were sized for."""
    analysis = grid[ANALYSIS]
    conduct = {**analysis.conduct, "notes": [*notes, *opened.plan_words()]}
    return {**grid, ANALYSIS: dataclasses.replace(analysis, conduct=conduct)}


def write_grid(opened: Opened, grid: Grid, entries: list[dict[str, Any]]) -> None:
    """Write what Snakemake and the processes of cells read: cells, folders, and what is known of each step."""
    folders = {variable: str(folder) for variable, folder in opened.places.nnunet.items()}
    write_cells(opened.places.grid, grid, root=str(opened.places.root), nnunet=folders, steps=entries)


def executor_of(name: str, command: Command, jobs: int | None, extra: Sequence[str] = ()) -> Executor:
    """``inline``, ``local``, or another executor of Snakemake's. Raises UserError: it is not installed.

    ``command`` runs one of ``skipstudy`` in this process; ``jobs``: cores locally, cells at once on a cluster.
    """
    if name != "inline":
        check_executor(name)

    def execute(opened: Opened, grid: Grid) -> None:
        places = opened.places
        write_grid(opened, grid, step_entries(opened.study, local=name in ("inline", "local"), jobs=jobs))

        def known() -> Estimate:
            return estimate(opened.study, grid, states(grid, places), places, unplanned_too=False)

        progress = Progress(known, states(grid, places))
        try:
            if name == "inline":
                _run_inline(opened, grid, command, progress)
                return
            with watched(progress, lambda: states(grid, places)):
                reason = run_snakemake(places, name, jobs, extra)
        finally:
            progress.close()
        if "user request" in reason:
            raise KeyboardInterrupt
        if reason:
            _name_the_unstarted(opened, grid, reason)

    return execute


def _run_inline(opened: Opened, grid: Grid, command: Command, progress: Progress) -> None:
    """All cells in this process, one after another: on small data, starting processes would cost more than the work.

    One that fails does not stop the others.
    """
    places = opened.places
    set_environment(places.environment(), cpus=None, small_data=opened.study.small_data)
    finished: set[str] = set()
    renewed: set[str] = set()
    for cell in grid.values():
        needs = [key for key in cell.needs if key in grid]
        if places.marker(cell).is_file() and not renewed.intersection(needs):
            finished.add(cell.key)
        elif finished.issuperset(needs):
            places.marker(cell).unlink(missing_ok=True)
            progress.say(cell.key)
            with output_to(places.log(cell)):
                if work_on(cell, places, command, progress.share_of(cell)):
                    finished.add(cell.key)
                    renewed.add(cell.key)
            progress.ended(cell)


def _name_the_unstarted(opened: Opened, grid: Grid, reason: str) -> None:
    """Record that cells that could have been started were not: cancelled while they waited in a queue, for one."""
    found = {state.cell.key: state for state in states(grid, opened.places)}
    for state in found.values():
        ready = all(found[key].state is State.DONE for key in state.cell.needs if key in found)
        if state.state is State.WAITING and ready:
            log = opened.places.root / "logs" / SNAKEMAKE_LOG
            error = f"was not started (cancelled while it waited, or refused); Snakemake says: {reason} (see {log})"
            record_failure(state.cell, opened.places, error, 0.0)
