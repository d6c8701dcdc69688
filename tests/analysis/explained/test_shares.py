"""Shares of a loss: what they are where they are known, how sure, and what the report makes of them."""

import dataclasses
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_explained import SHARES, write_explained
from made_up_study import write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis.explained.picture import bounded
from nnunet_skipstudy.analysis.explained.read import read_explained
from nnunet_skipstudy.analysis.explained.shares import Loss, _estimated, losses
from nnunet_skipstudy.analysis.explained.words import sentences
from nnunet_skipstudy.analysis.figures.looks import looks
from nnunet_skipstudy.analysis.inputs.references import Reference, read_reference
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.report.words import percent


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Predictions, and the folder of raw data, of ten patients."""
    root = tmp_path_factory.mktemp("study")
    return write_study(root, n_patients=10, per_patient=2, architectures=("NoSkip", "UNet"), images=False)


def found(raw: Path, explained: Path) -> list:
    (dataset,) = raw.iterdir()
    references: dict[str, Reference] = {dataset.name: read_reference(dataset.name, dataset / "labelsTs")}
    tables = (read_explained([explained], name, references) for name in ("explain.csv", "susceptibility.csv"))
    return losses(*tables, references)


def test_known_shares_come_out(study: tuple[Path, Path], tmp_path: Path) -> None:
    """Of each skip within its interval; everything, by the network with nothing else, through the bottleneck."""
    unet, noskip = sorted(found(study[1], write_explained(tmp_path, study[1])), key=lambda one: -len(one.rows))
    assert (unet.key.architecture, noskip.key.architecture) == ("UNet", "NoSkip")
    for depth, share in SHARES.items():
        row = unet.share("patch", "skip", depth)
        assert row["low"] < share < row["high"] < row["low"] + 0.5
        assert unet.share("reverse", "skip", depth)["estimate"] == pytest.approx(share / 2)
        assert (row["n_cases"], row["n_groups"], row["n_trainings"], row["scope"]) == (20, 10, 2, "networks")
    assert unet.share("patch", "all")["estimate"] == pytest.approx(sum(SHARES.values()))
    assert noskip.share("patch", "bottleneck")["estimate"] == pytest.approx(1)
    assert unet.drop[1] < 0.4 < unet.drop[2]
    assert unet.effects["zero", -1.0, "skip", 0.0] == pytest.approx(0.05)
    moved = [unet.share("patch", "skip", depth)["hellinger"] for depth in SHARES]
    assert moved[1] < moved[2] < 1
    assert np.isfinite(unet.share("patch", "bottleneck")["wasserstein"])


def test_a_loss_that_is_none_is_not_shared_out(study: tuple[Path, Path], tmp_path: Path) -> None:
    """Below 0.05, or where its interval reaches 0, there is no share: it could be anything."""
    predictions, raw = study
    explained = write_explained(tmp_path / "explained", raw, drop=0.03, architectures=["UNet"])
    (loss,) = found(raw, explained)
    assert loss.rows == []
    assert loss.effects
    given = ["--labels", str(raw), "-o", str(tmp_path / "out"), "--no-figures", "--explain", str(explained)]
    assert cli.main(["analyze", str(predictions), *given]) == 0
    shares = pd.read_csv(tmp_path / "out" / "shares.csv")
    assert shares["estimate"].isna().all()
    assert len(shares) == 1
    said = (tmp_path / "out" / "report.md").read_text().replace("\\", "")
    assert "DSC from unperturbed to hardest: that is too little to say where it passes." in said
    unsure = dataclasses.replace(loss, drop=(0.2, -0.1, 0.5))
    assert "which may be chance, too unsure to say" in sentences([unsure], looks([loss.key]))[0].text


def test_intervals_hold_what_they_promise() -> None:
    """1000 made-up studies of 20 cases: the true share lies in 93 to 97 of 100 intervals of one training."""
    rng = np.random.default_rng(3)
    n = 1000
    wholes = rng.uniform(0.1, 0.7, (20, 1, n))
    parts = wholes * 0.3 + rng.normal(0, 0.05, wholes.shape)
    estimates = _estimated(parts, wholes, np.arange(20))
    covered = float(((estimates.low < 0.3) & (estimates.high > 0.3)).mean())
    assert 0.93 <= covered <= 0.97


def test_trainings_that_differ_widen_the_interval() -> None:
    """Three trainings whose shares scatter: cases alone would be sure of the mean of these three."""
    rng = np.random.default_rng(4)
    n = 1000
    wholes = rng.uniform(0.1, 0.7, (20, 3, n))
    parts = wholes * (0.3 + rng.normal(0, 0.1, (1, 3, n))) + rng.normal(0, 0.02, wholes.shape)
    estimates = _estimated(parts, wholes, np.arange(20))
    covered = float(((estimates.low < 0.3) & (estimates.high > 0.3)).mean())
    assert 0.92 <= covered <= 0.98
    assert set(estimates.k) == {3}


def test_the_report_says_why(study: tuple[Path, Path], tmp_path: Path) -> None:
    """A sentence with interval and scope, where susceptibility misleads, tables, a picture; other numbers stay."""
    predictions, raw = study
    explained = write_explained(tmp_path / "explained", raw)
    without, with_why = tmp_path / "without", tmp_path / "with"
    given = ["analyze", str(predictions), "--labels", str(raw), "-o"]
    assert cli.main([*given, str(without), "--no-figures"]) == 0
    assert cli.main([*given, str(with_why), "--explain", str(explained)]) == 0
    for table in ("case_metrics", "robustness", "statistics", "wins", "tallies"):
        assert (without / f"{table}.csv").read_bytes() == (with_why / f"{table}.csv").read_bytes()
    said = (with_why / "report.md").read_text()
    line = next(line for line in said.split("\n") if "U-Net loses" in line and "No-Skip" not in line)
    line = line.replace("\\", "")
    assert re.search(r"- U-Net loses 0\.\d+ \[0\.\d+, 0\.\d+\] DSC from unperturbed to hardest: ", line)
    assert re.search(r"\d\d\s% \[\d\d, \d\d\] of it comes back by skip 0 \(full resolution\) alone, ", line)
    assert "20 cases in 10 groups, 2 trainings, whose variance is counted." in line
    assert "Susceptibility misleads at skip 2: its activations move" in line
    assert "No-Skip U-Net loses" in said
    assert "no skip that could carry it" in said
    page = (with_why / "report.html").read_text()
    assert '<section id="why">' in page
    assert "Shares of the loss by place" in page
    assert [path.name for path in (with_why / "figures").glob("why*.svg")] == ["why_Dataset902_MadeUp_hardest.svg"]
    assert '<section id="why">' not in (without / "report.html").read_text()
    assert not (without / "shares.csv").exists()


def test_folders_that_hold_nothing_of_it_are_refused(
    study: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Empty, of another data set, or without a column: one line, and no report."""
    predictions, raw = study
    explained = write_explained(tmp_path / "explained", raw, architectures=["UNet"], seeds=[1])
    table = explained / "UNet_1" / "explain.csv"
    (tmp_path / "empty").mkdir()
    given = [
        "analyze",
        str(predictions),
        "--labels",
        str(raw),
        "-o",
        str(tmp_path / "out"),
        "--no-figures",
        "--explain",
    ]

    def complaint(folder: Path) -> str:
        assert cli.main([*given, str(folder)]) == 2
        assert not (tmp_path / "out" / "report.html").exists()
        return capsys.readouterr().err.split("\n")[-2]

    assert "holds no explain.csv; give folders that 'skipstudy explain' wrote" in complaint(tmp_path / "empty")
    text = table.read_text()
    table.write_text(text.replace("Dataset902_MadeUp", "Dataset903_Other"))
    assert "tells of Dataset903_Other, of which no predictions are analyzed" in complaint(explained)
    table.write_text(text.replace("dsc_reference", "reference"))
    assert f"{table}: has no column 'dsc_reference'" in complaint(explained)


