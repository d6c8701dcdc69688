"""The engine without nnU-Net: cells whose work is a stand-in."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from products import leave_products, stand_in_for
from tiny_study import TEXT, write_study

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.cells import State
from nnunet_skipstudy.study.locks import is_held
from nnunet_skipstudy.study.ownership import STAMP, claim
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.run import Opened, open_study, write_grid
from nnunet_skipstudy.study.settings import read_study
from nnunet_skipstudy.study.steps.convert import option_arguments
from nnunet_skipstudy.study.steps.step import Work


class StandIn:
    """Counts which cells are worked on; ``failing`` ones fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.worked: list[str] = []
        self.failing: dict[str, BaseException] = {}
        self.warnings: list[str] = []
        stand_in_for(monkeypatch, self._work)

    def _work(self, cell: Cell, work: Work) -> dict[str, Any]:
        self.worked.append(cell.key)
        if cell.key in self.failing:
            raise self.failing[cell.key]
        leave_products(cell, work.places)
        if cell.step == "analyze":
            return {"warnings": [*cell.conduct["notes"], *self.warnings]}
        return {}


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    # what the engine sets for nnU-Net is taken back after the test
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results", "nnUNet_extTrainer"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return StandIn(monkeypatch)


def opened(path: Path) -> Opened:
    return open_study(path, read_study(path, CONVERTERS))


def states(path: Path) -> dict[str, State]:
    return {state.cell.key: state.state for state in opened(path).states()}


def test_a_second_run_does_nothing(tmp_path: Path, stand_in: StandIn) -> None:
    path = write_study(tmp_path)
    assert main(["run", str(path)]) == 0
    assert len(stand_in.worked) == 7
    assert main(["run", str(path)]) == 0
    assert len(stand_in.worked) == 7
    assert set(states(path).values()) == {State.DONE}


def test_a_changed_file_runs_only_what_depends_on_it(tmp_path: Path, stand_in: StandIn) -> None:
    assert main(["run", str(write_study(tmp_path))]) == 0
    stand_in.worked.clear()
    assert main(["run", str(write_study(tmp_path, tta="true"))]) == 0
    assert [key.split("/")[0] for key in stand_in.worked] == ["predict", "predict", "analyze"]
    stand_in.worked.clear()
    assert main(["run", str(write_study(tmp_path))]) == 0  # back: the predictions were replaced in between
    assert [key.split("/")[0] for key in stand_in.worked] == ["predict", "predict", "analyze"]


