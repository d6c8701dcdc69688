"""Results and data that were removed, changed or replaced behind a study's back are noticed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from foreign import write_foreign
from products import leave_products, stand_in_for
from tiny_study import TEXT, write_study

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.calls import Training, restore_model_files
from nnunet_skipstudy.planning.preprocess import ensure_splits
from nnunet_skipstudy.study import ownership
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.cells import State, lost, states
from nnunet_skipstudy.study.ownership import claim, is_stamped, version_words
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.run import Opened, open_study
from nnunet_skipstudy.study.settings import read_study
from nnunet_skipstudy.study.steps.step import Work

ONE_OWN = """\
datasets: [{id: 777}]
architectures: UNet
folds: 0
levels: [unperturbed, hardest]
device: cpu
small_data: true
tta: false
"""


@pytest.fixture(autouse=True)
def variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine sets for nnU-Net is taken back after each test."""
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results", "nnUNet_extTrainer"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def worked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that stand-ins have worked on, which leave products without the work."""
    steps: list[str] = []

    def work(cell: Cell, given: Work) -> dict[str, Any]:
        steps.append(cell.step)
        leave_products(cell, given.places)
        return {}

    stand_in_for(monkeypatch, work)
    return steps


def opened(path: Path) -> Opened:
    return open_study(path, read_study(path, CONVERTERS))


def waiting(path: Path) -> set[str]:
    return {state.cell.step for state in opened(path).states() if state.state is State.WAITING}


@pytest.mark.parametrize(
    ("removed", "change", "again"),
    [
        ("nnUNet_raw", {"seeds": "[1, 2]"}, {"convert"}),
        ("nnUNet_raw", {"tta": "true"}, {"convert"}),
        ("nnUNet_preprocessed", {"seeds": "[1, 2]"}, {"plan"}),
        ("nnUNet_preprocessed", {"tta": "true"}, set()),  # the trainings are done: they need no plan any more
        ("nnUNet_results", {"seeds": "[1, 2]"}, set()),  # the new seed's training is none that was finished
        ("nnUNet_results", {"tta": "true"}, {"train"}),
        ("predictions", {"tolerance": "3"}, {"predict"}),
    ],
)
def test_what_is_gone_but_needed_is_made_again(
    tmp_path: Path, worked: list[str], removed: str, change: dict[str, str], again: set[str]
) -> None:
    text = f"{TEXT}metrics:\n  tolerance: 2\n"
    path = write_study(tmp_path, text)
    assert main(["run", str(path)]) == 0
    shutil.rmtree(tmp_path / removed)
    assert waiting(path) == set()  # nothing needs it any more
    write_study(tmp_path, text, **change)
    study = opened(path)
    found = lost(study.grid, study.places, states(study.grid, study.places))
    assert {key.split("/")[0] for key in found} == again
    assert again <= waiting(path)
    worked.clear()
    assert main(["run", str(path)]) == 0
    assert again <= set(worked)
    assert waiting(path) == set()


def test_predictions_that_are_gone_with_the_report_are_made_again(tmp_path: Path, worked: list[str]) -> None:
    """Else the new report would be without them, and not say so."""
    path = write_study(tmp_path)
    assert main(["run", str(path)]) == 0
    worked.clear()
    for removed in ("predictions", "analysis"):
        shutil.rmtree(tmp_path / removed)
    assert waiting(path) == {"predict", "analyze"}
    assert main(["run", str(path)]) == 0
    assert set(worked) == {"predict", "analyze"}


def test_a_report_without_what_is_missing_is_not_taken_for_the_present_one(
    tmp_path: Path, worked: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["run", str(write_study(tmp_path))]) == 0

    def fail(cell: Cell, given: Work) -> dict[str, Any]:
        raise OSError("no")

    stand_in_for(monkeypatch, fail, ["train"])
    assert main(["run", str(write_study(tmp_path, seeds="[1, 2]"))]) == 2
    notes = json.loads((tmp_path / "analysis" / "report.html").read_text())
    assert [note.split(":")[1] for note in notes] == [
        " d501-UNet-fold0-seed2-spatial",
        " d501-NoSkip-fold0-seed2-spatial",
    ]


def digests(path: Path) -> dict[str, str]:
    return {step: cell.digest for cell in opened(path).grid.values() for step in [cell.step]}


