"""Work on threads gives what a loop gives: the same results, and the same error."""

import os
import threading
import time

import pytest

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.parallel import MOST_BY_DEFAULT, number_of_workers, parallel_map


@pytest.mark.parametrize("workers", [1, 2, 7])
def test_results_come_in_the_order_of_the_items(workers: int) -> None:
    """The first item takes longest; a generator is as good as a list; no item is no work."""

    def work(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number * number

    assert parallel_map(work, range(20), workers=workers, title="x") == [n * n for n in range(20)]
    assert parallel_map(work, (n for n in (3, 1, 2)), workers=workers, title="x") == [9, 1, 4]
    assert parallel_map(work, [], workers=workers, title="x") == []


@pytest.mark.parametrize("workers", [1, 4])
def test_the_first_items_error_is_raised_whichever_fails_first(workers: int) -> None:
    """Item 1 fails late, item 3 at once: the message doesn't depend on the number of threads."""

    def work(number: int) -> int:
        if number == 1:
            time.sleep(0.05)
            raise UserError("item 1")
        if number == 3:
            raise ZeroDivisionError("item 3")
        return number

    with pytest.raises(UserError, match="item 1"):
        parallel_map(work, range(6), workers=workers, title="x")


def test_items_not_yet_begun_are_dropped_after_an_error() -> None:
    """One thread: what waits behind the item that fails is mostly never begun, and all that began has ended."""
    begun, ended = [], []

    def work(number: int) -> None:
        begun.append(number)
        if number == 0:
            raise UserError("no")
        time.sleep(0.01)
        ended.append(number)

    with pytest.raises(UserError, match="no"):
        parallel_map(work, range(500), workers=1, title="x")
    assert len(begun) < 400
    assert begun[1:] == ended


def test_no_more_threads_run_than_were_asked_for() -> None:
    running, most = set(), []
    lock = threading.Lock()

    def work(_number: int) -> None:
        with lock:
            running.add(threading.get_ident())
            most.append(len(running))
        time.sleep(0.005)
        with lock:
            running.discard(threading.get_ident())

    parallel_map(work, range(12), workers=3, title="x")
    assert max(most) <= 3


def test_no_bar_is_drawn_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    parallel_map(str, range(3), workers=1, title="counting")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("processors", "expected"), [(None, 1), (1, 1), (3, 3), (64, MOST_BY_DEFAULT)])
def test_one_worker_a_processor_up_to_four(
    monkeypatch: pytest.MonkeyPatch, processors: int | None, expected: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert number_of_workers(None) == expected
    assert number_of_workers(9) == 9


@pytest.mark.parametrize("asked", [0, -3])
def test_no_workers_are_refused(asked: int) -> None:
    with pytest.raises(UserError, match=f"-np {asked}: no workers; give a number"):
        number_of_workers(asked)
    assert number_of_workers(1) == 1
