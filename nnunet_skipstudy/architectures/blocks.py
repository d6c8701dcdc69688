"""What encoders and decoders are made of, read off the plan's encoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from dynamic_network_architectures.building_blocks.helper import get_matching_convtransp
from dynamic_network_architectures.building_blocks.simple_conv_blocks import StackedConvBlocks
from torch import nn

Size = Sequence[int]
"""The spatial size of a feature map, in voxels."""
StageFactory = Callable[[int, int, Size, int], nn.Module]
"""Makes a decoder stage from (input channels, output channels, kernel size, number of convolutions)."""


@dataclass(frozen=True)
class LayerKit:
    """The layer types and settings of a plan, which every part added to its encoder shares."""

    conv_op: type[nn.Module]
    conv_bias: bool
    norm_op: type[nn.Module] | None
    norm_op_kwargs: dict[str, Any] | None
    dropout_op: type[nn.Module] | None
    dropout_op_kwargs: dict[str, Any] | None
    nonlin: type[nn.Module] | None
    nonlin_kwargs: dict[str, Any] | None

    @classmethod
    def of(cls, encoder: Any) -> "LayerKit":
        """Read the kit off an encoder of dynamic-network-architectures."""
        return cls(
            encoder.conv_op,
            encoder.conv_bias,
            encoder.norm_op,
            encoder.norm_op_kwargs,
            encoder.dropout_op,
            encoder.dropout_op_kwargs,
            encoder.nonlin,
            encoder.nonlin_kwargs,
        )

    @property
    def block_arguments(self) -> tuple[Any, ...]:
        """The kit in the order in which the library's convolution blocks take it, from the bias on."""
        return (
            self.conv_bias,
            self.norm_op,
            self.norm_op_kwargs,
            self.dropout_op,
            self.dropout_op_kwargs,
            self.nonlin,
            self.nonlin_kwargs,
        )

    def pointwise(self, inputs: int, outputs: int) -> nn.Module:
        """A convolution of kernel size 1."""
        return self.conv_op(inputs, outputs, 1, 1, 0, bias=True)

    def upsampling(self, inputs: int, outputs: int, stride: Size) -> nn.Module:
        """A transposed convolution that undoes a stride, as nnU-Net's decoder has it."""
        operation: nn.Module = get_matching_convtransp(conv_op=self.conv_op)(
            inputs, outputs, stride, stride, bias=self.conv_bias
        )
        return operation

    def plan_stages(self, *, nonlin_first: bool) -> StageFactory:
        """A maker of nnU-Net's own decoder stages: plain stacked convolutions."""

        def make(inputs: int, outputs: int, kernel_size: Size, n_convs: int) -> nn.Module:
            stage: nn.Module = StackedConvBlocks(
                n_convs, self.conv_op, inputs, outputs, kernel_size, 1, *self.block_arguments, nonlin_first
            )
            return stage

        return make


@dataclass(frozen=True)
class Level:
    """One level of a decoder: the place of one skip.

    Attributes:
        features: channels of the encoder and the decoder at this level.
        coarser_features: channels at the next coarser level.
        stride: from this level to the next coarser one.
        kernel_size: of this level's convolutions.
        n_convs: convolutions in each of its decoder's stages.
    """

    features: int
    coarser_features: int
    stride: Size
    kernel_size: Size
    n_convs: int

    @classmethod
    def of(cls, encoder: Any, stage: int, n_convs: int) -> "Level":
        """The level of a decoder's stage, 0 the deepest."""
        coarser, here = -(stage + 1), -(stage + 2)
        channels, strides, kernels = encoder.output_channels, encoder.strides, encoder.kernel_sizes
        return cls(channels[here], channels[coarser], strides[coarser], kernels[here], n_convs)


def strided_size(size: Size, stride: Size) -> tuple[int, ...]:
    """The size behind a convolution of that stride."""
    return tuple(n // s for n, s in zip(size, stride, strict=True))


def n_elements(channels: int, size: Size) -> int:
    """How many numbers a feature map holds."""
    return int(np.prod([channels, *size], dtype=np.int64))
