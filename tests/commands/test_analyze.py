"""``skipstudy analyze`` through the command line: every outcome to the cell, every error one line."""

import csv
import hashlib
import math
from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import DATASET, draw, level_folder, write_cases, write_dataset_json
from made_up_study import write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.nnunet.images import write_image

COLUMNS = [
    *("dataset", "architecture", "trainer", "plans", "configuration", "fold", "seed", "level"),
    *("case", "group", "label", "disparity", "disparity_excess", "disparity_percentile"),
    *("dsc", "hd", "hd95", "assd", "nsd", "recall", "precision", "relative_volume_error"),
    *("reference_size", "predicted_size", "outcome"),
    *("volume_change", "image_size", "trained_on", "training"),
]

DOT = draw("1...", "....", "....")
ROW = draw("11..", "....", "....")
EMPTY = draw("....", "....", "....")
DIAGONAL = "5.0"  # of 3 x 4 pixels


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A data set with all that a case can be: ``both``, ``missed``, ``spurious``, ``both_empty``, ``absent``."""
    dataset = tmp_path / "raw" / DATASET
    cases = {"c1_both": DOT, "c2_missed": ROW, "c3_spurious": EMPTY, "c4_empty": EMPTY, "c5_absent": DOT}
    write_cases(dataset / "labelsTs", cases)
    write_dataset_json(dataset, {"object": 1})
    (dataset / "cases.csv").write_text("case,group,disparity\nc1_both,patient7,1.25\n", encoding="utf-8")
    (dataset / "perturbations.csv").write_text(
        "case,level,parameters,seed,disparity\nc1_both,hardest,,1,0.5\n", encoding="utf-8"
    )
    return dataset


@pytest.fixture
def predictions(tmp_path: Path, raw: Path) -> Path:
    root = tmp_path / "predictions"
    for level in ("hardest", "unperturbed"):
        folder = level_folder(root, "nnUNetTrainerNoSkip_5epochs_seed3", level, fold=2)
        write_cases(folder, {"c1_both": ROW, "c2_missed": EMPTY, "c3_spurious": DOT, "c4_empty": EMPTY})
    return root


def analyze(*arguments: object) -> int:
    return cli.main(["analyze", *map(str, arguments)])


def test_every_outcome_to_the_cell(predictions: Path, raw: Path, tmp_path: Path) -> None:
    """DOT against ROW: DSC 2·1/3; edge distances 0 and 0, 1; the other outcomes count as the policy says."""
    output = tmp_path / "out"
    assert analyze(predictions, "--labels", raw / "labelsTs", "-o", output, "--tolerance", 0.5, "-np", 1) == 0
    rows = read(output / "case_metrics.csv")
    assert list(rows[0]) == COLUMNS
    hardest = {row["case"]: row for row in rows if row["level"] == "hardest"}
    assert len(rows) == 10
    facts = {
        "dataset": DATASET,
        "architecture": "NoSkip",
        "trainer": "nnUNetTrainerNoSkip_5epochs_seed3",
        "plans": "nnUNetPlans",
        "configuration": "2d",
        "fold": "2",
        "seed": "3",
        "level": "hardest",
        "label": "object",
    }
    both = hardest["c1_both"]
    assert both.items() >= facts.items()
    assert [both[name] for name in ("group", "disparity", "reference_size", "predicted_size", "outcome")] == [
        "patient7", "0.5", "1", "2", "both",
    ]  # fmt: skip
    expected = {"dsc": 2 / 3, "hd": 1, "hd95": 0.95, "assd": 1 / 3, "nsd": 2 / 3}
    assert {name: float(both[name]) for name in expected} == pytest.approx(expected)
    cells = ("dsc", "hd", "hd95", "assd", "nsd", "reference_size", "predicted_size", "outcome", "group")
    assert [hardest["c2_missed"][cell] for cell in cells] == [
        "0.0", DIAGONAL, DIAGONAL, DIAGONAL, "0.0", "2", "0", "missed", "",
    ]  # fmt: skip
    assert [hardest["c3_spurious"][cell] for cell in cells] == [
        "0.0", DIAGONAL, DIAGONAL, DIAGONAL, "0.0", "0", "1", "spurious", "",
    ]  # fmt: skip
    assert [hardest["c4_empty"][cell] for cell in cells] == [
        "1.0", "0.0", "0.0", "0.0", "1.0", "0", "0", "both_empty", "",
    ]  # fmt: skip
    assert [hardest["c5_absent"][cell] for cell in cells] == [
        "0.0", DIAGONAL, DIAGONAL, DIAGONAL, "0.0", "1", "", "absent", "",
    ]  # fmt: skip
    unperturbed = [row for row in rows if row["level"] == "unperturbed" and row["case"] == "c1_both"]
    assert unperturbed[0]["disparity"] == "1.25"


def test_absent_predictions_warn_on_stderr_and_in_the_report(
    predictions: Path, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where the labels are given as nnUNet_raw; the end says the table and where the report lies."""
    output = tmp_path / "out"
    assert analyze(predictions, "--labels", raw.parent, "-o", output) == 0
    said = capsys.readouterr()
    words = "1 of 5 predictions are absent (c5_absent)"
    assert words in said.err
    assert words in (output / "report.html").read_text(encoding="utf-8")
    assert "No-Skip U-Net" in said.out
    assert str(output / "report.html") in said.out


