"""A plan and an architecture make a network."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from dynamic_network_architectures.building_blocks.unet_decoder import UNetDecoder
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from torch import Tensor, nn

from nnunet_skipstudy.architectures.blocks import LayerKit, Size, StageFactory
from nnunet_skipstudy.architectures.decoder import SkipDecoder
from nnunet_skipstudy.architectures.vnet import VNetEncoder, vnet_n_convs, vnet_stages
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import ARCHITECTURES, SkipPolicy, Stages


class SkipUNet(nn.Module):
    """An encoder and a decoder with a skip policy at each level.

    nnU-Net finds what it expects of its own networks: ``encoder``, ``decoder.deep_supervision``,
    ``compute_conv_feature_map_size``.
    """

    def __init__(self, encoder: nn.Module, decoder: SkipDecoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """(batch, input channels, *size) to logits; see :meth:`SkipDecoder.forward`."""
        prediction: Tensor | list[Tensor] = self.decoder(self.encoder(x))
        return prediction

    def compute_conv_feature_map_size(self, input_size: Size) -> int:
        """Numbers in the outputs of all convolutions for one image of ``input_size``, without batch and channels."""
        encoder: Any = self.encoder
        return int(encoder.compute_conv_feature_map_size(input_size)) + (
            self.decoder.compute_conv_feature_map_size(input_size)
        )


def build_network(
    architecture: str,
    arch_class_name: str,
    arch_kwargs: Mapping[str, Any],
    arch_kwargs_req_import: Sequence[str],
    input_channels: int,
    output_channels: int,
    *,
    deep_supervision: bool,
    policies: Sequence[SkipPolicy | str] | None = None,
    full_resolution_heads: bool = False,
) -> SkipUNet:
    """Build the network that a plan asks for, with an architecture's skips.

    The encoder is the plan's own (plain or residual), or V-Net's with the plan's channels and strides. With the same
    torch seed all architectures of one plan that share an encoder start from the same encoder weights, and
    ``"UNet"`` from the very weights that nnU-Net's own network would have.

    Args:
        architecture: a key of :data:`nnunet_skipstudy.registry.ARCHITECTURES`.
        arch_class_name: ``network_class_name`` of the plan's ``architecture`` entry.
        arch_kwargs: its ``arch_kwargs``; not changed.
        arch_kwargs_req_import: its ``_kw_requires_import``.
        input_channels: channels of the image.
        output_channels: channels of a prediction (classes, or regions).
        deep_supervision: whether the network starts with ``decoder.deep_supervision`` set.
        policies: skip policies by level, full resolution first, instead of the architecture's own.
        full_resolution_heads: UNet++'s own deep supervision; see :class:`SkipDecoder`.

    Raises:
        UserError: the plan's network has no U-Net decoder of nnU-Net's.
        ValueError: ``policies`` don't fit the plan.
    """
    kinds = (arch_class_name, dict(arch_kwargs), arch_kwargs_req_import)
    stock = get_network_from_plans(
        *kinds, input_channels, output_channels, allow_init=False, deep_supervision=deep_supervision
    )
    _refuse_other_networks(stock, arch_class_name)
    chosen = ARCHITECTURES[architecture]
    n_levels = len(stock.encoder.output_channels) - 1
    levels = chosen.policies(n_levels) if policies is None else tuple(map(SkipPolicy, policies))
    # Building our parts draws default weights, all of them replaced below; forking keeps the draws that count the
    # same for all architectures.
    with torch.random.fork_rng(devices=[]):
        encoder, n_convs, make_stage = _stages(chosen.stages, stock.encoder, arch_kwargs, input_channels)
        heads = {"deep_supervision": deep_supervision, "full_resolution_heads": full_resolution_heads}
        network = SkipUNet(encoder, SkipDecoder(encoder, output_channels, n_convs, levels, make_stage, **heads))
    network.apply(stock.initialize)
    return network


def _refuse_other_networks(stock: nn.Module, class_name: str) -> None:
    if type(getattr(stock, "decoder", None)) is not UNetDecoder:
        raise UserError(
            f"the plans ask for {class_name}, which is no U-Net of nnU-Net's whose skips could be changed; "
            "use plans of nnU-Net's default or ResEnc planners (nnUNetv2_plan_experiment -pl nnUNetPlannerResEncM)"
        )


def _stages(
    stages: Stages, encoder: Any, arch_kwargs: Mapping[str, Any], input_channels: int
) -> tuple[Any, Sequence[int], StageFactory]:
    """The encoder, the plan's or V-Net's; convolutions of each of the decoder's stages, deepest first; their maker."""
    kit, n_levels = LayerKit.of(encoder), len(encoder.output_channels) - 1
    if stages is Stages.VNET:
        sizes = (encoder.output_channels, encoder.kernel_sizes, encoder.strides)
        return VNetEncoder(kit, input_channels, *sizes), vnet_n_convs(n_levels)[::-1], vnet_stages(kit)
    n_convs = arch_kwargs["n_conv_per_stage_decoder"]
    per_level = [n_convs] * n_levels if isinstance(n_convs, int) else list(n_convs)
    return encoder, per_level, kit.plan_stages(nonlin_first=bool(arch_kwargs.get("nonlin_first", False)))