def test_a_failed_cell_is_named_with_its_log_and_stops_only_what_needs_it(
    tmp_path: Path, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_study(tmp_path)
    failing = "train/d501-UNet-fold0-seed1-spatial"
    stand_in.failing[failing] = OSError(errno.ENOSPC, "No space left on device", "checkpoint.pth")
    assert main(["run", str(path)]) == 2
    printed = capsys.readouterr()
    log = tmp_path / "logs" / f"{failing}.log"
    assert f"skipstudy: {failing} failed: no space left on the disk (checkpoint.pth); make room" in printed.err
    assert f"log: {log}" in printed.err
    assert "OSError" in log.read_text()
    assert "1 of 7 cells failed, 2 wait for them; mend the cause" in printed.err
    notes = json.loads((tmp_path / "analysis" / "report.html").read_text())
    assert notes[0].startswith("Missing: d501-UNet-fold0-seed1-spatial: train failed: no space left")
    assert main(["status", str(path)]) == 0
    said = capsys.readouterr().out
    assert f"failed   {failing} 0 s: no space left on the disk" in said
    assert said.splitlines()[-1] == f"next: skipstudy run {path}"
    assert main(["status", str(path), "--json"]) == 0
    states = {cell["cell"]: cell for cell in json.loads(capsys.readouterr().out)}
    assert len(states) == 7
    assert (states[failing]["state"], states[failing]["log"]) == ("failed", str(log))
    assert states[failing]["error"].startswith("no space left on the disk")

    stand_in.failing.clear()
    stand_in.worked.clear()
    assert main(["run", str(path)]) == 0
    assert stand_in.worked == [failing, failing.replace("train", "predict"), "analyze/study"]
    assert json.loads((tmp_path / "analysis" / "report.html").read_text()) == []


def test_a_report_of_a_part_that_was_removed_is_made_again(tmp_path: Path, stand_in: StandIn) -> None:
    path, failing = write_study(tmp_path), "train/d501-UNet-fold0-seed1-spatial"
    stand_in.failing[failing] = UserError("no")
    for _ in range(2):
        assert main(["run", str(path)]) == 2
        (tmp_path / "analysis" / "report.html").unlink()
    assert states(path)["analyze/study"] is State.WAITING


def test_nothing_to_analyze_is_no_report(tmp_path: Path, stand_in: StandIn, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path)
    stand_in.failing["convert/d501"] = UserError("no source")
    assert main(["run", str(path)]) == 2
    printed = capsys.readouterr()
    assert "report:" not in printed.out
    assert "convert/d501 failed: no source; log:" in printed.err


def test_how_the_plan_was_made_is_no_warning(
    tmp_path: Path, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_study(tmp_path, TEXT.replace("  batch_size: 2\n", "  plan_for: heaviest\n"))
    stand_in.warnings = ["Few cases."]
    stand_in.failing["train/d501-UNet-fold0-seed1-spatial"] = UserError("no")
    assert main(["run", str(path)]) == 2
    printed = [line for line in capsys.readouterr().err.splitlines() if ": warning: " in line or ": note: " in line]
    assert [line.partition(": ")[2][:28] for line in printed] == [
        "warning: Missing: d501-UNet-",
        "note: One plan for all netwo",
        "warning: Few cases.",
    ]


def test_dry_run_lists_cells_before_any_data_is_there_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_study(tmp_path)
    assert main(["run", str(path), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "waiting  train/d501-UNet-fold0-seed1-spatial" in printed
    assert "estimate:" in printed
    assert [found.name for found in tmp_path.iterdir()] == ["study.yaml"]


def test_the_cost_of_the_full_study_says_what_it_stands_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--full", "-o", str(tmp_path / "full.yaml")]) == 0
    assert main(["run", str(tmp_path / "full.yaml"), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "GPU hours" in printed
    assert "20 TFLOP/s, an assumption that was not measured; set cost.tflops to your GPU's" in printed


def test_a_running_study_refuses_a_second_run(
    tmp_path: Path, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_study(tmp_path)
    lock = opened(path).places.lock
    lock.parent.mkdir()
    with lock.open("w") as stream:
        stream.write("process 12345 on elsewhere\n")
        stream.flush()
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert main(["run", str(path)]) == 2
        assert capsys.readouterr().err == (
            f"skipstudy: {path}: is being run by process 12345 on elsewhere; wait for it or end it, then run again\n"
        )
        assert main(["status", str(path)]) == 0
        assert "being run: process 12345 on elsewhere" in capsys.readouterr().out
    assert stand_in.worked == []
    assert main(["run", str(path)]) == 0


def test_a_cell_that_was_killed_counts_as_failed_and_runs_again(
    tmp_path: Path, stand_in: StandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_study(tmp_path)
    cell = opened(path).grid["convert/d501"]
    record = opened(path).places.record(cell)
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"started": time.time()}))
    assert states(path)["convert/d501"] is State.FAILED
    assert main(["status", str(path)]) == 0
    assert "convert/d501: ended without a word (killed: out of memory," in capsys.readouterr().out
    assert main(["run", str(path)]) == 0


def test_results_of_other_settings_move_away_and_come_back(tmp_path: Path) -> None:
    first = Cell("train", "x", {"a": 1}, digest="one")
    second = Cell("train", "x", {"a": 2}, digest="two")
    folder, away = tmp_path / "fold_0", Places(tmp_path, {})
    claim(folder, first, away)
    (folder / "checkpoint.pth").write_text("first")
    claim(folder, first, away)
    assert (folder / "checkpoint.pth").read_text() == "first"
    claim(folder, second, away)
    assert [path.name for path in folder.iterdir()] == [STAMP]
    assert json.loads((folder / STAMP).read_text())["settings"] == {"a": 2}
    (folder / "checkpoint.pth").write_text("second")
    claim(folder, first, away)
    assert (folder / "checkpoint.pth").read_text() == "first"
    assert (away.superseded / "two" / "train" / "x" / "checkpoint.pth").read_text() == "second"


def test_results_of_nobody_we_know_are_refused(tmp_path: Path) -> None:
    (tmp_path / "checkpoint_final.pth").touch()
    with pytest.raises(UserError, match="holds results that this study did not make; move them away"):
        claim(tmp_path, Cell("train", "x", {}, digest="one"), Places(tmp_path, {}))


def test_a_converters_options_become_arguments() -> None:
    options = {"alphas": [0.1, 0.5], "normal": True, "other": False, "test_alphas": 0.3, "name": "N"}
    assert option_arguments(options) == ["--alphas", "0.1", "0.5", "--normal", "--test-alphas", "0.3", "--name", "N"]


def test_commands_prints_lines_for_a_shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path)
    assert main(["commands", str(path)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert f"export nnUNet_raw={tmp_path / 'nnUNet_raw'}" in printed
    assert any(
        line.startswith("skipstudy convert synthetic procedural:0.6 procedural:0 -d 501 --alphas") for line in printed
    )
    assert (
        "nnUNetv2_train 501 2d 0 -tr nnUNetTrainerUNet_4epochs_3iters_seed1_spatialDA -p tinyPlans -device cpu"
        in printed
    )
    assert sum(line.startswith("nnUNetv2_predict") for line in printed) == 4
    assert "--disable_tta" in printed[-2]


NOOP = """
import sys
from nnunet_skipstudy.commands import cell
from dataclasses import replace
from nnunet_skipstudy.study.steps import STEPS
{patch}
if __name__ == "__main__":
    sys.exit(cell.main(sys.argv[1:]))
"""


def test_a_signal_to_end_is_recorded(tmp_path: Path) -> None:
    """What a scheduler sends before it kills, as at a time limit."""
    path = write_study(tmp_path)
    study = opened(path)
    write_grid(study, study.grid, [])
    patch = "import time\nSTEPS['convert'] = replace(STEPS['convert'], run=lambda cell, work: time.sleep(60))"
    script = tmp_path / "stand_in.py"
    script.write_text(NOOP.format(patch=patch))
    process = subprocess.Popen([sys.executable, script, str(study.places.grid), "convert/d501"])
    wait_for(lambda: states(path)["convert/d501"] is State.RUNNING)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 1
    (state,) = [state for state in study.states() if state.cell.key == "convert/d501"]
    assert state.state is State.FAILED
    assert state.error.startswith("was told to end (cancelled, or over its time limit)")


def test_a_worker_that_outlives_its_killed_parent_holds_no_lock(tmp_path: Path) -> None:
    """nnU-Net forks its augmenters; after a SIGKILL they may linger."""
    script = (
        "import os, sys, time; from pathlib import Path; from nnunet_skipstudy.study.locks import waited_for\n"
        "with waited_for(Path(sys.argv[1]), print):\n"
        "    child = os.fork()\n"
        "    print(child, flush=True) if child else None\n"
        "    time.sleep(60)\n"
    )
    lock = tmp_path / "cell.lock"
    with subprocess.Popen([sys.executable, "-c", script, str(lock)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        try:
            assert is_held(lock)
            parent.kill()
            parent.wait(20)
            wait_for(lambda: not is_held(lock))  # the child may not have run at all until now
            os.kill(child, 0)  # still there
        finally:
            os.kill(child, signal.SIGKILL)


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
