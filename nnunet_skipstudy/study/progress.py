"""One bar over a whole study, in units of time rather than of cells."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tqdm import tqdm

from nnunet_skipstudy.study.cells import CellState, State
from nnunet_skipstudy.study.cost import Estimate
from nnunet_skipstudy.study.grid import Cell

POLL_SECONDS = 2.0


class Progress:
    """The bar; a cell weighs as much as it is expected to take."""

    def __init__(self, estimate: Estimate, skipped: set[str]) -> None:
        self._shares: dict[str, float] = {}
        self._skipped = skipped
        self._bar: Any = tqdm(
            total=1.0,
            bar_format="{percentage:3.0f}%|{bar:20}| {elapsed} gone, {remaining} left: {desc}",
            smoothing=0,  # the mean rate: cells of different kinds would make a moving one jump
            mininterval=0.5 if sys.stderr.isatty() else 20,
            file=sys.stderr,
        )
        self.expect(estimate)

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()

    def expect(self, estimate: Estimate) -> None:
        """Weigh the cells anew, once more is known."""
        self._weights = {key: value for key, value in estimate.seconds.items() if key not in self._skipped}
        self._bar.total = sum(self._weights.values()) or 1.0
        self._refresh()

    def say(self, what: str) -> None:
        """What is being done."""
        self._bar.set_description_str(what, refresh=sys.stderr.isatty())

    def advance(self, cell: Cell, share: float) -> None:
        """How much of a cell is done."""
        self._shares[cell.key] = share
        self._refresh()

    def show(self, found: list[CellState]) -> None:
        """Take all cells' states at once."""
        self._shares = {state.cell.key: state.share for state in found}
        counts = {kind: sum(state.state is kind for state in found) for kind in State}
        self.say(f"{counts[State.DONE]} of {len(found)} cells done, {counts[State.RUNNING]} running")
        self._refresh()

    def _refresh(self) -> None:
        done = sum(weight * self._shares.get(key, 0.0) for key, weight in self._weights.items())
        self._bar.update(min(done, self._bar.total) - self._bar.n)


@contextmanager
def watched(progress: Progress, look: Callable[[], list[CellState]]) -> Iterator[None]:
    """Keep a bar up to date from the cells' records while others work on them."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(POLL_SECONDS):
            progress.show(look())

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        progress.show(look())
