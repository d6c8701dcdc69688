"""Broken data sets: refused by file and value before anything is made of them."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foreign import GEOMETRY, write_foreign
from tiny_study import write_study

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import Geometry, read_image, write_image
from nnunet_skipstudy.planning.check import check_dataset

NAME = "Dataset778_Broken"


def described(**changes: Any) -> Callable[[Path], None]:
    """Change dataset.json; None takes a key away."""

    def spoil(folder: Path) -> None:
        path = folder / "dataset.json"
        content = {**json.loads(path.read_text()), **changes}
        path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))

    return spoil


def written(text: str) -> Callable[[Path], None]:
    """Put a text in the place of dataset.json."""
    return lambda folder: (folder / "dataset.json").write_text(text, encoding="utf-8") and None


def relabelled(change: Callable[[Any], Any]) -> Callable[[Path], None]:
    """Change the label map of one case."""

    def spoil(folder: Path) -> None:
        path = folder / "labelsTr" / "case1.png"
        write_image(path, change(read_image(path).array))

    return spoil


def cut(folder: Path) -> None:
    path = folder / "labelsTr" / "case1.png"
    path.write_bytes(path.read_bytes()[:150])


def in_colour(folder: Path) -> None:
    write_image(folder / "imagesTr" / "case1_0000.png", np.zeros((64, 96, 3), np.uint8))


def emptied(folder: Path) -> None:
    for path in (folder / "labelsTr").iterdir():
        write_image(path, np.zeros((64, 96), np.uint8))


DESCRIPTIONS = [
    (described(channel_names=None, modalities={"0": "CT"}), "lacks what nnU-Net v2 needs (KeyError: 'channel_names')"),
    (described(labels=None), "can't be read (there are none)"),
    (
        described(labels={"background": 0, "a": 1, "b": 255}),
        "labels have the values [0, 1, 255]; nnU-Net wants 0",
    ),
    (described(labels={"a": 1, "b": 2}), "labels: background is None; nnU-Net wants it to be 0"),
    (described(labels={"background": 0, "ignore": 1, "a": 2}), "ignore is 1; nnU-Net wants it above all others"),
    (described(labels={"background": 0, "a": [1, 2], "b": 2}), "regions_class_order is None; labels that join values"),
    (described(labels={"background": 0, "a": float("inf")}), "'a' has the value inf"),
    (described(numTraining=9), "numTraining is 9, but there are 5 training cases; add the missing ones"),
    (described(numTraining=[[0] * 9] * 9), "numTraining is [[0, 0, 0, 0, 0, 0, ...], "),
    (described(file_ending=".tif"), "holds no image *.tif"),
    (described(channel_names={"0": "a", "1": "b"}), "case 'case0' has 1 image files for 2 channels"),
    (written("\ufeff{}"), "dataset.json: starts with a byte order mark"),
    (written("[" * 10**5), "dataset.json: can't be read as JSON"),
    (written(f'{{"labels": {"9" * 5000}}}'), "dataset.json: can't be read as JSON"),
    (written("[]"), "dataset.json: holds no JSON object"),
    (lambda folder: (folder / "labelsTr" / "case1.png").unlink(), "case1_0000.png: has no label map case1.png"),
    (
        described(dataset={f"case{n}": {"images": [f"gone{n}.png"], "label": "gone.png"} for n in range(5)}),
        "gone0.png: no such file, though ",
    ),
]
PIXELS = [
    (relabelled(lambda labels: labels[:-1]), "case1.png: label map of shape (63, 96) for an image of shape (64, 96), "),
    (relabelled(lambda labels: labels * 127), "case1.png: holds the value 127, 254, which "),
    (cut, "case1.png: can't be read as an image"),
    (in_colour, "case1_0000.png: case 'case1' has 3 channels, "),
    (emptied, "all 5 label maps are empty; give some with an object"),
]


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_foreign(tmp_path / "nnUNet_raw", NAME, n_train=5)
    for name in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def test_a_sound_data_set_passes(root: Path) -> None:
    folder = root / "nnUNet_raw" / NAME
    assert check_dataset(folder, workers=2) == ()
    described(channel_names=None, modality={"0": "CT"}, numTraining=None)(folder)  # nnU-Net takes it, too
    assert check_dataset(folder) == ()
    described(labels={"background": 0, "a": [1, 2], "b": 2, "ignore": 3}, regions_class_order=[1, 2])(folder)
    assert check_dataset(folder) == ()


@pytest.mark.parametrize(("spoil", "words"), [*DESCRIPTIONS, *PIXELS])
def test_it_is_refused_by_file_and_value(root: Path, spoil: Callable[[Path], None], words: str) -> None:
    folder = root / "nnUNet_raw" / NAME
    spoil(folder)
    with pytest.raises(UserError) as caught:
        check_dataset(folder)
    assert words in str(caught.value)
    assert str(folder) in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize(("spoil", "words"), [DESCRIPTIONS[2], PIXELS[1]])
def test_plan_leaves_nothing_behind(
    root: Path, spoil: Callable[[Path], None], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(root / "nnUNet_raw" / NAME)
    assert main(["plan", "-d", "778", "-np", "0"]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in root.iterdir()] == ["nnUNet_raw"]


@pytest.mark.parametrize(("spoil", "words"), DESCRIPTIONS)
def test_a_dry_run_says_what_can_be_told_without_reading_images(
    root: Path, spoil: Callable[[Path], None], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil(root / "nnUNet_raw" / NAME)
    study = write_study(root, "datasets: [{id: 778}]\nlevels: unperturbed\ndevice: cpu\n")
    assert main(["run", str(study), "--dry-run"]) == 2
    assert words in capsys.readouterr().err


def test_a_label_map_that_lost_its_header_is_remarked(root: Path) -> None:
    """Shape and spacing agree, so nnU-Net trains on it; with another spacing its own check refuses it, and so do we."""
    folder = write_foreign(root / "nnUNet_raw", "Dataset779_Volumes", ending=".nii.gz", n_train=5)
    for number, geometry in enumerate(
        (Geometry(GEOMETRY.spacing, (0.0,) * 3, (1.0, 0, 0, 0, 1, 0, 0, 0, 1)), GEOMETRY)
    ):
        path = folder / "labelsTr" / f"case{number}.nii.gz"
        write_image(path, read_image(path).array, geometry)
    (remark,) = check_dataset(folder)
    assert "labelsTr/case0.nii.gz differ: direction " in remark
    assert "(1 of 5 cases are like that); nnU-Net takes them" in remark
    write_image(path, read_image(path).array, replace(GEOMETRY, spacing=(5.0, 1.5, 1.5)))
    with pytest.raises(UserError, match=r"case1.nii.gz differ: spacing .*; bring both to one grid"):
        check_dataset(folder)
