"""nnU-Net verifies, plans, preprocesses, trains and predicts each of the five converted data sets."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_nnunet
from made_up_downloads import DOWNLOADS
from processes import environment_of, run, study_environment

pytestmark = pytest.mark.nnunet

TRAINER = "nnUNetTrainerNoSkip_1epochs_1iters"
LEVEL = "hardest"
FOLDS = (0, 5)  # the first wide and the first narrow one
DATASETS = {
    "busi": ("Dataset502_BUSI", "2d", ["ZScoreNormalization"]),
    "glas": ("Dataset503_GlaS", "2d", ["ZScoreNormalization"]),
    "acdc": ("Dataset504_ACDC", "3d_fullres", ["ZScoreNormalization"]),
    "spleen": ("Dataset505_Spleen", "3d_fullres", ["CTNormalization"]),
    "heart": ("Dataset506_Heart", "2d", ["ZScoreNormalization"]),
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All five converted, each from the folder above its download, then all steps of nnU-Net in one process."""
    root = tmp_path_factory.mktemp("converted")
    environment = study_environment(root)
    for name, make in DOWNLOADS.items():
        make(root / "downloads" / name)
        run(["skipstudy", "convert", name, str(root / "downloads" / name)], environment)
    datasets = [f"{dataset[7:10]}:{configuration}" for dataset, configuration, _ in DATASETS.values()]
    done = subprocess.run(
        [sys.executable, tiny_nnunet.__file__, str(root), TRAINER, LEVEL, *map(str, FOLDS), "--", *datasets],
        env=environment_of(environment),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    assert "Error" not in done.stdout  # what nnU-Net's check of the data set prints
    assert "mismatch" not in done.stdout
    return root


@pytest.mark.parametrize("name", DATASETS)
def test_both_folds_are_trained_and_a_level_is_predicted(root: Path, name: str) -> None:
    dataset, configuration, normalisation = DATASETS[name]
    preprocessed = root / "nnUNet_preprocessed" / dataset
    plans = json.loads((preprocessed / f"{tiny_nnunet.PLANS}.json").read_text())
    assert plans["configurations"][configuration]["normalization_schemes"] == normalisation
    splits = json.loads((preprocessed / "splits_final.json").read_text())
    assert splits == json.loads(
        (root / "nnUNet_raw" / dataset / "splits_final.json").read_text()
    )  # nnU-Net's kept them
    model = root / "nnUNet_results" / dataset / f"{TRAINER}__{tiny_nnunet.PLANS}__{configuration}"
    for fold in FOLDS:
        assert (model / f"fold_{fold}" / "checkpoint_final.pth").is_file()
        (log,) = (model / f"fold_{fold}").glob("training_log_*.txt")
        split = splits[fold]
        counted = f"This split has {len(split['train'])} training and {len(split['val'])} validation cases."
        assert counted in log.read_text()
    with (root / "nnUNet_raw" / dataset / "cases.csv").open(newline="") as stream:
        test = {row["case"] for row in csv.DictReader(stream)} - {case for part in splits[0].values() for case in part}
    predicted = {path.name.split(".")[0] for path in (root / "predictions" / dataset / LEVEL).iterdir()}
    assert test
    assert test <= predicted
