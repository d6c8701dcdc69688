"""A study of the five converted data sets and a foreign one: nnU-Net verifies, plans, trains and predicts each."""

import csv
import json
from collections import Counter
from pathlib import Path

import pytest
from foreign import write_foreign
from made_up_downloads import DOWNLOADS
from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
from processes import SMALL_MACHINE, run, study_environment
from skimage.io import imread

from nnunet_skipstudy.nnunet.workers import watched_pools
from nnunet_skipstudy.registry import LEVELS

pytestmark = pytest.mark.nnunet

TRAINER = "nnUNetTrainerNoSkip_1epochs_1iters_seed1_spatialDA"
FOLDS = (0, 5)  # the first wide and the first narrow one
DATASETS = {
    "busi": ("Dataset502_BUSI", "2d", ["ZScoreNormalization"]),
    "glas": ("Dataset503_GlaS", "2d", ["ZScoreNormalization"]),
    "acdc": ("Dataset504_ACDC", "3d_fullres", ["ZScoreNormalization"]),
    "spleen": ("Dataset505_Spleen", "3d_fullres", ["CTNormalization"]),
    "heart": ("Dataset506_Heart", "2d", ["ZScoreNormalization"]),
}
FOREIGN = "Dataset777_Foreign"
ELSEWHERE = "Dataset778_Hospital"
"""Not trained on: the foreign one's network is tested on it."""
OWN_LEVEL = "mine:blur_background:sigma_px=2"
STUDY = """\
datasets:
{datasets}
  - {{id: 777, perturb: [--level, "{own_level}"], folds: 0, levels: [unperturbed, mine], test_on: hospital}}
architectures: NoSkip
plans: {{name: tinyPlans, base_features: 4, max_features: 8, batch_size: 2}}
folds: [0, 5]
schedule: {{epochs: 1, iterations: 1}}
tta: false
device: cpu
small_data: true
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study, run by one command; each converter is given the folder above its download."""
    root = tmp_path_factory.mktemp("converted")
    entries = []
    for name, (dataset, configuration, _) in DATASETS.items():
        DOWNLOADS[name](root / "downloads" / name)
        entries.append(
            f"  - {{id: {int(dataset[7:10])}, converter: {name}, source: downloads/{name}, "
            f"configuration: {configuration}}}"
        )
    write_foreign(root / "nnUNet_raw", FOREIGN, n_train=5)
    write_foreign(root / "nnUNet_raw", ELSEWHERE, n_train=1, n_test=2)
    text = STUDY.format(datasets="\n".join(entries), own_level=OWN_LEVEL)
    (root / "study.yaml").write_text(text)
    run(["skipstudy", "run", str(root / "study.yaml")], SMALL_MACHINE, timeout=600)
    return root


