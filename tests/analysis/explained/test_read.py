"""Tables of skipstudy explain that don't belong to what is analyzed, or to each other, make no sentence."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_explained import write_explained
from made_up_study import write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis.explained.read import read_explained
from nnunet_skipstudy.analysis.explained.shares import _estimated
from nnunet_skipstudy.analysis.inputs.references import Reference, read_reference
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import read_image, write_image
from nnunet_skipstudy.support.tables import read_rows

Change = Callable[[pd.DataFrame], pd.DataFrame]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Predictions, raw data, and a U-Net explained in two trainings."""
    root = tmp_path_factory.mktemp("study")
    predictions, raw = write_study(root, n_patients=8, per_patient=1, architectures=["UNet"], images=False)
    return predictions, raw, write_explained(root / "explained", raw, architectures=["UNet"])


def analyzed(study: tuple[Path, Path, Path], folder: Path, change: Change, table: str, *options: str) -> int:
    """Analyze with the tables of one name, of seed 1, changed."""
    predictions, raw, explained = study
    shutil.copytree(explained, folder / "explained")
    path = folder / "explained" / "UNet_1" / table
    change(pd.read_csv(path)).to_csv(path, index=False)
    given = ["--labels", str(raw), "-o", str(folder / "out"), "--no-figures", "--explain", str(folder / "explained")]
    return cli.main(["analyze", str(predictions), *given, *options])


