"""``skipstudy analyze`` through the command line: other inputs, the other surface, and a second run."""

import csv
import html
import json
import re
from pathlib import Path

import pytest
from made_up_predictions import DATASET, draw, level_folder, write_cases, write_dataset_json
from processes import run

from nnunet_skipstudy import cli

LABEL = draw("11..", "11..", "....")
PREDICTED = draw("11..", "1...", "....")


def analyze(*arguments: object) -> int:
    return cli.main(["analyze", *map(str, arguments)])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def words_of(report: Path) -> str:
    page = re.sub(r"<[^>]+>", " ", report.read_text(encoding="utf-8"))
    return " ".join(html.unescape(page).split())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A foreign network's folder in a table that names the labels."""
    write_dataset_json(write_cases(tmp_path / "labels", {"a": LABEL}), {"object": 1})
    write_cases(tmp_path / "swin", {"a": PREDICTED, "b": LABEL})
    path = tmp_path / "predictions.csv"
    path.write_text("dataset,architecture,predictions,labels\nMine,SwinUNETR,swin,labels\n", encoding="utf-8")
    return path


def test_a_table_needs_no_labels_and_extra_predictions_can_be_listed(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Surface elements give other distances than edge voxels, and the report says which they are."""
    output = tmp_path / "out"
    assert analyze(table, "-o", output) == 2
    assert "--extra list" in capsys.readouterr().err
    assert analyze(table, "-o", output, "--extra", "list") == 0
    assert "swin: 1 extra prediction without a label left out (b)." in capsys.readouterr().err
    (edges,) = read(output / "case_metrics.csv")
    assert (edges["dataset"], edges["architecture"], edges["dsc"]) == ("Mine", "SwinUNETR", str(6 / 7))
    words = words_of(output / "report.html")
    assert "1 extra prediction without a label" in words
    assert "edge voxels (--surface voxel)" in words
    assert analyze(table, "-o", output, "--extra", "list", "--surface", "surfel") == 0
    (elements,) = read(output / "case_metrics.csv")
    assert elements["dsc"] == edges["dsc"]
    assert elements["assd"] != edges["assd"]
    words = words_of(output / "report.html")
    assert "Surface elements (--surface surfel; Nikolov et al. 2018)" in words
    assert "edge voxels (" not in words


def test_nnunet_s_results_and_its_evaluation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A summary.json that contradicts is warned of, on stderr and in the report; a second run measures nothing."""
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path / "preprocessed"))
    dataset = tmp_path / "preprocessed" / DATASET
    write_cases(dataset / "gt_segmentations", {"a": LABEL, "b": LABEL, "c": LABEL})
    write_dataset_json(dataset, {"object": 1})
    (dataset / "splits_final.json").write_text(json.dumps([{"train": ["c"], "val": ["a", "b"]}]), encoding="utf-8")
    folder = level_folder(tmp_path / "results", "nnUNetTrainerUNet", "validation")
    write_cases(folder, {"a": PREDICTED})
    entry = {"prediction_file": "/elsewhere/a.png", "metrics": {"1": {"Dice": 0.5}}}
    (folder / "summary.json").write_text(json.dumps({"metric_per_case": [entry]}), encoding="utf-8")
    output = tmp_path / "out"
    assert analyze(tmp_path / "results", "-o", output) == 0
    rows = read(output / "case_metrics.csv")
    assert [(row["case"], row["level"], row["outcome"]) for row in rows] == [
        ("a", "unperturbed", "both"),
        ("b", "unperturbed", "absent"),
    ]
    said = capsys.readouterr().err
    for warning in (
        "nnU-Net's DSC differs from ours in 1 of 2 rows (a, label object: 0.5000 there, 0.8571 here)",
        "fold_0/validation: 1 of 2 predictions are absent (b)",
    ):
        assert warning in said
        assert warning in words_of(output / "report.html")
    kept = output / ".cache" / "measurements.json"
    before = kept.stat().st_mtime_ns
    assert analyze(tmp_path / "results", "-o", output) == 0
    assert kept.stat().st_mtime_ns == before
    assert read(output / "case_metrics.csv") == rows


@pytest.mark.parametrize("arguments", [("--surface", "mesh"), ("--extra", "ignore")])
def test_choices(arguments: tuple[str, str], table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert analyze(table, "-o", table.parent / "out", *arguments) == 2
    assert f"argument {arguments[0]}: invalid choice: '{arguments[1]}'" in capsys.readouterr().err


def test_help_does_not_wait_for_the_compiler() -> None:
    finished = run(["skipstudy", "analyze", "--help"], {"PYTHONPROFILEIMPORTTIME": "1"})
    imported = {line.split("|")[-1].strip() for line in finished.stderr.splitlines() if "|" in line}
    assert "nnunet_skipstudy.cli" in imported
    assert not imported & {"numba", "numpy", "pandas"}
