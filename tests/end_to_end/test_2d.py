"""nnU-Net's own commands on the study's trainers, in 2D: train, resume, validate, export, predict, analyze."""

import csv
import filecmp
import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch
from prepared import PreparedStudy
from processes import command_line, environment_of, run

from nnunet_skipstudy.registry import alpha_level

pytestmark = pytest.mark.nnunet

NO_SKIP = "nnUNetTrainerNoSkip_2epochs_5iters_seed1"
NESTED = "nnUNetTrainerUNetPlusPlus_1epochs_2iters_fullresDS_spatialDA"
LEVELS = [alpha_level(alpha) for alpha in (0.1, 0.6)]


def train(study: PreparedStudy, trainer: str, *options: str, fold: int = 0, **how) -> subprocess.CompletedProcess[str]:
    return run(
        ["nnUNetv2_train", "501", "2d", str(fold), "-tr", trainer, "-device", "cpu", *options], study.environment, **how
    )


def predict(study: PreparedStudy, trainer: str, level: str, output: Path, environment: dict[str, str]) -> None:
    run(
        ["nnUNetv2_predict", "-d", "501", "-i", str(study.raw / f"imagesTs_{level}"), "-o", str(output)]
        + ["-f", "0", "-c", "2d", "-tr", trainer, "-device", "cpu", "-npp", "1", "-nps", "1"],
        environment,
    )