def concerned(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {step for step in before if before[step] != after[step]}


def test_a_change_of_content_is_noticed_whatever_the_size(tmp_path: Path) -> None:
    path = write_study(tmp_path, ONE_OWN)
    raw = write_foreign(tmp_path / "nnUNet_raw", "Dataset777_Foreign", n_train=5)
    (raw / "imagesTs_hardest").mkdir()
    (raw / "imagesTs_hardest" / "case0_0000.png").write_bytes(b"one")
    everything = {"convert", "perturb", "plan", "train", "predict", "analyze"}
    first = digests(path)
    (raw / "imagesTs_hardest" / "case0_0000.png").write_bytes(b"two")  # a level of the user's own
    second = digests(path)
    assert concerned(first, second) == {"perturb", "predict", "analyze"}
    label = raw / "labelsTr" / "case0.png"
    label.write_bytes(label.read_bytes()[:-1] + b"x")
    third = digests(path)
    assert concerned(second, third) == everything
    splits = tmp_path / "nnUNet_preprocessed" / raw.name / "splits_final.json"
    splits.parent.mkdir(parents=True)
    splits.write_text("[]")
    fourth = digests(path)
    assert concerned(third, fourth) == everything
    splits.write_text("{}")
    assert concerned(fourth, digests(path)) == everything


def test_converted_data_that_somebody_changed_stop_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the true conversion; the other steps are stand-ins."""
    steps = ("plan", "train", "predict", "analyze")
    stand_in_for(monkeypatch, lambda cell, work: leave_products(cell, work.places) or {}, steps)
    path = write_study(tmp_path)
    raw = tmp_path / "nnUNet_raw" / "Dataset501_SyntheticTexture"
    assert main(["run", str(path)]) == 0
    image = next((raw / "imagesTr").iterdir())
    kept = image.read_bytes()
    image.write_bytes(kept[:-1] + b"x")
    assert main(["run", str(path)]) == 2
    assert "data set 501: imagesTr changed since this study converted it" in capsys.readouterr().err
    image.write_bytes(kept)
    (raw / "imagesTs_mine").mkdir()  # what is added changes nothing
    assert main(["run", str(path)]) == 0
    shutil.rmtree(raw)
    assert main(["run", str(write_study(tmp_path, tta="true"))]) == 0
    assert image.read_bytes() == kept


def test_a_data_set_of_others_is_not_overwritten_after_a_refusal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = write_foreign(tmp_path / "nnUNet_raw", "Dataset501_SyntheticTexture", n_train=5)
    for size in ("32", "48"):
        assert main(["run", str(write_study(tmp_path, size=size))]) == 2
        assert "convert/d501 failed: " in capsys.readouterr().err
    assert len(list((theirs / "imagesTr").iterdir())) == 5


def training(tmp_path: Path, name: str, digest: str) -> tuple[Cell, Places]:
    return Cell("train", "x", {"a": digest}, digest=digest), Places(tmp_path / name, {})


def test_what_another_study_made_in_shared_folders_is_left_alone(tmp_path: Path) -> None:
    cell, theirs = training(tmp_path, "theirs", "one")
    theirs.engine.mkdir(parents=True)
    shared = tmp_path / "nnUNet_results" / "fold_0"
    claim(shared, cell, theirs)
    other, ours = training(tmp_path, "ours", "two")
    with pytest.raises(UserError, match=f"{shared}: belongs to the study in {theirs.root}, whose settings are others"):
        claim(shared, other, ours)
    claim(shared, cell, ours)  # the same settings: the same result
    theirs.engine.rmdir()  # the other study is gone
    claim(shared, other, ours)
    assert is_stamped(shared, "two")
    assert not is_stamped(shared, "one")


def test_a_copied_study_goes_on_by_itself(tmp_path: Path) -> None:
    cell, original = training(tmp_path, "original", "one")
    claim(original.root / "predictions" / "fold_0", cell, original)
    original.engine.mkdir()
    shutil.copytree(original.root, tmp_path / "copy")
    other, copy = training(tmp_path, "copy", "two")
    claim(copy.root / "predictions" / "fold_0", other, copy)
    assert is_stamped(copy.root / "predictions" / "fold_0", "two")


def test_a_model_that_came_back_has_its_own_plans_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They lie above the fold, where a training of other settings has left its own in the meantime."""
    monkeypatch.setenv("nnUNet_results", str(tmp_path))
    model = Training("Dataset007_Mine", "nnUNetTrainerUNet", "nnUNetPlans", "2d", 0)
    model.fold_folder.mkdir(parents=True)
    carried = {"init_args": {"plans": {"patch": [32, 32]}, "dataset_json": {"labels": {"a": 1}}}}
    torch.save(carried, model.fold_folder / "checkpoint_final.pth")
    (model.model_folder / "plans.json").write_text('{"patch": [48, 48]}')
    restore_model_files(model)
    assert json.loads((model.model_folder / "plans.json").read_text()) == {"patch": [32, 32]}
    assert json.loads((model.model_folder / "dataset.json").read_text()) == {"labels": {"a": 1}}


def test_own_splits_are_drawn_anew_for_other_cases_and_the_users_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("nnUNet_raw", "nnUNet_preprocessed"):
        monkeypatch.setenv(name, str(tmp_path / name))
    raw = write_foreign(tmp_path / "nnUNet_raw", "Dataset777_Foreign", n_train=5)
    folder = tmp_path / "nnUNet_preprocessed" / raw.name
    ensure_splits(folder)
    for folder_name, name in (("labelsTr", "case{}.png"), ("imagesTr", "case{}_0000.png")):
        (raw / folder_name / name.format(5)).write_bytes((raw / folder_name / name.format(0)).read_bytes())
    ensure_splits(folder)
    drawn = json.loads((folder / "splits_final.json").read_text())
    assert sorted(drawn[0]["train"] + drawn[0]["val"]) == [f"case{number}" for number in range(6)]
    own = [{"train": ["case0", "case1", "case2"], "val": ["case3"]}]
    (folder / "splits_final.json").write_text(json.dumps(own))
    ensure_splits(folder)
    assert json.loads((folder / "splits_final.json").read_text()) == own


def test_results_of_several_versions_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number, found in enumerate(("2.8.1", "2.8.1", "2.9")):
        monkeypatch.setattr(ownership, "versions", lambda found=found: {"nnunetv2": found})
        cell, places = training(tmp_path, "study", str(number))
        claim(tmp_path / str(number), cell, places)
    folders = [tmp_path / str(number) for number in range(3)]
    assert version_words(folders[:2]) == []
    assert version_words(folders) == ["Results of different versions of nnunetv2 are compared: 2.8.1, 2.9."]
