"""Processes that die at each step of some work, to see what they leave."""

import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "tempfile.mkdtemp", "shutil.rmtree"}
"""Python's audit events before something changes on the disk; ``open`` counts where it is for writing."""

DEAD = 77


def deaths(prepare: Callable[[Path], None], work: Callable[[Path], None], root: Path) -> Iterator[Path]:
    """Do some work in fresh folders, dying before its first step on the disk, its second, … its last.

    Args:
        prepare: fills a folder before the work; nobody dies here.
        work: is done in a process of its own, which dies without any clearing up.
        root: where the folders are made.

    Yields:
        Each folder as it was left; the last one by work that was done.
    """
    for step in itertools.count(1):
        folder = root / f"step{step}"
        folder.mkdir()
        prepare(folder)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12 on: there may be threads
            child = os.fork()
        if child == 0:
            code = 1
            try:
                sys.addaudithook(_dying(step))
                work(folder)
                code = 0
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        assert code in (0, DEAD), f"the work itself failed at step {step}"
        yield folder
        if code == 0:
            return


def _dying(step: int) -> Callable[[str, Any], None]:
    passed = 0

    def hook(event: str, arguments: Any) -> None:
        nonlocal passed
        writes = event == "open" and arguments[2] is not None and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if event in STEPS or writes:
            passed += 1
            if passed == step:
                os._exit(DEAD)

    return hook