@pytest.fixture(scope="module")
def predictions(synthetic: PreparedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two trainers trained and their predictions of both levels, each by nnU-Net's command in a fresh process."""
    tree = tmp_path_factory.mktemp("predictions")
    for trainer in (NO_SKIP, NESTED):
        train(synthetic, trainer)
        for level in LEVELS:
            output = tree / synthetic.dataset / f"{trainer}__nnUNetPlans__2d" / "fold_0" / level
            predict(synthetic, trainer, level, output, synthetic.environment)
    return tree


def test_training_leaves_what_nnunet_leaves(synthetic: PreparedStudy, predictions: Path) -> None:
    fold = synthetic.model(NO_SKIP) / "fold_0"
    assert {"checkpoint_final.pth", "progress.png", "debug.json"} <= {path.name for path in fold.iterdir()}
    assert (fold / "validation" / "summary.json").is_file()
    assert not list(fold.glob(".writing-*"))
    checkpoint = torch.load(fold / "checkpoint_final.pth", weights_only=False)
    assert checkpoint["trainer_name"] == NO_SKIP
    assert checkpoint["current_epoch"] == 2
    assert not any("skips" in key for key in checkpoint["network_weights"])


def test_validation_alone_and_continuing_a_finished_training(synthetic: PreparedStudy, predictions: Path) -> None:
    validation = synthetic.model(NO_SKIP) / "fold_0" / "validation"
    before = json.loads((validation / "summary.json").read_text())["foreground_mean"]["Dice"]
    for option in ("--val", "--c"):
        shutil.rmtree(validation)
        train(synthetic, NO_SKIP, option)
        assert json.loads((validation / "summary.json").read_text())["foreground_mean"]["Dice"] == before


def test_one_process_predicts_the_same_pixels(synthetic: PreparedStudy, predictions: Path, tmp_path: Path) -> None:
    """Our predictor, which loads a model once for all levels, against nnUNetv2_predict."""
    script = (
        "import sys; from pathlib import Path\n"
        "from nnunet_skipstudy.nnunet.prediction import Predictor\n"
        "model, raw, output = map(Path, sys.argv[1:4])\n"
        "predictor = Predictor(model, 0, mirroring=True)\n"
        "for level in sys.argv[4:]:\n"
        "    assert predictor.predict_folder(raw / f'imagesTs_{level}', output / level) == 3\n"
        "    assert predictor.predict_folder(raw / f'imagesTs_{level}', output / level) == 0\n"
    )
    model = synthetic.model(NO_SKIP)
    run(["python", "-c", script, str(model), str(synthetic.raw), str(tmp_path), *LEVELS], synthetic.environment)
    theirs = predictions / synthetic.dataset / model.name / "fold_0"
    for level in LEVELS:
        names = sorted(path.name for path in (theirs / level).glob("*.png"))
        assert len(names) == 3
        assert filecmp.cmpfiles(theirs / level, tmp_path / level, names, shallow=False) == (names, [], [])


def test_a_model_moves_to_another_machine(synthetic: PreparedStudy, predictions: Path, tmp_path: Path) -> None:
    """nnUNetv2_export_model_to_zip and back into an empty results folder; there it predicts the same."""
    archive = tmp_path / "model.zip"
    run(
        ["nnUNetv2_export_model_to_zip", "-d", "501", "-o", str(archive), "-c", "2d", "-tr", NO_SKIP, "-f", "0"],
        synthetic.environment,
    )
    elsewhere = {**synthetic.environment, "nnUNet_results": str(tmp_path / "elsewhere")}
    run(["nnUNetv2_install_pretrained_model_from_zip", str(archive)], elsewhere)
    output = tmp_path / "predictions"
    predict(synthetic, NO_SKIP, LEVELS[0], output, elsewhere)
    original = predictions / synthetic.dataset / f"{NO_SKIP}__nnUNetPlans__2d" / "fold_0" / LEVELS[0]
    names = sorted(path.name for path in original.glob("*.png"))
    assert filecmp.cmpfiles(original, output, names, shallow=False) == (names, [], [])


def test_analysis_of_the_predictions(synthetic: PreparedStudy, predictions: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    labels = synthetic.raw / "labelsTs"
    run(["skipstudy", "analyze", str(predictions), "--labels", str(labels), "-o", str(out)], {})
    with (out / "case_metrics.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 2 * len(LEVELS) * 3
    assert {row["architecture"] for row in rows} == {"NoSkip", "UNetPlusPlus"}
    assert {row["seed"] for row in rows if row["architecture"] == "NoSkip"} == {"1"}
    assert all(row["disparity"] and row["outcome"] in ("both", "missed") for row in rows)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "UNet++" in page
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_residual_encoder_plans(synthetic: PreparedStudy, tmp_path: Path) -> None:
    """nnU-Net's recommended presets, without deep supervision, to the prediction in a fresh process."""
    plans, trainer = "nnUNetResEncUNetMPlans", "nnUNetTrainerNoTopSkip_1epochs_1iters_noDS"
    run(
        ["nnUNetv2_plan_experiment", "-d", "501", "-pl", "nnUNetPlannerResEncM"],
        {**synthetic.environment, "nnUNet_n_proc_DA": "1"},
    )
    run(
        ["nnUNetv2_preprocess", "-d", "501", "-c", "2d", "-plans_name", plans, "-np", "1"],
        synthetic.environment,
    )
    train(synthetic, trainer, "-p", plans)
    checkpoint = synthetic.model(trainer, plans=plans) / "fold_0" / "checkpoint_final.pth"
    keys = torch.load(checkpoint, weights_only=False)["network_weights"]
    assert any(key.startswith("encoder.stages.0.blocks") for key in keys)
    run(
        ["nnUNetv2_predict", "-d", "501", "-i", str(synthetic.raw / f"imagesTs_{LEVELS[0]}"), "-o", str(tmp_path)]
        + ["-f", "0", "-c", "2d", "-p", plans, "-tr", trainer, "-device", "cpu", "-npp", "1", "-nps", "1"],
        synthetic.environment,
    )
    assert len(list(tmp_path.glob("*.png"))) == 3


def weights(study: PreparedStudy, trainer: str) -> dict[str, torch.Tensor]:
    checkpoint = torch.load(study.model(trainer) / "fold_0" / "checkpoint_final.pth", weights_only=False)
    return checkpoint["network_weights"]


def test_a_killed_and_resumed_training_agrees_bit_for_bit(synthetic: PreparedStudy) -> None:
    """Undisturbed, and killed with SIGKILL after its first checkpoint and continued: the same weights and history.

    With nnU-Net's full augmentation, whose blur is otherwise chosen by timing.
    """
    trainer = "nnUNetTrainerUNet_12epochs_2iters_seed7"
    fold = synthetic.model(trainer) / "fold_0"
    train(synthetic, trainer)
    undisturbed = torch.load(fold / "checkpoint_final.pth", weights_only=False)
    shutil.rmtree(fold)

    with subprocess.Popen(
        command_line(["nnUNetv2_train", "501", "2d", "0", "-tr", trainer, "-device", "cpu"]),
        env=environment_of(synthetic.environment),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 200
        while not (fold / "checkpoint_latest.pth").is_file():
            assert time.monotonic() < deadline
            assert process.poll() is None, "the training ended before it could be killed"
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert not (fold / "checkpoint_final.pth").exists()
    train(synthetic, trainer, "--c")

    resumed = torch.load(fold / "checkpoint_final.pth", weights_only=False)
    for key, weight in undisturbed["network_weights"].items():
        assert torch.equal(weight, resumed["network_weights"][key]), key
    for quantity in ("train_losses", "val_losses", "mean_fg_dice", "ema_fg_dice"):
        assert undisturbed["logging"][quantity] == resumed["logging"][quantity]
    assert undisturbed["_best_ema"] == resumed["_best_ema"]


def test_another_seed_gives_other_weights(synthetic: PreparedStudy, predictions: Path) -> None:
    other = NO_SKIP.replace("seed1", "seed2")
    train(synthetic, other)
    first, second = weights(synthetic, NO_SKIP), weights(synthetic, other)
    assert any(not torch.equal(first[key], second[key]) for key in first)


def test_an_unknown_suffix_is_explained(synthetic: PreparedStudy) -> None:
    failed = train(synthetic, "nnUNetTrainerNoSkip_2epoch", expect=None)
    assert failed.returncode != 0
    assert "unknown suffix '_2epoch'; known are _<n>epochs" in failed.stderr
    doctor = run(["skipstudy", "doctor", "-tr", "nnUNetTrainerNoSkip_2epoch"], synthetic.environment, expect=2)
    assert doctor.stderr.startswith("skipstudy: trainer 'nnUNetTrainerNoSkip_2epoch': unknown suffix")


def test_other_peoples_trainers_stay_findable(synthetic: PreparedStudy, tmp_path: Path) -> None:
    """Behind our folder in nnUNet_extTrainer, also where our package can't be imported at all."""
    (tmp_path / "nnUNetTrainerTheirs.py").write_text(
        "from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer\n"
        "class nnUNetTrainerTheirs(nnUNetTrainer):\n    pass\n"
    )
    ours = synthetic.environment["nnUNet_extTrainer"]
    lookup = (
        "import sys\n"
        "if 'blocked' in sys.argv: sys.modules['nnunet_skipstudy'] = None\n"
        "from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name as find\n"
        "assert find('nnUNetTrainerTheirs').__name__ == 'nnUNetTrainerTheirs'\n"
        "if 'blocked' not in sys.argv: assert find('nnUNetTrainerVNet_3epochs').__name__.endswith('VNet_3epochs')\n"
    )
    for folders in (f"{ours}:{tmp_path}", f"{tmp_path}:{ours}"):
        environment = {**synthetic.environment, "nnUNet_extTrainer": folders}
        run(["python", "-c", lookup], environment)
        run(["python", "-c", lookup, "blocked"], environment)
