"""Our trainers mixed with nnU-Net's: the network is what the name says, or the mixture is refused."""

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerDA5 import nnUNetTrainerDA5
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerNoDA import nnUNetTrainerNoDA
from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerNoMirroring import (
    nnUNetTrainerNoMirroring,
)
from nnunetv2.training.nnUNetTrainer.variants.loss.nnUNetTrainerCELoss import nnUNetTrainerCELoss
from nnunetv2.training.nnUNetTrainer.variants.loss.nnUNetTrainerDiceLoss import nnUNetTrainerDiceLoss
from nnunetv2.training.nnUNetTrainer.variants.network_architecture.nnUNetTrainerBN import nnUNetTrainerBN
from nnunetv2.training.nnUNetTrainer.variants.network_architecture.nnUNetTrainerNoDeepSupervision import (
    nnUNetTrainerNoDeepSupervision,
)
from nnunetv2.training.nnUNetTrainer.variants.optimizer.nnUNetTrainerAdam import nnUNetTrainerAdam
from nnunetv2.utilities.plans_handling.plans_handler import ConfigurationManager
from small_plans import PLANS, REQUIRES_IMPORT, SmallPlan
from tiny_training import DATASET_JSON, plans, trained, write_preprocessed
from torch import nn

from nnunet_skipstudy.architectures.network import SkipUNet, build_network
from nnunet_skipstudy.architectures.skips import AttentionGate, Concatenate, NoSkip
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.training.on_demand import trainer_class, trainers_of
from nnunet_skipstudy.training.trainer import SkipStudyTrainer

pytestmark = pytest.mark.filterwarnings("ignore")  # nnU-Net's own
SKIPS = {"NoSkip": NoSkip, "UNet": Concatenate, "VNet": Concatenate, "NoSkipVNet": NoSkip}
THEIRS = [
    nnUNetTrainerDA5, nnUNetTrainerNoMirroring, nnUNetTrainerAdam, nnUNetTrainerNoDeepSupervision, nnUNetTrainerBN,
    nnUNetTrainerCELoss,
]  # fmt: skip


@pytest.fixture(scope="module")
def preprocessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("preprocessed")
    write_preprocessed(root)
    return root


@pytest.fixture(autouse=True)
def nnunet(preprocessed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("nnUNet_preprocessed", str(preprocessed))
    monkeypatch.setenv("nnUNet_results", str(tmp_path / "results"))
    monkeypatch.setenv("nnUNet_n_proc_DA", "0")
    monkeypatch.setattr(SkipStudyTrainer, "plot_network_architecture", lambda self: None)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def mixed(architecture: str, *theirs: type, suffixes: str = "_1epochs_1iters_seed1") -> type[SkipStudyTrainer]:
    return type("nnUNetTrainerMixed", (trainer_class(f"nnUNetTrainer{architecture}{suffixes}"), *theirs), {})


def made(trainer: type[SkipStudyTrainer]) -> SkipStudyTrainer:
    with contextlib.redirect_stdout(io.StringIO()):
        training = trainer(plans(), "2d", 0, DATASET_JSON, torch.device("cpu"))
    training.logger.plot_progress_png = lambda folder: None
    return training


def configuration(plan: SmallPlan) -> ConfigurationManager:
    architecture = {
        "network_class_name": plan.class_name, "arch_kwargs": dict(plan.arch_kwargs),
        "_kw_requires_import": REQUIRES_IMPORT,
    }  # fmt: skip
    return ConfigurationManager({"architecture": architecture, "patch_size": plan.size})


def network_of(trainer: type[SkipStudyTrainer], plan: SmallPlan, *, deep_supervision: bool = True) -> SkipUNet:
    torch.manual_seed(0)
    return trainer.build_network_architecture(
        None, configuration(plan), plan.input_channels, plan.output_channels, deep_supervision
    )


@pytest.mark.parametrize("theirs", THEIRS, ids=lambda trainer: trainer.__name__)
def test_a_mixture_trains_the_network_of_our_name_with_their_training(theirs: type) -> None:
    """Through nnU-Net's loop: skips and deep supervision of the network, and the weights load at inference."""
    trainer = mixed("NoSkip", theirs)
    training = trained(made(trainer))
    network = training.network
    assert all(type(skip) is NoSkip for skip in network.decoder.skips)
    deep = theirs is not nnUNetTrainerNoDeepSupervision
    assert (network.decoder.deep_supervision, training.enable_deep_supervision) == (deep, deep)
    norm = nn.BatchNorm2d if theirs is nnUNetTrainerBN else nn.InstanceNorm2d
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d)]
    assert {type(module) for module in norms} == {norm}
    assert isinstance(training.optimizer, torch.optim.AdamW) == (theirs is nnUNetTrainerAdam)
    assert (training.inference_allowed_mirroring_axes is None) == (theirs is nnUNetTrainerNoMirroring)
    at_inference = trainer.build_network_architecture(
        training.plans_manager, training.configuration_manager, 1, 2, enable_deep_supervision=False
    )
    at_inference.load_state_dict(network.state_dict())


