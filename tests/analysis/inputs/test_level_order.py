"""Levels whose names don't tell which is harder."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import DATASET, level_folder, write_cases, write_dataset_json
from measuring import compare

from nnunet_skipstudy.analysis.pipeline import AnalysisResult, AnalyzeOptions, analyze
from nnunet_skipstudy.registry import in_order, level_alpha

OWN = {"blur": 2.0, "noise": 0.1, "unperturbed": 0.5, "dark": 0.7}
"""Levels in no order, with their TD."""


def write(root: Path, levels: Sequence[str], disparity: bool = True) -> None:
    """Predictions of two networks; the first one lacks the second of the levels."""
    mask = np.zeros((10, 10), np.uint8)
    mask[2:7, 2:7] = 1
    cases = {f"c{number}": np.roll(mask, number, 0) for number in range(3)}
    raw = root / "raw" / DATASET
    write_cases(raw / "labelsTs", cases)
    write_dataset_json(raw, {"object": 1})
    if disparity:
        rows = [f"{case},{level},{OWN[level]}" for case in cases for level in levels]
        (raw / "perturbations.csv").write_text("\n".join(["case,level,disparity", *rows]), encoding="utf-8")
    for trainer, missing in (("nnUNetTrainerNoSkip", levels[1]), ("nnUNetTrainerUNet", "")):
        for number, level in enumerate(levels):
            if level != missing:
                moved = {case: np.roll(labels, number % 3, 1) for case, labels in cases.items()}
                write_cases(level_folder(root / "p", trainer, level), moved)


def run(root: Path, levels: tuple[str, ...] = ()) -> AnalysisResult:
    return analyze(AnalyzeOptions(root / "p", root / "raw", root / "out", progress=False, levels=levels))


def test_own_levels_come_by_their_mean_td_and_no_line_joins_them(tmp_path: Path) -> None:
    """In the tables, the page's charts and the CSV, although the first network lacks the second level."""
    write(tmp_path, list(OWN))
    result = run(tmp_path)
    wanted = ["noise", "unperturbed", "dark", "blur"]
    assert result.overview[0].columns == ["network", *wanted]
    assert list(dict.fromkeys(result.cases["level"])) == wanted
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.S)[1])  # type: ignore[index]
    assert [setting["levels"] for setting in data["charts"]["settings"]] == [wanted]
    assert [setting["joined"] for setting in data["charts"]["settings"]] == [False]


def test_the_callers_order_comes_first_and_names_last(tmp_path: Path) -> None:
    """A study lists its levels; without a list or a TD of each level the alphabet stays."""
    write(tmp_path, list(OWN))
    wanted = ("dark", "blur", "unperturbed", "noise")
    (comparison,) = compare(tmp_path / "p", tmp_path / "raw")
    assert list(dict.fromkeys(run.level for run in comparison.runs)) == ["noise", "unperturbed", "dark", "blur"]
    assert run(tmp_path, wanted).overview[0].columns == ["network", *wanted]
    (tmp_path / "raw" / DATASET / "perturbations.csv").unlink()
    (comparison,) = compare(tmp_path / "p", tmp_path / "raw")
    assert list(dict.fromkeys(run.level for run in comparison.runs)) == ["unperturbed", "blur", "dark", "noise"]


def test_levels_whose_names_tell_are_never_put_in_another_order() -> None:
    assert in_order(["easiest", "unperturbed", "hardest", "easiest"]) == ["hardest", "unperturbed", "easiest"]
    assert in_order(["alpha0.10", "alpha0.90"]) == ["alpha0.90", "alpha0.10"]
    assert in_order(["z", "hardest", "a"]) == ["z", "hardest", "a"]


@pytest.mark.parametrize("name", ["alphanan", "alphainf", "alpha1_0", "alpha", "alpha-1", "alpha1e5", "alpha٣"])
def test_a_name_that_holds_no_plain_number_is_no_alpha(name: str) -> None:
    """NaN would put all the others in a random order."""
    assert level_alpha(name) is None
