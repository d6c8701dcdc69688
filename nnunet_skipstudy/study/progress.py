"""One bar over a whole study, in units of time rather than of cells."""

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from tqdm import tqdm

from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.cells import CellState, State
from nnunet_skipstudy.study.cost import Estimate

POLL_SECONDS = 2.0
TRUST_SECONDS = 60.0
"""How long the estimate counts as much as what has been seen of the real speed."""


class Progress:
    """The bar over what is left; a cell weighs as much as it is expected to take."""

    def __init__(self, estimate: Callable[[], Estimate], found: list[CellState]) -> None:
        """``estimate``: of all cells, as good as what is known by now; ``found``: their states before the work."""
        self._estimate = estimate
        self._shares = {state.cell.key: 1.0 for state in found if state.state is State.DONE}
        self._before = dict(self._shares)
        self._seconds = estimate().seconds
        self._started = time.monotonic()
        self._what = ""
        self._bar: tqdm[NoReturn] = tqdm(
            total=1.0,
            bar_format="{percentage:3.0f}%|{bar:20}| {elapsed} gone, {desc}",
            mininterval=0.5 if sys.stderr.isatty() else 20,
            file=sys.stderr,
        )
        self._refresh()

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()

    def say(self, what: str) -> None:
        """What is being done."""
        self._what = what
        self._refresh()

    def share_of(self, cell: Cell) -> Callable[[float], None]:
        """A function that is told how much of a cell is done."""

        def tell(share: float) -> None:
            self._take(cell.key, share)
            self._refresh()

        return tell

    def ended(self, cell: Cell) -> None:
        """A cell is finished, or has failed: more is known of how long the others take."""
        self._take(cell.key, 1.0)
        self._seconds = self._estimate().seconds
        self._refresh()

    def show(self, found: list[CellState]) -> None:
        """Take all cells' states at once."""
        ended = {state.cell.key for state in found if state.state is State.DONE}
        if not ended <= {key for key, share in self._shares.items() if share == 1.0}:
            self._seconds = self._estimate().seconds
        for state in found:
            self._take(state.cell.key, state.share)
        running = sum(state.state is State.RUNNING for state in found)
        self.say(f"{len(ended)} of {len(found)} cells done, {running} running")

    def _take(self, key: str, share: float) -> None:
        """Note a share; what a training that goes on had done before, this run has not."""
        if key not in self._before and 0 < share < 1:
            self._before[key] = share
        self._shares[key] = share

    def seconds_left(self, elapsed: float) -> float:
        """What is left by the estimate, corrected by the seconds that what was done in this run has really taken.

        NaN as long as a data set has no plan.
        """
        done, left = self._done_and_left()
        return left * (elapsed + TRUST_SECONDS) / (done + TRUST_SECONDS)

    def _done_and_left(self) -> tuple[float, float]:
        """Seconds of the estimate that this run has worked off, and that are left to it."""
        done = left = 0.0
        for key, seconds in self._seconds.items():
            share = self._shares.get(key, 0.0)
            here = share - self._before.get(key, 0.0)
            done += seconds * here if here else 0.0
            left += seconds * (1 - share) if share < 1 else 0.0
        return done, left

    def _refresh(self) -> None:
        done, left = self._done_and_left()
        seconds = self.seconds_left(time.monotonic() - self._started)
        remaining = "?" if math.isnan(seconds) else tqdm.format_interval(seconds)
        self._bar.set_description_str(f"{remaining} left: {self._what}", refresh=False)
        if not math.isnan(seconds):
            self._bar.total = done + left or 1.0
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
