"""The networks as plans name them: built by nnU-Net alone, and the same as our trainers'."""

import contextlib
import io
from pathlib import Path

import pytest
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from small_plans import PLANS, REQUIRES_IMPORT, network_for
from tiny_training import DATASET_JSON, plans, write_preprocessed

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import ARCHITECTURES

MODULE = "nnunet_skipstudy.architectures.in_plans"
NAMES = {"PlainConvUNet": f"{MODULE}.SkipPlainConvUNet", "ResidualEncoderUNet": f"{MODULE}.SkipResidualEncoderUNet"}


def named(plan_name: str, **further):
    plan = PLANS[plan_name]
    name, kwargs = NAMES[plan.class_name.split(".")[-1]], {**plan.arch_kwargs, **further}
    torch.manual_seed(0)
    return get_network_from_plans(
        name, kwargs, REQUIRES_IMPORT, plan.input_channels, plan.output_channels, deep_supervision=True
    )


@pytest.mark.parametrize("plan_name", PLANS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_plan_that_names_it_gives_the_network_of_our_trainer(architecture: str, plan_name: str) -> None:
    """From the same seed weight for weight, and nnU-Net's estimate of its memory."""
    ours = named(plan_name, architecture=architecture)
    torch.manual_seed(0)
    expected = network_for(PLANS[plan_name], architecture)
    assert list(ours.state_dict()) == list(expected.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), expected.parameters(), strict=True))
    size = PLANS[plan_name].size
    assert ours.compute_conv_feature_map_size(size) == expected.compute_conv_feature_map_size(size)


def test_skips_by_level_are_an_argument() -> None:
    kinds = [type(skip).__name__ for skip in named("2d", levels=[1]).decoder.skips]
    assert kinds == ["NoSkip", "Concatenate", "NoSkip"]
    kinds = [type(skip).__name__ for skip in named("2d", policies=["none", "gated", "identity"]).decoder.skips]
    assert kinds == ["Concatenate", "AttentionGate", "NoSkip"]
    with pytest.raises(UserError, match="did you mean 'NoSkip'"):
        named("2d", architecture="NoSkp")


@pytest.mark.filterwarnings("ignore")
def test_nnunets_own_trainer_trains_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_preprocessed(tmp_path / "preprocessed")
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path / "preprocessed"))
    monkeypatch.setenv("nnUNet_results", str(tmp_path / "results"))
    content = plans()
    architecture = content["configurations"]["2d"]["architecture"]
    architecture["network_class_name"] = NAMES["PlainConvUNet"]
    architecture["arch_kwargs"]["architecture"] = "NoSkip"
    monkeypatch.setattr(nnUNetTrainer, "plot_network_architecture", lambda self: None)
    with contextlib.redirect_stdout(io.StringIO()):
        training = nnUNetTrainer(content, "2d", 0, DATASET_JSON, torch.device("cpu"))
        training.num_epochs = training.num_iterations_per_epoch = training.num_val_iterations_per_epoch = 1
        training.run_training()
    at_inference = nnUNetTrainer.build_network_architecture(
        training.plans_manager, training.configuration_manager, 1, 2, enable_deep_supervision=False
    )
    at_inference.load_state_dict(training.network.state_dict())
    assert {type(skip).__name__ for skip in at_inference.decoder.skips} == {"NoSkip"}
