"""The demo, smaller still: it finishes, continues where it was killed, and does not mix settings."""

import csv
import filecmp
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from processes import command_line, environment_of, run

pytestmark = pytest.mark.nnunet

SMALL = ["--architectures", "UNet", "NoSkip", "--epochs", "1", "--iterations", "2"]


def demo(root: Path, *options: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
    return run(["skipstudy", "demo", "-o", str(root), *SMALL, *options], {}, expect=expect)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    root = tmp_path_factory.mktemp("demo") / "demo"
    return root, demo(root).stdout


def test_it_ends_with_a_table_and_a_report(finished: tuple[Path, str]) -> None:
    root, printed = finished
    assert "No-Skip U-Net" in printed
    assert f"report: {root / 'analysis' / 'report.html'}" in printed
    with (root / "analysis" / "case_metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * 2 * 5 * 20  # networks, alphas trained on, alphas tested on, cases
    assert {row["seed"] for row in rows} == {"1"}
    assert (root / "analysis" / "robustness.csv").is_file()
    assert len(list(root.glob("explain/*/*/fold_*/explain.csv"))) == 4
    assert '<section id="why">' in (root / "analysis" / "report.html").read_text(encoding="utf-8")
    provenance = next(root.glob("predictions/*/*/fold_0/alpha0.10/skipstudy_prediction.json"))
    assert json.loads(provenance.read_text())["mirroring"] is False


def test_killed_and_started_again_it_ends_in_the_same_tables(finished: tuple[Path, str], tmp_path: Path) -> None:
    undisturbed, _ = finished
    root = tmp_path / "demo"
    with subprocess.Popen(
        command_line(["skipstudy", "demo", "-o", str(root), *SMALL]),
        env=environment_of({}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 200
        while not list(root.glob("predictions/*/*/fold_0/alpha0.50/*.png")):
            assert time.monotonic() < deadline
            assert process.poll() is None, "the demo ended before it could be killed"
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert not (root / "analysis").exists()
    demo(root)
    tables = ["case_metrics.csv", "robustness.csv", "shares.csv"]
    assert filecmp.cmpfiles(undisturbed / "analysis", root / "analysis", tables, shallow=False) == (tables, [], [])


def test_a_damaged_analysis_is_made_again_from_what_is_there(finished: tuple[Path, str]) -> None:
    """Nothing is trained twice: with the training data gone, the finished demo still ends well."""
    root, _ = finished
    shutil.rmtree(root / "analysis")
    for cases in root.glob("nnUNet_preprocessed/*/*_2d"):
        shutil.rmtree(cases)
    demo(root)
    assert (root / "analysis" / "report.html").is_file()


def test_other_settings_are_refused(finished: tuple[Path, str]) -> None:
    root, _ = finished
    failed = demo(root, "--seed", "2", expect=2)
    assert (
        failed.stderr
        == f"skipstudy: {root}: holds a demo of other settings (study.yaml); remove it or give another -o\n"
    )


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    failed = demo(tmp_path, expect=2)
    assert failed.stderr == f"skipstudy: {tmp_path}: is not empty and holds no demo; give another -o\n"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
