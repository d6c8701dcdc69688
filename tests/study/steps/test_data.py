"""What cells do around nnU-Net: data sets, levels, splits, folds."""

import json
from pathlib import Path

import pytest
from foreign import write_foreign

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.planning.preprocess import OWN_SPLITS, check_fold, ensure_splits
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.settings import Study
from nnunet_skipstudy.study.snakemake import step_entries
from nnunet_skipstudy.study.steps import convert, perturb
from nnunet_skipstudy.study.steps.step import Work

FOLDERS = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Places:
    for name in FOLDERS:
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    return Places(tmp_path, {name: tmp_path / name for name in FOLDERS})


def made_by_hand(places: Places, name: str = "Dataset007_Mine") -> Path:
    folder = places.nnunet["nnUNet_raw"] / name
    for part in ("imagesTr", "labelsTr", "imagesTs"):
        (folder / part).mkdir(parents=True)
    return folder


def test_an_absent_data_set_is_named_with_the_remedy(places: Places) -> None:
    with pytest.raises(UserError, match="holds no data set 7; convert it, or name a converter in the study"):
        places.dataset_folder(7)


class Converter:
    """Stands in for ``skipstudy convert``."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.calls: list[list[str]] = []

    def __call__(self, arguments: list[str]) -> int:
        self.calls.append(arguments)
        if not (self.places.nnunet["nnUNet_raw"] / "Dataset007_Mine").exists():
            made_by_hand(self.places)
        return 0


def conversion(size: int) -> Cell:
    settings = {"dataset": 7, "converter": "synthetic", "source": ["grass"], "options": {"size": size}}
    return Cell("convert", "d007", settings, {"base": "/nowhere"}, digest=f"hash{size}")


def test_only_a_data_set_that_this_study_made_is_overwritten(places: Places) -> None:
    command = Converter(places)
    for size in (32, 32, 64):
        assert convert.run(conversion(size), Work(places, command)) == {"folder": "Dataset007_Mine"}
    plain = ["convert", "synthetic", "grass", "-d", "7", "--size"]
    assert command.calls == [[*plain, "32"], [*plain, "32"], [*plain, "64", "--overwrite"]]


def levels(*names: str, arguments: list[str] | None = None) -> Cell:
    settings = {"dataset": 7, "levels": [*names], "arguments": arguments or []}
    return Cell("perturb", "d007", settings, digest=str(settings))


def test_levels_that_are_there_are_left_alone(places: Places) -> None:
    folder = made_by_hand(places)
    (folder / "imagesTs_hardest").mkdir()
    command = Converter(places)
    perturb.run(levels("unperturbed", "hardest"), Work(places, command))
    assert command.calls == []


def test_levels_that_can_not_be_made_are_named(places: Places) -> None:
    made_by_hand(places)
    command = Converter(places)
    with pytest.raises(UserError, match="has no imagesTs_hardest; make them, or leave these levels out of the study"):
        perturb.run(levels("unperturbed", "hardest"), Work(places, command))
    assert command.calls == [["perturb", "-d", "7"]]


def test_levels_of_other_arguments_are_made_anew_but_only_where_this_study_made_them(places: Places) -> None:
    folder = made_by_hand(places)
    (folder / "imagesTs_own").mkdir()
    calls: list[list[str]] = []

    def command(arguments: list[str]) -> int:
        calls.append(arguments[3:])
        (folder / f"imagesTs_{arguments[4].split(':')[0]}").mkdir(exist_ok=True)
        return 0

    for argument in ("mine:speckle:variance=0.1", "mine:speckle:variance=0.2", "own:speckle:variance=0.2"):
        perturb.run(levels("unperturbed", "mine", arguments=["--level", argument]), Work(places, command))
    assert calls == [
        ["--level", "mine:speckle:variance=0.1"],
        ["--level", "mine:speckle:variance=0.2", "--overwrite"],
        ["--level", "own:speckle:variance=0.2"],  # left to the command, which refuses what it did not make so
    ]


def test_levels_of_other_test_images_are_made_anew(places: Places) -> None:
    folder = made_by_hand(places)
    calls: list[list[str]] = []

    def command(arguments: list[str]) -> int:
        calls.append(arguments[3:])
        for level in ("hardest", "harder", "easier", "easiest"):
            (folder / f"imagesTs_{level}").mkdir(exist_ok=True)
        return 0

    for content in ("one", "one", "two"):
        settings = {"dataset": 7, "levels": ["unperturbed", "hardest"], "arguments": [], "content": content}
        perturb.run(Cell("perturb", "d007", settings, digest=content), Work(places, command))
    assert calls == [[], ["--overwrite"]]


def test_levels_of_known_names_are_made_without_arguments(places: Places) -> None:
    """Those that lack; again, they are left alone; for other test images those that this study made are made anew."""
    folder = made_by_hand(places)
    (folder / "imagesTs_hardest").mkdir()
    calls: list[list[str]] = []

    def command(arguments: list[str]) -> int:
        calls.append(arguments[3:])
        for level in ("texture", "distortion"):
            (folder / f"imagesTs_{level}").mkdir(exist_ok=True)
        return 0

    for content in ("one", "one", "two"):
        names = ["unperturbed", "hardest", "texture", "distortion"]
        settings = {"dataset": 7, "levels": names, "arguments": [], "content": content}
        cell = Cell("perturb", "d007", settings, digest=content)
        assert list(perturb.refusals(cell, places)) == []
        perturb.run(cell, Work(places, command))
    made = ["--level", "texture", "--level", "distortion"]
    assert calls == [made, [*made, "--overwrite"]]


def test_splits_are_drawn_once_and_a_fold_beyond_them_is_refused(places: Places) -> None:
    """nnU-Net would draw random cases for it, silently."""
    raw = write_foreign(places.raw, "Dataset007_Mine", n_train=10)
    folder = places.nnunet["nnUNet_preprocessed"] / raw.name
    folder.mkdir()
    ensure_splits(folder)
    splits = json.loads((folder / "splits_final.json").read_text())
    assert [len(split["val"]) for split in splits] == [2] * 5
    assert (folder / OWN_SPLITS).is_file()
    check_fold(folder, 4)
    with pytest.raises(UserError, match=r"fold 5: .* has folds 0 to 4; choose among these"):
        check_fold(folder, 5)


def entries(monkeypatch: pytest.MonkeyPatch, gpus: str, **settings: object) -> dict[str, dict[str, object]]:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", gpus)
    study = Study.model_validate({"datasets": [{"id": 7}], **settings})
    return {entry["name"]: entry for entry in step_entries(study, local=True, jobs=8)}


def test_each_local_training_gets_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = entries(monkeypatch, "0,3", resources={"train": {"cpus": 4}, "predict": {"cpus": 8}})
    assert (found["train"]["gpus"], found["train"]["slots"]) == (["0", "3"], 2)
    assert found["predict"]["slots"] == 1
    assert found["convert"]["gpus"] == []


def test_cells_on_a_cpu_share_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    found = entries(monkeypatch, "0", device="cpu", resources={"train": {"cpus": 2, "memory_gb": 1.5, "hours": 0.5}})
    assert (found["train"]["threads"], found["train"]["slots"]) == (2, 4)
    assert found["train"]["resources"] == {"mem_mb": 1500, "runtime": 30}
    assert found["plan"]["slots"] == 1
