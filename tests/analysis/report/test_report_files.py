"""The report's other faces: Markdown, LaTeX, the script's data, pictures; and all of a study through the command."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
from made_up_predictions import level_folder, write_dataset_json
from made_up_study import EVIL, write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis import pipeline
from nnunet_skipstudy.analysis.figures.looks import Look
from nnunet_skipstudy.analysis.measuring.case_views import CaseView, Choice, Place, Plane
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.measuring.outlines import outlines
from nnunet_skipstudy.analysis.report.latex import escaped, latex
from nnunet_skipstudy.analysis.report.markdown import text
from nnunet_skipstudy.analysis.report.page import Cell, Table, json_in_script
from nnunet_skipstudy.analysis.report.sweep import sweep
from nnunet_skipstudy.analysis.report.words import interval, number, p_value
from nnunet_skipstudy.registry import LEVELS

KEY = NetworkKey("UNet", "nnUNetTrainerUNet", "p", "2d")
LOOKS = {KEY: Look("U-Net", "Standard", "#0072B2", "-", "o")}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole study, analyzed by the command; its folder of results."""
    root = tmp_path_factory.mktemp("study")
    predictions, raw = write_study(
        root, n_patients=7, per_patient=2, architectures=("NoSkip", "UNet", "VNet"), labels=("organ",),
        degenerate=("VNet",), first_case="<b>$x_1&",
    )  # fmt: skip
    assert cli.main(["analyze", str(predictions), "--labels", str(raw), "-o", str(root / "out"), "--latex"]) == 0
    return root / "out"


def test_everything_is_written(study: Path) -> None:
    names = {path.relative_to(study).as_posix() for path in study.rglob("*") if path.is_file()}
    stem = "Dataset902_MadeUp"
    for kind in ("levels_dsc", "cases_dsc", "disparity_dsc", "tradeoff_dsc"):
        assert {f"figures/{kind}_{stem}.svg", f"figures/{kind}_{stem}.png"} <= names
    assert any(name.startswith(f"figures/cases_{stem}_") and name.endswith("largest-drop.png") for name in names)
    assert {"case_metrics.csv", "robustness.csv", "statistics.csv", "wins.csv", "report.html", "report.md"} <= names
    assert f"tables/Wins-{stem}.tex" in names
    assert not any("critical" in name for name in names)  # two networks that aren't degenerate are no ranking


def test_findings_come_with_intervals_and_tests(study: Path) -> None:
    """The made-up U-Net loses more than No-Skip on all seven patients."""
    page = (study / "report.md").read_text(encoding="utf-8")
    lost = next(
        line for line in page.splitlines() if line.startswith("- Change of mean DSC from unperturbed to hardest")
    )
    assert "No-Skip U-Net minus U-Net: +0." in lost
    assert "n = 7: the networks differ)" in lost
    assert "of its variance comes from the trainings" in lost
    found = next(
        line for line in page.splitlines() if line.startswith("- Mean DSC, No-Skip U-Net minus U-Net: at hardest")
    )
    assert "n = 7: the networks differ)" in found
    assert "at unperturbed " in found
    rows = pd.read_csv(study / "statistics.csv", keep_default_na=False, na_values=[""])
    row = rows[(rows["quantity"] == "difference") & (rows["metric"] == "dsc") & (rows["level"] == "hardest")].iloc[0]
    assert (row["n_cases"], row["n_groups"], row["n_tests"]) == (14, 7, 1)
    assert row["p_ranks"] == pytest.approx(2 / 2**7)
    assert (row["scope"], row["n_trainings"], row["verdict"]) == ("networks", 2, "better")
    assert f"{row['estimate']:+.3f} " in found
    assert "VNet" not in set(rows.loc[rows["quantity"] == "difference", "architecture"])
    assert "7 groups of cases are few" in page