def test_robustness_counts_every_outcome(predictions: Path, raw: Path, tmp_path: Path) -> None:
    """DSC 2/3, 0, 0, 1, 0 over five cases; the spread is the population's; no change between equal levels."""
    output = tmp_path / "out"
    assert analyze(predictions, "--labels", raw, "-o", output) == 0
    rows = read(output / "robustness.csv")
    row = next(row for row in rows if row["level"] == "hardest" and row["metric"] == "dsc")
    values = np.array([2 / 3, 0, 0, 1, 0])
    assert float(row["mean"]) == pytest.approx(values.mean())
    assert float(row["sd"]) == pytest.approx(values.std())
    assert float(row["cv"]) == pytest.approx(values.std() / values.mean())
    assert (row["n"], row["n_seeds"], row["reference_level"]) == ("5", "1", "unperturbed")
    assert float(row["change"]) == float(row["relative_change"]) == 0
    outcomes = ("n_both", "n_both_empty", "n_missed", "n_spurious", "n_absent")
    assert [row[name] for name in outcomes] == ["1"] * 5
    assert row["degenerate"] == "False"
    assert row["trainer"] == "nnUNetTrainerNoSkip_5epochs"


def test_cases_without_the_label_can_be_left_out(predictions: Path, raw: Path, tmp_path: Path) -> None:
    """By the reference, whatever was predicted: their cells are empty and they enter no mean, but are counted."""
    output = tmp_path / "out"
    assert analyze(predictions, "--labels", raw, "-o", output, "--both-empty", "exclude") == 0
    empty = [row for row in read(output / "case_metrics.csv") if row["outcome"] in ("both_empty", "spurious")]
    assert [row[name] for row in empty for name in ("dsc", "hd", "hd95", "assd", "nsd", "precision")] == [""] * 24
    row = read(output / "robustness.csv")[0]
    assert (row["metric"], row["n"], row["n_both_empty"], row["n_spurious"]) == ("dsc", "3", "1", "1")
    assert float(row["mean"]) == pytest.approx(2 / 3 / 3)
    page = (output / "report.html").read_text(encoding="utf-8")
    assert "4 of 10 rows have an empty reference; they are left out of all means" in page


