"""Networks tested on another data set's images: found, scored with its labels, apart from their own test set."""

import csv
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from made_up_study import write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis.inputs.find import find_runs
from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions, analyze
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import read_image, write_image
from nnunet_skipstudy.registry import LEVELS, UNPERTURBED

HOME, AWAY = "Dataset902_MadeUp", "Dataset903_Other"
PAIR = f"{HOME} on {AWAY}"
ORGAN = {"labels": ("organ",), "per_patient": 1, "images": False}


def write_elsewhere(root: Path, **study: object) -> tuple[Path, Path]:
    """A study whose networks were tested on another data set, too, where they do as well as at the level harder."""
    predictions, raw = write_study(root, **{**ORGAN, **study})  # type: ignore[arg-type]
    others, other_raw = write_study(root / "other", dataset=AWAY, n_patients=7, seed=5, **{**ORGAN, **study})  # type: ignore[arg-type]
    shutil.move(other_raw / AWAY, raw)
    for model in (others / AWAY).iterdir():
        shutil.move(model / "fold_0" / "harder", predictions / HOME / model.name / "fold_0" / AWAY)
    return predictions, raw


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    root = tmp_path_factory.mktemp("elsewhere")
    predictions, raw = write_elsewhere(root)
    analyze(AnalyzeOptions(predictions, raw, root / "out", figures=False, progress=False))
    return predictions, raw, root / "out"


def test_each_has_its_own_cases_and_labels(made: tuple[Path, Path, Path]) -> None:
    predictions, _, out = made
    cases = pd.read_csv(out / "case_metrics.csv", dtype={"seed": "Int64"})
    by_dataset = cases.groupby("dataset")["case"].nunique().to_dict()
    assert by_dataset == {HOME: 10, PAIR: 7}
    assert set(cases.loc[cases["dataset"] == PAIR, "level"]) == {UNPERTURBED}
    (run,) = find_runs(next((predictions / HOME).iterdir()) / "fold_0" / AWAY)
    assert (run.dataset, run.level) == (PAIR, UNPERTURBED)


def test_the_table_is_that_of_means(made: tuple[Path, Path, Path]) -> None:
    """Changes are differences of the means of case_metrics.csv; correlations those of the changes."""
    _, _, out = made
    cases, shifts = pd.read_csv(out / "case_metrics.csv"), pd.read_csv(out / "real_shift.csv")
    means = cases.groupby(["architecture", "dataset", "level"])["dsc"].mean()
    changes = shifts[shifts["quantity"] == "change"].pivot_table(
        values="estimate", index="architecture", columns="level"
    )
    away = changes.pop("(elsewhere)")
    for name in changes.index:
        home = means[name, HOME, UNPERTURBED]
        assert away[name] == pytest.approx(means[name, PAIR, UNPERTURBED] - home)
        assert changes.loc[name, "hardest"] == pytest.approx(means[name, HOME, "hardest"] - home)
    found = shifts[shifts["quantity"] == "rank_correlation"].set_index("level")
    assert set(found["n_networks"]) == {6}
    for level in changes:
        assert found.loc[level, "estimate"] == pytest.approx(changes[level].corr(away, method="spearman"))
    assert set(shifts["dataset"] + " on " + shifts["tested_on"]) == {PAIR}


def test_the_page_says_what_the_numbers_carry(made: tuple[Path, Path, Path]) -> None:
    _, _, out = made
    page = (out / "report.md").read_text(encoding="utf-8").replace("\\", "")
    assert f"### Real shift: {HOME}, tested on {AWAY}" in page
    assert f"Networks that lose more at hardest lose more on {AWAY}, too (rank correlation +" in page
    assert "n = 6 networks" in page
    assert f"| The shift is made, not real | met | the networks were tested on {AWAY}, too |" in page
    assert f"### Threats: {PAIR}" not in page
    assert " · 1 label · " in page  # the same at home and elsewhere
    tallies = pd.read_csv(out / "tallies.csv")
    assert set(tallies["dataset"]) == {HOME, PAIR}  # one data set, and no two to be joined


def test_few_networks_leave_it_undecided(tmp_path: Path) -> None:
    predictions, raw = write_elsewhere(tmp_path, architectures=("NoSkip", "UNet"))
    analyze(AnalyzeOptions(predictions, raw, tmp_path / "out", figures=False, progress=False))
    page = (tmp_path / "out" / "report.md").read_text(encoding="utf-8").replace("\\", "")
    assert (
        f"With 2 networks that learnt something, whether a level tells of {AWAY} can't be said: at least 6 are needed."
        in page
    )


