"""Trainer classes made for a name, and the files that nnU-Net asks."""

import importlib.util
from pathlib import Path

import pytest
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from nnunet_skipstudy.nnunet.environment import trainer_folder
from nnunet_skipstudy.registry import ARCHITECTURES
from nnunet_skipstudy.training.on_demand import trainer_class
from nnunet_skipstudy.training.trainer import SkipStudyTrainer

FILES = sorted(path for path in trainer_folder().glob("*.py") if path.stem != "__init__")


def module_of(path: Path):
    """Load a trainer's file by itself, as nnU-Net does."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_one_file_a_trainer_and_nothing_else() -> None:
    assert [path.stem for path in FILES] == sorted(a.trainer for a in ARCHITECTURES.values())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_file_answers_for_its_own_names_only(path: Path) -> None:
    module = module_of(path)
    for suffix in ("", "_5epochs", "_seed2_spatialDA"):
        found = getattr(module, path.stem + suffix)
        assert found.__name__ == path.stem + suffix
        assert issubclass(found, SkipStudyTrainer)
        assert issubclass(found, nnUNetTrainer)
    others = [other.stem for other in FILES if other != path]
    assert not any(
        hasattr(module, name) for name in [*others, *(f"{name}_5epochs" for name in others), "nnUNetTrainer"]
    )


def test_an_unknown_suffix_is_explained_and_not_found(capsys: pytest.CaptureFixture[str]) -> None:
    module = module_of(trainer_folder() / "nnUNetTrainerNoSkip.py")
    assert not hasattr(module, "nnUNetTrainerNoSkip_7epoch")
    assert not hasattr(module, "nnUNetTrainerNoSkip_7epoch")
    complaint = capsys.readouterr().err
    assert complaint.count("unknown suffix '_7epoch'; known are _<n>epochs") == 1  # asked twice, said once


def test_the_same_name_is_the_same_class() -> None:
    assert trainer_class("nnUNetTrainerVNet_seed1") is trainer_class("nnUNetTrainerVNet_seed1")
    assert trainer_class("nnUNetTrainerVNet_seed1") is not trainer_class("nnUNetTrainerVNet_seed2")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("nnUNetTrainerNoSkp_5epochs", "nnUNetTrainerNoSkip"),
        ("nnunettrainervnet", "nnUNetTrainerVNet"),
        ("nnUNetTrainerUNetPlus", "nnUNetTrainerUNetPlusPlus"),
        ("AttentoinUNet", "nnUNetTrainerAttentionUNet"),
    ],
)
def test_a_misspelled_trainer_is_not_found_and_the_nearest_named(
    name: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """By one file alone: nnU-Net asks them all, and its own words, a traceback, know of none of them."""
    assert not any(hasattr(module_of(path), name) for path in FILES)
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert f"is none of ours; did you mean {meant}?" in complaint


@pytest.mark.parametrize("name", ["nnUNetTrainerMine", "nnUNetTrainerV2", "nnUNetTrainerUMambaBot", "__path__"])
def test_of_other_peoples_names_nothing_is_said(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert not any(hasattr(module_of(path), name) for path in FILES)
    assert capsys.readouterr() == ("", "")