@pytest.mark.parametrize("plan_name", PLANS)
@pytest.mark.parametrize("architecture", SKIPS)
def test_batch_norm_reaches_encoder_and_decoder(architecture: str, plan_name: str) -> None:
    network = network_of(mixed(architecture, nnUNetTrainerBN), PLANS[plan_name])
    assert all(type(skip) is SKIPS[architecture] for skip in network.decoder.skips)
    names = {type(module).__name__ for module in network.modules() if "Norm" in type(module).__name__}
    assert names <= {"BatchNorm2d", "BatchNorm3d", "ConvDropoutNormReLU"}
    assert len(names) == 2


def test_weights_that_they_made_stay() -> None:
    """A U-Net is theirs weight for weight; others keep the encoder, and what of the decoder reads no skip."""

    class Theirs(nnUNetTrainer):
        @classmethod
        def build_network_architecture(cls, plans_manager, configuration_manager, *channels_and_supervision):
            network = super().build_network_architecture(
                plans_manager, configuration_manager, *channels_and_supervision
            )
            for weight in network.parameters():
                nn.init.constant_(weight, 0.25)
            return network

    plan = PLANS["2d_residual"]
    assert all((w == 0.25).all() for w in network_of(mixed("UNet", Theirs), plan).parameters())
    gated = network_of(mixed("AttentionUNet", Theirs), plan)
    assert any(isinstance(skip, AttentionGate) for skip in gated.decoder.skips)
    moved = {name.split(".")[1] for name, w in gated.named_parameters() if not (w == 0.25).all()}
    assert moved == {"skips"}


def test_without_another_builder_a_seed_gives_the_weights_that_it_gave() -> None:
    plan = PLANS["2d"]
    torch.manual_seed(0)
    expected = build_network("NoSkip", plan.class_name, plan.arch_kwargs, REQUIRES_IMPORT, 1, 2, deep_supervision=True)
    actual = network_of(mixed("NoSkip", nnUNetTrainerAdam), plan)
    assert all(torch.equal(a, b) for a, b in zip(actual.parameters(), expected.parameters(), strict=True))


def builds(change) -> type:
    """A trainer that changes nnU-Net's network after it is built, or returns another."""

    class nnUNetTrainerChanged(nnUNetTrainer):
        @staticmethod
        def build_network_architecture(
            plans_manager, configuration_manager, num_input_channels, num_output_channels, enable_deep_supervision=True
        ):
            network = nnUNetTrainer.build_network_architecture(
                plans_manager, configuration_manager, num_input_channels, num_output_channels, enable_deep_supervision
            )
            return change(network)

    return nnUNetTrainerChanged


def with_relu(network: nn.Module) -> nn.Module:
    for name, module in list(network.named_modules()):
        if isinstance(module, nn.LeakyReLU):
            parent, _, child = name.rpartition(".")
            setattr(network.get_submodule(parent), child, nn.ReLU())
    return network


