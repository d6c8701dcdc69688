"""The cells of a study, their order, and which of them a change concerns."""

from pathlib import Path

import pytest
from tiny_study import write_study

from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.study.run import Opened, open_study
from nnunet_skipstudy.study.settings import read_study
from nnunet_skipstudy.study.templates import full_text


def opened(path: Path) -> Opened:
    return open_study(path, read_study(path, CONVERTERS))


def test_each_cell_stands_after_those_that_it_needs(tmp_path: Path) -> None:
    grid = opened(write_study(tmp_path)).grid
    before: set[str] = set()
    for key, cell in grid.items():
        assert before.issuperset(cell.needs), key
        before.add(key)
    assert list(grid) == [
        "convert/d501",
        "plan/d501",
        "train/d501-UNet-fold0-seed1-spatial",
        "predict/d501-UNet-fold0-seed1-spatial",
        "train/d501-NoSkip-fold0-seed1-spatial",
        "predict/d501-NoSkip-fold0-seed1-spatial",
        "analyze/study",
    ]


def test_the_grid_is_the_product_of_its_factors(tmp_path: Path) -> None:
    text = (
        "datasets: [{id: 7}, {id: 8, folds: [2]}]\narchitectures: [UNet, NoSkip]\nfolds: [0, 1]\nseeds: [1, 2, 3]\n"
        "augmentation: [nnunet, spatial]\n"
    )
    grid = opened(write_study(tmp_path, text)).grid
    counts = {
        step: sum(cell.step == step for cell in grid.values()) for step in ("perturb", "plan", "train", "predict")
    }
    assert counts == {"perturb": 2, "plan": 2, "train": (2 + 1) * 2 * 3 * 2, "predict": 36}
    trainers = {cell.settings["trainer"] for cell in grid.values() if cell.step == "train"}
    assert "nnUNetTrainerUNet_seed2" in trainers
    assert "nnUNetTrainerUNet_seed2_spatialDA" in trainers


def test_the_full_study_is_about_1500_cells(tmp_path: Path) -> None:
    grid = opened(write_study(tmp_path, full_text(CONVERTERS))).grid
    assert 1300 < len(grid) < 1600


def changed(tmp_path: Path, **changes: str) -> set[str]:
    """The cells whose hash a change of the file moves."""
    before = opened(write_study(tmp_path / "before")).grid
    after = opened(write_study(tmp_path / "after", **changes)).grid
    return {key.split("/")[0] for key in after if key not in before or after[key].digest != before[key].digest}


@pytest.mark.parametrize(
    ("changes", "steps"),
    [
        ({"tta": "true"}, {"predict", "analyze"}),
        ({"epochs": "5"}, {"train", "predict", "analyze"}),
        ({"batch_size": "3"}, {"plan", "train", "predict", "analyze"}),
        ({"size": "48"}, {"convert", "plan", "train", "predict", "analyze"}),
        ({"levels": "[alpha0.10]"}, {"predict", "analyze"}),
        ({"device": "cuda"}, set()),
        ({"default": "{cpus: 2}"}, set()),
    ],
)
def test_a_change_concerns_what_depends_on_it_and_nothing_else(
    tmp_path: Path, changes: dict[str, str], steps: set[str]
) -> None:
    assert changed(tmp_path, **changes) == steps


def test_one_more_architecture_adds_its_cells_and_leaves_the_others(tmp_path: Path) -> None:
    before = opened(write_study(tmp_path / "before")).grid
    after = opened(write_study(tmp_path / "after", architectures="[UNet, NoSkip, VNet]")).grid
    assert {key for key in after if key not in before} == {
        "train/d501-VNet-fold0-seed1-spatial",
        "predict/d501-VNet-fold0-seed1-spatial",
    }
    assert {key for key in before if after[key].digest != before[key].digest} == {"analyze/study"}


def test_a_data_set_that_was_changed_by_hand_is_noticed(tmp_path: Path) -> None:
    path = write_study(tmp_path, "datasets: [{id: 7}]\n")
    raw = tmp_path / "nnUNet_raw" / "Dataset007_Mine"
    (raw / "imagesTr").mkdir(parents=True)
    before = opened(path).grid["convert/d007"].digest
    (raw / "imagesTr" / "a_0000.png").write_bytes(b"x")
    assert opened(path).grid["convert/d007"].digest != before
