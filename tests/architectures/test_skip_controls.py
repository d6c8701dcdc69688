"""Which levels hand on, and skips that are dropped in training."""

import pytest
import torch
from small_plans import PLANS, SmallPlan, network_for

from nnunet_skipstudy.architectures.skips import NoSkip
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import ARCHITECTURES

with_skips = pytest.mark.parametrize("architecture", [name for name in ARCHITECTURES if "NoSkip" not in name])


def probe(plan: SmallPlan, batch: int = 2) -> torch.Tensor:
    return torch.randn(batch, plan.input_channels, *plan.size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("plan_name", PLANS)
@with_skips
def test_levels_keep_their_policy_and_the_others_hand_on_nothing(architecture: str, plan_name: str) -> None:
    plan = PLANS[plan_name]
    own = network_for(plan, architecture).decoder.skips
    network = network_for(plan, architecture, levels=[len(own) - 1])
    kinds = [type(skip) for skip in network.decoder.skips]
    assert kinds == [type(own[0]), *[NoSkip] * (len(own) - 1)]  # deepest first
    assert network(probe(plan))[0].isfinite().all()


def test_a_level_that_the_plan_lacks_is_refused() -> None:
    with pytest.raises(UserError, match="skips at levels 0, 3: the plan has levels 0 to 2"):
        network_for(PLANS["2d"], "UNet", levels=[3, 0])


@with_skips
def test_whole_skips_of_whole_samples_are_dropped_in_training_only(architecture: str) -> None:
    """Each level of each sample has its skip or nothing of it, and draws for itself; inference has them all."""
    plan = PLANS["2d_residual"]
    torch.manual_seed(0)
    plain = network_for(plan, architecture)
    torch.manual_seed(0)
    dropping = network_for(plan, architecture, skip_dropout=0.5)
    assert list(plain.state_dict()) == list(dropping.state_dict())
    images = probe(plan, batch=4)
    with torch.no_grad():
        assert torch.equal(plain.eval()(images)[0], dropping.eval()(images)[0])
    seen = set()
    for _ in range(20):
        pattern = []
        for skip in dropping.train().decoder.skips:
            row = [torch.rand(4, 3, 5, 5) + 1 for _ in range(skip.row_length)]
            dropped = skip.dropped(row)
            if row:
                kept = dropped[0].flatten(1).any(1)
                for before, after in zip(row, dropped, strict=True):
                    assert torch.equal(after, before * kept.reshape(-1, 1, 1, 1))
                pattern.append(tuple(kept.tolist()))
        seen.add(tuple(pattern))
    samples = [one for pattern in seen for level in pattern for one in level]
    assert 0.3 < sum(samples) / len(samples) < 0.7
    if sum(skip.row_length > 0 for skip in dropping.decoder.skips) > 1:
        assert any(pattern[0] != pattern[1] for pattern in seen)
    with torch.no_grad():
        assert not torch.equal(dropping(images)[0], dropping(images)[0])


def test_what_is_kept_is_not_scaled() -> None:
    skip = network_for(PLANS["2d"], "UNet", skip_dropout=0.9).train().decoder.skips[0]
    kept = skip.dropped([torch.ones(500, 2, 3, 3)])[0]
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    assert 0.05 < float(kept.mean()) < 0.16
    assert torch.equal(kept.amax((1, 2, 3)), kept.mean((1, 2, 3)))


@with_skips
def test_with_dropout_every_weight_learns_and_the_network_compiles(architecture: str) -> None:
    network = network_for(PLANS["2d"], architecture, skip_dropout=0.99).train()
    torch.compiler.reset()
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    sum(head.square().mean() for head in compiled(probe(PLANS["2d"]))).backward()
    assert all(weight.grad is not None for weight in network.parameters())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(("plan_name", "size"), [("2d", (40, 52)), ("3d_anisotropic", (5, 24, 40))])
def test_an_image_that_the_strides_dont_divide_is_refused(architecture: str, plan_name: str, size: tuple) -> None:
    """Also without skips, where nothing stumbles over it and another size would come out."""
    plan = PLANS[plan_name]
    network = network_for(plan, architecture)
    with pytest.raises(UserError, match=r"pad it to multiples of (8 x 8|2 x 8 x 8)"):
        network(torch.randn(1, plan.input_channels, *size))


def test_a_plan_of_one_stage_has_no_skips_to_study() -> None:
    plan = PLANS["2d"]
    one = {key: value[:1] if isinstance(value, list) else value for key, value in plan.arch_kwargs.items()}
    single = SmallPlan(plan.class_name, {**one, "n_stages": 1, "n_conv_per_stage_decoder": []}, 1, 2, plan.size)
    with pytest.raises(UserError, match="PlainConvUNet of one stage, which has no skips"):
        network_for(single, "NoSkip")
