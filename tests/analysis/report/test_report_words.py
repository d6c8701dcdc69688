"""What the report says of odd data: a level that one network lacks, ties, ranks against means, unknown levels."""

import itertools
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_predictions import level_folder, write_cases, write_dataset_json
from made_up_study import FACTOR, label_map, write_study
from PIL import Image

from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions, analyze
from nnunet_skipstudy.analysis.report.page import TEMPLATES
from nnunet_skipstudy.analysis.report.texts import study_networks

DATASET = "Dataset902_MadeUp"


def small_study(root: Path, *architectures: str, n_patients: int = 12) -> tuple[Path, Path]:
    return write_study(
        root, n_patients=n_patients, per_patient=1, architectures=architectures, seeds=(1,), labels=("organ",),
        images=False,
    )  # fmt: skip


def trainer(architecture: str) -> str:
    return f"nnUNetTrainer{architecture}_50epochs_seed1_spatialDA"


def report(root: Path, predictions: Path, raw: Path, **options: bool) -> str:
    analyze(AnalyzeOptions(predictions, raw, root / "out", progress=False, **options))  # type: ignore[arg-type]
    return (root / "out" / "report.md").read_text(encoding="utf-8").replace("\\", "")


def lines(page: str, start: str) -> list[str]:
    return [line.removeprefix("- ") for line in page.splitlines() if line.startswith(f"- {start}")]


def test_a_network_without_the_hardest_level_does_not_lead_there(tmp_path: Path) -> None:
    predictions, raw = small_study(tmp_path, "NoSkip", "UNet", "VNet")
    shutil.rmtree(level_folder(predictions, trainer("NoSkip"), "hardest", dataset=DATASET))
    page = report(tmp_path, predictions, raw)
    assert lines(page, "At hardest, ")[0].startswith("At hardest, U-Net leads in mean DSC: 0.")
    assert "Mean DSC, No-Skip U-Net minus U-Net: at hardest – (no common cases); at unperturbed +0." in page
    assert (
        f"{DATASET}: 1 of 3 trainings were not predicted at every level ({trainer('NoSkip')} (nnUNetPlans, 2d) fold 0: "
        "hardest)"
    ) in page


def test_the_only_network_at_the_hardest_level_leads_nobody(tmp_path: Path) -> None:
    predictions, raw = small_study(tmp_path, "NoSkip", "UNet")
    shutil.rmtree(level_folder(predictions, trainer("NoSkip"), "hardest", dataset=DATASET))
    assert lines(report(tmp_path, predictions, raw), "At hardest, only U-Net has a mean DSC: 0.")


def test_equal_networks_share_the_highest_mean(tmp_path: Path) -> None:
    """U-Net's files are No-Skip's own: nobody leads, comes first or loses less."""
    predictions, raw = small_study(tmp_path, "NoSkip", "UNet")
    folders = [level_folder(predictions, trainer(name), "x", dataset=DATASET).parent for name in ("NoSkip", "UNet")]
    shutil.rmtree(folders[1])
    shutil.copytree(*folders)
    page = report(tmp_path, predictions, raw)
    assert lines(page, "At hardest, ")[0].startswith("At hardest, No-Skip U-Net and U-Net share the highest mean DSC: ")
    assert "mean DSC changes alike for No-Skip U-Net and U-Net (−0." in page
    assert "No-Skip U-Net and U-Net each come first in 50% of bootstrap samples" in page
    assert "leads" not in page


def test_ranks_that_contradict_the_mean_are_said_to(tmp_path: Path) -> None:
    """At hardest U-Net is a little better in 26 of 30 cases and misses 4: No-Skip has the higher mean."""
    predictions, raw = small_study(tmp_path, "NoSkip", "UNet", n_patients=30)
    for architecture in ("NoSkip", "UNet"):
        for path in level_folder(predictions, trainer(architecture), "hardest", dataset=DATASET).glob("*.png"):
            labels = np.array(Image.open(raw / DATASET / "labelsTs" / path.name))
            labels = np.roll(labels, 3 if architecture == "NoSkip" else 1, axis=0)
            if architecture == "UNet" and int(path.stem[1:3]) < 4:
                labels[:] = 0
            Image.fromarray(labels).save(path)
    page = report(tmp_path, predictions, raw)
    for start in ("At hardest, No-Skip U-Net leads", "Mean DSC, No-Skip U-Net minus", "Groups of"):
        line = lines(page, start)[0]
        assert "may be chance; ranks differ, means may not)" in line
        assert "trainings differ" not in line.split(";")[0]


