"""``skipstudy env`` and ``skipstudy doctor``."""

import os
import subprocess
from pathlib import Path

import pytest
from processes import run, study_environment

from nnunet_skipstudy.commands import doctor
from nnunet_skipstudy.nnunet.environment import trainer_folder


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


def test_doctor_names_a_package_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "version", lambda name: {"torch": "1.13.1"}.get(name, "999"))
    wrong = [finding for finding in doctor._packages() if finding.remedy]
    assert [(finding.subject, finding.state, finding.remedy) for finding in wrong] == [
        ("torch", "1.13.1", "pip install 'torch>=2.1.2'")
    ]
