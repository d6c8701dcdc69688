"""A plan and an architecture make a network."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from dynamic_network_architectures.building_blocks.unet_decoder import UNetDecoder
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from torch import Tensor, nn

from nnunet_skipstudy.architectures.blocks import LayerKit, Size, StageFactory
from nnunet_skipstudy.architectures.decoder import SkipDecoder
from nnunet_skipstudy.architectures.vnet import VNetEncoder, vnet_n_convs, vnet_stages
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import ARCHITECTURES, Architecture, SkipPolicy, Stages


class SkipUNet(nn.Module):
    """An encoder and a decoder with a skip policy at each level.

    nnU-Net finds what it expects of its own networks: ``encoder``, ``decoder.deep_supervision``,
    ``compute_conv_feature_map_size``.
    """

    encoder: Any  # of dynamic-network-architectures, which is untyped, or V-Net's

    def __init__(self, encoder: Any, decoder: SkipDecoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, x: Tensor) -> Tensor | list[Tensor]:
        """(batch, input channels, *size) to logits; see :meth:`SkipDecoder.forward`."""
        prediction: Tensor | list[Tensor] = self.decoder(self.encoder(x))
        return prediction

    def compute_conv_feature_map_size(self, input_size: Size) -> int:
        """Numbers in the outputs of all convolutions for one image of ``input_size``, without batch and channels."""
        return int(self.encoder.compute_conv_feature_map_size(input_size)) + (
            self.decoder.compute_conv_feature_map_size(input_size)
        )


@dataclass(frozen=True)
class Decoding:
    """How the decoder of an architecture is built.

    Attributes:
        deep_supervision: whether the network starts with ``decoder.deep_supervision`` set.
        policies: skip policies by level, full resolution first, instead of the architecture's own.
        levels: the levels that keep their policy, 0 = full resolution; the others hand on nothing. None: all.
        skip_dropout: how often, in training, a skip of a sample is left out, 0…1.
        full_resolution_heads: UNet++'s own deep supervision; see :class:`SkipDecoder`.
    """

    deep_supervision: bool
    policies: Sequence[SkipPolicy | str] | None = None
    levels: Collection[int] | None = None
    skip_dropout: float = 0.0
    full_resolution_heads: bool = False

    def policies_of(self, architecture: Architecture, n_levels: int) -> tuple[SkipPolicy, ...]:
        """The policy of each of ``n_levels`` skips, full resolution first. Raises UserError: there is no such level."""
        own = architecture.policies(n_levels) if self.policies is None else tuple(map(SkipPolicy, self.policies))
        if self.levels is None:
            return own
        if not set(self.levels) <= set(range(n_levels)):
            raise UserError(
                f"skips at levels {', '.join(map(str, sorted(self.levels)))}: the plan has levels 0 to {n_levels - 1}; "
                "choose among these (_skips<levels>)"
            )
        return tuple(policy if level in self.levels else SkipPolicy.NONE for level, policy in enumerate(own))


def build_network(
    architecture: str,
    arch_class_name: str,
    arch_kwargs: Mapping[str, Any],
    arch_kwargs_req_import: Sequence[str],
    input_channels: int,
    output_channels: int,
    **decoding: Any,
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
        decoding: fields of :class:`Decoding`; ``deep_supervision`` is needed.

    Raises:
        UserError: the plan's network has no U-Net decoder of nnU-Net's, or not the ``levels`` asked for.
        ValueError: ``policies`` don't fit the plan.

    Example:
        >>> from nnunet_skipstudy import build_network
        >>> plan = {
        ...     "n_stages": 3, "features_per_stage": [8, 16, 32], "conv_op": "torch.nn.Conv2d", "kernel_sizes": 3,
        ...     "strides": [1, 2, 2], "n_conv_per_stage": 2, "n_conv_per_stage_decoder": 2, "conv_bias": True,
        ...     "norm_op": "torch.nn.InstanceNorm2d", "nonlin": "torch.nn.LeakyReLU",
        ... }
        >>> kind = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
        >>> imported = ["conv_op", "norm_op", "nonlin"]
        >>> network = build_network("NoSkip", kind, plan, imported, 1, 2, deep_supervision=False)
        >>> sum(weights.numel() for weights in network.parameters())
        26484
    """
    stock = get_network_from_plans(
        *(arch_class_name, dict(arch_kwargs), arch_kwargs_req_import, input_channels, output_channels),
        allow_init=False,
        deep_supervision=True,
    )
    refuse_other_networks(stock, f"the plans ask for {arch_class_name}")
    network = decoded(stock, ARCHITECTURES[architecture], input_channels, Decoding(**decoding))
    network.apply(stock.initialize)
    return network


