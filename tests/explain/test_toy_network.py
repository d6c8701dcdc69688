"""A network built so that one known skip carries the texture is recognised, through the whole command."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from made_up_model import DATASET, plans, write_images, write_model
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from small_plans import REQUIRES_IMPORT, UNET_MODULE
from toy_network import toy_case, toy_kwargs, toy_weights

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.nnunet.images import read_image, write_image
from nnunet_skipstudy.support.files import read_json, write_json

SIZES = {2: ((40, 52), (32, 32)), 3: ((24, 36, 32), (24, 32, 32))}
"""Of images, and of the smaller patches that slide over them."""


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("nnUNet_raw", "nnUNet_results", "nnUNet_preprocessed"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return tmp_path


def write_toy(root: Path, dimensions: int, carrier: int, trainer: str) -> None:
    size, patch = SIZES[dimensions]
    network = get_network_from_plans(
        f"{UNET_MODULE}.PlainConvUNet", toy_kwargs(dimensions), REQUIRES_IMPORT, 1, 2, deep_supervision=False
    )
    write_model(plans(toy_kwargs(dimensions), patch), toy_weights(network.state_dict(), carrier), trainer)
    cases = {f"case{number}": number for number in range(2)}
    levels = {
        level: {case: toy_case(size, number, textured=level == "hardest")[0] for case, number in cases.items()}
        for level in ("unperturbed", "hardest")
    }
    labels = {case: toy_case(size, number, textured=False)[1] for case, number in cases.items()}
    write_images(root / "nnUNet_raw", levels, labels)


def explained(root: Path, *options: str, trainer: str = "nnUNetTrainerUNet") -> pd.DataFrame:
    arguments = ["explain", "-d", "779", "-c", "toy", "-f", "0", "-tr", trainer, "-device", "cpu", "-np", "1"]
    assert main([*arguments, "-o", str(root / "out"), *options]) == 0
    return pd.read_csv(root / "out" / "explain.csv")


@pytest.mark.parametrize("carrier", [0, 1])
@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize("trainer", ["nnUNetTrainerUNet", "nnUNetTrainer"])
def test_the_skip_that_carries_the_texture_is_found(results: Path, dimensions: int, carrier: int, trainer: str) -> None:
    """Its share is above 0.9 either way, that of all other places below 0.1, in ours and in nnU-Net's own network."""
    write_toy(results, dimensions, carrier, trainer)
    options = ["--disable_tta"] if dimensions == 3 else []
    table = explained(results, "--interventions", "patch", "reverse", *options, trainer=trainer)
    plain = table[(table["intervention"] == "none") & (table["level"] == "hardest")]
    assert (plain["dsc_reference"] > 0.5).all()
    assert (plain["dsc"] < plain["dsc_reference"] - 0.1).all()
    shares = table.dropna(subset="share").groupby(["intervention", "part", "depth"], dropna=False)["share"].mean()
    for (kind, part, depth), share in shares.items():
        carries = part == "all" or (part == "skip" and depth == carrier) or (part == "decoder" and depth < carrier)
        assert share > 0.9 if carries else share < 0.1, (kind, part, depth)
    assert len(shares) == 2 * 5


def test_a_run_goes_on_and_says_the_same(results: Path) -> None:
    """What is done is not done again; the tables of a run in one go and in two are the same bytes."""
    write_toy(results, 2, 0, "nnUNetTrainerUNet")
    explained(results, "--cases", "case0", "case1", "--levels", "hardest")
    tables = {path.name: path.read_bytes() for path in (results / "out").glob("*.csv")}
    parts = sorted((results / "out" / ".parts").iterdir())
    parts[0].unlink()
    before = {path: path.stat().st_mtime_ns for path in parts[1:]}
    explained(results, "--cases", "case0", "case1", "--levels", "hardest")
    assert {path.name: path.read_bytes() for path in (results / "out").glob("*.csv")} == tables
    assert {path: path.stat().st_mtime_ns for path in parts[1:]} == before
    assert torch.is_inference_mode_enabled() is False


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--levels", "easiest"], "no test images of level 'easiest' (there: hardest, unperturbed)"),
        (["--levels", "unperturbed"], "is the level that others are held against; leave it out"),
        (["--reference", "easier"], "no test images of level 'easier'; choose one of hardest, unperturbed"),
        (["--cases", "case7"], "has no case 'case7'; give a number or names of cases"),
        (["--cases", "0"], "give at least 1"),
        (["--scale", "2"], "--scale 2.0: give numbers from 0 to 1"),
        (["-f", "1"], "no such checkpoint; train this fold to its end first"),
    ],
)
def test_what_is_not_there_is_one_line(
    results: Path, capsys: pytest.CaptureFixture[str], options: list[str], complaint: str
) -> None:
    """And nothing is written."""
    write_toy(results, 2, 0, "nnUNetTrainerUNet")
    given = ["explain", "-d", "779", "-c", "toy", "-f", "0", "-tr", "nnUNetTrainerUNet", "-device", "cpu"]
    assert main([*given, "-o", str(results / "out"), *options]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
    assert not list((results / "out").glob("*")) if (results / "out").exists() else True


def _renamed(root: Path) -> None:
    path = root / "nnUNet_raw" / DATASET / "dataset.json"
    write_json(path, read_json(path) | {"labels": {"background": 0, "lesion": 1}})


def _with_ignore(root: Path) -> None:
    path = root / "nnUNet_raw" / DATASET / "dataset.json"
    write_json(path, read_json(path) | {"labels": {"background": 0, "object": 1, "ignore": 2}})


def _cut(root: Path) -> None:
    path = root / "nnUNet_raw" / DATASET / "labelsTs" / "case1.png"
    write_image(path, read_image(path).array[:-3].copy())


def _of_other_value(root: Path) -> None:
    path = root / "nnUNet_raw" / DATASET / "labelsTs" / "case0.png"
    write_image(path, read_image(path).array * np.uint8(7))


def _no_image(root: Path) -> None:
    (root / "nnUNet_raw" / DATASET / "imagesTs_hardest" / "case1_0000.png").write_bytes(b"no image")


def _half(root: Path) -> None:
    (path,) = (root / "nnUNet_results").rglob("checkpoint_final.pth")
    path.write_bytes(path.read_bytes()[:1000])


@pytest.mark.parametrize(
    ("harm", "complaint"),
    [
        (_renamed, "dataset.json: its labels are not those that the model was trained with"),
        (_with_ignore, "dataset.json: its labels are not those that the model was trained with"),
        (_cut, "case1.png: label map of shape (37, 52) for an image of shape (40, 52)"),
        (_of_other_value, "case0.png: holds the value 7, which"),
        (_no_image, "imagesTs_hardest/case1_0000.png: can't be read as an image"),
        (_half, "checkpoint_final.pth: can't be loaded ("),
    ],
)
def test_what_does_not_belong_together_is_one_line(
    results: Path, capsys: pytest.CaptureFixture[str], harm: Callable[[Path], None], complaint: str
) -> None:
    """Also where an earlier run was done before it changed: what that found would be of other labels."""
    write_toy(results, 2, 0, "nnUNetTrainerUNet")
    if harm in (_renamed, _with_ignore):
        explained(results, "--interventions", "zero")
    harm(results)
    given = ["explain", "-d", "779", "-c", "toy", "-f", "0", "-tr", "nnUNetTrainerUNet", "-device", "cpu", "-np", "1"]
    capsys.readouterr()
    assert main([*given, "-o", str(results / "out"), "--interventions", "zero"]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert said.count("\n") == 1