@pytest.mark.parametrize("reference", [True, False])
def test_levels_of_unknown_order_are_not_called_harder(tmp_path: Path, reference: bool) -> None:
    predictions, raw = small_study(tmp_path, "NoSkip", "UNet")
    for folder in predictions.glob("*/*/fold_0"):
        for old, new in {"hardest": "scannerB", "easiest": "blur7", "harder": "", "easier": ""}.items():
            if new:
                (folder / old).rename(folder / new)
            else:
                shutil.rmtree(folder / old)
        if not reference:
            shutil.rmtree(folder / "unperturbed")
    page = report(tmp_path, predictions, raw)
    assert lines(page, "At scannerB, No-Skip U-Net leads in mean DSC: 0.")
    start = "From unperturbed to scannerB, the level with the lowest mean DSC, mean DSC changes most favourably for "
    assert bool(lines(page, start)) == reference
    other = "unperturbed" if reference else "blur7"
    assert f"; at {other} " in lines(page, "Mean DSC, No-Skip U-Net minus")[0]
    for words in ("Hardest level first", "hardest level", "is harder", "harder level"):
        assert words not in page
    assert "harder" not in (tmp_path / "out" / "figures" / f"levels_dsc_{DATASET}.svg").read_text(encoding="utf-8")
    assert "\\u2190 harder" not in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_few_cases_of_like_size_are_no_constant_network(tmp_path: Path) -> None:
    """Two cases at one level, both predicted within 1 % of one size: that may be chance."""
    predictions, raw = small_study(tmp_path, "NoSkip", "UNet", n_patients=2)
    for folder in predictions.glob("*/*/*/*"):
        if folder.name != "unperturbed":
            shutil.rmtree(folder)
    sizes = {"p00_0": 15.0, "p01_0": 15.6}
    write_cases(raw / DATASET / "labelsTs", {case: label_map((32, 32), size, 1) for case, size in sizes.items()})
    unet = level_folder(predictions, trainer("UNet"), "unperturbed", dataset=DATASET)
    write_cases(unet, {case: label_map((32, 32), 15.2, 1) for case in sizes})
    assert "whatever the image" not in report(tmp_path, predictions, raw)


def test_notes_on_degenerate_networks_fit_the_choice(tmp_path: Path) -> None:
    predictions, raw = write_study(
        tmp_path, n_patients=12, per_patient=1, architectures=("NoSkip", "UNet", "VNet"), seeds=(1,),
        labels=("organ",), images=False, degenerate=("VNet",),
    )  # fmt: skip
    page = report(tmp_path, predictions, raw)
    assert "Degenerate networks take no part." in page
    assert "; for the networks that aren't degenerate;" in page
    assert "Hollow, not ranked and never on it: degenerate networks" in page
    page = report(tmp_path, predictions, raw, include_degenerate=True)
    assert "Degenerate networks take part, too." in page
    assert "; for all networks, degenerate ones too;" in page
    assert "never on it" not in page
    assert "take no part" not in page


def test_cases_of_one_level_are_not_called_drops(tmp_path: Path) -> None:
    predictions, raw = write_study(
        tmp_path, n_patients=6, per_patient=1, architectures=("NoSkip", "UNet"), seeds=(1,), labels=("organ",)
    )
    for folder in predictions.glob("*/*/*/*"):
        if folder.name != "unperturbed":
            shutil.rmtree(folder)
    page = report(tmp_path, predictions, raw)
    assert "(lowest DSC)" in page
    assert "drop)" not in page
    assert "Hardest level first" not in page
    means = pd.read_csv(tmp_path / "out" / "case_metrics.csv").groupby("case")["dsc"].mean().sort_values()
    wanted = {f"{means.index[0]}_lowest-DSC", f"{means.index[3]}_median", f"{means.index[-1]}_best"}
    found = {path.stem for path in (tmp_path / "out" / "figures").glob(f"cases_{DATASET}_p*.png")}
    assert found == {f"cases_{DATASET}_{name}" for name in wanted}
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "6 cases chosen by their DSC (lowest DSC, median, best, and evenly between)." in html


