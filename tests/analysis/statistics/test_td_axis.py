"""Slopes go by texture disparity without the object's size in it, where the tables know it, and say what they go by."""

from pathlib import Path
from shutil import copytree

import numpy as np
import pandas as pd
import pytest
from made_up_study import write_study

from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions, analyze
from nnunet_skipstudy.analysis.statistics.td_axis import size_rows, with_axis

Found = tuple[pd.DataFrame, str, list[str]]
"""A row a network, the page, the warnings."""


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    many = {"architectures": ("NoSkip", "UNet"), "seeds": (1,), "labels": ("organ",), "images": False}
    return write_study(tmp_path_factory.mktemp("study"), n_patients=6, per_patient=1, **many)


@pytest.fixture(scope="module")
def old(pristine: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What is found where no table says an excess, as those of 0.1."""
    return slopes(pristine, tmp_path_factory.mktemp("old") / "out")


@pytest.fixture
def study(pristine: tuple[Path, Path], tmp_path: Path) -> tuple[Path, Path]:
    return pristine[0], copytree(pristine[1], tmp_path / "raw")


def add_excess(raw: Path, *, sorted_by: str = "excess", lacking: int = 0) -> None:
    """An excess to each image, the TD turned round, so that slopes by it have the other sign."""
    for name in ("cases.csv", "perturbations.csv"):
        (path,) = raw.glob(f"*/{name}")
        table = pd.read_csv(path)
        table = table.assign(disparity_excess=2 - table["disparity"], disparity_percentile=97.5)
        if name == "cases.csv":
            table["sorted_by"] = sorted_by
        else:
            table.loc[: lacking - 1, "disparity_excess"] = np.nan
        table.to_csv(path, index=False)


def slopes(study: tuple[Path, Path], output: Path, by: str | None = None) -> Found:
    predictions, raw = study
    result = analyze(AnalyzeOptions(predictions, raw, output, by=by, figures=False, progress=False))
    dsc = result.robustness[result.robustness["metric"] == "dsc"].drop_duplicates("architecture")
    return dsc.set_index("architecture"), (output / "report.md").read_text(), list(result.warnings)


def test_slopes_go_by_the_excess_where_all_of_it_is_known(study, old, tmp_path):
    """Without the excess, which is said, and by --by kamath2025 they go by the value, to the last digit."""
    old, page, warned = old
    assert set(old["td_measure"]) == {"kamath2025"}
    assert [text for text in warned if "slopes on texture disparity (TD) go by its value" in text]
    assert "Slopes go by TD." in page
    add_excess(study[1])
    new, page, warned = slopes(study, tmp_path / "new")
    assert set(new["td_measure"]) == {"excess"}
    assert new["disparity_slope"].to_numpy() == pytest.approx(-old["disparity_slope"].to_numpy(), abs=1e-12)
    assert not [text for text in warned if "go by its value" in text]
    assert "Slopes go by TD excess." in page
    by_value, _, warned = slopes(study, tmp_path / "by", by="kamath2025")
    pd.testing.assert_frame_equal(by_value, old)
    assert not [text for text in warned if "go by its value" in text]
    statistics = pd.read_csv(tmp_path / "new" / "statistics.csv")
    (tests,) = statistics.loc[statistics["quantity"] == "slope_on_disparity", "test"].unique()
    assert tests.startswith("Theil-Sen over 30 images, by TD excess; ")


def test_a_data_set_sorted_by_the_studys_measure_keeps_its_slopes(study, old, tmp_path):
    add_excess(study[1], sorted_by="kamath2025")
    kept, _, warned = slopes(study, tmp_path / "kept")
    pd.testing.assert_frame_equal(kept, old[0])
    assert not [text for text in warned if "go by its value" in text]
    asked, *_ = slopes(study, tmp_path / "asked", by="excess")
    assert set(asked["td_measure"]) == {"excess"}


def test_one_image_without_excess_turns_the_whole_data_set_to_the_value(study, tmp_path):
    """Two measures on one axis would be a slope between measures."""
    add_excess(study[1], lacking=1)
    found, _, warned = slopes(study, tmp_path / "out")
    assert set(found["td_measure"]) == {"kamath2025"}
    assert [text for text in warned if "the tables say no excess of 1 images" in text]


def test_a_table_of_scores_carries_the_excess(study, tmp_path):
    """case_metrics.csv goes in again by the same door, with the same slopes."""
    add_excess(study[1])
    first, *_ = slopes(study, tmp_path / "first")
    table = tmp_path / "first" / "case_metrics.csv"
    again = analyze(AnalyzeOptions(table, None, tmp_path / "again", figures=False, progress=False)).robustness
    dsc = again[again["metric"] == "dsc"].drop_duplicates("architecture").set_index("architecture")
    assert set(dsc["td_measure"]) == {"excess"}
    assert dsc["disparity_slope"].to_numpy() == pytest.approx(first["disparity_slope"].to_numpy(), abs=1e-8)


def test_correlation_with_size_by_hand():
    """Sizes 1 ... 6 of 100 and 200 pixels; TD falls with the share, the excess doesn't; two labels are one object."""
    shares = np.array([0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    image = np.array([100, 200, 100, 200, 100, 200])
    rows = [
        {
            "dataset": "d",
            "level": "unperturbed",
            "case": f"c{case}",
            "label": label,
            "disparity": 1 / shares[case],
            "disparity_excess": (0.3, 0.1, 0.2, 0.2, 0.1, 0.3)[case],
            "disparity_percentile": (97.6, 97.6, 50.0, 94.0, 97.6, 10.0)[case],
            "image_size": image[case],
            "reference_size": shares[case] * image[case] / 2,
        }
        for case in range(6)
        for label in ("a", "b")
    ]
    (row,) = size_rows(pd.DataFrame(rows))
    assert (row.level, row.n_cases, row.told_apart) == ("unperturbed", 6, 0.5)
    assert row.value_with_size == pytest.approx(-1)
    assert row.excess_with_size == pytest.approx(0)
    assert row.excess == pytest.approx(0.2)


def test_data_sets_go_each_by_their_own():
    cases = pd.DataFrame(
        {"dataset": ["a", "b", "a"], "case": ["1", "1", "2"], "level": "x", "disparity": [1.0, 2.0, np.nan]}
        | {"disparity_excess": [0.5, np.nan, np.nan]}
    )
    found, (remark,) = with_axis(cases, None, {"a": "excess", "b": "excess"})
    assert found["td_measure"].tolist() == ["excess", "kamath2025", "excess"]
    assert found["td"].tolist()[:2] == [0.5, 2.0]
    assert remark.startswith("b: ")
