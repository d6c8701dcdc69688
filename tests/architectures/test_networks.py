"""One contract for every architecture on every kind of plan."""

import copy
import json
from pathlib import Path

import pytest
import small_plans
import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from small_plans import PLANS, REQUIRES_IMPORT, SmallPlan, arch_kwargs, coarse_attention
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nnunet_skipstudy.architectures.network import SkipUNet, build_network
from nnunet_skipstudy.architectures.skips import AttentionGate, make_skip
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import ARCHITECTURES, Group, SkipPolicy

FROZEN = Path(__file__).parent / "frozen_networks.json"
every_plan = pytest.mark.parametrize("plan_name", PLANS)
every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES)
PAIRS = [
    ("UNet", "NoSkip"),
    ("VNet", "NoSkipVNet"),
    ("UNet", "AttentionUNet"),
    ("UNet", "UNetPlusPlus"),
    ("UNet", "NoTopSkip"),
]

NESTED_PAIRS = [
    *(
        (one.name, other.name)
        for one in ARCHITECTURES.values()
        for other in ARCHITECTURES.values()
        if one.group is Group.STANDARD and other.group is Group.NO_SKIP and one.stages is other.stages
    ),
    ("UNet", "NoTopSkip"),
]


def network_for(plan: SmallPlan, architecture: str, *, seed: int = 0, **options) -> SkipUNet:
    torch.manual_seed(seed)
    return small_plans.network_for(plan, architecture, **options)


