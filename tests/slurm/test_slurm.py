"""A tiny study on a real Slurm: from end to end, and with every way to fail that a cluster has."""

import filecmp
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import command_line, environment_of, run
from tiny_study import write_study

from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.study.cells import State
from nnunet_skipstudy.study.run import Opened, open_study
from nnunet_skipstudy.study.settings import read_study

pytestmark = pytest.mark.slurm

ON_SLURM = ["--executor", "slurm", "-j", "5", "--"]
SNAKEMAKE = ["--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "5"]
CANCELLED, TOO_LONG, FULL, HEALTHY, QUEUED = "UNet", "NoSkip", "NoTopSkip", "AttentionUNet", "NoSkipVNet"
ALL = f"[{CANCELLED}, {TOO_LONG}, {FULL}, {HEALTHY}, {QUEUED}]"
TABLES = ["case_metrics.csv", "robustness.csv"]


def opened(path: Path) -> Opened:
    return open_study(path, read_study(path, CONVERTERS))


def cell(step: str, architecture: str) -> str:
    return f"{step}/d501-{architecture}-fold0-seed1-spatial"


def wait_until(condition: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.2)


def is_running(study: Opened, key: str) -> bool:
    return any(state.cell.key == key and state.state is State.RUNNING for state in study.states())


def job_of(key: str) -> str:
    """The Slurm job that works on a cell: its number stands in the environment of the cell's process."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode().split("\0")
            if key in words and "nnunet_skipstudy.commands.cell" in words:
                variables = dict(
                    line.split("=", 1) for line in (folder / "environ").read_bytes().decode().split("\0") if "=" in line
                )
                return variables["SLURM_JOB_ID"]
        except (OSError, UnicodeDecodeError):
            continue
    raise AssertionError(f"no process works on {key}")


def queued_job_of(key: str) -> str | None:
    """The Slurm job that is to work on a cell and waits for it; None before there is one."""
    step, name = key.split("/")
    listed = subprocess.run(["squeue", "-h", "-t", "PD", "-o", "%i %k"], capture_output=True, text=True, check=True)
    found = [line.split()[0] for line in listed.stdout.splitlines() if f"rule_{step}_wildcards_{name}." in line]
    return found[0] if found else None


@contextmanager
def no_job_starts() -> Iterator[None]:
    """Let the node finish what it works on and take nothing new."""
    node = f"NodeName={socket.gethostname().split('.')[0]}"
    subprocess.run(["scontrol", "update", node, "State=DRAIN", "Reason=test"], check=True)
    try:
        yield
    finally:
        subprocess.run(["scontrol", "update", node, "State=RESUME"], check=True)


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """A disk of one page in the place of a folder."""
    folder.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_failures_are_named_the_rest_finishes_and_a_second_run_completes(slurm: None, tmp_path: Path) -> None:
    """Jobs cancelled while running and while queued, one over its time limit, one on a full disk; then all is made up.

    In the end the tables are those of an undisturbed run.
    """
    path = write_study(tmp_path / "cluster", architectures=ALL)
    study = opened(path)
    trainer = study.grid[cell("predict", FULL)].settings["trainer"]
    predictions = tmp_path / "cluster/predictions/Dataset501_SyntheticTexture" / f"{trainer}__tinyPlans__2d"
    with (
        full_disk(predictions),
        subprocess.Popen(
            command_line(["skipstudy", "run", str(path), *ON_SLURM, *SNAKEMAKE]),
            env=environment_of({}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        wait_until(lambda: is_running(study, "plan/d501"), process)
        with no_job_starts():
            wait_until(lambda: queued_job_of(cell("train", QUEUED)) is not None, process)
            subprocess.run(["scancel", queued_job_of(cell("train", QUEUED)) or ""], check=True)
        left = {CANCELLED, TOO_LONG}
        while left:
            wait_until(lambda: any(is_running(study, cell("train", name)) for name in left), process)
            for name in sorted(left):
                key = cell("train", name)
                if is_running(study, key):
                    left.remove(name)
                    job = job_of(key)
                    if name == CANCELLED:
                        subprocess.run(["scancel", job], check=True)
                    else:
                        record = json.loads(study.places.record(study.grid[key]).read_text())
                        os.kill(record["process"], signal.SIGSTOP)  # it takes as long as it is let
                        subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=1"], check=True)
        printed, complaints = process.communicate(timeout=500)
    assert process.returncode == 2, complaints
    assert f"{cell('train', QUEUED)} failed: was not started (cancelled while it waited, or refused)" in complaints
    for name in (CANCELLED, TOO_LONG):
        assert f"{cell('train', name)} failed: " in complaints
        assert f"log: {tmp_path / 'cluster' / 'logs' / cell('train', name)}.log" in complaints
    assert f"{cell('predict', FULL)} failed: no space left on the disk" in complaints
    assert "report:" in printed
    page = (tmp_path / "cluster/analysis/report.html").read_text(encoding="utf-8")
    assert f"Missing: d501-{CANCELLED}-fold0-seed1-spatial: train failed:" in page

    status = run(["skipstudy", "status", str(path)], {}).stdout
    assert status.count("failed   ") == 4
    run(["skipstudy", "run", str(path), *ON_SLURM, *SNAKEMAKE], {}, timeout=500)
    undisturbed = write_study(tmp_path / "undisturbed", architectures=ALL)
    run(["skipstudy", "run", str(undisturbed)], {}, timeout=500)
    same = filecmp.cmpfiles(
        tmp_path / "undisturbed" / "analysis", tmp_path / "cluster" / "analysis", TABLES, shallow=False
    )
    assert same == (TABLES, [], [])