def test_shares_in_words() -> None:
    assert [percent(share).split() for share in (0.705, 1.0, -0.001, -0.2)] == [
        [n, "%"] for n in ("70", "100", "0", "−20")
    ]
    assert bounded(0.7, 0.6, 0.8) == "70\u00a0% [60, 80]"
    assert bounded(0.7, float("nan"), float("nan")) == "70\u00a0%"


@pytest.mark.parametrize(("moved", "misleads"), [(0.65, False), (0.85, True)])
def test_susceptibility_misleads_where_it_is_larger_beyond_chance(moved: float, misleads: bool) -> None:
    """Hellinger distances of ten cases vary by 0.05: a skip that moves by so much more moves farthest by chance."""
    bounds = {0: (0.2, 0.1, 0.3), 1: (0.8, 0.7, 0.9)}
    rows = [
        {
            **{"intervention": "patch", "part": "skip", "depth": float(depth), "estimate": share, "low": low},
            **{"high": high, "n_cases": 10, "n_groups": 10, "n_trainings": 1, "scope": "trainings"},
            **{"hellinger": moved if depth == 0 else 0.6, "hellinger_chance": 0.2, "wasserstein": 1.0},
        }
        for depth, (share, low, high) in bounds.items()
    ]
    key = NetworkKey("UNet", "nnUNetTrainerUNet", "nnUNetPlans", "2d")
    loss = Loss(key, "Dataset902_MadeUp", "", "hardest", "unperturbed", (0.3, 0.2, 0.4), 10, 10, 1, rows)
    (finding,) = sentences([loss], looks([key]))
    assert ("Susceptibility misleads: it is largest at skip 0" in " ".join(finding.behind)) == misleads
    assert ("movements may be equal" in " ".join(finding.behind)) != misleads