def report(folder: Path) -> str:
    """Its text, with plain spaces."""
    return (folder / "out" / "report.md").read_text().replace("\\", "").replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("explain.csv", lambda t: pd.concat([t, t.iloc[[5]].assign(dsc=0.5)]), r"row \d+ tells the same as row 7 of"),
        ("susceptibility.csv", lambda t: pd.concat([t, t.iloc[[0]]]), r"row \d+ tells the same as row 2 of"),
        ("attention.csv", lambda t: t.assign(case="p99_0"), "row 2 tells of a case without a label here"),
        ("explain.csv", lambda t: t.assign(case="p99_0"), "row 2 tells of a case without a label here"),
        (
            "explain.csv",
            lambda t: t.assign(dsc_reference=100 * t["dsc_reference"]),
            "row 2 has a dsc_reference that is no share",
        ),
        ("explain.csv", lambda t: t.assign(dsc=t["dsc"].where(t.index != 3)), "row 5 has no dsc;"),
        ("explain.csv", lambda t: t.assign(depth="deep"), "row 2 has the depth 'deep'"),
        ("susceptibility.csv", lambda t: t.assign(hellinger="none"), "row 2 has the hellinger 'none'"),
        ("receptive_field.csv", lambda t: t.drop(columns="field_share"), "has no column 'field_share'"),
    ],
)
def test_rows_that_cannot_be_meant_are_refused(
    study: tuple[Path, Path, Path], tmp_path: Path, table: str, change: Change, said: str
) -> None:
    """Told by file and row: two rows of one prediction (else averaged), other cases, percentages, no numbers."""
    path = shutil.copytree(study[2], tmp_path / "explained") / "UNet_1" / table
    change(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(UserError, match=f"UNet_1/{table}: {said}"):
        read_explained([tmp_path / "explained"], table, _references(study[1]))


def _references(raw: Path) -> dict[str, Reference]:
    (dataset,) = raw.iterdir()
    return {dataset.name: read_reference(dataset.name, dataset / "labelsTs")}


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00bla", b"\x00\x01"])
def test_what_is_no_table_is_one_line(study: tuple[Path, Path, Path], tmp_path: Path, content: bytes) -> None:
    """An empty file and bytes of something else."""
    shutil.copytree(study[2], tmp_path / "explained")
    (tmp_path / "explained" / "UNet_2" / "susceptibility.csv").write_bytes(content)
    with pytest.raises(UserError, match=r"UNet_2/susceptibility.csv: (has no column|can't be read as a table)"):
        read_explained([tmp_path / "explained"], "susceptibility.csv", _references(study[1]))


def test_networks_that_are_not_analyzed_are_refused(
    study: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Another configuration's tables make no empty section."""
    shutil.rmtree(shutil.copytree(study[2], tmp_path / "own") / "UNet_2")
    own = study[0], study[1], tmp_path / "own"
    assert analyzed(own, tmp_path, lambda t: t.assign(configuration="3d_fullres"), "explain.csv") == 2
    assert "explain.csv: tells of no network that is analyzed (U-Net)" in capsys.readouterr().err


def _as_predicted(study: tuple[Path, Path, Path], folder: Path) -> Change:
    """Scores of explaining that are those of the predictions, as they are of one checkpoint."""
    predictions, raw, _ = study
    given = ["--labels", str(raw), "-o", str(folder / "plain"), "--no-figures"]
    assert cli.main(["analyze", str(predictions), *given]) == 0
    cases = pd.read_csv(folder / "plain" / "case_metrics.csv")
    place = ["trainer", "level", "case", "label"]

    def changed(table: pd.DataFrame) -> pd.DataFrame:
        dsc = table[place].merge(cases[[*place, "dsc"]], "left", place)["dsc"]
        return table.assign(dsc=np.where(table["intervention"] == "none", dsc, table["dsc"]))

    return changed


def test_predictions_of_another_checkpoint_are_said(study: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Where explaining found another DSC than the predictions have, or none are analyzed; and not where they agree."""
    as_predicted = _as_predicted(study, tmp_path)
    assert analyzed(study, tmp_path / "same", as_predicted, "explain.csv") == 0
    other = r"UNet_50epochs_seed1_spatialDA \(nnUNetPlans\) fold 0 was explained, but its predictions at \w+ have ano"
    assert "seed2_spatialDA (nnUNetPlans) fold 0 was explained, but its predictions" in report(tmp_path / "same")
    assert "seed1_spatialDA (nnUNetPlans) fold" not in report(tmp_path / "same")
    worse: Change = lambda t: as_predicted(t).assign(dsc=lambda t: (t["dsc"] - 0.02).clip(0, 1))  # noqa: E731
    assert analyzed(study, tmp_path / "other", worse, "explain.csv") == 0
    assert re.search(other, report(tmp_path / "other"))
    assert analyzed(study, tmp_path / "absent", lambda t: t.assign(fold=4), "explain.csv") == 0
    assert "fold 4 was explained, but has no predictions here" in report(tmp_path / "absent")


def test_a_gain_is_no_loss(study: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Where the perturbed images are done better, by whatever much, the sentence says so."""
    shutil.rmtree(shutil.copytree(study[2], tmp_path / "own") / "UNet_2")
    own = study[0], study[1], tmp_path / "own"

    def better(table: pd.DataFrame) -> pd.DataFrame:
        level = (table["dsc_reference"] + 0.04).where(table["level"] == "hardest", table["dsc_level"])
        return table.assign(dsc_level=level, dsc=level)

    assert analyzed(own, tmp_path, better, "explain.csv") == 0
    said = "U-Net gains 0.040 [0.040, 0.040] DSC from unperturbed to hardest: there is no loss to be shared out."
    assert said in report(tmp_path)


def test_few_cases_and_unknown_activations_are_said(study: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Of one case there is no interval, and no variance that was counted; without activations none that agree."""
    shutil.rmtree(shutil.copytree(study[2], tmp_path / "own") / "UNet_2")
    own = study[0], study[1], tmp_path / "own"
    assert analyzed(own, tmp_path / "one", lambda t: t[t["case"] == t["case"].iloc[0]], "explain.csv") == 0
    said = report(tmp_path / "one")
    assert "DSC from unperturbed to hardest in 1 group of cases, too few for an interval: " in said
    assert "1 case in 1 group, 1 training: nothing is known of how sure this is." in said
    assert analyzed(own, tmp_path / "unmoved", lambda t: t[t["part"] != "skip"], "susceptibility.csv") == 0
    said = report(tmp_path / "unmoved")
    assert "How far activations move at hardest is not known" in said
    assert "Susceptibility and share name" not in said


def test_trainings_on_different_cases_are_not_called_one(study: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Nothing is known of the variance between them, however many they are."""
    assert analyzed(study, tmp_path, lambda t: t[t["case"] < "p06"], "explain.csv") == 0
    said = report(tmp_path)
    assert "8 cases in 8 groups, 2 trainings on different cases, whose variance is not known" in said
    assert "one training: another seed" not in said


def test_shares_count_the_cases_that_were_tried(study: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Where some cases lack an intervention; a group of cases without it lends no degree of freedom."""
    shutil.rmtree(shutil.copytree(study[2], tmp_path / "own") / "UNet_2")
    own = study[0], study[1], tmp_path / "own"

    def lacking(table: pd.DataFrame) -> pd.DataFrame:
        return table[(table["case"] < "p04") | (table["intervention"] != "patch")]

    assert analyzed(own, tmp_path, lacking, "explain.csv") == 0
    for row in read_rows(tmp_path / "out" / "shares.csv"):
        tried = "4" if row["intervention"] == "patch" else "8"
        assert (row["n_cases"], row["n_groups"], bool(row["low"])) == (tried, tried, tried == "8")
    rng = np.random.default_rng(0)
    parts, wholes = rng.uniform(0, 0.3, (20, 1, 1)), rng.uniform(0.3, 0.6, (20, 1, 1))
    some = np.where(np.arange(20)[:, None, None] < 12, parts, np.nan)
    whole, alone = _estimated(some, wholes, np.arange(20)), _estimated(parts[:12], wholes[:12], np.arange(12))
    assert whole.low[0] == pytest.approx(alone.low[0], rel=1e-12)


def test_empty_references_count_as_in_the_analysis(study: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Left out of the loss where the analysis leaves them out (``--both-empty exclude``)."""
    predictions, raw, explained = study
    shutil.copytree(raw, tmp_path / "raw")
    path = tmp_path / "raw" / "Dataset902_MadeUp" / "labelsTs" / "p03_0.png"
    write_image(path, np.zeros_like(read_image(path).array))
    own = predictions, tmp_path / "raw", explained
    n_cases = {}
    for policy in ("count", "exclude"):
        assert analyzed(own, tmp_path / policy, lambda t: t, "explain.csv", "--both-empty", policy) == 0
        n_cases[policy] = {row["n_cases"] for row in read_rows(tmp_path / policy / "out" / "shares.csv")}
    assert n_cases == {"count": {"8"}, "exclude": {"7"}}
