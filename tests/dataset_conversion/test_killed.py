"""A converter killed with SIGKILL at any point: nothing half-done appears, and the next run ends in the same bytes."""

import subprocess
import sys
from pathlib import Path

import pytest
from conversions import Study, contents
from made_up_downloads import acdc, busi
from processes import environment_of

ENDINGS = """
import os, signal, sys
last, done = int(sys.argv[1]), 0
def at_rename(event, arguments):  # each file and folder takes its final name by a rename
    global done
    if event == "os.rename" and "study" in str(arguments[0]):
        done += 1
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(at_rename)
from nnunet_skipstudy import cli
code = cli.main(sys.argv[2:])
print(done, file=sys.stderr)
sys.exit(code)
"""
"""Runs ``skipstudy`` and kills itself, as no signal handler could tell, just before its n-th rename."""


def run_and_die(study: Study, at: int, *arguments: object) -> subprocess.CompletedProcess[str]:
    folders = {name: str(study.root / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")}
    return subprocess.run(
        [sys.executable, "-c", ENDINGS, str(at), "convert", *map(str, arguments)],
        env=environment_of(folders),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def download(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return busi(tmp_path_factory.mktemp("download"))


@pytest.fixture(scope="module")
def undisturbed(download: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], int]:
    """The files of an undisturbed run, and how many renames it took."""
    study = Study(tmp_path_factory.mktemp("undisturbed") / "study")
    done = run_and_die(study, 0, "busi", download, "-np", 1)
    assert done.returncode == 0
    return contents(study.root), int(done.stderr.split()[-1])


@pytest.mark.parametrize("at", [1, 0.2, 0.5, 0.75, 0.9, 0.98, -1, -0], ids=lambda at: f"at {at}")
def test_the_next_run_ends_in_the_same_bytes(study: Study, download, undisturbed, at):
    """Killed at the first rename, at parts of them, at the last but one and the last, which publish."""
    files, renames = undisturbed
    place = at if at == 1 else renames + at if at in (-1, 0) else round(at * renames)
    killed = run_and_die(study, place, "busi", download, "-np", 1)
    assert killed.returncode == -9
    raw = study.root / "nnUNet_raw"
    assert [path.name for path in raw.iterdir() if not path.name.startswith(".writing-")] == []
    assert list(raw.iterdir()) != []
    study.convert("busi", download)
    assert contents(study.root) == files
    assert not list(study.root.rglob(".writing-*"))


def test_an_overwriting_run_is_repeated(study: Study, download, undisturbed):
    """Killed when the former data set was moved away: the same command again makes the new one."""
    files, renames = undisturbed
    study.convert("busi", download, "--seed", 1)
    assert contents(study.root) != files
    assert run_and_die(study, renames + 2, "busi", download, "--overwrite", "-np", 1).returncode == -9
    study.convert("busi", download, "--overwrite")
    assert contents(study.root) == files
    assert not list(study.root.rglob(".writing-*"))


def test_a_run_that_died_while_unpacking(study: Study, tmp_path):
    """The unpacked archive goes with the dead run's folder."""
    import shutil

    acdc(tmp_path / "download")
    archive = shutil.make_archive(str(tmp_path / "acdc"), "zip", tmp_path / "download")
    assert run_and_die(study, 3, "acdc", archive, "-np", 1).returncode == -9
    assert list((study.root / "nnUNet_raw").glob(".writing-*/unpacked/training/patient001"))
    study.convert("acdc", archive)
    assert not list(study.root.rglob(".writing-*"))
