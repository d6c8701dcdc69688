"""Passes taken apart are the networks' own, and interventions change what they say and nothing else."""

from typing import Any

import pytest
import torch
from small_plans import PLANS, REQUIRES_IMPORT, SmallPlan, network_for
from torch import Tensor, nn

from nnunet_skipstudy.architectures.network import get_network_from_plans
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.explain.interventions import Images, Intervention, Part, catalogue, logits_of, parts, sites
from nnunet_skipstudy.explain.passes import MOST_KEPT, OpenNetwork, Site
from nnunet_skipstudy.registry import ARCHITECTURES, INTERVENTIONS

NETWORKS = [*ARCHITECTURES, "nnU-Net's own"]


def opened(plan: SmallPlan, architecture: str) -> tuple[OpenNetwork, Any]:
    torch.manual_seed(0)
    if architecture in ARCHITECTURES:
        network: Any = network_for(plan, architecture, deep_supervision=False)
    else:
        network = get_network_from_plans(
            *(plan.class_name, plan.arch_kwargs, REQUIRES_IMPORT, plan.input_channels, plan.output_channels),
            deep_supervision=False,
        )
    network.eval()
    return OpenNetwork(network), network


def images(plan: SmallPlan, n: int) -> list[Tensor]:
    return [
        torch.randn(1, plan.input_channels, *plan.size, generator=torch.Generator().manual_seed(i)) for i in range(n)
    ]


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("architecture", NETWORKS)
def test_patching_with_itself_and_full_strength_change_no_bit(plan: SmallPlan, architecture: str) -> None:
    """So does taking the network apart; everything patched together is the reference image's prediction."""
    network, whole = opened(plan, architecture)
    with torch.inference_mode():
        clean, shifted = images(plan, 2)
        expected = whole(shifted)
        reference, perturbed, again = network.passes([clean, shifted, shifted])
        assert torch.equal(perturbed.logits, expected)
        for part in parts(network):
            same = logits_of(network, Intervention("patch", part), Images(again, perturbed), "")
            full = logits_of(network, Intervention("scale", part, 1.0), Images(reference, perturbed), "")
            assert torch.equal(same, expected)
            assert torch.equal(full, expected)
        all_maps = {site: reference.maps[site] for part in parts(network) for site in sites(network, part)}
        assert torch.equal(network.changed(perturbed, all_maps).logits, whole(clean))
        assert torch.equal(whole(shifted), expected)


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
@pytest.mark.parametrize("architecture", NETWORKS)
def test_a_changed_pass_is_that_of_the_decoder_given_the_changed_maps(plan: SmallPlan, architecture: str) -> None:
    """Another way to the same: a hook before the network's own decoder swaps one level's map."""
    network, whole = opened(plan, architecture)
    with torch.inference_mode():
        clean, shifted = images(plan, 2)
        reference, perturbed = network.passes([clean, shifted])
        for level in [*network.skip_levels, network.n_levels]:

            def swap(module: nn.Module, given: Any, level: int = level) -> Any:
                maps = list(given[0])
                maps[level] = whole.encoder(clean)[level]
                return (maps,)

            hook = whole.decoder.register_forward_pre_hook(swap)
            expected = whole(shifted)
            hook.remove()
            part = Part("skip", level) if level < network.n_levels else Part("bottleneck")
            found = logits_of(network, Intervention("patch", part), Images(reference, perturbed), "")
            assert torch.equal(found, expected)
            assert level not in network.skip_levels or not torch.equal(found, perturbed.logits)