def stock_for(plan: SmallPlan, *, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return get_network_from_plans(
        plan.class_name,
        plan.arch_kwargs,
        REQUIRES_IMPORT,
        plan.input_channels,
        plan.output_channels,
        deep_supervision=True,
    )


def probe(plan: SmallPlan, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, plan.input_channels, *plan.size, generator=torch.Generator().manual_seed(1))


def sizes_of_heads(plan: SmallPlan) -> list[tuple[int, ...]]:
    sizes, size = [], plan.size
    for stride in plan.arch_kwargs["strides"]:
        size = tuple(n // s for n, s in zip(size, stride, strict=True))
        sizes.append(size)
    return sizes[:-1]


def conv_output_numbers(network: SkipUNet, plan: SmallPlan) -> int:
    """What the convolutions really put out, counted while the network runs."""
    counted = []
    handles = [
        module.register_forward_hook(lambda _m, _i, output: counted.append(output[0].numel()))
        for module in network.decoder.modules()
        if isinstance(module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d)
    ]
    features = network.encoder(probe(plan, batch=1))
    counted.clear()  # the decoder holds the encoder as a submodule
    network.decoder(features)
    for handle in handles:
        handle.remove()
    return sum(counted)


@every_plan
@every_architecture
def test_contract(architecture: str, plan_name: str) -> None:
    """Heads full resolution first; without deep supervision the first head alone; the plan unchanged."""
    plan = PLANS[plan_name]
    before = copy.deepcopy(plan.arch_kwargs)
    network = network_for(plan, architecture).eval()
    images = probe(plan)
    with torch.no_grad():
        heads = network(images)
        network.decoder.deep_supervision = False
        alone = network(images)
    assert [tuple(head.shape) for head in heads] == [(2, plan.output_channels, *size) for size in sizes_of_heads(plan)]
    assert torch.equal(alone, heads[0])
    assert plan.arch_kwargs == before


@every_plan
@every_architecture
def test_weights_load_between_both_modes(architecture: str, plan_name: str) -> None:
    """A checkpoint trained with deep supervision loads into the network built without, and predicts the same."""
    plan = PLANS[plan_name]
    trained = network_for(plan, architecture).eval()
    at_inference = network_for(plan, architecture, seed=1, deep_supervision=False).eval()
    at_inference.load_state_dict(trained.state_dict())
    with torch.no_grad():
        assert torch.equal(at_inference(probe(plan)), trained(probe(plan))[0])


@every_plan
@every_architecture
def test_every_weight_receives_a_gradient(architecture: str, plan_name: str) -> None:
    """With all heads in the loss no parameter is idle, so that DDP has nothing to wait for."""
    plan = PLANS[plan_name]
    network = network_for(plan, architecture)
    sum(head.square().mean() for head in network(probe(plan))).backward()
    idle = [name for name, weight in network.named_parameters() if weight.grad is None]
    assert idle == []
    zero = [name for name, weight in network.named_parameters() if not weight.grad.isfinite().all()]
    assert zero == []


@every_plan
@every_architecture
@pytest.mark.parametrize("deep_supervision", [True, False])
def test_memory_estimate_counts_what_the_convolutions_put_out(
    architecture: str, plan_name: str, deep_supervision: bool
) -> None:
    plan = PLANS[plan_name]
    network = network_for(plan, architecture, deep_supervision=deep_supervision).eval()
    with torch.no_grad():
        counted = conv_output_numbers(network, plan)
    assert network.decoder.compute_conv_feature_map_size(plan.size) == counted
    assert network.compute_conv_feature_map_size(plan.size) == (
        counted + network.encoder.compute_conv_feature_map_size(plan.size)
    )


@every_plan
def test_vnet_encoder_memory_estimate(plan_name: str) -> None:
    plan = PLANS[plan_name]
    encoder = network_for(plan, "VNet").encoder
    counted = []
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            module.register_forward_hook(lambda _m, _i, output: counted.append(output[0].numel()))
    encoder(probe(plan, batch=1))
    assert encoder.compute_conv_feature_map_size(plan.size) == sum(counted)


@every_plan
def test_identity_everywhere_is_nnunets_own_network(plan_name: str) -> None:
    """The same keys, from the same seed the same weights, from the same weights the same output and memory estimate."""
    plan = PLANS[plan_name]
    ours, theirs = network_for(plan, "UNet").eval(), stock_for(plan).eval()
    ours_state, theirs_state = ours.state_dict(), theirs.state_dict()
    assert list(ours_state) == list(theirs_state)
    assert all(torch.equal(ours_state[key], theirs_state[key]) for key in ours_state)
    other = stock_for(plan, seed=7).eval()
    ours.load_state_dict(other.state_dict())
    with torch.no_grad():
        for a, b in zip(ours(probe(plan)), other(probe(plan)), strict=True):
            assert torch.equal(a, b)
    assert ours.compute_conv_feature_map_size(plan.size) == theirs.compute_conv_feature_map_size(plan.size)


@every_plan
@pytest.mark.parametrize("architecture", ["NoSkip", "NoSkipVNet"])
def test_no_skip_sees_nothing_but_the_bottleneck(architecture: str, plan_name: str) -> None:
    """Altering the encoder's features behind the point where deeper levels took theirs changes nothing."""
    plan = PLANS[plan_name]
    network = network_for(plan, architecture).eval()
    with torch.no_grad():
        features = network.encoder(probe(plan))
        expected = network.decoder(features)
        altered = [torch.randn_like(level) for level in features[:-1]] + [features[-1]]
        for a, b in zip(network.decoder(altered), expected, strict=True):
            assert torch.equal(a, b)
        other_bottleneck = [*features[:-1], torch.randn_like(features[-1])]
        assert not torch.equal(network.decoder(other_bottleneck)[0], expected[0])


@every_plan
@pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if "NoSkip" not in name])
def test_skips_reach_the_output(architecture: str, plan_name: str) -> None:
    """Every level with a skip changes the output; the top level of NoTopSkip does not."""
    plan = PLANS[plan_name]
    network = network_for(plan, architecture).eval()
    with torch.no_grad():
        features = network.encoder(probe(plan))
        expected = network.decoder(features)[0]
        policies = ARCHITECTURES[architecture].policies(len(features) - 1)
        for level, policy in enumerate(policies):
            altered = list(features)
            altered[level] = torch.randn_like(features[level])
            changed = not torch.equal(network.decoder(altered)[0], expected)
            assert changed == (policy is not SkipPolicy.NONE), level


@every_plan
@pytest.mark.parametrize(("standard", "variant"), PAIRS)
def test_pairs_share_the_encoder(standard: str, variant: str, plan_name: str) -> None:
    """Encoders are identical in name and shape, and from the same seed in their initial weights."""
    plan = PLANS[plan_name]
    a = network_for(plan, standard).encoder.state_dict()
    b = network_for(plan, variant).encoder.state_dict()
    assert list(a) == list(b)
    assert all(torch.equal(a[key], b[key]) for key in a)


@every_plan
@pytest.mark.parametrize(("standard", "variant"), [("UNet", "NoSkip"), ("VNet", "NoSkipVNet")])
def test_no_skip_decoder_differs_only_in_what_reads_the_skip(standard: str, variant: str, plan_name: str) -> None:
    """Every decoder weight is the same in name and shape but those that take the concatenated features."""
    plan = PLANS[plan_name]
    a = network_for(plan, standard).decoder
    b = network_for(plan, variant).decoder
    a_shapes = {key: tuple(weight.shape) for key, weight in a.state_dict().items() if not key.startswith("encoder")}
    b_shapes = {key: tuple(weight.shape) for key, weight in b.state_dict().items() if not key.startswith("encoder")}
    assert set(b_shapes) <= set(a_shapes)
    assert all("shortcut" in key for key in set(a_shapes) - set(b_shapes))
    for key, shape in b_shapes.items():
        if a_shapes[key] != shape:
            assert ".convs.0." in key
            assert a_shapes[key][1] == 2 * shape[1]