class Wrapped(nn.Module):
    """Keeps encoder and decoder, and does something else with them."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.encoder, self.decoder = network.encoder, network.decoder

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * self.decoder(self.encoder(x))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda network: nn.Conv2d(1, 2, 1), "nnUNetTrainerChanged builds Conv2d, which is no U-Net of nnU-Net's"),
        (Wrapped, "builds Wrapped, which is no U-Net of nnU-Net's"),
        (torch.compile, "builds OptimizedModule, which is no U-Net of nnU-Net's"),
        (with_relu, "builds a decoder of other layers than its encoder names"),
    ],
)
def test_what_is_no_unet_of_nnunets_is_refused(change, words: str) -> None:
    with pytest.raises(UserError, match=words):
        network_of(mixed("NoSkip", builds(change)), PLANS["2d"])


def test_matched_widths_reach_their_builder_or_are_refused() -> None:
    plan, suffixes = PLANS["2d"], "_matchedParams"
    matched = network_of(mixed("NoSkip", nnUNetTrainerBN, suffixes=suffixes), plan)
    unet = build_network("UNet", plan.class_name, plan.arch_kwargs, REQUIRES_IMPORT, 1, 2, deep_supervision=True)
    numbers = [sum(weight.numel() for weight in network.parameters()) for network in (matched, unet)]
    assert numbers[0] == pytest.approx(numbers[1], rel=0.02)

    class nnUNetTrainerFixed(nnUNetTrainer):
        @staticmethod
        def build_network_architecture(plans_manager, *others):
            return nnUNetTrainer.build_network_architecture(plans_manager, configuration(plan), *others[1:])

    with pytest.raises(UserError, match="nnUNetTrainerFixed builds with widths of its own"):
        network_of(mixed("NoSkip", nnUNetTrainerFixed, suffixes=suffixes), plan)


def test_an_old_signature_is_refused() -> None:
    class nnUNetTrainerOld(nnUNetTrainer):
        @staticmethod
        def build_network_architecture(architecture_class_name, arch_init_kwargs, *others):
            raise AssertionError

    with pytest.raises(UserError, match="nnUNetTrainerOld: its build_network_architecture has nnU-Net's old signature"):
        network_of(mixed("NoSkip", nnUNetTrainerOld), PLANS["2d"])


@pytest.mark.parametrize(
    ("suffix", "theirs"),
    [
        ("_DA5", nnUNetTrainerDA5),
        ("_noDA", nnUNetTrainerNoDA),
        ("_DiceLoss", nnUNetTrainerDiceLoss),
        ("_CELoss", nnUNetTrainerCELoss),
    ],
)
def test_augmentation_and_loss_by_name_are_nnunets_own(suffix: str, theirs: type) -> None:
    """With any network and the other suffixes, through the loop; what a suffix names is what is called."""
    trainer = trainer_class(f"nnUNetTrainerUNetPlusPlus_1epochs_1iters_seed1_fullresDS{suffix}")
    training = trained(made(trainer))
    assert issubclass(trainer, theirs)
    assert np.isfinite(training.logger.get_value("train_losses", step=-1))
    assert list(training.loss.weight_factors) == [0.5, 0.5]
    kinds = {"_DiceLoss": "MemoryEfficientSoftDiceLoss", "_CELoss": "RobustCrossEntropyLoss"}
    assert type(training.loss.loss).__name__ == kinds.get(suffix, "DC_and_CE_loss")
    augmented = [type(part).__name__ for part in training.dataloader_train.data_loader.transforms.transforms]
    assert ("SpatialTransform" in augmented) == (suffix != "_noDA")
    assert (training.inference_allowed_mirroring_axes is None) == (suffix == "_noDA")


def test_a_network_built_elsewhere_is_refused() -> None:
    class nnUNetTrainerElsewhere(nnUNetTrainer):
        def initialize(self) -> None:
            super().initialize()
            self.network = nn.Conv2d(1, 2, 1)

    with pytest.raises(UserError, match="nnUNetTrainerMixed: a trainer that ours is mixed with builds its network"):
        made(mixed("NoSkip", nnUNetTrainerElsewhere)).initialize()


@pytest.mark.parametrize("theirs", [nnUNetTrainerBN, nnUNetTrainerDA5, nnUNetTrainerCELoss])
def test_theirs_before_ours_is_refused_with_the_order_that_works(theirs: type) -> None:
    ours = trainer_class("nnUNetTrainerNoSkip")
    name = theirs.__name__
    with pytest.raises(UserError, match=rf"X: {name} stands before .* write class X\(nnUNetTrainerNoSkip, {name}\)"):
        type("X", (theirs, ours), {})


def test_contradictions_are_refused() -> None:
    with pytest.raises(UserError, match="_spatialDA and nnUNetTrainerDA5 both choose get_training_transforms"):
        mixed("NoSkip", nnUNetTrainerDA5, suffixes="_spatialDA")
    with pytest.raises(UserError, match="nnUNetTrainerNoDA and nnUNetTrainerDA5 both choose"):
        mixed("NoSkip", nnUNetTrainerDA5, suffixes="_noDA")
    with pytest.raises(AttributeError, match="nnUNetTrainerDiceLoss and nnUNetTrainerCELoss both choose _build_loss"):
        trainers_of("nnUNetTrainerMine", "UNet", nnUNetTrainerCELoss)("nnUNetTrainerMine_DiceLoss")
    assert issubclass(mixed("NoSkip", nnUNetTrainerDA5, suffixes="_DA5_CELoss"), nnUNetTrainerDA5)
    with pytest.raises(UserError, match=r"nnUNetTrainerVNet_seed1 are both of the study; keep one"):
        mixed("NoSkip", trainer_class("nnUNetTrainerVNet_seed1"))
    training = made(mixed("UNetPlusPlus", nnUNetTrainerNoDeepSupervision, suffixes="_fullresDS"))
    with pytest.raises(UserError, match="_fullresDS and a trainer without deep supervision contradict"):
        training.initialize()


def test_a_factory_makes_a_name_with_any_suffix() -> None:
    ask = trainers_of("nnUNetTrainerNoSkipDA5", "NoSkip", nnUNetTrainerDA5)
    seeded = ask("nnUNetTrainerNoSkipDA5_seed3_5epochs")
    assert seeded is ask("nnUNetTrainerNoSkipDA5_seed3_5epochs")
    assert (seeded.__name__, seeded.options.seed) == ("nnUNetTrainerNoSkipDA5_seed3_5epochs", 3)
    assert issubclass(seeded, nnUNetTrainerDA5)
    for unknown in ("nnUNetTrainerNoSkip", "__path__", "nnUNetTrainerNoSkipDA5_seed"):
        with pytest.raises(AttributeError):
            ask(unknown)
    with pytest.raises(UserError, match="did you mean 'NoSkip'"):
        trainers_of("nnUNetTrainerMine", "NoSkp")
    with pytest.raises(UserError, match="is a suffix; name it without"):
        trainers_of("nnUNetTrainer_Mine", "NoSkip")