def redecoded(stock: Any, source: str, architecture: str, input_channels: int, **decoding: Any) -> SkipUNet:
    """A network that somebody else made, decoded with an architecture's skips.

    The encoder stays, with its weights; so do the weights of the decoder that have a place in ours. V-Net's stages are
    made anew, with the layer types of that encoder.

    Args:
        stock: a U-Net of nnU-Net's, as its trainers build it.
        source: who made it, for the message.
        architecture: as of :func:`build_network`.
        input_channels: channels of the image.
        decoding: fields of :class:`Decoding`.

    Raises:
        UserError: it is another network, or its decoder is made of other layers than its encoder says.
        ValueError: ``policies`` don't fit it.
    """
    refuse_other_networks(stock, f"{source} builds {type(stock).__name__}")
    _refuse_changed_layers(stock, source)
    network = decoded(stock, ARCHITECTURES[architecture], input_channels, Decoding(**decoding))
    theirs = {key: weight.clone() for key, weight in stock.state_dict().items()}
    network.apply(stock.initialize)
    if ARCHITECTURES[architecture].stages is Stages.PLAN:
        ours = network.state_dict()
        fitting = {key: theirs[key] for key in ours if key in theirs and theirs[key].shape == ours[key].shape}
        network.load_state_dict({**ours, **fitting})
    return network


def decoded(stock: Any, architecture: Architecture, input_channels: int, decoding: Decoding) -> SkipUNet:
    """The encoder of a U-Net of nnU-Net's behind an architecture's decoder, whose weights are torch's default."""
    levels = decoding.policies_of(architecture, len(stock.encoder.output_channels) - 1)
    # Building our parts draws default weights, all of them replaced by the caller; forking keeps the draws that count
    # the same for all architectures.
    with torch.random.fork_rng(devices=[]):
        encoder, n_convs, make_stage = _stages(architecture.stages, stock, input_channels)
        decoder = SkipDecoder(
            *(encoder, stock.decoder.num_classes, n_convs, levels, make_stage),
            deep_supervision=decoding.deep_supervision,
            full_resolution_heads=decoding.full_resolution_heads,
            skip_dropout=decoding.skip_dropout,
        )
    return SkipUNet(encoder, decoder)


def refuse_other_networks(stock: Any, whose: str) -> None:
    """Refuse what is no U-Net of nnU-Net's; ``whose`` says where it comes from. Raises UserError."""
    decoder: Any = getattr(stock, "decoder", None)
    if type(decoder) is not UNetDecoder or type(stock).forward not in (
        PlainConvUNet.forward,
        ResidualEncoderUNet.forward,
    ):
        raise UserError(
            f"{whose}, which is no U-Net of nnU-Net's whose skips could be changed; "
            "use plans of nnU-Net's default or ResEnc planners (nnUNetv2_plan_experiment -pl nnUNetPlannerResEncM)"
        )
    if not len(decoder.stages):
        raise UserError(f"{whose} of one stage, which has no skips; plan larger patches, for two stages at least")


def _refuse_changed_layers(stock: Any, source: str) -> None:
    """Our decoder is made of what the encoder says of itself, which need not be what was made of it since."""
    n_convs = [len(stage.convs) for stage in stock.decoder.stages]
    with torch.device("meta"):
        expected = UNetDecoder(stock.encoder, stock.decoder.num_classes, n_convs, True, _nonlin_first(stock))
    for part in ("stages", "transpconvs", "seg_layers"):
        if repr(getattr(expected, part)) != repr(getattr(stock.decoder, part)):
            raise UserError(
                f"{source} builds a decoder of other layers than its encoder names (norm_op, nonlin ...), so ours "
                "would lack them; set them in the plans' arch_kwargs, as nnUNetTrainerBN does"
            )


def _nonlin_first(stock: Any) -> bool:
    block = stock.decoder.stages[0].convs[0]
    return getattr(block, "norm", None) is block.all_modules[-1]


def _stages(stages: Stages, stock: Any, input_channels: int) -> tuple[Any, Sequence[int], StageFactory]:
    """The encoder, the plan's or V-Net's; convolutions of each of the decoder's stages, deepest first; their maker."""
    encoder = stock.encoder
    kit = LayerKit.of(encoder)
    if stages is Stages.VNET:
        sizes = (encoder.output_channels, encoder.kernel_sizes, encoder.strides)
        n_levels = len(encoder.output_channels) - 1
        return VNetEncoder(kit, input_channels, *sizes), vnet_n_convs(n_levels)[::-1], vnet_stages(kit)
    n_convs = [len(stage.convs) for stage in stock.decoder.stages]
    return encoder, n_convs, kit.plan_stages(nonlin_first=_nonlin_first(stock))
