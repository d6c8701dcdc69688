"""Plans as nnU-Net writes them, small enough for a test."""

from dataclasses import dataclass
from typing import Any

import torch

from nnunet_skipstudy.architectures.network import SkipUNet, build_network
from nnunet_skipstudy.architectures.skips import AttentionGate

REQUIRES_IMPORT = ["conv_op", "norm_op", "dropout_op", "nonlin"]
UNET_MODULE = "dynamic_network_architectures.architectures.unet"


@dataclass(frozen=True)
class SmallPlan:
    """The architecture part of a plan, and an input size that the plan allows."""

    class_name: str
    arch_kwargs: dict[str, Any]
    input_channels: int
    output_channels: int
    size: tuple[int, ...]


def arch_kwargs(
    dimensions: int,
    features: list[int],
    strides: list[list[int]],
    kernels: list[list[int]],
    *,
    blocks: list[int] | None = None,
) -> dict[str, Any]:
    """The ``arch_kwargs`` of a plain plan, or of a residual one where ``blocks`` are given."""
    n_stages = len(features)
    encoder = {"n_conv_per_stage": [2] * n_stages} if blocks is None else {"n_blocks_per_stage": blocks}
    return {
        "n_stages": n_stages,
        "features_per_stage": features,
        "conv_op": f"torch.nn.modules.conv.Conv{dimensions}d",
        "kernel_sizes": kernels,
        "strides": strides,
        **encoder,
        "n_conv_per_stage_decoder": [2 if blocks is None else 1] * (n_stages - 1),
        "conv_bias": True,
        "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{dimensions}d",
        "norm_op_kwargs": {"eps": 1e-05, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }


PLANS = {
    "2d": SmallPlan(
        f"{UNET_MODULE}.PlainConvUNet",
        arch_kwargs(2, [4, 8, 16, 16], [[1, 1]] + [[2, 2]] * 3, [[3, 3]] * 4),
        input_channels=1,
        output_channels=2,
        size=(40, 56),  # odd multiples of 8, not square
    ),
    "3d_anisotropic": SmallPlan(
        f"{UNET_MODULE}.PlainConvUNet",
        arch_kwargs(
            3,
            [4, 8, 8, 12],
            [[1, 1, 1], [1, 2, 2], [2, 2, 2], [1, 2, 2]],
            [[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3]],
        ),
        input_channels=2,
        output_channels=4,
        size=(6, 24, 40),
    ),
    "2d_residual": SmallPlan(
        f"{UNET_MODULE}.ResidualEncoderUNet",
        arch_kwargs(2, [4, 8, 16], [[1, 1], [2, 2], [2, 2]], [[3, 3]] * 3, blocks=[1, 2, 2]),
        input_channels=3,
        output_channels=3,
        size=(20, 28),
    ),
    "3d_residual_two_stages": SmallPlan(
        f"{UNET_MODULE}.ResidualEncoderUNet",
        arch_kwargs(3, [4, 6], [[1, 1, 1], [1, 2, 2]], [[1, 3, 3], [3, 3, 3]], blocks=[1, 1]),
        input_channels=1,
        output_channels=2,
        size=(5, 10, 14),
    ),
}


def network_for(plan: SmallPlan, architecture: str, **options: Any) -> SkipUNet:
    """An architecture on a plan, with deep supervision unless ``options`` say otherwise."""
    return build_network(
        architecture,
        plan.class_name,
        plan.arch_kwargs,
        REQUIRES_IMPORT,
        plan.input_channels,
        plan.output_channels,
        **{"deep_supervision": True, **options},
    )


def coarse_attention(network: SkipUNet, images: torch.Tensor) -> dict[int, torch.Tensor]:
    """What each gate puts out, by level (0 = full resolution): seen by hooks on the gates, before interpolation."""
    maps: dict[int, torch.Tensor] = {}
    deepest = len(network.decoder.skips) - 1
    for index, skip in enumerate(network.decoder.skips):
        if isinstance(skip, AttentionGate):
            skip.gate.register_forward_hook(lambda _, __, output, at=deepest - index: maps.update({at: output}))
    with torch.no_grad():
        network.eval()(images)
    return dict(sorted(maps.items()))