def test_without_a_level_to_count_from_cases_are_chosen_by_their_spread(tmp_path: Path) -> None:
    predictions, raw = write_study(
        tmp_path, n_patients=6, per_patient=1, architectures=("NoSkip", "UNet"), seeds=(1,), labels=("organ",)
    )
    for folder in predictions.glob("*/*/*/unperturbed"):
        shutil.rmtree(folder)
    page = report(tmp_path, predictions, raw)
    assert "(largest spread)" in page
    assert "drop)" not in page
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "chosen by the spread of their DSC over the levels (largest spread, " in html
    assert list((tmp_path / "out" / "figures").glob(f"cases_{DATASET}_*_largest-spread.png"))


def write_alphas(root: Path, *trainers: str) -> tuple[Path, Path]:
    """Two training alphas, two test alphas, six cases."""
    dataset = "Dataset501_SyntheticTexture"
    raw, rng = root / "raw" / dataset, np.random.default_rng(0)
    cases = {f"c{i}": (rng.uniform(28, 36, 2), rng.uniform(12, 20)) for i in range(6)}
    write_cases(raw / "labelsTs", {case: label_map(centre, radius, 1) for case, (centre, radius) in cases.items()})
    write_dataset_json(raw, {"object": 1})
    (raw / "folds.csv").write_text("fold,name,kind\n0,alpha0.10,alpha\n1,alpha0.90,alpha\n", encoding="utf-8")
    for name, fold, level in itertools.product(trainers, (0, 1), ("alpha0.10", "alpha0.90")):
        off = 3 if "NoSkip" in name else 1
        predicted = {case: label_map(centre, radius - off, 1) for case, (centre, radius) in cases.items()}
        write_cases(level_folder(root / "predictions", name, level, fold, dataset), predicted)
    return root / "predictions", root / "raw"


def test_only_networks_trained_alike_are_subtracted(tmp_path: Path) -> None:
    """No-Skip of 5 epochs is no measure for a U-Net of 100; with one of 100, U-Net's own 5 have none."""
    predictions, raw = write_alphas(tmp_path, "nnUNetTrainerNoSkip_5epochs", "nnUNetTrainerUNet_100epochs")
    page = report(tmp_path, predictions, raw)
    assert "better than No-Skip U-Net" not in page
    assert "Not compared with No-Skip U-Net, of which none was trained alike: U-Net." in page
    assert not list((tmp_path / "out" / "figures").glob("alpha_dsc_minus_noskip*"))
    names = ("nnUNetTrainerNoSkip_100epochs", "nnUNetTrainerUNet_100epochs", "nnUNetTrainerVNet_5epochs")
    predictions, raw = write_alphas(tmp_path / "second", *names)
    page = report(tmp_path / "second", predictions, raw)
    caption = next(line for line in page.splitlines() if "better than No-Skip U-Net trained" in line)
    assert caption.endswith("Not compared with No-Skip U-Net, of which none was trained alike: V-Net.")


def test_levels_that_many_trainings_lack_are_named_shortly(tmp_path: Path) -> None:
    predictions, raw = write_study(
        tmp_path, n_patients=3, per_patient=1, architectures=tuple(FACTOR), seeds=(1,), labels=("organ",), images=False
    )
    for folder in predictions.glob("*/*/*/easier"):
        if not folder.parts[-3].startswith("nnUNetTrainerNoSkip_"):
            shutil.rmtree(folder)
    warning = lines(report(tmp_path, predictions, raw), f"{DATASET}: 5 of 6 trainings were not predicted")[0]
    assert warning.count(": easier") == 5
    more = level_folder(predictions, "nnUNetTrainerUNet_5epochs", "hardest", dataset=DATASET)
    shutil.copytree(level_folder(predictions, trainer("UNet"), "hardest", dataset=DATASET), more)
    warning = lines(report(tmp_path, predictions, raw), f"{DATASET}: 6 of 7 trainings were not predicted")[0]
    assert "; …)" in warning


def test_one_table_tells_how_the_study_s_networks_differed(tmp_path: Path) -> None:
    """The same in docs/networks.md and in the report, and only where such a network is compared."""
    told = (Path(__file__).parents[3] / "docs" / "networks.md").read_text(encoding="utf-8")
    rows = (TEMPLATES / "study_networks.md").read_text(encoding="utf-8").splitlines()
    assert "\n".join([rows[0], "|---|---|---|", *rows[1:]]) in told
    page = report(tmp_path, *small_study(tmp_path, "NoSkip", "UNet"))
    for row in rows:
        assert row.replace("`", "") in page
    assert study_networks(["MyNet", "nnUNetTrainer"]) is None
    assert study_networks(["UNet_skips1"]) is not None
