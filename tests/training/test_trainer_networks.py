"""The network that nnU-Net gets from each trainer, at training and at inference, also under DDP."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from small_plans import PLANS, REQUIRES_IMPORT, SmallPlan
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

from nnunet_skipstudy.registry import ARCHITECTURES
from nnunet_skipstudy.training.on_demand import trainer_class

NAMES = [
    *(architecture.trainer for architecture in ARCHITECTURES.values()),
    "nnUNetTrainerUNetPlusPlus_fullresDS",
    "nnUNetTrainerNoSkip_noDS",
    "nnUNetTrainerUNetPlusPlus_noDS_seed1",
]


def network_of(trainer: str, plan: SmallPlan, *, enable_deep_supervision: bool = True) -> nn.Module:
    """What nnU-Net calls; the plans manager is not looked at."""
    configuration = SimpleNamespace(
        network_arch_class_name=plan.class_name,
        network_arch_init_kwargs=plan.arch_kwargs,
        network_arch_init_kwargs_req_import=REQUIRES_IMPORT,
        patch_size=plan.size,
    )
    return trainer_class(trainer).build_network_architecture(
        None, configuration, plan.input_channels, plan.output_channels, enable_deep_supervision
    )


@pytest.mark.parametrize("plan_name", PLANS)
@pytest.mark.parametrize("trainer", NAMES)
def test_training_and_inference_build_networks_that_load_alike(trainer: str, plan_name: str) -> None:
    plan = PLANS[plan_name]
    trained = network_of(trainer, plan, enable_deep_supervision="_noDS" not in trainer).eval()
    at_inference = network_of(trainer, plan, enable_deep_supervision=False).eval()
    at_inference.load_state_dict(trained.state_dict())
    images = torch.randn(1, plan.input_channels, *plan.size)
    with torch.no_grad():
        prediction = at_inference(images)
        trained.decoder.deep_supervision = False
        assert torch.equal(prediction, trained(images))
    assert prediction.shape == (1, plan.output_channels, *plan.size)


@pytest.fixture(scope="module")
def process_group(tmp_path_factory: pytest.TempPathFactory):
    store = tmp_path_factory.mktemp("ddp") / "store"
    distributed.init_process_group("gloo", init_method=f"file://{Path(store)}", rank=0, world_size=1)
    yield
    distributed.destroy_process_group()


@pytest.mark.parametrize("trainer", NAMES)
def test_ddp_waits_for_no_gradient_in_vain(trainer: str, process_group: None) -> None:
    """DDP refuses the second step if a parameter of the first one had no gradient."""
    plan = PLANS["2d"]
    deep_supervision = "_noDS" not in trainer
    network = network_of(trainer, plan, enable_deep_supervision=deep_supervision)
    parallel = DistributedDataParallel(network)
    images = torch.randn(2, plan.input_channels, *plan.size)
    for _ in range(2):
        output = parallel(images)
        heads = output if deep_supervision else [output]
        sum(head.square().mean() for head in heads).backward()
    assert all(weight.grad is not None for weight in network.parameters() if weight.requires_grad)
