"""The contract of every architecture on plans and sizes that are odd, anisotropic, deep, or have one stage fewer."""

import copy

import pytest
import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from small_plans import PLANS, REQUIRES_IMPORT, UNET_MODULE, SmallPlan, arch_kwargs, network_for

from nnunet_skipstudy.architectures.cost import network_cost
from nnunet_skipstudy.architectures.network import SkipUNet
from nnunet_skipstudy.registry import ARCHITECTURES, SkipPolicy

PLAIN, RESIDUAL = f"{UNET_MODULE}.PlainConvUNet", f"{UNET_MODULE}.ResidualEncoderUNet"
THIRDS = arch_kwargs(2, [4, 6, 6], [[1, 1], [3, 1], [1, 3]], [[3, 3], [5, 3], [3, 1]])
FLAT = arch_kwargs(3, [3, 5, 7], [[1, 1, 1], [1, 2, 2], [1, 2, 2]], [[1, 3, 3], [1, 3, 3], [1, 3, 3]], blocks=[1, 1, 2])
STRIDED = arch_kwargs(2, [4, 8, 8], [[2, 2], [2, 2], [2, 1]], [[3, 3]] * 3)
ODD = {
    "2d_strides_of_three_one_axis_at_a_time": SmallPlan(PLAIN, THIRDS, 1, 3, (21, 27)),
    "3d_residual_never_pooled_through_plane": SmallPlan(RESIDUAL, FLAT, 2, 2, (3, 20, 28)),
    "2d_five_stages_to_one_pixel": SmallPlan(
        PLAIN, arch_kwargs(2, [2, 3, 4, 5, 6], [[1, 1]] + [[2, 2]] * 4, [[3, 3]] * 5), 1, 2, (16, 48)
    ),
    "2d_residual_two_stages": SmallPlan(
        RESIDUAL, arch_kwargs(2, [3, 5], [[1, 1], [2, 2]], [[3, 3], [3, 3]], blocks=[2, 1]), 1, 4, (6, 10)
    ),
}
ALL = {**PLANS, **ODD}


