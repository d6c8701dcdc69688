"""What is done to a network's feature maps at test time, and where.

Patching puts the features of the same case's reference image (unperturbed) into the pass of the perturbed one, its
reverse the perturbed image's into the reference pass (activation patching, Vig et al. 2020; Meng et al. 2022).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from zlib import crc32

import torch
from torch import Tensor

from nnunet_skipstudy.explain.passes import OpenNetwork, Pass, Site
from nnunet_skipstudy.registry import INTERVENTIONS

ON_ALL_PARTS = ("patch", "reverse")
"""The others are made on skips alone, one and all of them."""


@dataclass(frozen=True)
class Part:
    """Where.

    ``skip``, ``decoder`` (what comes up to a level from below), each with its ``level``; ``all`` skips; all skips but
    that of a level, ``all_but``; ``bottleneck``.
    """

    name: str
    level: int | None = None


@dataclass(frozen=True)
class Intervention:
    """One change of a pass, by the registry's name; ``none`` is the plain prediction. ``strength``: if it has one."""

    kind: str
    part: Part = Part("")
    strength: float | None = None


@dataclass(frozen=True)
class Images:
    """The passes of one tile: of the reference image, of the one at the level, of another case's at the level."""

    reference: Pass
    perturbed: Pass
    other: Pass | None = None


def parts(network: OpenNetwork) -> list[Part]:
    """All places of a network, skips from full resolution down."""
    levels = network.skip_levels
    several = [Part("all")] if levels else []
    but = [Part("all_but", level) for level in levels] if len(levels) > 2 else []  # of two, but one is the other
    below = [Part("decoder", level) for level in range(network.n_levels - 1)]
    return [*(Part("skip", level) for level in levels), *several, *but, *below, Part("bottleneck")]


def sites(network: OpenNetwork, part: Part) -> list[Site]:
    """The feature maps that a place stands for."""
    if part.level is not None and part.name in ("skip", "decoder"):
        return [Site(part.level, part.name == "decoder")]
    if part.name == "bottleneck":
        return [Site(network.n_levels - 1, True)]
    return [Site(level) for level in network.skip_levels if level != part.level]


def catalogue(
    network: OpenNetwork, kinds: Sequence[str], strengths: dict[str, Sequence[float]], *, shifted: bool
) -> list[Intervention]:
    """What is done to the images of one level, the plain prediction first.

    Args:
        network: whose parts.
        kinds: keys of :data:`~nnunet_skipstudy.registry.INTERVENTIONS`.
        strengths: by kind, instead of its own.
        shifted: whether the level differs from the reference; if not there is nothing to patch.
    """
    found = [Intervention("none")]
    for kind in kinds:
        if kind in ON_ALL_PARTS and not shifted:
            continue
        for part in parts(network):
            if kind in ON_ALL_PARTS or part.name in ("skip", "all"):
                for strength in strengths.get(kind, INTERVENTIONS[kind][1]) or (None,):
                    found.append(Intervention(kind, part, strength))
    return found


def logits_of(network: OpenNetwork, intervention: Intervention, images: Images, seed: str) -> Tensor:
    """What the network puts out under an intervention.

    Args:
        network: see there.
        intervention: one of :func:`catalogue`.
        images: the passes; ``other`` is needed by interventions of that name alone.
        seed: of the noise, with the intervention's own name.
    """
    base = images.reference if intervention.kind == "reverse" else images.perturbed
    if intervention.kind == "none":
        return base.logits
    change = _CHANGES[intervention.kind]
    noise = torch.Generator().manual_seed(crc32(f"{seed} {intervention}".encode()))
    changes = {
        site: change(site, images, intervention.strength or 0.0, noise) for site in sites(network, intervention.part)
    }
    return network.changed(base, changes).logits


def _scaled(site: Site, images: Images, strength: float, noise: torch.Generator) -> Tensor:
    features = images.perturbed.maps[site]
    space = tuple(range(2, features.ndim))
    return torch.lerp(features.mean(space, keepdim=True).expand_as(features), features, strength)


def _noisy(site: Site, images: Images, strength: float, noise: torch.Generator) -> Tensor:
    features = images.perturbed.maps[site]
    spread = features.std(tuple(range(2, features.ndim)), keepdim=True, unbiased=False)
    drawn = torch.randn(features.shape, generator=noise).to(features)
    return features + strength * spread * drawn


def _others(site: Site, images: Images, strength: float, noise: torch.Generator) -> Tensor:
    assert images.other is not None
    return images.other.maps[site]


Change = Callable[[Site, Images, float, torch.Generator], Tensor]
_CHANGES: dict[str, Change] = {
    "patch": lambda site, images, strength, noise: images.reference.maps[site],
    "reverse": lambda site, images, strength, noise: images.perturbed.maps[site],
    "scale": _scaled,
    "zero": lambda site, images, strength, noise: torch.zeros_like(images.perturbed.maps[site]),
    "noise": _noisy,
    "other": _others,
}
