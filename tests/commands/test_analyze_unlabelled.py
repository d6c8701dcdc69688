"""``skipstudy analyze`` without labels: predictions held against each other."""

import csv
from pathlib import Path

import pytest
from made_up_predictions import DATASET, draw, level_folder, write_cases, write_dataset_json

from nnunet_skipstudy import cli

FOUR = draw("1111", "....", "....")
TWO = draw("11..", "....", "....")
NONE = draw("....", "....", "....")


@pytest.fixture(autouse=True)
def no_labels_of_nnunet_s(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nnUNet_raw", "nnUNet_preprocessed"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    """Two seeds at two levels: the first halves the object when perturbed, the second loses it in one case."""
    root = tmp_path / "predictions"
    write_dataset_json(root / DATASET, {"object": 1})
    found = {(1, "unperturbed"): (FOUR, FOUR), (1, "hardest"): (TWO, TWO), (2, "unperturbed"): (FOUR, NONE),
             (2, "hardest"): (FOUR, NONE)}  # fmt: skip
    for (seed, level), (a, b) in found.items():
        write_cases(level_folder(root, f"nnUNetTrainerUNet_seed{seed}", level), {"a": a, "b": b})
    return root


def analyze(*arguments: object) -> int:
    return cli.main(["analyze", *map(str, arguments)])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_agreement_and_volume_to_the_cell(predictions: Path, tmp_path: Path) -> None:
    """2 of 4 pixels: DSC 2·2/6, volume -1/2; two empty ones agree, and a volume of 0 has no change."""
    assert analyze(predictions, "-o", tmp_path / "out") == 0
    rows = {(row["seed"], row["level"], row["case"]): row for row in read(tmp_path / "out" / "case_agreement.csv")}
    assert len(rows) == 8
    names = ("predicted_size", "agreement", "seed_agreement", "volume_change")
    assert [rows["1", "hardest", "a"][name] for name in names] == ["2", str(2 / 3), str(2 / 3), "-0.5"]
    assert [rows["1", "hardest", "b"][name] for name in names] == ["2", str(2 / 3), "0.0", "-0.5"]
    assert [rows["2", "hardest", "a"][name] for name in names] == ["4", "1.0", str(2 / 3), "0.0"]
    assert [rows["2", "hardest", "b"][name] for name in names] == ["0", "1.0", "0.0", ""]
    assert [rows["1", "unperturbed", "a"][name] for name in names] == ["4", "", "1.0", "0.0"]
    table = {(row["quantity"], row["level"]): row for row in read(tmp_path / "out" / "agreement.csv")}
    assert float(table["agreement", "hardest"]["mean"]) == pytest.approx((2 / 3 + 1) / 2)
    assert float(table["seed_agreement", "unperturbed"]["mean"]) == pytest.approx(0.5)
    assert float(table["volume_change", "hardest"]["mean"]) == pytest.approx((-0.25 - 0.5) / 2)
    assert ("agreement", "unperturbed") not in table


def test_the_page_says_that_there_is_no_reference(
    predictions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And what is absent; two empty predictions count as nothing where asked."""
    next(predictions.rglob("*seed2*/fold_0/hardest/a.png")).unlink()
    assert analyze(predictions, "-o", tmp_path / "out", "--both-empty", "exclude") == 0
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    said = capsys.readouterr().err
    for words in (
        "There is no reference here: no labels were given or found",
        "fold_0/hardest: 1 of 2 cases that others predicted are absent (a); nothing is said of them",
        "count as nothing",
    ):
        assert words in said
        assert words in page
    assert "<script" not in page
    rows = [
        row for row in read(tmp_path / "out" / "case_agreement.csv") if (row["seed"], row["level"]) == ("2", "hardest")
    ]
    assert [(row["case"], row["agreement"]) for row in rows] == [("b", "")]


def test_one_folder_has_nothing_to_be_held_against(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nor has a tree of one level and seed: then labels are needed."""
    folder = write_cases(level_folder(tmp_path / "p", "nnUNetTrainerUNet", "unperturbed"), {"a": FOUR})
    for given in (folder, tmp_path / "p"):
        assert analyze(given, "-o", tmp_path / "out") == 2
        assert "give the folder that holds the label maps with --labels" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_predictions_of_a_case_on_two_grids_are_refused(
    predictions: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_cases(next(predictions.rglob("*seed2*/fold_0/hardest")), {"b": draw("1.", "..")})
    assert analyze(predictions, "-o", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "hardest/b.png has shape (2, 2)" in said
    assert "on one grid" in said
    assert not (tmp_path / "out").exists()