@pytest.mark.parametrize("name", DATASETS)
def test_nnunet_accepts_the_data_set(root: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with watched_pools(threads=True):
        verify_dataset_integrity(str(root / "nnUNet_raw" / DATASETS[name][0]), num_processes=1)
    printed = capsys.readouterr().out
    assert "Error" not in printed
    assert "mismatch" not in printed


@pytest.mark.parametrize("name", DATASETS)
def test_both_folds_are_trained_and_all_levels_predicted(root: Path, name: str) -> None:
    dataset, configuration, normalisation = DATASETS[name]
    preprocessed = root / "nnUNet_preprocessed" / dataset
    plans = json.loads((preprocessed / "tinyPlans.json").read_text())
    assert plans["configurations"][configuration]["normalization_schemes"] == normalisation
    splits = json.loads((preprocessed / "splits_final.json").read_text())
    assert splits == json.loads(
        (root / "nnUNet_raw" / dataset / "splits_final.json").read_text()
    )  # nnU-Net's kept them
    model = f"{TRAINER}__tinyPlans__{configuration}"
    test = {path.name.split(".")[0] for path in (root / "nnUNet_raw" / dataset / "labelsTs").iterdir()}
    assert test
    for fold in FOLDS:
        trained = root / "nnUNet_results" / dataset / model / f"fold_{fold}"
        assert (trained / "checkpoint_final.pth").is_file()
        (log,) = trained.glob("training_log_*.txt")
        split = splits[fold]
        counted = f"This split has {len(split['train'])} training and {len(split['val'])} validation cases."
        assert counted in log.read_text()
        for level in LEVELS:
            predicted = root / "predictions" / dataset / model / f"fold_{fold}" / level
            assert test <= {path.name.split(".")[0] for path in predicted.iterdir()}


def test_every_case_is_measured_at_every_level(root: Path) -> None:
    with (root / "analysis" / "case_metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    counted = Counter((row["dataset"], row["level"], row["fold"]) for row in rows)
    assert counted.pop((f"{FOREIGN} on {ELSEWHERE}", "unperturbed", "0")) == 2 * 2
    for dataset in sorted(path.name for path in (root / "nnUNet_raw").iterdir() if path.name != ELSEWHERE):
        labels = json.loads((root / "nnUNet_raw" / dataset / "dataset.json").read_text())["labels"]
        n_rows = (len(labels) - 1) * sum(1 for _ in (root / "nnUNet_raw" / dataset / "labelsTs").iterdir())
        foreign = dataset == FOREIGN
        for level in ("unperturbed", "mine") if foreign else LEVELS:
            for fold in (0,) if foreign else FOLDS:
                assert counted.pop((dataset, level, str(fold))) == n_rows
    assert not counted


def test_a_network_tested_on_another_data_set_predicts_as_nnunet_does(root: Path, tmp_path: Path) -> None:
    """Pixel for pixel; by hand, the tree gives the study's tables, byte for byte."""
    (ours,) = (root / "predictions" / FOREIGN).glob(f"*/fold_0/{ELSEWHERE}")
    images, model = root / "nnUNet_raw" / ELSEWHERE / "imagesTs", root / "nnUNet_results" / FOREIGN / ours.parts[-3]
    by_nnunet = ["nnUNetv2_predict_from_modelfolder", "-i", str(images), "-o", str(tmp_path / "out"), "-m", str(model)]
    options = ["-f", "0", "-device", "cpu", "-npp", "1", "-nps", "1", "--disable_tta"]
    run([*by_nnunet, *options], study_environment(root))
    cases = sorted(path.name for path in (root / "nnUNet_raw" / ELSEWHERE / "labelsTs").iterdir())
    assert len(cases) == 2
    for case in cases:
        assert (imread(ours / case) == imread(tmp_path / "out" / case)).all()
    by_hand = ["skipstudy", "analyze", str(root / "predictions"), "--labels", str(root / "nnUNet_raw")]
    run([*by_hand, "--no-figures", "-o", str(tmp_path / "analysis")], {})
    for table in ("case_metrics.csv", "real_shift.csv"):
        assert (tmp_path / "analysis" / table).read_bytes() == (root / "analysis" / table).read_bytes()
    assert f"\n{FOREIGN},{ELSEWHERE}," in (root / "analysis" / "real_shift.csv").read_text()


def test_another_strength_of_a_level_makes_it_and_what_depends_on_it_anew(root: Path) -> None:
    file, level = root / "study.yaml", root / "nnUNet_raw" / FOREIGN / "imagesTs_mine"
    before = {path.name: path.read_bytes() for path in level.iterdir()}
    file.write_text(file.read_text().replace("sigma_px=2", "sigma_px=9"))
    listed = run(["skipstudy", "run", str(file), "--dry-run"], {}).stdout
    waiting = {line.split()[1] for line in listed.splitlines() if line.startswith("waiting")}
    model = "d777-NoSkip-fold0-seed1-spatial"
    assert waiting == {"perturb/d777", f"predict/{model}", f"shift/{model}-on-d778", "analyze/study"}
    run(["skipstudy", "run", str(file)], SMALL_MACHINE)
    assert all(path.read_bytes() != before[path.name] for path in level.iterdir())
