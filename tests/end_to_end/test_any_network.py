"""A study of networks by factor and of anybody's trainers, on plans that normalise by the training cases.

By ``skipstudy run``; then nnU-Net's own commands in processes of their own: the same pixels, another's encoder, and a
model that is opened without this package.
"""

import filecmp
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from prepared import PreparedStudy
from processes import environment_of, run, study_environment
from tiny_study import TEXT, write_study

pytestmark = pytest.mark.nnunet

OWN = """
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

class nnUNetTrainerShort(nnUNetTrainer):
    def __init__(self, plans, configuration, fold, dataset_json, device=torch.device("cuda")):
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.num_epochs, self.num_iterations_per_epoch, self.num_val_iterations_per_epoch = 1, 2, 1
"""
MIXED = """
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerDA5 import nnUNetTrainerDA5
from nnunet_skipstudy.training.on_demand import trainers_of
__getattr__ = trainers_of("nnUNetTrainerNoSkipDA5", "NoSkip", nnUNetTrainerDA5)
"""
FACTORED = "nnUNetTrainerUNet_skips1_skipDropout50_1epochs_2iters_seed1_noDA_CELoss"
TRAINERS = ["nnUNetTrainerShort", "nnUNetTrainerNoSkipDA5_1epochs_1iters_seed1", FACTORED]
DATASET = "Dataset501_SyntheticTexture"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> PreparedStudy:
    """The study, run; a misspelled trainer is refused first."""
    root = tmp_path_factory.mktemp("any")
    (root / "mine").mkdir()
    (root / "mine" / "nnUNetTrainerShort.py").write_text(OWN)
    (root / "mine" / "nnUNetTrainerNoSkipDA5.py").write_text(MIXED)
    text = f"{TEXT}skips: [[1]]\nskip_dropout: 50\naugmentation: none\ntrainers: []\n"
    changes = {"architectures": "[UNet_CELoss]", "epochs": "1", "iterations": "2"}
    changes["batch_size"] = "2\n  normalization: training"
    environment = {"nnUNet_extTrainer": str(root / "mine")}
    named = f'[{{}}, "{TRAINERS[1][:-1]}<seed>"]'
    path = write_study(root, text, **changes, trainers=named.format("nnUNetTrainerShrt"))
    said = run(["skipstudy", "run", str(path)], environment, expect=2).stderr
    assert "trainer 'nnUNetTrainerShrt': nnU-Net doesn't find it" in said
    assert not (root / "nnUNet_raw").exists()
    path = write_study(root, text, **changes, trainers=named.format("nnUNetTrainerShort"))
    run(["skipstudy", "run", str(path)], environment)
    ours = study_environment(root)
    folders = f"{ours['nnUNet_extTrainer']}:{root / 'mine'}"
    return PreparedStudy(root, DATASET, {**ours, "nnUNet_extTrainer": folders})


def checkpoint_of(study: PreparedStudy, trainer: str) -> Path:
    return study.model(trainer, plans="tinyPlans") / "fold_0" / "checkpoint_final.pth"


def test_each_is_trained_as_its_name_says(study: PreparedStudy) -> None:
    weights = {
        trainer: torch.load(checkpoint_of(study, trainer), weights_only=False)["network_weights"]
        for trainer in TRAINERS
    }
    heads = {trainer: f"decoder.stages.{levels_of(weights[trainer]) - 1}.convs.0.conv.weight" for trainer in TRAINERS}
    widths = {trainer: tuple(weights[trainer][head].shape[:2]) for trainer, head in heads.items()}
    assert list(widths.values()) == [(8, 16), (8, 8), (8, 8)]  # nnU-Net's hands on at full resolution, ours don't
    report = (study.root / "analysis" / "report.md").read_text(encoding="utf-8").replace("\\", "")
    for name in ("nnUNetTrainerShort", "nnUNetTrainerNoSkipDA5_1epochs_1iters", "UNet_skips1_skipDropout50"):
        assert f"| {name} |" in report


def levels_of(weights: dict[str, torch.Tensor]) -> int:
    return len({key.split(".")[2] for key in weights if key.startswith("decoder.seg_layers")})


def test_stock_nnunet_normalises_a_test_image_by_the_training_cases(study: PreparedStudy, tmp_path: Path) -> None:
    """In a process of its own, it makes the pixels that the study made: from the plan alone."""
    plans = json.loads((study.model("nnUNetTrainerShort", plans="tinyPlans") / "plans.json").read_text())
    assert plans["configurations"]["2d"]["normalization_schemes"] == ["CTNormalization"]
    level, trainer = "alpha0.90", "nnUNetTrainerShort"
    run(
        ["nnUNetv2_predict", "-d", "501", "-i", str(study.raw / f"imagesTs_{level}"), "-o", str(tmp_path)]
        + ["-f", "0", "-c", "2d", "-p", "tinyPlans", "-tr", trainer, "-device", "cpu", "-npp", "1", "-nps", "1"]
        + ["--disable_tta"],
        study.environment,
    )
    theirs = study.root / "predictions" / DATASET / f"{trainer}__tinyPlans__2d" / "fold_0" / level
    names = sorted(path.name for path in theirs.glob("*.png"))
    assert len(names) == 3
    assert filecmp.cmpfiles(theirs, tmp_path, names, shallow=False) == (names, [], [])


def test_an_encoder_goes_from_one_variant_to_another(study: PreparedStudy, tmp_path: Path) -> None:
    """Nnu-Net's command takes it whole; an encoder of other stages is refused, and nothing written."""
    source, target = checkpoint_of(study, FACTORED), "nnUNetTrainerNoSkip_1epochs_1iters_seed3"
    command = ["skipstudy", "transfer", str(source), "-d", "501", "-p", "tinyPlans", "-o", str(tmp_path / "w.pth")]
    refused = run([*command, "-tr", "nnUNetTrainerVNet"], study.environment, expect=2)
    assert "transfer between networks of one plan" in refused.stderr
    assert not list(tmp_path.iterdir())
    printed = run([*command, "-tr", target], study.environment).stdout
    assert f"of {FACTORED}" in printed.splitlines()[0]
    assert f"as {target} begins" in printed.splitlines()[1]
    train = printed.splitlines()[-1].removeprefix("next: ").replace("FOLD", "0").split()
    trained = run([*train, "-device", "cpu"], study.environment).stdout
    assert "Loading pretrained weights from file" in trained
    assert checkpoint_of(study, target).is_file()
    assert run([*command, "-tr", target], study.environment, expect=2).stderr.count("is there already") == 1


def test_opened_without_this_package_a_model_names_it(study: PreparedStudy, tmp_path: Path) -> None:
    """All that is installed but this package, for nnU-Net's predictor."""
    for site in {path for path in map(Path, sys.path) if path.name == "site-packages"}:
        for entry in site.iterdir():
            if not entry.name.startswith("nnunet_skipstudy") and not (tmp_path / entry.name).exists():
                (tmp_path / entry.name).symlink_to(entry)
    code = (
        "import sys; sys.path = [p for p in sys.path if 'site-packages' not in p] + [sys.argv[1]]\n"
        "from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor; import torch\n"
        "made = nnUNetPredictor(device=torch.device('cpu'))\n"
        "made.initialize_from_trained_model_folder(sys.argv[2], (0,))"
    )
    model = str(study.model(FACTORED, plans="tinyPlans"))
    finished = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(tmp_path), model],
        env=environment_of({}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.strip().splitlines()[-1] == "ModuleNotFoundError: No module named 'nnunet_skipstudy'"
