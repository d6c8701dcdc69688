"""Widths that give a network the U-Net's cost."""

import copy

import pytest
from small_plans import PLANS, REQUIRES_IMPORT, UNET_MODULE, arch_kwargs

from nnunet_skipstudy.architectures.cost import network_cost
from nnunet_skipstudy.architectures.matching import matched_widths
from nnunet_skipstudy.architectures.network import build_network
from nnunet_skipstudy.errors import UserError

PLAIN, RESIDUAL = f"{UNET_MODULE}.PlainConvUNet", f"{UNET_MODULE}.ResidualEncoderUNet"
WIDE, THREES = [32, 64, 128, 256, 512, 512, 512], [[3, 3]] * 7
KINDS = {
    "plain": (PLAIN, arch_kwargs(2, WIDE, [[1, 1]] + [[2, 2]] * 6, THREES), (256, 256)),
    "residual": (
        RESIDUAL,
        arch_kwargs(2, WIDE, [[1, 1]] + [[2, 2]] * 6, THREES, blocks=[1, 3, 4, 6, 6, 6, 6]),
        (128, 192),
    ),
    "volumes": (
        PLAIN,
        arch_kwargs(
            3, [32, 64, 128, 256, 320], [[1, 1, 1], [1, 2, 2]] + [[2, 2, 2]] * 3, [[1, 3, 3]] + [[3, 3, 3]] * 4
        ),
        (16, 64, 96),
    ),
    "few features": (PLAIN, PLANS["2d"].arch_kwargs, PLANS["2d"].size),
}


@pytest.mark.parametrize("matched", ["parameters", "forward_flops"])
@pytest.mark.parametrize("architecture", ["NoSkip", "VNet", "UNetPlusPlus"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_cost_is_the_unets_within_two_per_cent(kind: str, architecture: str, matched: str) -> None:
    class_name, kwargs, size = KINDS[kind]
    before = copy.deepcopy(kwargs)
    plan = (class_name, kwargs, REQUIRES_IMPORT)
    widths = matched_widths(matched, architecture, plan, 1, 3, size, deep_supervision=True)
    assert kwargs == before

    def cost(name: str, features: list[int]) -> int:
        scaled = {**kwargs, "features_per_stage": features}
        network = build_network(name, class_name, scaled, REQUIRES_IMPORT, 1, 3, deep_supervision=True)
        return getattr(network_cost(network, 1, size), matched)

    assert cost(architecture, widths) == pytest.approx(cost("UNet", kwargs["features_per_stage"]), rel=0.02)
    if kind != "few features":  # one factor for all, but for a channel here and there
        factors = [new / old for new, old in zip(widths, kwargs["features_per_stage"], strict=True)]
        assert max(factors) / min(factors) < 1.12


def test_the_unet_keeps_its_widths_and_fewer_skips_widen_it() -> None:
    class_name, kwargs, size = KINDS["plain"]
    plan = (class_name, kwargs, REQUIRES_IMPORT)
    how = {"deep_supervision": False}
    assert matched_widths("parameters", "UNet", plan, 1, 2, size, **how) == WIDE
    assert matched_widths("parameters", "UNet", plan, 1, 2, size, **how, levels=[5])[-1] > WIDE[-1]


def test_too_few_features_to_match_are_refused_with_the_nearest() -> None:
    plan = PLANS["3d_residual_two_stages"]
    kinds = (plan.class_name, plan.arch_kwargs, REQUIRES_IMPORT)
    with pytest.raises(UserError, match=r"no widths have the U-Net's forward_flops within 2%.*more features"):
        matched_widths("forward_flops", "VNet", kinds, 1, 2, plan.size, deep_supervision=True)
