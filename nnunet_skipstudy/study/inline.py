"""All cells in this process, one after another: on small data, starting processes would cost more than the work."""

from collections.abc import Callable

from nnunet_skipstudy.nnunet.calls import output_to, set_environment
from nnunet_skipstudy.study.grid import Cell, Grid
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.work import work_on


def run_inline(
    grid: Grid,
    places: Places,
    command: Callable[[list[str]], int],
    *,
    small_data: bool,
    on_start: Callable[[Cell], None] = lambda cell: None,
    on_progress: Callable[[Cell, float], None] = lambda cell, share: None,
) -> None:
    """Work on every cell whose needs are finished, in the grid's order; one that fails does not stop the others."""
    set_environment(places.environment(), cpus=None, small_data=small_data)
    finished: set[str] = set()
    renewed: set[str] = set()
    for cell in grid.values():
        needs = [key for key in cell.needs if key in grid]
        if places.marker(cell).is_file() and not renewed.intersection(needs):
            finished.add(cell.key)
        elif finished.issuperset(needs):
            places.marker(cell).unlink(missing_ok=True)
            on_start(cell)
            with output_to(places.log(cell)):
                if work_on(cell, places, command, _share_of(cell, on_progress)):
                    finished.add(cell.key)
                    renewed.add(cell.key)
            on_progress(cell, 1.0)


def _share_of(cell: Cell, on_progress: Callable[[Cell, float], None]) -> Callable[[float], None]:
    return lambda share: on_progress(cell, share)
