"""What the report says of its test levels: what shows the object, and what texture and distortion each cost."""

import csv
from pathlib import Path

import pandas as pd
import pytest
from made_up_study import write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions, analyze
from nnunet_skipstudy.registry import FACTORIAL_LEVELS

DATASET = "Dataset902_MadeUp"
LOST = dict(zip(FACTORIAL_LEVELS, (0.0, 0.1, 0.2, 0.4), strict=True))


def test_a_level_that_shows_the_object_has_its_probe_beside_it_everywhere(tmp_path: Path) -> None:
    """In the warnings, under the table of means, among the levels and at each picture; others aren't warned about."""
    predictions, raw = write_study(tmp_path, architectures=("NoSkip", "UNet"), seeds=(1,), labels=("organ",))
    table = raw / DATASET / "perturbations.csv"
    with table.open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["level"] != "unperturbed"]
    leaks = {"hardest": 0.12, "harder": 0.14, "easier": 0.55, "easiest": 0.93}
    for row in rows:
        row |= {"parameters": "speckle:variance=0.1", "psnr_db": "18.25", "leak_unperturbed": "0.11"}
        row["leak"] = str(leaks[row["level"]])
    pd.DataFrame(rows).to_csv(table, index=False)
    result = analyze(AnalyzeOptions(predictions, raw, tmp_path / "out", progress=False, figures=False))
    warned = [warning for warning in result.warnings if "shows where the object is" in warning]
    assert [warning.split("'")[1] for warning in warned] == ["easier", "easiest"]
    assert "with a Dice coefficient of 0.93, of 0.11 unperturbed" in warned[1]
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8").replace("\\", "")
    assert "unperturbed 0.11, hardest 0.12, harder 0.14, easier 0.55, easiest 0.93." in page
    (line,) = (line for line in page.splitlines() if line.startswith("| easiest | speckle:variance=0.1 |"))
    assert line.endswith("| 18.2 | 0.930 |")
    (line,) = (line for line in page.splitlines() if line.startswith("| unperturbed | – | – |"))
    assert line.endswith("| – | 0.110 |")
    assert "leak probe 0.93" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_a_table_without_probes_says_nothing_of_them(tmp_path: Path) -> None:
    """As perturbations.csv of earlier versions and of other people are."""
    predictions, raw = write_study(tmp_path, architectures=("UNet",), seeds=(1,), labels=("organ",), images=False)
    analyze(AnalyzeOptions(predictions, raw, tmp_path / "out", progress=False, figures=False))
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert "Leak probe" not in page
    assert "Test levels:" not in page


@pytest.mark.parametrize("lacking", [None, "texture"])
def test_the_two_by_two_is_split_into_what_adds_up(tmp_path: Path, lacking: str | None) -> None:
    """Texture costs 0.1, distortion 0.2, both 0.4: the rest is their interaction; without one level, none."""
    rows = [
        (architecture, 1, level, f"c{case}", 0.9 - lost - 0.01 * case - (architecture == "UNet") * lost / 10)
        for architecture in ("NoSkip", "UNet")
        for level, lost in LOST.items()
        for case in range(8)
        if level != lacking
    ]
    scores = pd.DataFrame(rows, columns=["architecture", "seed", "level", "case", "dsc"])
    scores.to_csv(tmp_path / "scores.csv", index=False)
    assert cli.main(["analyze", str(tmp_path / "scores.csv"), "-o", str(tmp_path / "out"), "--no-figures"]) == 0
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8").replace("\\", "")
    assert ("Texture or distortion:" in page) == (lacking is None)
    table = pd.read_csv(tmp_path / "out" / "statistics.csv")
    found = table[table["quantity"].isin(["joint_effect", "texture_effect", "distortion_effect", "interaction"])]
    if lacking:
        assert found.empty
        return
    dsc = found[(found["metric"] == "dsc") & (found["architecture"] == "UNet")].set_index("quantity")["estimate"]
    assert dsc.to_dict() == pytest.approx(
        {"joint_effect": -0.44, "texture_effect": -0.11, "distortion_effect": -0.22, "interaction": -0.11}
    )
    (line,) = (line for line in page.splitlines() if line.startswith("| No-Skip U-Net | −0.400 ["))
    assert [cell.split()[0] for cell in line.split("|")[2:6]] == ["−0.400", "−0.100", "−0.200", "−0.100"]
