"""From cases to networks, on numbers small enough to check by hand; and the page made from them."""

import html
import itertools
import re
from html.parser import HTMLParser
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from made_up_predictions import DATASET, LabelMap, level_folder, write_cases, write_dataset_json

from nnunet_skipstudy.analysis.pipeline import AnalysisResult, AnalyzeOptions, analyze

N = 24


def bar(length: int) -> LabelMap:
    """A bar one pixel high: DSC of a and b is 2·min/(a+b), so numbers can be worked out."""
    labels = np.zeros((3, N), dtype=np.uint8)
    labels[1, :length] = 1
    return labels


REFERENCES = {"a": 10, "b": 6}


def write_run(root: Path, trainer: str, level: str, lengths: dict[str, int], fold: int = 0) -> None:
    write_cases(level_folder(root, trainer, level, fold), {case: bar(length) for case, length in lengths.items()})


def run(tmp_path: Path, **options: object) -> AnalysisResult:
    labels = tmp_path / "raw" / DATASET / "labelsTs"
    write_cases(labels, {case: bar(length) for case, length in REFERENCES.items()})
    write_dataset_json(labels.parent, {"bar": 1})
    made = AnalyzeOptions(
        tmp_path / "p", labels, tmp_path / "out", progress=False, workers=2, **options  # type: ignore[arg-type]
    )  # fmt: skip
    return analyze(made)


