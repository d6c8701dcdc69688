"""One decoder for all networks: nnU-Net's own, with a skip object at each level."""

import math
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from nnunet_skipstudy.architectures.blocks import LayerKit, Level, Size, StageFactory, n_elements, strided_size
from nnunet_skipstudy.architectures.skips import make_skip
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import SkipPolicy


class SkipDecoder(nn.Module):
    """nnU-Net's U-Net decoder with a choice of skip at each level.

    Module lists are sorted as nnU-Net's are, deepest level first, and carry its names (``stages``, ``transpconvs``,
    ``seg_layers``), so that with identity skips the state dict is nnU-Net's own; ``skips`` adds keys only where a
    skip has parameters.

    Attributes:
        deep_supervision: whether ``forward`` returns one prediction a head (a list, full resolution first) or the
            full-resolution prediction alone. nnU-Net sets it. The heads exist in both modes.
    """

    stages: Any  # torch's ModuleList forgets what it holds; these hold what make_stage and make_skip return
    skips: Any

    def __init__(
        self,
        encoder: Any,
        num_classes: int,
        n_conv_per_stage: Sequence[int],
        policies: Sequence[SkipPolicy],
        make_stage: StageFactory,
        *,
        deep_supervision: bool,
        full_resolution_heads: bool = False,
        skip_dropout: float = 0.0,
    ) -> None:
        """Build the decoder of an encoder.

        Args:
            encoder: an encoder of dynamic-network-architectures, or one with the same attributes.
            num_classes: channels of each prediction.
            n_conv_per_stage: convolutions of each decoder stage, deepest first.
            policies: the skip policy of each level, full resolution first.
            make_stage: makes a decoder stage.
            deep_supervision: see the class.
            full_resolution_heads: UNet++'s own deep supervision (Zhou et al. 2018, section 3.2): a head on each node
                X^{0,1} ... X^{0,L} of the topmost level instead of one head a resolution. Needs ``nested`` at every
                level.
            skip_dropout: how often, in training, a skip of a sample is left out, 0…1; each level draws for itself.

        Raises:
            ValueError: the lengths don't fit the encoder, or full-resolution heads lack their nodes.
        """
        super().__init__()
        _check(len(encoder.output_channels) - 1, policies, n_conv_per_stage, full_resolution_heads)
        self.deep_supervision = deep_supervision
        self.full_resolution_heads = full_resolution_heads
        self.encoder = encoder
        self.num_classes = num_classes
        kit = LayerKit.of(encoder)

        self.stages, self.transpconvs, self.seg_layers, self.skips = (nn.ModuleList() for _ in range(4))
        n_below = 0
        for s, n_convs in enumerate(n_conv_per_stage):
            level = Level.of(encoder, s, n_convs)
            skip = make_skip(policies[-(s + 1)], kit, level, make_stage, n_below)
            skip.dropout, n_below = skip_dropout, skip.row_length
            self.skips.append(skip)
            self.transpconvs.append(kit.upsampling(level.coarser_features, level.features, level.stride))
            self.stages.append(
                make_stage(level.features + skip.channels, level.features, level.kernel_size, level.n_convs)
            )
            head_features = encoder.output_channels[0] if full_resolution_heads else level.features
            self.seg_layers.append(kit.pointwise(head_features, num_classes))

    def forward(self, features: list[Tensor]) -> Tensor | list[Tensor]:
        """Decode.

        Args:
            features: the encoder's outputs, full resolution first, the bottleneck last.

        Returns:
            Logits (batch, classes, *size); with ``deep_supervision`` a list of them, one a head, full resolution and
            final node first.

        Raises:
            UserError: the image's size is none that the plan's strides divide, so that levels don't meet.
        """
        self._refuse_other_sizes(features)
        x = features[-1]
        row: list[Tensor] = []
        decoded = []
        for s, stage in enumerate(self.stages):
            skip = self.skips[s]
            row = skip.row(features[-(s + 2)], row)
            x = stage(skip(self.transpconvs[s](x), skip.dropped(row), x))
            decoded.append(x)
        if not self.deep_supervision:
            prediction: Tensor = self.seg_layers[-1](x)
            return prediction
        supervised = [*row[1:], x] if self.full_resolution_heads else decoded
        heads = [head(node) for head, node in zip(self.seg_layers, supervised, strict=True)]
        return heads[::-1]

    def _refuse_other_sizes(self, features: list[Tensor]) -> None:
        strides = self.encoder.strides
        for finer, coarser, stride in zip(features, features[1:], strides[1:], strict=False):
            if any(n != m * step for n, m, step in zip(finer.shape[2:], coarser.shape[2:], stride, strict=True)):
                divisors = " x ".join(str(math.prod(steps)) for steps in zip(*strides, strict=True))
                raise UserError(
                    f"an image of a size that the plan's strides don't divide; pad it to multiples of {divisors}"
                )

    def compute_conv_feature_map_size(self, input_size: Size) -> int:
        """Numbers in the outputs of all convolutions for one image of ``input_size`` (nnU-Net's memory estimate)."""
        sizes = [tuple(input_size)]
        for stride in self.encoder.strides:
            sizes.append(strided_size(sizes[-1], stride))
        level_sizes = sizes[1:-1][::-1]  # behind each encoder stage but the bottleneck, deepest first
        channels = list(self.encoder.output_channels[:-1])[::-1]
        total = 0
        for stage, skip, size, features in zip(self.stages, self.skips, level_sizes, channels, strict=True):
            total += int(stage.compute_conv_feature_map_size(size))
            total += skip.compute_conv_feature_map_size(size)
            total += n_elements(features, size)  # the transposed convolution
            head_size = level_sizes[-1] if self.full_resolution_heads else size
            if self.deep_supervision or stage is self.stages[-1]:
                total += n_elements(self.num_classes, head_size)
        return total


def _check(n_levels: int, policies: Sequence[SkipPolicy], n_convs: Sequence[int], full_resolution_heads: bool) -> None:
    if len(policies) != n_levels or len(n_convs) != n_levels:
        raise ValueError(
            f"an encoder of {n_levels + 1} stages needs {n_levels} skip policies and decoder stages, "
            f"got {len(policies)} and {len(n_convs)}"
        )
    if full_resolution_heads and any(policy is not SkipPolicy.NESTED for policy in policies):
        raise ValueError("full-resolution heads need nested skips at every level, as in UNet++")
