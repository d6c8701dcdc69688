"""Signals that a process handles itself, and its forked workers."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing import get_context
from threading import Event, Thread
from types import FrameType

import pytest

from nnunet_skipstudy.support.signals import handled_here

POOLS = """
import multiprocessing
import signal
from nnunet_skipstudy.study.work import ending_is_recorded

with ending_is_recorded():
    for _ in range(60):
        with multiprocessing.get_context("fork").Pool(12) as pool:
            pool.map(abs, range(6))
"""


class ToldToEnd(BaseException):
    """What the handlers here raise."""


def end(number: int, frame: FrameType | None) -> None:
    raise ToldToEnd


def test_pools_that_a_cell_forks_end() -> None:
    """Sixty pools end one after another; a single worker that misses its signal would hang the process for ever."""
    subprocess.run([sys.executable, "-c", POOLS], check=True, timeout=100)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_child_is_ended_by_the_signal_itself(number: signal.Signals) -> None:
    """Also when the signal reaches it before its first line, and in whatever it would swallow exceptions."""
    with handled_here(number, end):
        for _ in range(20):
            child = get_context("fork").Process(target=time.sleep, args=(60,))
            child.start()
            assert child.pid is not None
            os.kill(child.pid, number)
            child.join(20)
            assert child.exitcode == -number


@pytest.mark.parametrize("threads", [0, 3])
def test_the_process_itself_handles_what_comes_while_it_forks(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is late, not lost, whichever thread the system tells; afterwards all is as before."""
    fork, ended = os.fork, Event()

    def told_meanwhile() -> int:
        child = fork()
        with suppress(ToldToEnd):  # as Python does with what a hook of forking raises
            if child:
                os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
        return child

    monkeypatch.setattr(os, "fork", told_meanwhile)
    before = signal.getsignal(signal.SIGTERM)
    for _ in range(threads):
        Thread(target=ended.wait, daemon=True).start()
    try:
        with pytest.raises(ToldToEnd), handled_here(signal.SIGTERM, end):
            get_context("fork").Process(target=abs, args=(0,)).start()
    finally:
        ended.set()
    assert os.fork is told_meanwhile
    assert signal.getsignal(signal.SIGTERM) == before
    assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, ())