@pytest.fixture(autouse=True)
def one_thread():
    """Networks this small only wait for a second one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


every_odd_plan = pytest.mark.parametrize("plan_name", ODD)
every_plan = pytest.mark.parametrize("plan_name", ALL)
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)


def seeded(plan: SmallPlan, architecture: str, **options) -> SkipUNet:
    torch.manual_seed(0)
    return network_for(plan, architecture, **options)


def probe(plan: SmallPlan, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, plan.input_channels, *plan.size, generator=torch.Generator().manual_seed(1))


def sizes_of(plan: SmallPlan) -> list[tuple[int, ...]]:
    sizes, size = [], plan.size
    for stride in plan.arch_kwargs["strides"]:
        size = tuple(n // s for n, s in zip(size, stride, strict=True))
        sizes.append(size)
    return sizes


@every_odd_plan
@every_architecture
def test_heads_have_the_sizes_of_their_levels_and_every_weight_learns(architecture: str, plan_name: str) -> None:
    """One head a level, full resolution first; a gradient that is not all 0 reaches every weight but dead biases."""
    plan = ODD[plan_name]
    before = copy.deepcopy(plan.arch_kwargs)
    network = seeded(plan, architecture)
    with torch.no_grad():  # residual blocks start with a factor of 0, behind which nothing would learn yet
        for weight in network.parameters():
            weight.add_(0.1 * torch.randn_like(weight))
    heads = network(probe(plan))
    assert [tuple(head.shape) for head in heads] == [(2, plan.output_channels, *size) for size in sizes_of(plan)[:-1]]
    sum((head * torch.randn_like(head)).sum() for head in heads).backward()
    idle = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert idle == []
    # A bias before an instance norm, or a feature map of one pixel behind one, learns nothing: so it is in nnU-Net's.
    dead = [name for name, weight in network.named_parameters() if weight.ndim > 1 and not weight.grad.any()]
    assert [name for name in dead if min(sizes_of(plan)[-1]) > 1] == []
    assert plan.arch_kwargs == before


@every_odd_plan
@every_architecture
def test_both_modes_of_supervision_hold_the_same_weights(architecture: str, plan_name: str) -> None:
    """Each loads the other's, with no key missing or left over, and predicts what the other's first head does."""
    plan = ODD[plan_name]
    deep, plain = (seeded(plan, architecture, deep_supervision=deep).eval() for deep in (True, False))
    torch.manual_seed(5)
    fresh = network_for(plan, architecture).eval()
    plain.load_state_dict(fresh.state_dict(), strict=True)
    deep.load_state_dict(plain.state_dict(), strict=True)
    with torch.no_grad():
        expected = fresh(probe(plan))[0]
        assert torch.equal(plain(probe(plan)), expected)
        assert torch.equal(deep(probe(plan))[0], expected)


@every_odd_plan
@pytest.mark.parametrize("policy", ["identity", "gated", "nested"])
def test_any_policy_goes_at_any_level(policy: str, plan_name: str) -> None:
    """One level with the policy among levels without a skip: that one reaches the output, no other does.

    So a nested pathway takes nothing from a level below that hands on nothing.
    """
    plan = ODD[plan_name]
    n_levels = len(plan.arch_kwargs["strides"]) - 1
    for level in range(n_levels):
        policies = ["none"] * n_levels
        policies[level] = policy
        network = seeded(plan, "UNet", policies=policies).eval()
        with torch.no_grad():
            features = network.encoder(probe(plan))
            expected = network.decoder(features)
            for other in range(n_levels):
                altered = list(features)
                altered[other] = features[other] + torch.randn_like(features[other])
                changed = not torch.equal(network.decoder(altered)[0], expected[0])
                assert changed == (other == level), (level, other)


@every_plan
@every_architecture
def test_a_skip_that_is_none_carries_nothing_to_any_head(architecture: str, plan_name: str) -> None:
    """Not to the deeper heads either; a head never reads a level finer than its own."""
    plan = ALL[plan_name]
    network = seeded(plan, architecture).eval()
    with torch.no_grad():
        features = network.encoder(probe(plan))
        expected = network.decoder(features)
        policies = ARCHITECTURES[architecture].policies(len(features) - 1)
        for level, policy in enumerate(policies):
            altered = list(features)
            altered[level] = torch.full_like(features[level], 7)
            for head, (one, other) in enumerate(zip(network.decoder(altered), expected, strict=True)):
                assert torch.equal(one, other) == (policy is SkipPolicy.NONE or head > level), (level, head)


@every_odd_plan
def test_identity_at_every_level_is_nnunets_network_to_the_last_bit(plan_name: str) -> None:
    """Keys, weights from one seed, outputs, gradients, and the state of the random generator behind it."""
    plan = ODD[plan_name]
    ours = seeded(plan, "NoSkip", policies=["identity"] * (len(plan.arch_kwargs["strides"]) - 1))
    state_behind = torch.random.get_rng_state()
    torch.manual_seed(0)
    theirs = get_network_from_plans(
        plan.class_name, plan.arch_kwargs, REQUIRES_IMPORT, plan.input_channels, plan.output_channels,
        deep_supervision=True,
    )  # fmt: skip
    assert torch.equal(torch.random.get_rng_state(), state_behind)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    images = probe(plan)
    for network in (ours, theirs):
        sum(head.square().sum() for head in network(images)).backward()
    with torch.no_grad():
        for one, other in zip(ours(images), theirs(images), strict=True):
            assert float((one - other).abs().max()) == 0.0
    for (name, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other), name
        assert torch.equal(one.grad, other.grad), name


@every_odd_plan
@every_architecture
def test_cost_is_what_the_convolutions_put_out(architecture: str, plan_name: str) -> None:
    """FLOPs and bytes counted on meta tensors equal those counted by hooks while the network runs."""
    plan = ODD[plan_name]
    network = seeded(plan, architecture).eval()
    numbers, flops = [], []

    def count(module, inputs, output):
        numbers.append(output[0].numel())
        per_output = module.weight[0].numel()
        if "Transpose" in type(module).__name__:  # each input voxel is multiplied by the whole kernel
            flops.append(2 * inputs[0][0].numel() * per_output)
        else:
            flops.append(2 * output[0].numel() * per_output)

    handles = [m.register_forward_hook(count) for m in network.modules() if "Conv" in type(m).__name__ and
               hasattr(m, "weight")]  # fmt: skip
    with torch.no_grad():
        network(probe(plan, batch=1))
        n_deep, _ = sum(numbers), flops.clear()
        network.decoder.deep_supervision = False
        network(probe(plan, batch=1))
    for handle in handles:
        handle.remove()
    n_parameters = sum(weight.numel() for weight in network.parameters())
    cost = network_cost(network, plan.input_channels, plan.size)
    assert cost.parameters == n_parameters
    assert cost.activation_bytes == 4 * n_deep
    assert cost.forward_flops == sum(flops)


@every_architecture
def test_a_sample_s_prediction_is_its_own(architecture: str) -> None:
    """Nothing passes between the samples of a batch, and channels of the image are not exchanged."""
    plan = PLANS["2d_residual"]
    network = seeded(plan, architecture, deep_supervision=False).eval()
    images = probe(plan, batch=3)
    with torch.no_grad():
        together = network(images)
        for sample in range(3):
            torch.testing.assert_close(network(images[sample : sample + 1])[0], together[sample])
        assert not torch.allclose(network(images.flip(1)), together)


@every_architecture
def test_a_strided_first_stage_keeps_its_smaller_output(architecture: str) -> None:
    """Where the plan's first stage is strided, the finest head is as large as that stage, as nnU-Net's is."""
    plan = SmallPlan(PLAIN, STRIDED, 1, 2, (16, 24))
    heads = seeded(plan, architecture)(probe(plan))
    assert [tuple(head.shape[2:]) for head in heads] == [(8, 12), (4, 6)]
