"""A network built so that one known skip carries the texture is recognised, through the whole command."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from made_up_model import plans, write_images, write_model
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from small_plans import REQUIRES_IMPORT, UNET_MODULE
from toy_network import toy_case, toy_kwargs, toy_weights

from nnunet_skipstudy.cli import main

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