def test_degenerate_networks_take_part_only_when_asked(study: Path, tmp_path: Path) -> None:
    wins = pd.read_csv(study / "wins.csv", keep_default_na=False, na_values=[""])
    contest = wins[(wins["quantity"] == "cv_across_levels") & (wins["metric"] == "dsc")]
    assert contest.loc[contest["best"], "architecture"].tolist() == ["NoSkip"]
    assert contest.loc[contest["value"] == contest["value"].min(), "architecture"].tolist() == ["VNet"]
    root = study.parent
    arguments = ["analyze", str(root / "predictions"), "--labels", str(root / "raw"), "-o", str(tmp_path)]
    assert cli.main([*arguments, "--include-degenerate"]) == 0
    wins = pd.read_csv(tmp_path / "wins.csv", keep_default_na=False)
    contest = wins[(wins["quantity"] == "cv_across_levels") & (wins["metric"] == "dsc")]
    assert contest.loc[contest["best"], "architecture"].tolist() == ["VNet"]
    assert "--include-degenerate was given" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_the_page_holds_pictures_as_data_and_stays_small(study: Path) -> None:
    page = (study / "report.html").read_text(encoding="utf-8")
    assert len(page) < 3_000_000
    assert "12 cases chosen by the change of DSC to the hardest level" in page
    start = page.index('id="data">') + len('id="data">')
    data = json.loads(page[start : page.index("</script>", start)])
    case = data["sweep"]["cases"][0]
    assert case["why"] == "largest drop"
    assert case["levels"] == ["hardest", "harder", "unperturbed", "easier", "easiest"]
    assert all(image.startswith("data:image/png;base64,") for by_level in case["images"] for image in by_level)
    assert [note.split(", ")[0][:3] for note in case["notes"]] == ["TD "] * 5
    assert [tile["network"] for tile in case["trainings"][0]["tiles"]] == [0, 1, 2]


def test_caveats_apply_to_the_data_at_hand(tmp_path: Path) -> None:
    """TD falls where its level's name says easier, one seed, no images, three patients: all is said."""
    disparity = dict(zip(LEVELS, (0.3, 0.6, 5.0, 1.6, 2.4), strict=True))
    predictions, raw = write_study(
        tmp_path, n_patients=3, per_patient=1, architectures=("NoSkip", "UNet"), seeds=(1,), labels=("organ",),
        images=False, disparity=disparity,
    )  # fmt: skip
    assert cli.main(["analyze", str(predictions), "--labels", str(raw), "-o", str(tmp_path / "out")]) == 0
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "TD did not move as the levels are named: mean TD at easier (" in page
    assert "one training per network" in page
    assert "3 cases in 3 independent groups: too few cases for intervals" in page
    assert "p = " not in page
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "No pictures of Dataset902_MadeUp: no test images were found" in html


def test_of_a_volume_slices_with_foreground_are_shown(tmp_path: Path) -> None:
    """Slices 0 and 1 of 3 hold the reference, slice 1 the most; brightness is stretched alike at both levels."""
    volume = np.zeros((3, 8, 6), dtype=np.uint8)
    volume[0, 2, 2], volume[1, 2:5, 2:5] = 1, 1
    raw, run = tmp_path / "Dataset905_V", level_folder(tmp_path / "p", "nnUNetTrainerUNet", "x").parent
    image = np.arange(volume.size, dtype=np.int16).reshape(volume.shape) * 10 - 500
    for folder, array in (
        (raw / "labelsTs", volume), (raw / "imagesTs", image), (raw / "imagesTs_hardest", image + 100),
        (run / "hardest", volume), (run / "unperturbed", volume),
    ):  # fmt: skip
        folder.mkdir(parents=True)
        name = "a_0000.nii.gz" if "images" in folder.name else "a.nii.gz"
        sitk.WriteImage(sitk.GetImageFromArray(array), str(folder / name))
    write_dataset_json(raw, {"organ": 1})
    kept: list[CaseView] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "qualitative_sheets", lambda views, *_: kept.extend(views) or ())
        pipeline.analyze(pipeline.AnalyzeOptions(tmp_path / "p", raw / "labelsTs", tmp_path / "out", progress=False))
    (found,) = kept
    assert ([plane.index for plane in found.planes], found.fullest, found.shape) == ([0, 1], 1, (8, 6))
    for plane in found.planes:
        assert plane.reference[0].corners.tolist() == outlines(volume[plane.index] == 1).corners.tolist()
        assert [drawn[0].corners.tolist() for drawn in plane.predictions.values()] == [
            plane.reference[0].corners.tolist()
        ] * 2
        assert list(plane.images) == found.levels == ["hardest", "unperturbed"]
        assert (plane.images["hardest"].astype(int) >= plane.images["unperturbed"]).all()
    assert list(found.dsc.values()) == [(1.0, 1.0), (1.0, 1.0)]
    assert not found.empty