def test_one_folder_of_predictions(raw: Path, tmp_path: Path) -> None:
    """A folder is named on the command line; its default level is unperturbed."""
    folder = write_cases(tmp_path / "mine", {"c1_both": DOT})
    output = tmp_path / "out"
    assert analyze(folder, "--labels", raw / "labelsTs", "-o", output, "--architecture", "SwinUNETR") == 0
    first = read(output / "case_metrics.csv")[0]
    assert (first["dataset"], first["architecture"], first["level"]) == (DATASET, "SwinUNETR", "unperturbed")
    assert (first["trainer"], first["fold"], first["seed"]) == ("", "", "")
    assert (first["dsc"], first["hd"]) == ("1.0", "0.0")


def test_figures_are_written_twice_and_the_output_s_own_files_stay(
    predictions: Path, raw: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    output.mkdir()
    (output / "notes.txt").write_text("mine", encoding="utf-8")
    for _ in range(2):
        assert analyze(predictions, "--labels", raw, "-o", output) == 0
    assert (output / "notes.txt").read_text(encoding="utf-8") == "mine"
    names = {path.name for path in (output / "figures").iterdir()}
    assert {f"levels_dsc_{DATASET}.svg", f"levels_dsc_{DATASET}.png"} <= names
    assert {path.name for path in tmp_path.iterdir()} == {"raw", "predictions", "out"}


def test_an_earlier_run_s_files_go_and_others_stay(predictions: Path, raw: Path, tmp_path: Path) -> None:
    """Tables of a run with --latex are gone after one without; a changed one and others' files stay."""
    output = tmp_path / "out"
    assert analyze(predictions, "--labels", raw, "-o", output, "--latex") == 0
    first, *others = sorted((output / "tables").glob("*.tex"))
    first.write_text("mine now", encoding="utf-8")
    (output / "tables" / "Mine.tex").write_text("mine", encoding="utf-8")
    (output / "figures" / "mine.png").write_bytes(b"mine")
    assert others
    kept = {path.name for path in (output / "figures").iterdir()}
    assert analyze(predictions, "--labels", raw, "-o", output) == 0
    assert {path.name for path in (output / "tables").iterdir()} == {first.name, "Mine.tex"}
    assert {path.name for path in (output / "figures").iterdir()} == kept
    assert analyze(predictions, "--labels", raw, "-o", tmp_path / "second", "--latex") == 0
    assert analyze(predictions, "--labels", raw, "-o", tmp_path / "second") == 0
    assert not (tmp_path / "second" / "tables").exists()


def test_a_list_of_files_leads_nowhere_else(predictions: Path, raw: Path, tmp_path: Path) -> None:
    """A damaged or foreign list of an earlier run's files removes nothing outside the output folder."""
    output, mine = tmp_path / "out", tmp_path / "mine.txt"
    mine.write_text("mine", encoding="utf-8")
    digest = hashlib.sha256(b"mine").hexdigest()
    (output / ".cache").mkdir(parents=True)
    (output / ".cache" / "files.sha256").write_text(
        f"{digest}  ../mine.txt\n{digest}  {mine}\nnonsense\n", encoding="utf-8"
    )
    assert analyze(predictions, "--labels", raw, "-o", output) == 0
    assert mine.read_text(encoding="utf-8") == "mine"


def refused(capsys: pytest.CaptureFixture[str], tmp_path: Path, *arguments: object) -> str:
    """Run a command that has to fail: exit 2, one line, nothing written. Returns the line."""
    capsys.readouterr()
    before = set(tmp_path.rglob("*"))
    assert analyze(*arguments) == 2
    said = capsys.readouterr()
    lines = [line for line in said.err.splitlines() if not line.startswith("\r") and line]
    assert said.out == ""
    assert set(tmp_path.rglob("*")) == before
    assert lines[-1].startswith("skipstudy: ")
    assert sum("skipstudy: " in line for line in lines) == 1
    return lines[-1]


def test_a_prediction_without_a_label(
    predictions: Path, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (raw / "labelsTs" / "c2_missed.png").unlink()
    line = refused(capsys, tmp_path, predictions, "--labels", raw / "labelsTs", "-o", tmp_path / "out")
    assert "no label for case 'c2_missed'" in line
    assert "add the label" in line


def test_a_prediction_of_another_shape(
    predictions: Path, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = level_folder(predictions, "nnUNetTrainerNoSkip_5epochs_seed3", "hardest", fold=2)
    write_cases(folder, {"c1_both": DOT.T})
    line = refused(capsys, tmp_path, predictions, "--labels", raw, "-o", tmp_path / "out")
    assert str(folder / "c1_both.png") in line
    assert str(raw / "labelsTs" / "c1_both.png") in line
    assert "4 x 3" in line
    assert "3 x 4" in line


def test_an_unreadable_image(predictions: Path, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = raw / "labelsTs" / "c1_both.png"
    broken.write_bytes(broken.read_bytes()[:40])
    line = refused(capsys, tmp_path, predictions, "--labels", raw, "-o", tmp_path / "out")
    assert str(broken) in line
    assert "can't be read" in line


def test_a_value_that_dataset_json_does_not_know(
    predictions: Path, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Masks of 0 and 255 are the classic one."""
    folder = level_folder(predictions, "nnUNetTrainerNoSkip_5epochs_seed3", "hardest", fold=2)
    write_cases(folder, {"c1_both": DOT * 255})
    line = refused(capsys, tmp_path, predictions, "--labels", raw, "-o", tmp_path / "out")
    assert "holds the value 255" in line
    assert "knows 0, 1" in line


def test_a_colour_image(predictions: Path, raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_image(raw / "labelsTs" / "c1_both.png", np.stack([DOT] * 3, axis=-1))
    line = refused(capsys, tmp_path, predictions, "--labels", raw, "-o", tmp_path / "out")
    assert "more than one value a pixel" in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tolerance", "-1"], "tolerance -1.0"),
        (["--tolerance", "nan"], "tolerance nan"),
        (["--both-empty", "maybe"], "--both-empty"),
        (["-np", "0"], "-np 0"),
        (["--level", "hardest"], "--level"),
        (["--reference-level", "easy"], "'easy' was not predicted; choose one of hardest, unperturbed"),
        (["-o", "{tmp}/raw/Dataset901_Drawn/cases.csv"], "is not a folder"),
        (["--labels", "{tmp}/nowhere"], "no such folder"),
        (["--labels", "{tmp}/predictions"], "no labels of Dataset901_Drawn found"),
    ],
)
def test_bad_arguments(
    arguments: list[str],
    words: str,
    predictions: Path,
    raw: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [argument.format(tmp=tmp_path) for argument in arguments]
    assert words in refused(capsys, tmp_path, predictions, "--labels", raw, "-o", tmp_path / "out", *given)


def test_no_predictions(raw: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "nowhere"):
        line = refused(capsys, tmp_path, tmp_path / folder, "--labels", raw, "-o", tmp_path / "out")
        assert folder in line


def test_the_diagonal_is_that_of_the_image() -> None:
    assert math.hypot(3, 4) == float(DIAGONAL)


def test_other_peoples_trainers_are_compared_under_the_names_that_they_are_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pair of networks of somebody's trainer is held against each other as U-Net and No-Skip U-Net."""
    mine = ("NoSkipMine", "UNetMine")
    found, raw = write_study(tmp_path, architectures=mine, seeds=(1,), labels=("organ",), images=False)
    asked = ["analyze", str(found), "--labels", str(raw), "-o", str(tmp_path / "out"), "--no-figures"]
    without, with_skips = (f"nnUNetTrainer{name}_50epochs_spatialDA" for name in mine)
    assert cli.main([*asked, "--architectures", f"NoSkip={without},UNet={with_skips}"]) == 0
    assert {row["architecture"] for row in read(tmp_path / "out" / "case_metrics.csv")} == {"NoSkip", "UNet"}
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "against No-Skip U-Net" in page
    capsys.readouterr()
    assert cli.main([*asked, "--architectures", "NoSkip=nnUNetTrainerNoSkipMin"]) == 2
    assert "no predictions of 'nnUNetTrainerNoSkipMin'; did you mean" in capsys.readouterr().err