@every_plan
def test_full_resolution_heads_are_all_trained(plan_name: str) -> None:
    """UNet++'s own deep supervision: every head at full resolution, on its own node, each with a gradient alone."""
    plan = PLANS[plan_name]
    network = network_for(plan, "UNetPlusPlus", full_resolution_heads=True)
    heads = network(probe(plan))
    assert [tuple(head.shape) for head in heads] == [(2, plan.output_channels, *plan.size)] * len(
        plan.arch_kwargs["strides"][1:]
    )
    for index, head in enumerate(heads):
        network.zero_grad()
        head.square().mean().backward(retain_graph=True)
        reached = [
            layer.weight.grad is not None and bool(layer.weight.grad.any())
            for layer in network.decoder.seg_layers[::-1]
        ]
        assert reached == [i == index for i in range(len(heads))]
    network.zero_grad()
    sum(head.square().mean() for head in network(probe(plan))).backward()
    assert all(weight.grad is not None for weight in network.parameters())
    network.decoder.deep_supervision = False
    network.eval()
    assert network.compute_conv_feature_map_size(plan.size) > 0
    with torch.no_grad():
        alone = network(probe(plan))
        network.decoder.deep_supervision = True
        assert torch.equal(alone, network(probe(plan))[0])


def test_nested_nodes_follow_the_paper() -> None:
    """X^{i,j} reads X^{i,0..j-1} and the up-sampled X^{i+1,j-1}: counted on a plan of four stages."""
    plan = PLANS["2d"]
    decoder = network_for(plan, "UNetPlusPlus").decoder
    assert [skip.row_length for skip in decoder.skips] == [1, 2, 3]  # X^{2,0}; X^{1,0..1}; X^{0,0..2}
    top = decoder.skips[-1]
    features = plan.arch_kwargs["features_per_stage"]
    assert [block.convs[0].conv.in_channels for block in top.blocks] == [2 * features[0], 3 * features[0]]
    assert [up.in_channels for up in top.upsamplings] == [features[1]] * 2
    assert decoder.stages[-1].convs[0].conv.in_channels == 4 * features[0]


def test_nested_above_another_policy_has_the_nodes_that_it_can_have() -> None:
    """Policies mix: above a level that hands on nothing, or its features alone, there are fewer inner nodes."""
    plan = PLANS["2d"]
    network = network_for(plan, "UNet", policies=["nested", "identity", "none"])
    assert [skip.row_length for skip in network.decoder.skips] == [0, 1, 2]
    assert len(network(probe(plan))) == 3


def test_attention_gate_weights_the_encoder_features() -> None:
    """Alpha = 0 hands on nothing, alpha = 1 everything; maps are readable from outside and lie in (0, 1)."""
    plan = PLANS["2d"]
    network = network_for(plan, "AttentionUNet").eval()
    gates = [skip for skip in network.decoder.skips if isinstance(skip, AttentionGate)]
    assert len(gates) == 2  # the topmost level is concatenated
    gate, features, coarser = gates[-1], torch.randn(2, 8, 20, 28), torch.randn(2, 16, 10, 14)
    upsampled = torch.randn(2, 8, 20, 28)
    for bias, alpha in ((-1e4, 0.0), (1e4, 1.0)):
        nn.init.constant_(gate.psi.bias, bias)
        joined = gate(upsampled, [features], coarser)
        assert torch.equal(joined, torch.cat((upsampled, alpha * features), 1))
    maps = coarse_attention(network, probe(plan))
    assert list(maps) == [1, 2]
    assert tuple(maps[2].shape) == (2, 1, 5, 7)
    assert all(float(level.min()) >= 0 and float(level.max()) <= 1 for level in maps.values())


def test_vnet_block_adds_its_whole_input() -> None:
    """With its convolutions silenced a decoder block hands on the up-sampled half unchanged, plus the skip's share."""
    plan = PLANS["2d"]
    stage = network_for(plan, "VNet").decoder.stages[-1]
    for parameter in stage.convs.parameters():
        nn.init.zeros_(parameter)
    upsampled, skip = torch.randn(1, 4, 40, 56), torch.randn(1, 4, 40, 56)
    expected = stage.nonlin(upsampled + stage.shortcut(skip))
    assert torch.equal(stage(torch.cat((upsampled, skip), 1)), expected)
    assert not torch.equal(stage(torch.cat((upsampled, 0 * skip), 1)), expected)


