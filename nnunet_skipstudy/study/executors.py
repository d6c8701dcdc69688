"""Where cells are worked on: in this process, or wherever Snakemake brings them; each with one progress bar."""

from collections.abc import Callable, Sequence

from nnunet_skipstudy.study.cell import write_grid
from nnunet_skipstudy.study.cells import State, record_failure, states
from nnunet_skipstudy.study.cost import Estimate, estimate
from nnunet_skipstudy.study.grid import Cell, Grid
from nnunet_skipstudy.study.inline import run_inline
from nnunet_skipstudy.study.progress import Progress, watched
from nnunet_skipstudy.study.run import Executor, Opened
from nnunet_skipstudy.study.snakemake import SNAKEMAKE_LOG, run_snakemake, step_entries


def executor_of(
    name: str, command: Callable[[list[str]], int], jobs: int | None, extra: Sequence[str] = ()
) -> Executor:
    """The executor of that name.

    Args:
        name: ``inline``, ``local``, or another executor of Snakemake's.
        command: runs a command of ``skipstudy`` in this process.
        jobs: cores locally, cells at once on a cluster.
        extra: further arguments of Snakemake's.
    """

    def on_snakemake(opened: Opened, grid: Grid) -> None:
        write_grid(
            opened.places.grid, grid, opened.places, step_entries(opened.study, local=name == "local", jobs=jobs)
        )
        progress = _progress(opened, grid)
        try:
            with watched(progress, lambda: states(grid, opened.places)):
                reason = run_snakemake(opened.places, name, jobs, extra)
        finally:
            progress.close()
        if "user request" in reason:
            raise KeyboardInterrupt
        if reason:
            _name_the_unstarted(opened, grid, reason)

    def inline(opened: Opened, grid: Grid) -> None:
        write_grid(opened.places.grid, grid, opened.places, step_entries(opened.study, local=True))
        progress = _progress(opened, grid)

        def advance(cell: Cell, share: float) -> None:
            if cell.step == "plan" and share == 1.0:
                progress.expect(_estimate(opened, grid))
            progress.advance(cell, share)

        try:
            run_inline(
                grid,
                opened.places,
                command,
                small_data=opened.study.small_data,
                on_start=lambda cell: progress.say(cell.key),
                on_progress=advance,
            )
        finally:
            progress.close()

    return inline if name == "inline" else on_snakemake


def _name_the_unstarted(opened: Opened, grid: Grid, reason: str) -> None:
    """Record that cells that could have been started were not: cancelled while they waited in a queue, for one."""
    found = {state.cell.key: state for state in states(grid, opened.places)}
    for state in found.values():
        ready = all(found[key].state is State.DONE for key in state.cell.needs if key in found)
        if state.state is State.WAITING and ready:
            log = opened.places.root / "logs" / SNAKEMAKE_LOG
            error = f"was not started (cancelled while it waited, or refused); Snakemake says: {reason} (see {log})"
            record_failure(state.cell, opened.places, error, 0.0)


def _estimate(opened: Opened, grid: Grid) -> Estimate:
    return estimate(opened.study, grid, states(grid, opened.places), opened.places)


def _progress(opened: Opened, grid: Grid) -> Progress:
    done = {state.cell.key for state in states(grid, opened.places) if state.state is State.DONE}
    return Progress(_estimate(opened, grid), skipped=done)
