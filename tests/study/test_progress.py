"""The bar's time left: of what is left, by the speed that was seen."""

import math

import pytest

from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.cells import CellState, State
from nnunet_skipstudy.study.cost import Estimate
from nnunet_skipstudy.study.progress import Progress

CELLS = [Cell("train", name, {}) for name in "abcd"]


def progress(seconds: float, *done: str, monkeypatch: pytest.MonkeyPatch) -> Progress:
    """Of four trainings that are expected to take as long each."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    found = [CellState(cell, State.DONE if cell.name in done else State.WAITING) for cell in CELLS]
    return Progress(lambda: Estimate({cell.key: seconds for cell in CELLS}), found)


def test_what_was_done_before_is_neither_left_nor_done_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A training that goes on from its checkpoint, 20 s after the start of a run that finds two done: 150 s are left.

    By the share of the whole that stands there it would be 20 s times nothing.
    """
    bar = progress(100, "a", "b", monkeypatch=monkeypatch)
    assert bar.seconds_left(0) == 200
    bar.share_of(CELLS[2])(0.5)
    assert 150 < bar.seconds_left(20) < 210
    bar.share_of(CELLS[2])(0.7)
    assert bar.seconds_left(40) == pytest.approx(130 * (40 + 60) / (20 + 60))
    bar.close()


def test_what_takes_longer_than_expected_corrects_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = progress(100, monkeypatch=monkeypatch)
    bar.share_of(CELLS[0])(0.0)
    for cell in CELLS[:3]:
        bar.ended(cell)
    assert bar.seconds_left(1500) == pytest.approx(100 * 1560 / 360)
    bar.close()


def test_before_there_is_a_plan_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    bar = progress(math.nan, "a", monkeypatch=monkeypatch)
    assert math.isnan(bar.seconds_left(10))
    bar.ended(CELLS[1])
    bar.close()
