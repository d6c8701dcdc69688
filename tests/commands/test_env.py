"""``skipstudy env`` and ``skipstudy doctor``."""

import json
import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from processes import run, study_environment

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.commands import doctor
from nnunet_skipstudy.nnunet.environment import FOLDER_VARIABLES, trainer_folder


def test_the_lines_survive_a_shell(tmp_path: Path) -> None:
    """Folders with spaces and quotes come through eval; other people's trainer folders stay, after ours."""
    root = tmp_path / "it's a study"
    lines = run(["skipstudy", "env", "--root", str(root)], {"nnUNet_extTrainer": f"/theirs{os.pathsep}/more"}).stdout
    script = f'{lines}\nprintf "%s\\n" "$nnUNet_raw" "$nnUNet_preprocessed" "$nnUNet_results" "$nnUNet_extTrainer"'
    seen = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    assert seen[:3] == [str(root / name) for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")]
    assert seen[3].split(os.pathsep) == [str(trainer_folder()), "/theirs", "/more"]


def test_running_it_twice_names_our_folder_once(tmp_path: Path) -> None:
    once = run(["skipstudy", "env", "--root", str(tmp_path)], {"nnUNet_extTrainer": str(trainer_folder())}).stdout
    assert once.count(str(trainer_folder())) == 1


def test_doctor_finds_the_trainers(tmp_path: Path) -> None:
    printed = run(["skipstudy", "doctor"], study_environment(tmp_path)).stdout
    assert "WRONG" not in printed
    assert "ok    nnUNetTrainerUNetPlusPlus: found by nnU-Net" in printed


def test_doctor_says_what_is_missing() -> None:
    failed = run(["skipstudy", "doctor"], {}, expect=2)
    assert 'WRONG nnUNet_raw: not set -> run: eval "$(skipstudy env --root DIR)"' in failed.stdout
    assert failed.stderr.startswith("skipstudy: 4 of these would stop a study")


def test_doctor_for_a_script(tmp_path: Path) -> None:
    """The same as objects, and nothing else on stdout; the exit code stays."""
    found = json.loads(run(["skipstudy", "doctor", "--json"], study_environment(tmp_path)).stdout)
    assert {"subject": "nnUNetTrainerVNet", "state": "found by nnU-Net", "remedy": "", "advice": ""} in found
    others = run(["skipstudy", "doctor", "--json", "-tr", "nnUNetTrainerDA5"], study_environment(tmp_path)).stdout
    assert "found by nnU-Net" in others
    failed = run(["skipstudy", "doctor", "--json"], {}, expect=2)
    assert next(finding["subject"] for finding in json.loads(failed.stdout) if finding["remedy"]) == "nnUNet_raw"


@pytest.mark.parametrize(
    ("value", "mark", "words"),
    [
        ("{tmp}/file", "WRONG", "is a file"),
        ("{tmp}/file/raw", "WRONG", "file, a file"),
        ("{tmp}/link", "WRONG", "is a link that leads nowhere"),
        ("{tmp}/link/raw", "WRONG", "link, a link that leads nowhere"),
        ("/dev/null", "WRONG", "is no folder"),
        ("~/raw", "WRONG", "begins with ~"),
        ("'{tmp}/raw'", "WRONG", "begins with '"),
        ("$HOME/raw", "WRONG", "begins with $"),
        ("{tmp}/raw ", "WRONG", "ends with a blank"),
        ("{tmp}/preprocessed", "WRONG", "is nnUNet_raw, too"),
        ("/proc/raw", "WRONG", "can't be written"),
        ("{tmp}/preprocessed/raw", "hint", "one inside the other: nnUNet_raw and this"),
        ("raw", "hint", "give its whole path"),
        ("{tmp}/it's $HOME ~/raw", "ok", "made on first use"),
    ],
)
def test_doctor_judges_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, mark: str, words: str
) -> None:
    """What nnU-Net would take as it is written, make anew, or find full of other things."""
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=10**12))
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "gone")
    monkeypatch.setenv("nnUNet_raw", str(tmp_path / "preprocessed"))
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path / "other"))
    monkeypatch.setenv("nnUNet_results", value.format(tmp=tmp_path))
    finding = list(doctor._folders())[2]
    assert words in f"{finding.state}{finding.advice}"
    assert bool(finding.remedy) == (mark == "WRONG")
    assert bool(finding.advice) == (mark == "hint")


@pytest.mark.parametrize(("free", "advised"), [(9.9e9, True), (10e9, False)])
def test_doctor_says_that_little_space_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: float, advised: bool
) -> None:
    """A hint, nothing that stops: a small study fits."""
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=free))
    for variable in FOLDER_VARIABLES:
        monkeypatch.setenv(variable, str(tmp_path / variable))
    found = list(doctor._folders())
    assert [finding.advice for finding in found] == ["less than 10 GB free: a study may not fit" if advised else ""] * 3
    assert not any(finding.remedy for finding in found)


def test_doctor_names_an_identifier_that_two_data_sets_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of nnU-Net's folders they lie in: nnU-Net finds neither then."""
    for variable, name in zip(FOLDER_VARIABLES, ("Dataset007_A", "Dataset007_B", "Dataset008_A"), strict=True):
        (tmp_path / variable / name).mkdir(parents=True)
        monkeypatch.setenv(variable, str(tmp_path / variable))
    (finding,) = doctor._datasets()
    assert (finding.subject, finding.remedy[:8]) == ("data set 007", "keep one")
    assert "Dataset007_A" in finding.state
    assert "Dataset007_B" in finding.state


@pytest.mark.parametrize("value", ["~/raw", '"/raw"', "{tmp}/file"])
def test_no_command_takes_such_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("nnUNet_raw", value.format(tmp=tmp_path))
    for command in (["disparity", "-d", "1"], ["plan", "-d", "1"], ["convert", "synthetic", "-d", "1"]):
        assert main(command) == 2
        assert "nnUNet_raw is " in capsys.readouterr().err


def test_the_root_of_the_lines_can_be_a_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    assert main(["env", "--root", str(tmp_path / "file" / "study")]) == 2
    assert capsys.readouterr() == (
        "",
        f"skipstudy: --root {tmp_path}/file/study: lies in {tmp_path}/file, a file; give a folder\n",
    )


def test_doctor_names_a_package_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: {"torch": "1.13.1"}.get(name, "9999"))
    wrong = [finding for finding in doctor._packages() if finding.remedy]
    assert [(finding.subject, finding.state, finding.remedy) for finding in wrong] == [
        ("torch", "1.13.1", "pip install 'torch>=2.1.2'")
    ]
