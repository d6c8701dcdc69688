"""Trainings in processes of their own, killed at three points; long, so it runs with the tests on Slurm."""

import filecmp
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from processes import command_line, environment_of, run
from tiny_study import write_study

from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.study.run import open_study
from nnunet_skipstudy.study.settings import read_study
from nnunet_skipstudy.support.files import read_record

pytestmark = pytest.mark.slurm

TABLES = ["case_metrics.csv", "robustness.csv"]
EARLY, MIDDLE, LATE = "UNet", "NoSkip", "NoTopSkip"
ALL = f"[{EARLY}, {MIDDLE}, {LATE}]"


def fold(root: Path, architecture: str) -> Path:
    (found,) = [*root.glob(f"nnUNet_results/*/nnUNetTrainer{architecture}_*/fold_0"), Path("/nowhere")][:1]
    return found


def killed_when(root: Path) -> dict[str, Callable[[], bool]]:
    """When each training is killed: before its first checkpoint, after it, and after a later one."""
    first: list[float] = []

    def later_one() -> bool:
        path = fold(root, LATE) / "checkpoint_latest.pth"
        if path.is_file() and not first:
            first.append(path.stat().st_mtime)
        return path.is_file() and path.stat().st_mtime > first[0]

    return {
        EARLY: lambda: bool(list(fold(root, EARLY).glob("training_log_*.txt"))),
        MIDDLE: lambda: (fold(root, MIDDLE) / "checkpoint_latest.pth").is_file(),
        LATE: later_one,
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_study(tmp_path_factory.mktemp("undisturbed"), architectures=ALL)
    run(["skipstudy", "run", str(path)], {}, timeout=500)
    return path.parent


def assert_same_tables(first: Path, second: Path) -> None:
    assert filecmp.cmpfiles(first / "analysis", second / "analysis", TABLES, shallow=False) == (TABLES, [], [])


def test_a_killed_runner_leaves_trainings_that_the_next_run_waits_for(undisturbed: Path, tmp_path: Path) -> None:
    """The runner is killed, its trainings' processes are not: no second process may write their checkpoints."""
    path = write_study(tmp_path, architectures=ALL)
    command = ["skipstudy", "run", str(path), "--executor", "local", "-j", "2"]
    with subprocess.Popen(
        command_line(command), env=environment_of({}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 400
        while not list(fold(tmp_path, EARLY).glob("training_log_*.txt")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    run(command, {}, timeout=500)
    log = (tmp_path / "logs" / f"train/d501-{EARLY}-fold0-seed1-spatial.log").read_text()
    assert log.count("Training done.") == 1  # the second process waited for the first, and had nothing left to train
    assert_same_tables(undisturbed, tmp_path)


def test_trainings_killed_at_three_points_end_in_the_same_tables(undisturbed: Path, tmp_path: Path) -> None:
    root = tmp_path / "disturbed"
    path = write_study(root, architectures=ALL)
    study = open_study(path, read_study(path, CONVERTERS))
    left = killed_when(root)
    with subprocess.Popen(
        command_line(["skipstudy", "run", str(path), "--executor", "local", "-j", "2"]),
        env=environment_of({}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        deadline = time.monotonic() + 400
        while left:
            assert time.monotonic() < deadline
            assert process.poll() is None, process.communicate()
            for architecture in [name for name, reached in left.items() if reached()]:
                del left[architecture]
                record = study.places.record(study.grid[f"train/d501-{architecture}-fold0-seed1-spatial"])
                os.kill(read_record(record)["process"], signal.SIGKILL)
            time.sleep(0.01)
        _, complaints = process.communicate(timeout=400)
    assert process.returncode == 2
    for architecture in (EARLY, MIDDLE, LATE):
        assert f"train/d501-{architecture}-fold0-seed1-spatial failed: ended without a word (killed:" in complaints
        assert (fold(root, architecture) / "checkpoint_latest.pth").is_file() == (architecture != EARLY)
    run(["skipstudy", "run", str(path), "--executor", "local", "-j", "2"], {}, timeout=500)
    assert_same_tables(undisturbed, root)
