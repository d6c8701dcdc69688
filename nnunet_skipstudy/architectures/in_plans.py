"""The networks as a plan names them, for any trainer and planner: ``network_class_name`` and ``arch_kwargs``."""

from collections.abc import Sequence
from typing import Any, ClassVar

from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from torch import nn

from nnunet_skipstudy.architectures.network import Decoding, SkipUNet, decoded
from nnunet_skipstudy.errors import UserError, nearest, shown
from nnunet_skipstudy.registry import ARCHITECTURES


class SkipPlainConvUNet(SkipUNet):
    """nnU-Net's plain U-Net with an architecture's skips; weights load into and from our trainers' networks."""

    kind: ClassVar[type[nn.Module]] = PlainConvUNet

    def __init__(
        self,
        input_channels: int,
        num_classes: int,
        *,
        architecture: str = "UNet",
        levels: Sequence[int] | None = None,
        policies: Sequence[str] | None = None,
        skip_dropout: float = 0.0,
        deep_supervision: bool = False,
        **arch_kwargs: Any,
    ) -> None:
        """Build the network.

        Args:
            input_channels: channels of the image.
            num_classes: channels of a prediction.
            architecture: a key of the registry.
            levels: and the others as of :class:`~nnunet_skipstudy.architectures.network.Decoding`.
            policies: skip policies by level, full resolution first.
            skip_dropout: how often, in training, a skip of a sample is left out.
            deep_supervision: nnU-Net's switch.
            arch_kwargs: nnU-Net's own network's.

        Raises:
            UserError: there is no such architecture, or level.
        """
        if architecture not in ARCHITECTURES:
            raise UserError(f"arch_kwargs: architecture {shown(architecture)}: {nearest(architecture, ARCHITECTURES)}")
        stock: Any = self.kind(input_channels=input_channels, num_classes=num_classes, **arch_kwargs)
        decoding = Decoding(deep_supervision, policies, levels, skip_dropout)
        network = decoded(stock, ARCHITECTURES[architecture], input_channels, decoding)
        super().__init__(network.encoder, network.decoder)
        self.initialize = stock.initialize


class SkipResidualEncoderUNet(SkipPlainConvUNet):
    """Likewise of nnU-Net's U-Net with a residual encoder."""

    kind = ResidualEncoderUNet