def test_latex_tables_are_whole(study: Path) -> None:
    """Every row has as many cells as the first, and no sign of LaTeX's is left bare."""
    paths = list((study / "tables").glob("*.tex"))
    assert paths
    for path in paths:
        content = path.read_text(encoding="utf-8")
        parts = re.findall(
            r"\\begin{(tabular|longtable)}{([^\n]*)}\n\\toprule\n(.*?)\\bottomrule\n\\end", content, re.S
        )
        assert len(parts) == content.count(r"\toprule")
        for _, kinds, body in parts:
            rows = [line for line in body.splitlines() if line.endswith(r"\\")]
            n_columns = len(re.sub(r"p{[^}]*}", "l", kinds))
            assert {row.replace(r"\&", "").count(" & ") + 1 for row in rows} == {n_columns}


def test_latex_escapes_and_bolds() -> None:
    made = latex(Table("a_b", ["net", "x_1"], [[Cell("A&B"), Cell("−0.5", True, "[1, 2]")]]))
    assert r"A\&B & \textbf{$-$0.5 {[}1, 2{]}} \\" in made
    assert r"net & x\_1 \\" in made
    assert r"\begin{tabular}{lr}" in made
    assert escaped("50 % \\ #{}~^<>") == (
        r"50 \% \textbackslash{} \#\{\}\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}"
    )


def test_latex_tables_fit_a_page() -> None:
    """Of columns for two pages: words in both parts, every number once; a long one goes on on the next page."""
    columns = ["network", "level", *(f"number {i:02d}" for i in range(20))]
    row = [Cell("N" * 60), Cell("hardest"), *(Cell(f"{i}.123", note="[0.123, 0.456]") for i in range(20))]
    made = latex(Table("wide", columns, [row], n_words=2))
    heads = re.findall(r"\\toprule\n(.*) \\\\", made)
    assert len(heads) > 1
    assert all(head.startswith("network & level & ") for head in heads)
    assert [name for head in heads for name in head.split(" & ")[2:]] == columns[2:]
    for line in made.splitlines():
        if " & " in line:
            cells = line.removesuffix(r" \\").replace("{[}", "[").replace("{]}", "]").split(" & ")
            assert sum(min(len(cell), 24) + 2 for cell in cells) <= 94
    assert "p{0.26\\linewidth}" in made
    assert "tabular" not in latex(Table("long", ["a", "b"], [[Cell("1"), Cell("2")]] * 60)).replace("tabcolsep", "")


def test_markdown_escapes() -> None:
    assert text(f"{EVIL} a|b *c* [d](e)\nf") == r"\<script\>alert(1)\</script\> a\|b \*c\* \[d\](e) f"


def test_json_cannot_leave_its_script_element() -> None:
    content = {"</script>": "<!--<script>&\u2028"}
    made = str(json_in_script(content))
    assert not set("<>&\u2028") & set(made)
    assert json.loads(made) == content
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_in_script({"a": float("nan")})


def test_numbers_in_words() -> None:
    assert [number(value) for value in (0.12345, -0.5, 12.345, float("nan"))] == ["0.123", "−0.500", "12.35", "–"]
    assert interval(0.1, 0.05, 0.2, sign=True) == "+0.100 [+0.050, +0.200]"
    assert interval(0.1, float("nan"), float("nan")) == "0.100"
    assert [p_value(value) for value in (0.0001, 0.04, float("nan"))] == ["p < 0.001", "p = 0.040", "no p-value"]


def view(dataset: str, case: str) -> CaseView:
    noise = np.random.default_rng(len(case)).integers(0, 255, (300, 150)).astype(np.uint8)
    lines, place = (outlines(np.zeros((300, 150), dtype=bool)),), Place("", KEY, "easier")
    plane = Plane(None, {"easier": noise}, lines, {place: lines})
    return CaseView(
        dataset, Choice(case, ""), (300, 150), ("organ",), (plane,), 0, {place: (0.5, 0.5)}, frozenset(), {}
    )


def test_pictures_are_taken_in_turn_until_the_page_is_full() -> None:
    """Both data sets keep a case where there is room for two; the others are counted."""
    views = [view("A", "1"), view("A", "2"), view("A", "3"), view("B", "4")]
    size = len(json.dumps(sweep(views[:1], LOOKS)))
    made = sweep(views, LOOKS, max_bytes=2 * size)
    assert [(case["dataset"], case["case"]) for case in made["cases"]] == [("A", "1"), ("B", "4")]
    assert made["left_out"] == 2
    assert made["cases"][0]["size"] == [150, 300]
