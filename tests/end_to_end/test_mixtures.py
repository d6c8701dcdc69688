"""A user's own trainers with our networks, through nnU-Net's commands: trained, and predicted in a fresh process."""

import os
from pathlib import Path

import pytest
import torch
from prepared import PreparedStudy
from processes import run

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "trainers.md"
SUFFIXES = "_1epochs_1iters_seed1"
OTHERS = """
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerNoMirroring import nnUNetTrainerNoMirroring
from nnunetv2.training.nnUNetTrainer.variants.network_architecture.nnUNetTrainerNoDeepSupervision import (
    nnUNetTrainerNoDeepSupervision as NoDS,
)
from nnunetv2.training.nnUNetTrainer.variants.optimizer.nnUNetTrainerAdam import nnUNetTrainerAdam
from nnunet_skipstudy.training.on_demand import trainer_class

class nnUNetTrainerMine(
    trainer_class("nnUNetTrainerVNet_1epochs_1iters"), nnUNetTrainerNoMirroring, nnUNetTrainerAdam, NoDS
):
    pass
"""
BATCH_NORM = """
from nnunetv2.training.nnUNetTrainer.variants.network_architecture.nnUNetTrainerBN import nnUNetTrainerBN
from nnunet_skipstudy.training.on_demand import trainers_of
__getattr__ = trainers_of("nnUNetTrainerNoSkipBN", "NoSkip", nnUNetTrainerBN)
"""
BN_TRAINER = "nnUNetTrainerNoSkipBN_1epochs_10iters"  # so that its running statistics are those of its batches

pytestmark = pytest.mark.nnunet


@pytest.fixture(scope="module")
def theirs(synthetic: PreparedStudy, tmp_path_factory: pytest.TempPathFactory) -> PreparedStudy:
    """The lines of the site's page, and a class of several trainers, in a folder of the user's."""
    folder = tmp_path_factory.mktemp("theirs")
    lines = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert len(lines.splitlines()) <= 5
    (folder / "nnUNetTrainerNoSkipDA5.py").write_text(lines)
    (folder / "nnUNetTrainerMine.py").write_text(OTHERS)
    (folder / "nnUNetTrainerNoSkipBN.py").write_text(BATCH_NORM)
    folders = os.pathsep.join([synthetic.environment["nnUNet_extTrainer"], str(folder)])
    return PreparedStudy(synthetic.root, synthetic.dataset, {**synthetic.environment, "nnUNet_extTrainer": folders})


@pytest.mark.parametrize("trainer", [f"nnUNetTrainerNoSkipDA5{SUFFIXES}", "nnUNetTrainerMine", BN_TRAINER])
def test_a_users_trainer_with_our_network_trains_and_predicts(
    theirs: PreparedStudy, trainer: str, tmp_path: Path
) -> None:
    run(["nnUNetv2_train", "501", "2d", "0", "-tr", trainer, "-device", "cpu"], theirs.environment)
    checkpoint = torch.load(theirs.model(trainer) / "fold_0" / "checkpoint_final.pth", weights_only=False)
    weights = checkpoint["network_weights"]
    if trainer == "nnUNetTrainerMine":
        assert any("shortcut" in key for key in weights)
        assert checkpoint["inference_allowed_mirroring_axes"] is None
    else:
        first = weights["decoder.stages.0.convs.0.conv.weight"]
        assert first.shape[1] == first.shape[0]  # nothing is concatenated
        assert (trainer == BN_TRAINER) is any(k.startswith("decoder") and "running_mean" in k for k in weights)
    run(
        ["nnUNetv2_predict", "-d", "501", "-i", str(theirs.raw / "imagesTs_alpha0.10"), "-o", str(tmp_path)]
        + ["-f", "0", "-c", "2d", "-tr", trainer, "-device", "cpu", "-npp", "1", "-nps", "1"],
        theirs.environment,
    )
    assert len(list(tmp_path.glob("*.png"))) == 3