def page_of(tmp_path: Path) -> str:
    return (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def dsc_rows(result: AnalysisResult) -> pd.DataFrame:
    table = result.robustness
    return table[table["metric"] == "dsc"].set_index(["trainer", "level"])


def test_seeds_are_replicates_and_n_counts_cases(tmp_path: Path) -> None:
    """Case a scores 1 and 2/3 over two seeds, case b 1 and 1: means 5/6 and 1, so n is 2, not 4."""
    write_run(tmp_path / "p", "nnUNetTrainerUNet_seed1", "hardest", {"a": 10, "b": 6})
    write_run(tmp_path / "p", "nnUNetTrainerUNet_seed2", "hardest", {"a": 5, "b": 6})
    for seed in (1, 2):
        write_run(tmp_path / "p", f"nnUNetTrainerUNet_seed{seed}", "unperturbed", {"a": 10, "b": 6})
    row = dsc_rows(run(tmp_path)).loc[("nnUNetTrainerUNet", "hardest")]
    assert (row["n"], row["n_seeds"], row["n_both"]) == (2, 2, 4)
    assert row["mean"] == pytest.approx(11 / 12)
    assert row["sd"] == pytest.approx(1 / 12)
    assert row["cv"] == pytest.approx(1 / 11)
    assert row["change"] == pytest.approx(-1 / 12)
    assert row["relative_change"] == pytest.approx(-1 / 12)


def test_a_mean_of_zero_has_no_cv(tmp_path: Path) -> None:
    write_run(tmp_path / "p", "nnUNetTrainerUNet", "hardest", {"a": 0, "b": 0})
    write_run(tmp_path / "p", "nnUNetTrainerUNet", "unperturbed", {"a": 10, "b": 6})
    row = dsc_rows(run(tmp_path)).loc[("nnUNetTrainerUNet", "hardest")]
    assert np.isnan(row["cv"])
    assert row["relative_change"] == -1


def test_degenerate_networks_are_flagged_and_never_best(tmp_path: Path) -> None:
    """All foreground, all empty, or one size throughout: flagged, even where their mean DSC is the highest."""
    bad = {"nnUNetTrainerNoSkip": 8, "nnUNetTrainerVNet": 0}
    for trainer, level in itertools.product(bad, ("hardest", "harder", "unperturbed")):
        write_run(tmp_path / "p", trainer, level, dict.fromkeys(REFERENCES, bad[trainer]))
    full = {case: np.ones((3, N), dtype=np.uint8) for case in REFERENCES}
    write_cases(level_folder(tmp_path / "p", "nnUNetTrainerNoSkipVNet", "hardest"), full)
    for level, b in (("hardest", 1), ("unperturbed", 2)):
        write_run(tmp_path / "p", "nnUNetTrainerUNet", level, {"a": 1, "b": b})
    result = run(tmp_path)
    flagged = result.robustness.groupby("architecture")["degenerate"].all()
    assert flagged.to_dict() == {"NoSkip": True, "VNet": True, "NoSkipVNet": True, "UNet": False}
    for reason in ("same size, whatever the image", "is empty", "foreground all over"):
        assert sum(reason in warning for warning in result.warnings) == 1
    best = [row[0].text for table in result.overview for row in table.rows if any(c.best for c in row)]
    assert best == ["U-Net"]
    assert "Highest mean DSC by level: U-Net at hardest" in page_of(tmp_path)


def test_equal_sizes_are_no_fault_where_the_references_are_equal_too(tmp_path: Path) -> None:
    write_run(tmp_path / "p", "nnUNetTrainerUNet", "hardest", {"a": 10})
    write_run(tmp_path / "p", "nnUNetTrainerUNet", "easier", {"a": 10})
    assert not run(tmp_path).cases["degenerate"].any()


def test_the_reference_level_can_be_named(tmp_path: Path) -> None:
    write_run(tmp_path / "p", "nnUNetTrainerUNet", "hardest", {"a": 5, "b": 3})
    write_run(tmp_path / "p", "nnUNetTrainerUNet", "easier", {"a": 10, "b": 6})
    unnamed = run(tmp_path)
    assert unnamed.robustness["change"].isna().all()
    assert any("--reference-level" in warning for warning in unnamed.warnings)
    named = dsc_rows(run(tmp_path, reference_level="easier"))
    assert named.loc[("nnUNetTrainerUNet", "hardest"), "change"] == pytest.approx(-1 / 3)


@pytest.fixture
def alphas(tmp_path: Path) -> Path:
    """Two networks, trained at two alphas, tested at three."""
    raw = tmp_path / "raw" / DATASET
    raw.mkdir(parents=True)
    (raw / "folds.csv").write_text(
        "fold,name,kind,disparity_min,disparity_max,n_train,n_val\n0,alpha0.10,alpha,,,7,1\n1,0.5,alpha,,,7,1\n",
        encoding="utf-8",
    )
    levels = ("alpha0.10", "alpha0.50", "alpha0.90")
    (raw / "cases.csv").write_text(
        "case,level,group,disparity\n" + "".join(f"a,{level},g,{2 - i}\n" for i, level in enumerate(levels)),
        encoding="utf-8",
    )
    for trainer, fold, (i, level) in itertools.product(
        ("nnUNetTrainerNoSkip", "nnUNetTrainerUNet"), (0, 1), enumerate(levels)
    ):
        a = 10 - (2 + ("UNet" in trainer.removeprefix("nnUNet"))) * abs(i - fold)
        write_run(tmp_path / "p", trainer, level, {"a": a, "b": 6}, fold)
    return tmp_path


def test_synthetic_changes_count_from_the_alpha_trained_on(alphas: Path) -> None:
    """Fold 1 is named 0.5 in folds.csv and still found; disparity is that of case and level."""
    result = run(alphas)
    table = result.robustness[result.robustness["metric"] == "dsc"]
    assert dict(zip(table["fold"], table["trained_on"], strict=True)) == {"0": "alpha0.10", "1": "alpha0.50"}
    assert (table["reference_level"] == table["trained_on"]).all()
    hardest = table[(table["level"] == "alpha0.90") & (table["architecture"] == "UNet")].set_index("fold")
    assert hardest.loc["1", "change"] == pytest.approx((2 * 7 / 17 - 1) / 2)
    disparities = result.cases[result.cases["case"] == "a"].groupby("level")["disparity"].first()
    assert disparities.to_dict() == {"alpha0.10": 2, "alpha0.50": 1, "alpha0.90": 0}


def test_synthetic_heat_maps_and_words(alphas: Path) -> None:
    result = run(alphas)
    names = {path.name for path in (alphas / "out" / "figures").glob("*.svg")}
    assert {f"alpha_dsc_{DATASET}.svg", f"alpha_dsc_minus_noskip_{DATASET}.svg"} <= names
    page = html.unescape(page_of(alphas))
    tally = "Of 6 pairs of training and test set, the highest mean DSC is No-Skip U-Net's in 4 and shared in 2."
    assert tally in page
    assert "Trained on alpha 0.10: from alpha0.10 to alpha0.90, mean DSC changes most favourably" in page
    assert len(result.overview) == 2
    assert result.overview[0].columns == ["network", "alpha0.90", "alpha0.50", "alpha0.10"]


def test_equal_input_gives_equal_bytes(alphas: Path) -> None:
    """Also in a process whose fonts somebody else has scaled up, as nnU-Net's logger does."""
    run(alphas)
    first = {path: path.read_bytes() for path in (alphas / "out").rglob("*") if path.is_file()}
    with mpl.rc_context({"font.size": 40, "axes.labelsize": 40, "axes.facecolor": "red"}):
        run(alphas)
    assert {path: path.read_bytes() for path in (alphas / "out").rglob("*") if path.is_file()} == first


class Page(HTMLParser):
    """Collects tags and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href") and value]


def test_names_from_outside_stay_text(tmp_path: Path) -> None:
    """Data set, label, case and network named as a script: no script but ours on the page, and nothing fetched."""
    evil = "<script>alert(1)<"
    references = {f"{evil}case": bar(4), "b": bar(6)}
    labels = write_cases(tmp_path / "Dataset666_<script>" / "labelsTs", references)
    write_dataset_json(labels.parent, {evil: 1})
    predictions = write_cases(tmp_path / "p", {"b": bar(6)})
    analyze(AnalyzeOptions(predictions, labels, tmp_path / "out", architecture=evil, level=evil, progress=False))
    page = page_of(tmp_path)
    parsed = Page()
    parsed.feed(page)
    assert parsed.tags.count("script") == 2  # the data, as JSON, and our own
    assert page.count("<script") == 2
    assert not {"iframe", "object", "embed", "base"} & set(parsed.tags)
    assert all(address.startswith(("#", "data:,", "data:image/svg+xml;base64,")) for address in parsed.addresses)
    assert "&lt;script&gt;alert(1)&lt;case" in page
    assert not re.search(r"https?://", page)


def test_labels_whose_file_names_would_be_equal_keep_their_figures(tmp_path: Path) -> None:
    """``a/b`` and ``a?b`` are one file name after cleaning; a ``$`` is no formula."""
    labels = write_cases(tmp_path / "labels", {"a": bar(4)})
    write_dataset_json(labels, {"a/b": 1, "a?b": 2, "$x": 3})
    analyze(AnalyzeOptions(write_cases(tmp_path / "p", {"a": bar(4)}), labels, tmp_path / "out", progress=False))
    names = {path.name for path in (tmp_path / "out" / "figures").glob("levels_dsc_*.svg")}
    assert names == {"levels_dsc_p_a-b.svg", "levels_dsc_p_a-b-2.svg", "levels_dsc_p_x.svg"}


def test_the_page_says_what_was_compared(tmp_path: Path) -> None:
    for trainer in ("nnUNetTrainerUNet_5epochs_seed1", "nnUNetTrainerNoSkip_5epochs_seed1_spatialDA"):
        write_run(tmp_path / "p", trainer, "hardest", {"a": 5, "b": 5})
        write_run(tmp_path / "p", trainer, "unperturbed", {"a": 10, "b": 6})
    run(tmp_path)
    page = page_of(tmp_path)
    lead = page[page.index("What was compared") :]
    for words in (
        "2 networks (No-Skip U-Net, U-Net)",
        DATASET,
        "2 cases",
        "1 label (bar)",
        "2 test levels (hardest, unperturbed)",
        "1 fold (0)",
        "1 seed (1)",
        "5 epochs, spatial augmentation only; or 5 epochs, nnU-Net&#39;s augmentation",
        "NSD at a tolerance of 5 px",
        "correct empty ones count as perfect",
    ):
        assert words in lead
    assert "No-Skip U-Net and U-Net at hardest" in page
    assert "2 cases in 2 independent groups: too few cases for intervals" in page
    assert "too few for intervals and tests; its means may be chance" in page
    assert "default augmentation contains noise" in page
