"""Controls by name through nnU-Net's commands: trained, and predicted in a fresh process."""

from pathlib import Path

import pytest
import torch
from prepared import PreparedStudy
from processes import run

pytestmark = pytest.mark.nnunet


@pytest.mark.parametrize(
    "suffixes",
    [
        "UNet_skips12_skipDropout50_noDA_CELoss",
        "NoSkipVNet_matchedParams",
        "UNetPlusPlus_matchedFLOPs_DA5_DiceLoss_seed0",
    ],
)
def test_a_control_trains_and_predicts(synthetic: PreparedStudy, suffixes: str, tmp_path: Path) -> None:
    trainer = f"nnUNetTrainer{suffixes}_1epochs_1iters"
    run(["nnUNetv2_train", "501", "2d", "0", "-tr", trainer, "-device", "cpu"], synthetic.environment)
    checkpoint = torch.load(synthetic.model(trainer) / "fold_0" / "checkpoint_final.pth", weights_only=False)
    weights = checkpoint["network_weights"]
    top = weights[f"decoder.stages.{checkpoint_levels(weights) - 1}.convs.0.conv.weight"]
    if suffixes.startswith("UNet_"):
        assert top.shape[0] == top.shape[1] == 32
    else:
        assert top.shape[0] < 32
    run(
        ["nnUNetv2_predict", "-d", "501", "-i", str(synthetic.raw / "imagesTs_alpha0.10"), "-o", str(tmp_path)]
        + ["-f", "0", "-c", "2d", "-tr", trainer, "-device", "cpu", "-npp", "1", "-nps", "1"],
        synthetic.environment,
    )
    assert len(list(tmp_path.glob("*.png"))) == 3


def checkpoint_levels(weights: dict[str, torch.Tensor]) -> int:
    return len({key.split(".")[2] for key in weights if key.startswith("decoder.seg_layers")})
