"""Widths with which a network costs what the U-Net costs on the same plan."""

import functools
import itertools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import torch

from nnunet_skipstudy.architectures.cost import network_cost
from nnunet_skipstudy.architectures.network import build_network
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.trainer_name import TrainerName

TOLERANCE = 0.02
"""How far, relatively, a matched network's cost may be from the U-Net's."""
_CLOSE = 0.005
_MOST_ROUNDS = 12

Widths = tuple[int, ...]
Plan = tuple[str, Mapping[str, Any], Sequence[str]]
"""``network_class_name``, ``arch_kwargs`` and ``_kw_requires_import`` of a configuration."""


class Build(NamedTuple):
    """A plan, its widths perhaps other than they were, and the fields of the :class:`Decoding` to build on it."""

    plan: Plan
    decoding: dict[str, Any]


def matched_widths(
    matched: str,
    architecture: str,
    plan: Plan,
    input_channels: int,
    output_channels: int,
    patch_size: Sequence[int],
    **decoding: Any,
) -> list[int]:
    """``features_per_stage`` with which an architecture costs what the U-Net does with the plan's own.

    All widths are scaled alike, then single channels moved until the costs agree: the result follows from the
    arguments alone, so training and inference find the same. Counted, not run.

    Args:
        matched: ``parameters`` or ``forward_flops`` (of one patch, without deep supervision).
        architecture: a key of the registry.
        plan: ``network_class_name``, ``arch_kwargs`` and ``_kw_requires_import`` of a plan.
        input_channels: channels of the image.
        output_channels: channels of a prediction.
        patch_size: in voxels.
        decoding: fields of :class:`~nnunet_skipstudy.architectures.network.Decoding`.

    Raises:
        UserError: no widths come within :data:`TOLERANCE` of the U-Net's cost.
    """
    size = [int(n) for n in patch_size]
    key = [
        matched,
        architecture,
        [plan[0], dict(plan[1]), list(plan[2])],
        input_channels,
        output_channels,
        size,
        decoding,
    ]
    return list(_searched(json.dumps(key)))


def plan_of(configuration: Any) -> Plan:
    """What nnU-Net's manager of a configuration says of its network."""
    return (
        configuration.network_arch_class_name,
        configuration.network_arch_init_kwargs,
        configuration.network_arch_init_kwargs_req_import,
    )


def built_by_name(
    name: TrainerName, plan: Plan, patch_size: Sequence[int], channels: tuple[int, int], *, deep_supervision: bool
) -> Build:
    """What a trainer's name asks of :func:`build_network` on a plan.

    Args:
        name: the parsed name.
        plan: ``network_class_name``, ``arch_kwargs`` and ``_kw_requires_import``; not changed.
        patch_size: in voxels.
        channels: of the image, and of a prediction.
        deep_supervision: whether the network is to have it, unless the name says no.

    Raises:
        UserError: no widths match, as :func:`matched_widths` says.
    """
    options = name.options
    decoding: dict[str, Any] = {
        "deep_supervision": deep_supervision and options.deep_supervision,
        "levels": [int(level) for level in options.skips] if options.skips else None,
        "skip_dropout": options.skip_dropout / 100,
        "full_resolution_heads": options.full_resolution_heads,
    }
    if options.matched:
        widths = matched_widths(options.matched, name.architecture, plan, *channels, patch_size, **decoding)
        plan = (plan[0], {**plan[1], "features_per_stage": widths}, plan[2])
    return Build(plan, decoding)


@functools.cache
def _searched(key: str) -> Widths:
    matched, architecture, plan, input_channels, output_channels, patch_size, decoding = json.loads(key)
    class_name, arch_kwargs, requires_import = plan

    def cost(name: str, widths: Sequence[int], **how: Any) -> int:
        kwargs = {**arch_kwargs, "features_per_stage": list(widths)}
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            network = build_network(
                *(name, class_name, kwargs, requires_import, input_channels, output_channels), **how
            )
            if matched == "parameters":
                return sum(math.prod(weight.shape) for weight in network.parameters())
            return int(getattr(network_cost(network, input_channels, patch_size), matched))

    own = tuple(int(width) for width in arch_kwargs["features_per_stage"])
    target = cost("UNet", own, deep_supervision=True)

    @functools.cache
    def excess(widths: Widths) -> float:
        return math.log(cost(architecture, widths, **decoding) / target)

    best = _moved(_scaled(own, excess), excess)
    if abs(math.expm1(excess(best))) > TOLERANCE:
        raise UserError(
            f"{architecture}: no widths have the U-Net's {matched} within {TOLERANCE:.0%}, the nearest, "
            f"{', '.join(map(str, best))}, are {math.expm1(excess(best)):+.1%} off; make plans with more features"
        )
    return best


def _scaled(own: Widths, excess: Callable[[Widths], float]) -> Widths:
    """All widths times one factor: cost grows with its square, nearly."""
    scale, tried = 1.0, [own]
    for _ in range(_MOST_ROUNDS):
        if abs(excess(tried[-1])) <= _CLOSE:
            break
        scale *= math.exp(-excess(tried[-1]) / 2)
        widths = tuple(max(1, round(width * scale)) for width in own)
        if widths in tried:
            break
        tried.append(widths)
    return min(tried, key=lambda widths: abs(excess(widths)))


def _moved(widths: Widths, excess: Callable[[Widths], float]) -> Widths:
    """One channel more or less in one stage, or where that doesn't help in two, as long as the cost comes nearer."""
    for _ in range(_MOST_ROUNDS):
        for stages in (1, 2):
            if abs(excess(widths)) <= _CLOSE:
                return widths
            best = min(_neighbours(widths, stages), key=lambda moved: abs(excess(moved)))
            if abs(excess(best)) < abs(excess(widths)):
                widths = best
                break
        else:
            return widths
    return widths


def _neighbours(widths: Widths, stages: int) -> list[Widths]:
    steps = [(stage, step) for stage in range(len(widths)) for step in (-1, 1)]
    found = [widths]
    for chosen in itertools.combinations(steps, stages):
        moved = list(widths)
        for stage, step in chosen:
            moved[stage] += step
        if min(moved) > 0:
            found.append(tuple(moved))
    return found
