"""A study that is killed, again and again, and ends in the tables of an undisturbed one, bit for bit."""

import filecmp
import signal
import subprocess
import time
from pathlib import Path

import pytest
from processes import command_line, environment_of, run
from tiny_study import write_study

pytestmark = pytest.mark.slurm  # long, like its neighbours, though it needs no Slurm

TABLES = ["case_metrics.csv", "robustness.csv"]
TRAINED = "nnUNet_results/*/nnUNetTrainerUNet_*/fold_0"
FIRST_PREDICTIONS = "predictions/*/nnUNetTrainerUNet_*/fold_0/alpha0.10/*.png"
KILL_RUNNER_AT = [
    f"{TRAINED}/training_log_*.txt",  # before the first checkpoint
    f"{TRAINED}/checkpoint_latest.pth",  # in the middle of a training
    FIRST_PREDICTIONS,  # in the middle of a prediction
]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_study(tmp_path_factory.mktemp("undisturbed"))
    run(["skipstudy", "run", str(path)], {})
    return path.parent


def kill_at(path: Path, pattern: str, *options: str) -> None:
    """Run a study and kill the runner with SIGKILL as soon as a file of the pattern is there."""
    before = set(path.parent.glob(pattern))
    with subprocess.Popen(
        command_line(["skipstudy", "run", str(path), *options]),
        env=environment_of({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 200
        while not set(path.parent.glob(pattern)) - before:
            assert time.monotonic() < deadline
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL


def assert_same_tables(first: Path, second: Path) -> None:
    assert filecmp.cmpfiles(first / "analysis", second / "analysis", TABLES, shallow=False) == (TABLES, [], [])


def test_a_runner_killed_at_three_points_ends_in_the_same_tables(undisturbed: Path, tmp_path: Path) -> None:
    path = write_study(tmp_path)
    for pattern in KILL_RUNNER_AT:
        kill_at(path, pattern)
    assert not (tmp_path / "analysis").exists()
    run(["skipstudy", "run", str(path)], {})
    assert_same_tables(undisturbed, tmp_path)


def test_results_of_two_settings_do_not_mix(undisturbed: Path, tmp_path: Path) -> None:
    """More epochs: new trainings beside the old ones; only the new ones are in the tables."""
    path = write_study(undisturbed, epochs="1", architectures="[UNet]")
    run(["skipstudy", "run", str(path)], {})
    table = (undisturbed / "analysis" / "case_metrics.csv").read_text()
    assert "nnUNetTrainerUNet_1epochs" in table
    assert "4epochs" not in table
    assert list(undisturbed.glob("nnUNet_results/*/nnUNetTrainerUNet_4epochs*/fold_0/checkpoint_final.pth"))
    run(["skipstudy", "run", str(write_study(undisturbed))], {})  # back: for the tests that follow