def embedded(weight: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """A weight in the first places of a larger one that is zero elsewhere."""
    larger = torch.zeros(shape)
    larger[tuple(slice(0, n) for n in weight.shape)] = weight
    return larger


@every_plan
@pytest.mark.parametrize(("with_skips", "without"), NESTED_PAIRS)
def test_a_network_with_skips_of_weight_zero_is_its_partner_without(
    with_skips: str, without: str, plan_name: str
) -> None:
    """To 0.0, all heads: the pair differs in what reads the skip, and in nothing else."""
    plan = PLANS[plan_name]
    larger, smaller = network_for(plan, with_skips).eval(), network_for(plan, without, seed=3).eval()
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for weight in smaller.parameters():  # residual blocks start with a factor of 0, biases at 0
            weight.add_(0.1 * torch.randn(weight.shape, generator=generator))
    state, whole = smaller.state_dict(), larger.state_dict()
    larger.load_state_dict(
        {
            key: embedded(state[key], weight.shape) if key in state else torch.zeros_like(weight)
            for key, weight in whole.items()
        }
    )
    with torch.no_grad():
        for one, other in zip(larger(probe(plan)), smaller(probe(plan)), strict=True):
            assert float((one - other).abs().max()) == 0.0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"policies": ["none"]}, "needs 3 skip policies"),
        ({"policies": ["some"] * 3}, "'some' is not a valid SkipPolicy"),
        ({"full_resolution_heads": True}, "need nested skips at every level"),
    ],
)
def test_impossible_networks_are_refused(options: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        network_for(PLANS["2d"], "UNet", **options)


def test_a_policy_without_a_skip_raises() -> None:
    """One that the registry doesn't know, and one that was added there alone: neither becomes a nested pathway."""
    for policy in ("some", "", None):
        with pytest.raises(ValueError, match="give one of none, identity, gated, nested"):
            make_skip(policy, None, None, None, 0)


def test_a_plan_without_a_unet_is_refused_with_the_remedy() -> None:
    plan = PLANS["2d_residual"]
    with pytest.raises(UserError, match=r"ResidualUNet.*nnUNetv2_plan_experiment"):
        build_network(
            "NoSkip",
            "dynamic_network_architectures.architectures.unet.ResidualUNet",
            plan.arch_kwargs,
            REQUIRES_IMPORT,
            1,
            2,
            deep_supervision=True,
        )


@every_architecture
def test_compiles_without_graph_breaks(architecture: str) -> None:
    """torch.compile, nnU-Net's default on CUDA, takes each network as one graph, with and without deep supervision."""
    plan = PLANS["2d"]
    network = network_for(plan, architecture).eval()
    torch.compiler.reset()  # the recompilation limit counts all networks of a process together
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    with torch.no_grad():
        for deep_supervision in (True, False):
            network.decoder.deep_supervision = deep_supervision
            expected, actual = network(probe(plan)), compiled(probe(plan))
            for a, b in zip(expected, actual, strict=True):
                torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    ("architecture", "least", "most"),
    [
        ("UNet", 1, 1),
        ("NoSkip", 0.7, 0.82),
        ("AttentionUNet", 1, 1.10),
        ("UNetPlusPlus", 3, 4.6),
        ("NoTopSkip", 0.9, 1),
    ],
)
def test_cost_against_the_unet(architecture: str, least: float, most: float) -> None:
    """FLOPs on nnU-Net's plan for 256 x 256 images (7 stages, 32 to 512 channels), as a ratio to the U-Net's."""
    flops = {}
    kwargs = arch_kwargs(2, [32, 64, 128, 256, 512, 512, 512], [[1, 1]] + [[2, 2]] * 6, [[3, 3]] * 7)
    plan = SmallPlan(PLANS["2d"].class_name, kwargs, 1, 2, (256, 256))
    for name in ("UNet", architecture):
        network = network_for(plan, name).to("meta")
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(torch.empty(1, 1, *plan.size, device="meta"))
        flops[name] = counter.get_total_flops()
    assert flops["UNet"] == pytest.approx(2 * 14.77e9, rel=0.001)
    assert least <= flops[architecture] / flops["UNet"] <= most


@every_architecture
def test_networks_are_frozen(architecture: str) -> None:
    """Parameter count and output on a fixed probe stay what they were published with.

    A change here changes everybody's results: regenerate ``frozen_networks.json`` with ``python
    tests/helpers/freeze_networks.py`` only on purpose, and say so in the changelog.
    """
    from freeze_networks import fingerprint

    expected = json.loads(FROZEN.read_text())[architecture]
    actual = fingerprint(architecture)
    assert actual["parameters"] == expected["parameters"]
    assert actual["output"] == pytest.approx(expected["output"], rel=1e-3, abs=1e-4)
