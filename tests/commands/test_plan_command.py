"""``skipstudy plan``: nnU-Net's plans with sizes of one's own, of a small foreign data set."""

import json
from pathlib import Path
from typing import Any

import pytest
from foreign import write_foreign

from nnunet_skipstudy.cli import main

NAME = "Dataset777_Foreign"
PLAN = ["plan", "-d", "777", "-np", "0"]
SIZES = ["--base-features", "4", "--max-features", "8"]


@pytest.fixture
def preprocessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_foreign(tmp_path / "nnUNet_raw", NAME, n_train=5)
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("nnUNet_def_n_proc", "nnUNet_n_proc_DA"):  # what the command sets is taken back after the test
        monkeypatch.setenv(name, "1")
    return tmp_path / "nnUNet_preprocessed" / NAME


def plan(preprocessed: Path, name: str = "nnUNetPlans") -> dict[str, Any]:
    found: dict[str, Any] = json.loads((preprocessed / f"{name}.json").read_text())["configurations"]["2d"]
    return found


def test_sizes_are_met_and_the_data_preprocessed(preprocessed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PLAN, *SIZES, "--batch-size", "3"]) == 0
    *_, made, then = capsys.readouterr().out.splitlines()
    assert made == f"{preprocessed / 'nnUNetPlans.json'}: 2d, patch {plan(preprocessed)['patch_size']}, batch 3"
    assert then == f"next: nnUNetv2_train {NAME} 2d 0 -p nnUNetPlans -tr TRAINER"
    assert main(["architectures", "-d", "777", "--json", "-tr", "nnUNetTrainerUNet_skips0"]) == 0
    costs = json.loads(capsys.readouterr().out)
    assert costs["NoSkip"]["parameters"] < costs["UNet_skips0"]["parameters"] < costs["UNet"]["parameters"]
    assert max(plan(preprocessed)["architecture"]["arch_kwargs"]["features_per_stage"]) == 8
    assert len(list((preprocessed / "nnUNetPlans_2d").glob("case*.pkl"))) == 5
    assert len(json.loads((preprocessed / "splits_final.json").read_text())) == 5


def test_the_heaviest_network_makes_the_patch_smaller(preprocessed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    memory = ["-gpu_memory_target", "0.03"]
    assert main([*PLAN, *memory, "-overwrite_plans_name", "own"]) == 0
    assert main([*PLAN, *memory, "-overwrite_plans_name", "shared", "--plan-for", "heaviest"]) == 0
    assert "the most demanding of AttentionUNet, NoSkip" in capsys.readouterr().out.splitlines()[-2]
    own, shared = plan(preprocessed, "own"), plan(preprocessed, "shared")
    assert shared["patch_size"] < own["patch_size"]


def test_plans_of_other_settings_are_kept_unless_told(preprocessed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*PLAN, *SIZES, "--batch-size", "3"]) == 0
    assert main([*PLAN, *SIZES, "--batch-size", "3"]) == 0
    capsys.readouterr()
    assert main([*PLAN, *SIZES, "--batch-size", "4"]) == 2
    assert "nnUNetPlans.json: plans that were made with other settings" in capsys.readouterr().err
    assert plan(preprocessed)["batch_size"] == 3
    assert main([*PLAN, *SIZES, "--batch-size", "4", "--overwrite"]) == 0
    assert plan(preprocessed)["batch_size"] == 4


def test_one_plan_has_one_set_of_sizes(preprocessed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plans file is shared by all configurations: another one's sizes would change this one's behind its back."""
    assert main([*PLAN, *SIZES, "--batch-size", "3"]) == 0
    assert main([*PLAN, *SIZES, "--batch-size", "4", "-c", "3d_fullres"]) == 2
    assert "nnUNetPlans.json: plans that were made with other settings" in capsys.readouterr().err
    assert plan(preprocessed)["batch_size"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-d", "9"], "no data set 9 (there: "),
        (["-c", "3d_fullres"], f"{NAME}: ExperimentPlanner plans no '3d_fullres' for this data set; choose one of 2d"),
        (["-pl", "Planer"], "nnU-Net has no 'Planer'; ExperimentPlanner is its default"),
        (["--plan-for", "heaviest", "--batch-size", "2"], "finds the batch size itself"),
        (["--base-features", "0"], "base_features: 0: input should be greater than or equal to 1"),
        (["-overwrite_plans_name", "tiny__Plans"], "name: 'tiny__Plans': give letters, digits and single '_' between"),
        (["-np", "-1"], "-np -1; give 0 or a positive number"),
    ],
)
def test_bad_input_is_named(
    preprocessed: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*PLAN, *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.splitlines()[-1].startswith("skipstudy: ")
    assert not list(preprocessed.glob("*.finished.json"))