@pytest.mark.parametrize("kept", [MOST_KEPT, 0])
def test_nothing_is_computed_twice(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    """UNet++'s node j of level i is made of the encoder's maps i to i + j: once for each mixture of two images.

    Where what changed passes made is not kept, a node that no change reaches still isn't made again; no bit differs.
    """
    network, whole = opened(PLANS["2d"], "UNetPlusPlus")
    calls = 0

    def called(*_: Any) -> None:
        nonlocal calls
        calls += 1

    decoder, n = whole.decoder, network.n_levels
    wanted = [Intervention(kind, Part("skip", level)) for kind in ("patch", "reverse") for level in range(n)]
    mixtures = [
        (level, tuple((place == one.part.level) != (one.kind == "reverse") for place in range(level, level + node + 1)))
        for one in wanted
        for level in range(n)
        for node in range(1, n + 1 - level)
    ]
    mixed = [mixture for mixture in mixtures if len(set(mixture[1])) > 1]
    for module in [*decoder.stages, *(block for skip in decoder.skips for block in skip.blocks)]:
        module.register_forward_hook(called)
    with torch.inference_mode():
        two = Images(*network.passes(images(PLANS["2d"], 2)))
        expected = [logits_of(network, one, two, "") for one in wanted]
        assert calls == 2 * 6 + len(set(mixed))
        monkeypatch.setattr("nnunet_skipstudy.explain.passes.MOST_KEPT", kept)
        two, calls = Images(*network.passes(images(PLANS["2d"], 2))), 0
        found = [logits_of(network, one, two, "") for one in wanted]
    assert all(map(torch.equal, found, expected))
    assert calls == (len(set(mixed)) if kept else len(mixed))


def test_the_catalogue_has_every_place_once() -> None:
    """Skips that hand nothing on are no place; with two skips all but one is the other; plain comes first."""
    plan = PLANS["2d"]
    network, _ = opened(plan, "UNet")
    assert [(part.name, part.level) for part in parts(network)] == [
        *(("skip", level) for level in range(3)),
        ("all", None),
        *(("all_but", level) for level in range(3)),
        *(("decoder", level) for level in range(2)),
        ("bottleneck", None),
    ]
    assert [(part.name, part.level) for part in parts(opened(plan, "NoTopSkip")[0])][:4] == [
        *(("skip", 1), ("skip", 2), ("all", None), ("decoder", 0))
    ]
    assert {part.name for part in parts(opened(plan, "NoSkip")[0])} == {"decoder", "bottleneck"}
    wanted = catalogue(network, tuple(INTERVENTIONS), {"noise": [0.5, 1.0]}, shifted=True)
    assert wanted[0].kind == "none"
    assert len(wanted) == len(set(wanted)) == 1 + 2 * 10 + 4 * (2 + 1 + 2 + 1)
    assert {one.kind for one in catalogue(network, tuple(INTERVENTIONS), {}, shifted=False)} == set(INTERVENTIONS) - {
        "patch",
        "reverse",
    } | {"none"}


def test_each_intervention_does_what_it_says() -> None:
    """On the maps themselves: mean, zeros, noise of that size, another's features, each way of patching."""
    plan = PLANS["2d"]
    network, _ = opened(plan, "UNet")
    seen: dict[str, Tensor] = {}

    def keep(base: Any, changes: dict[Site, Tensor]) -> Any:
        seen["map"], seen["base"] = changes[Site(1)], base.logits
        return base

    with torch.inference_mode():
        reference, perturbed, other = network.passes(images(plan, 3))
        three = Images(reference, perturbed, other)
        network.changed = keep  # type: ignore[method-assign]
        own = perturbed.maps[Site(1)]

        def made(kind: str, strength: float | None = None, seed: str = "case") -> Tensor:
            logits_of(network, Intervention(kind, Part("skip", 1), strength), three, seed)
            assert torch.equal(seen["base"], (reference if kind == "reverse" else perturbed).logits)
            return seen["map"]

        mean = own.mean((2, 3), keepdim=True).expand_as(own)
        assert torch.equal(made("scale", 0.0), mean)
        torch.testing.assert_close(made("scale", 0.5), (own + mean) / 2)
        assert not made("zero").any()
        assert torch.equal(made("other"), other.maps[Site(1)])
        assert torch.equal(made("patch"), reference.maps[Site(1)])
        assert torch.equal(made("reverse"), own)
        noise = (made("noise", 2.0) - own) / own.std((2, 3), keepdim=True, unbiased=False)
        assert abs(float(noise.std()) - 2) < 0.1
        assert torch.equal(made("noise", 2.0), made("noise", 2.0))
        assert not torch.equal(made("noise", 2.0), made("noise", 2.0, "another case"))


class Rescaled(nn.Module):
    """A network that does more than its encoder and decoder."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.encoder, self.decoder = network.encoder, network.decoder

    def forward(self, x: Tensor) -> Any:
        return self.decoder(self.encoder(x)) * 2


def test_networks_that_cannot_be_taken_apart_are_refused() -> None:
    """Another's class by its name; ours whose forward was changed when its first tile differs."""
    network, whole = opened(PLANS["2d"], "UNet")
    with pytest.raises(UserError, match=r"the training builds Rescaled, which is no U-Net of nnU-Net's"):
        OpenNetwork(Rescaled(whole))
    network.check(images(PLANS["2d"], 1)[0])
    whole.forward = Rescaled(whole).forward
    with pytest.raises(UserError, match=r"SkipUNet: its prediction is not what its encoder and decoder make"):
        network.check(images(PLANS["2d"], 1)[0])