def test_a_table_of_folders_names_it_as_the_level(made: tuple[Path, Path, Path], tmp_path: Path) -> None:
    predictions, raw, out = made
    rows = [
        {"dataset": HOME, "architecture": folder.parts[-3].split("_")[0], "seed": folder.parts[-3].split("seed")[1][0],
         "level": folder.name, "predictions": str(folder)}
        for folder in predictions.glob("*/*/*/*")
    ]  # fmt: skip
    pd.DataFrame(rows).to_csv(tmp_path / "predictions.csv", index=False)
    asked = ["analyze", str(tmp_path / "predictions.csv"), "--labels", str(raw), "-o", str(tmp_path / "out")]
    assert cli.main([*asked, "--no-figures"]) == 0
    ours, theirs = (pd.read_csv(folder / "real_shift.csv") for folder in (out, tmp_path / "out"))
    assert theirs["estimate"].sort_values().to_list() == pytest.approx(ours["estimate"].sort_values().to_list())


def test_folds_are_those_of_the_training_set(tmp_path: Path) -> None:
    """A narrow fold stays apart from a wide one, whatever the other data set's folds.csv says."""
    predictions, raw = write_elsewhere(tmp_path, architectures=("NoSkip", "UNet"), seeds=(1,))
    for model in (predictions / HOME).iterdir():
        shutil.copytree(model / "fold_0", model / "fold_5")
    (raw / HOME / "folds.csv").write_text("fold,name,kind\n0,wide_0,wide\n5,narrow_hardest,narrow\n")
    (raw / AWAY / "folds.csv").write_text("fold,name,kind\n0,wide_0,wide\n5,wide_5,wide\n")
    analyze(AnalyzeOptions(predictions, raw, tmp_path / "out", figures=False, progress=False))
    with (tmp_path / "out" / "real_shift.csv").open(newline="") as stream:
        assert {row["trained_on"] for row in csv.DictReader(stream)} == {"", "narrow_hardest"}
    (raw / HOME / "folds.csv").unlink()
    shutil.move(predictions / HOME, tmp_path / "kept")
    for model in (tmp_path / "kept").iterdir():
        shutil.copytree(model / "fold_0" / AWAY, predictions / HOME / model.name / "fold_0" / AWAY)
    shutil.rmtree(raw / HOME)
    result = analyze(AnalyzeOptions(predictions, raw, tmp_path / "alone", figures=False, progress=False))
    assert any(f"folds.csv of {HOME} was not found" in warning for warning in result.warnings)


def test_failing_elsewhere_is_a_result_and_no_degenerate_training(tmp_path: Path) -> None:
    """One seed of three predicts nothing at the other hospital: it counts there; degenerate at home, nowhere."""
    predictions, raw = write_elsewhere(tmp_path, architectures=("NoSkip", "UNet"), seeds=(1, 2, 3))
    for trainer, folders in {"UNet_50epochs_seed1": [AWAY], "NoSkip_50epochs_seed1": [*LEVELS, AWAY]}.items():
        (model,) = (predictions / HOME).glob(f"nnUNetTrainer{trainer}_*")
        for path in [path for folder in folders for path in (model / "fold_0" / folder).glob("*.png")]:
            write_image(path, 0 * read_image(path).array)
    result = analyze(AnalyzeOptions(predictions, raw, tmp_path / "out", figures=False, progress=False))
    marked = result.cases[result.cases["degenerate"]]
    assert set(marked["trainer"]) == {"nnUNetTrainerNoSkip_50epochs_seed1_spatialDA"}
    assert set(marked["dataset"]) == {HOME, PAIR}
    table = result.robustness.query("metric == 'dsc' and dataset == @PAIR").set_index("architecture")
    assert table.loc["UNet", "n_missed"] == 7
    assert table.loc["NoSkip", "n_missed"] == 0


def test_labels_of_another_meaning_are_refused(tmp_path: Path) -> None:
    """A label that only one of the two has would count as spurious wherever it is predicted."""
    predictions, raw = write_elsewhere(tmp_path, architectures=("UNet",), seeds=(1,), labels=("organ", "core"))
    (model,) = (predictions / HOME).iterdir()
    (model / "fold_0" / AWAY / "dataset.json").write_text((raw / HOME / "dataset.json").read_text())
    content = json.loads((raw / AWAY / "dataset.json").read_text())
    del content["labels"]["core"]
    (raw / AWAY / "dataset.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match="contradict each other \\(only one has core\\)"):
        analyze(AnalyzeOptions(predictions, raw, tmp_path / "out", figures=False, progress=False))
    assert not (tmp_path / "out").exists()
