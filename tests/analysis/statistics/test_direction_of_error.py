"""Which way a prediction is wrong: recall, precision, relative volume error, and the change of its volume."""

import csv
import math
from pathlib import Path

import pandas as pd
import pytest
from made_up_predictions import DATASET, draw, level_folder, write_cases, write_dataset_json

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis.statistics.paired import volume_change

LABEL = draw("1111", "....", "....")
SHORT = draw("1...", "....", "....")
LONG = draw("1111", "11..", "....")
SIGNED = "relative_volume_error"


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """NoSkip predicts a quarter at the hardest level and half too much unperturbed; UNet is right everywhere."""
    dataset = tmp_path / "raw" / DATASET
    write_cases(dataset / "labelsTs", {"a": LABEL, "b": LABEL})
    write_dataset_json(dataset, {"object": 1})
    for level, masks in {"hardest": {"a": SHORT, "b": SHORT}, "unperturbed": {"a": LONG, "b": LABEL}}.items():
        write_cases(level_folder(tmp_path / "p", "nnUNetTrainerNoSkip", level), masks)
        write_cases(level_folder(tmp_path / "p", "nnUNetTrainerUNet", level), {"a": LABEL, "b": LABEL})
    arguments = ["analyze", str(tmp_path / "p"), "--labels", str(tmp_path / "raw"), "-o", str(tmp_path / "out")]
    assert cli.main([*arguments, "--details"]) == 0
    return tmp_path / "out"


def test_each_case_says_how_much_too_large_and_how_it_changed(output: Path) -> None:
    """At the hardest level 1 pixel of 4; unperturbed 6 and 4: a change of -5/6 and -3/4, of 0 at the level itself."""
    found = [row for row in read(output / "case_metrics.csv") if row["architecture"] == "NoSkip"]
    rows = {(row["case"], row["level"]): row for row in found}
    names = ("recall", "precision", SIGNED, "volume_change")
    assert [float(rows["a", "hardest"][name]) for name in names] == [0.25, 1, -0.75, pytest.approx(-5 / 6)]
    assert [float(rows["b", "hardest"][name]) for name in names] == [0.25, 1, -0.75, -0.75]
    assert [float(rows["a", "unperturbed"][name]) for name in names] == [1, pytest.approx(4 / 6), 0.5, 0]


def test_a_signed_error_is_described_and_never_contested(output: Path) -> None:
    """Its worst level is the one farthest from 0, and nothing is divided by a mean that may be 0."""
    of_signed = [row for row in read(output / "robustness.csv") if row["metric"] == SIGNED]
    rows = [row for row in of_signed if row["architecture"] == "NoSkip"]
    assert {row["worst_level"] for row in rows} == {"hardest"}
    assert {float(row["worst_mean"]) for row in rows} == {-0.75}
    assert {row[name] for row in rows for name in ("cv", "relative_change", "cv_across_levels")} == {""}
    hardest = next(row for row in rows if row["level"] == "hardest")
    assert (float(hardest["mean"]), float(hardest["change"])) == (-0.75, -1.0)
    assert float(hardest["volume_change"]) == pytest.approx((-5 / 6 - 3 / 4) / 2)
    quantities = {row["quantity"] for row in read(output / "statistics.csv") if row["metric"] == SIGNED}
    assert {"mean", "change", "difference"} <= quantities
    assert not quantities & {"cv", "relative_change", "cv_across_levels", "mean_rank", "share_first", "friedman"}
    assert {row["metric"] for row in read(output / "wins.csv")} >= {"dsc", "recall", "precision"}
    assert SIGNED not in {row["metric"] for row in read(output / "wins.csv")}


def test_the_page_has_a_folded_table_and_figures_where_asked(output: Path) -> None:
    page = (output / "report.html").read_text(encoding="utf-8")
    assert f"<summary>Which way predictions err: {DATASET}</summary>" in page
    assert "below 0 too little was predicted" in page
    assert (output / "figures" / f"levels_{SIGNED}_{DATASET}.svg").is_file()


def test_no_volume_is_relative_to_none() -> None:
    """Nor to a level that was not predicted; another seed's prediction is no measure of a change."""
    facts = dict.fromkeys(("dataset", "architecture", "network", "plans", "configuration", "trainer", "fold"), "x")
    rows = [("1", "unperturbed", 0), ("1", "hardest", 5), ("2", "hardest", 7)]
    rows += [("3", "unperturbed", 4), ("3", "hardest", None)]
    cases = pd.DataFrame(
        [
            {**facts, "seed": seed, "level": level, "case": "a", "label": "b", "predicted_size": size}
            for seed, level, size in rows
        ]
    ).assign(reference_level="unperturbed")
    found = volume_change(cases.astype({"predicted_size": "Int64"})).tolist()
    assert found[3] == 0
    assert all(map(math.isnan, [*found[:3], found[4]]))
