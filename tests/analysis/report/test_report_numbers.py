"""What the page prints is what was computed, and of what it says: recomputed from the table of cases."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_predictions import write_cases
from made_up_study import GRID, write_study

from nnunet_skipstudy.analysis.pipeline import AnalysisResult, AnalyzeOptions, analyze
from nnunet_skipstudy.analysis.report.words import number
from nnunet_skipstudy.nnunet.images import read_image
from nnunet_skipstudy.registry import LEVELS, BothEmpty

DATASET = "Dataset902_MadeUp"
WITH_CORE = 4


def page_data(folder: Path) -> dict[str, dict[str, list[dict[str, list[object]]]]]:
    page = (folder / "report.html").read_text(encoding="utf-8")
    found = re.search(r'id="data">(.*?)</script>', page, re.S)
    assert found
    data: dict[str, dict[str, list[dict[str, list[object]]]]] = json.loads(found.group(1))
    return data


def without_core(path: Path) -> None:
    labels = read_image(path).array.copy()
    labels[labels == 2] = 1
    write_cases(path.parent, {path.stem: labels.astype(np.uint8)})


@pytest.fixture(scope="module")
def excluded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, AnalysisResult]:
    """Twelve cases, of which four hold the second label; U-Net is bad at that one. Correct empties are left out."""
    root = tmp_path_factory.mktemp("exclude")
    predictions, raw = write_study(root, n_patients=12, per_patient=1, architectures=("NoSkip", "UNet"),
                                   seeds=(1,), images=False)  # fmt: skip
    for path in (*raw.rglob("labelsTs/*.png"), *predictions.rglob("*.png")):
        if int(path.stem[1:3]) >= WITH_CORE:
            without_core(path)
        elif "TrainerUNet" in str(path):
            labels = np.minimum(read_image(path).array, 1)
            labels[40:44, 40 : 44 + int(path.stem[1:3]) + LEVELS.index(path.parent.name)] = 2
            write_cases(path.parent, {path.stem: labels.astype(np.uint8)})
    options = AnalyzeOptions(
        predictions, raw, root / "out", both_empty=BothEmpty.EXCLUDE, include_degenerate=True, progress=False
    )
    return root / "out", analyze(options)


def test_table_headline_and_interval_are_one_statistic(excluded: tuple[Path, AnalysisResult]) -> None:
    """A case's mean over the labels it has, then the mean over cases: not the mean of the labels' means."""
    folder, result = excluded
    cases = result.cases[result.cases["architecture"] == "UNet"]
    by_level = cases.groupby(["level", "case"])["dsc"].mean().groupby("level").mean()
    of_labels = cases.groupby(["level", "label"])["dsc"].mean().groupby("level").mean()
    statistics = pd.read_csv(folder / "statistics.csv")
    rows = statistics.query("label == '(mean of labels)' and metric == 'dsc' and architecture == 'UNet'")
    rows = rows[rows["quantity"] == "mean"].set_index("level")
    row = next(row for row in result.overview[0].rows if row[0].text == "U-Net")
    for level, cell in zip(result.overview[0].columns[1:], row[1:], strict=True):
        assert abs(by_level[level] - of_labels[level]) > 0.1
        assert cell.text == f"{by_level[level]:.3f}"
        assert rows.loc[level, "estimate"] == pytest.approx(by_level[level])
        assert rows.loc[level, "low"] <= by_level[level] <= rows.loc[level, "high"]
    changes = cases.groupby(["level", "case"])["dsc"].mean().unstack("level")
    drop = (changes["hardest"] - changes["unperturbed"]).mean()
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert f"U-Net ({number(drop, True)}, to {number(by_level['hardest'])})" in report
    assert "Labels and trainings without a value" in report


def test_charts_and_tables_say_how_many_cases(excluded: tuple[Path, AnalysisResult]) -> None:
    """Few hold the second label: their number stands at each of its means, and no interval is drawn for so few."""
    folder, _ = excluded
    settings = page_data(folder)["charts"]["settings"]
    counted = {setting["title"]: setting["means"]["dsc"] for setting in settings}  # type: ignore[call-overload]
    for title, n in (("mean of labels", 12), ("label organ", 12), ("label core", WITH_CORE)):
        for one in counted[title]:  # type: ignore[index]
            assert one["n"] == [[n, n]] * len(LEVELS)
            assert (one["low"][0] is None) == (n < 5)
    assert f"| {WITH_CORE} of 12 |" in (folder / "report.md").read_text(encoding="utf-8")


def test_one_training_to_a_case_is_said(excluded: tuple[Path, AnalysisResult]) -> None:
    assert "one training per network to a case and level" in (excluded[0] / "report.md").read_text(encoding="utf-8")


def test_an_invented_label_of_one_seed_does_not_count_where_the_case_is_left_out(tmp_path: Path) -> None:
    """Of three seeds one invents a label that the case doesn't hold: it is left out for all, and counted as spurious.

    Counted, the case has the mean of 0 and twice 1.
    """
    predictions, raw = write_study(tmp_path, n_patients=6, per_patient=1, architectures=("UNet",), seeds=(1, 2, 3),
                                   images=False)  # fmt: skip
    for path in (*raw.rglob("labelsTs/p00_0.png"), *predictions.rglob("p00_0.png")):
        if "seed1" not in str(path):
            without_core(path)
    options = AnalyzeOptions(predictions, raw, tmp_path / "out", both_empty=BothEmpty.EXCLUDE, progress=False)
    result = analyze(options)
    of_core = result.cases.query("label == 'core' and level == 'unperturbed'")
    row = result.robustness.query("label == 'core' and level == 'unperturbed' and metric == 'dsc'").iloc[0]
    assert row["mean"] == pytest.approx(of_core.groupby("case")["dsc"].mean().mean())
    assert of_core[of_core["case"] == "p00_0"]["dsc"].fillna(-1).tolist() == [-1, -1, -1]
    assert (row["n"], row["n_spurious"], row["n_both_empty"]) == (5, 1, 2)
    counted = analyze(replace(options, both_empty=BothEmpty.COUNT)).cases
    assert counted.query("label == 'core' and level == 'unperturbed' and case == 'p00_0'")["dsc"].tolist() == [0, 1, 1]


def test_the_slider_shows_the_dsc_of_the_run_it_shows(tmp_path: Path) -> None:
    """A table that names seeds and no trainers: the first seed's picture comes with the first seed's number."""
    predictions, raw = write_study(tmp_path, n_patients=4, per_patient=1, architectures=("UNet", "VNet"),
                                   seeds=(1, 2), labels=("organ",))  # fmt: skip
    rows = []
    for level in LEVELS:
        for seed in (1, 2):
            for name in ("UNet", "VNet"):
                trainer = f"nnUNetTrainer{name}_50epochs_seed{seed}_spatialDA__nnUNetPlans__2d"
                folder = predictions / DATASET / trainer / "fold_0" / level
                if seed == 2:
                    empty = np.zeros((GRID, GRID + 8), dtype=np.uint8)
                    write_cases(folder, {path.stem: empty for path in folder.glob("*.png")})
                rows.append((DATASET, name, 0, seed, level, folder, raw / DATASET / "labelsTs"))
    with (tmp_path / "predictions.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("dataset", "architecture", "fold", "seed", "level", "predictions", "labels"))
        writer.writerows(rows)
    result = analyze(AnalyzeOptions(tmp_path / "predictions.csv", None, tmp_path / "out", progress=False))
    assert sum("seed 2 fold 0" in warning and "is empty" in warning for warning in result.warnings) == 2
    for case in page_data(tmp_path / "out")["sweep"]["cases"]:
        own = result.cases[(result.cases["case"] == case["case"]) & (result.cases["seed"] == 1)]
        for name, tiles in zip(("UNet", "VNet"), case["trainings"][0]["tiles"], strict=True):  # type: ignore[index]
            shown = dict(zip(case["levels"], [tile["dsc"] for tile in tiles["levels"]], strict=True))
            measured = own[own["architecture"] == name].set_index("level")["dsc"]
            assert shown == {level: [pytest.approx(value)] * 2 for level, value in measured[list(shown)].items()}
