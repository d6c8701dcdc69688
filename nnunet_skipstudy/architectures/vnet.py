"""V-Net's residual stages (Milletari et al. 2016), sized by an nnU-Net plan."""

from collections.abc import Sequence
from typing import Any

from dynamic_network_architectures.building_blocks.simple_conv_blocks import ConvDropoutNormReLU
from torch import Tensor, nn

from nnunet_skipstudy.architectures.blocks import LayerKit, Size, StageFactory, strided_size


def vnet_n_convs(n_stages: int) -> tuple[int, ...]:
    """Convolutions a stage, full resolution first: 1, 2, then 3 in every deeper stage (figure 2 of the paper)."""
    return tuple(min(stage + 1, 3) for stage in range(n_stages))


def vnet_kernel(kernel_size: Size) -> tuple[int, ...]:
    """V-Net's width of 5 along every axis that the plan convolves, 1 along those that it leaves out."""
    return tuple(5 if width > 1 else 1 for width in kernel_size)


class VNetStage(nn.Module):
    """A stack of convolutions with one residual sum around them all, the nonlinearity behind the sum.

    The sum runs over the whole input, so in a decoder over the skip's features too: the up-sampled features pass on
    unchanged, and those of the skip are added through norm(convolution of kernel size 1). So the network without
    skips is, weight for weight, the one with skips whose weights on them are zero. An encoder's first stage, which
    widens the image, has such a convolution for its whole input (He et al. 2016, option B). The original doubles its
    decoder's width instead; we keep the plan's.

    Normalisation, nonlinearity and dropout are the plan's (the original: none, PReLU, none).

    Attributes:
        passed: how many channels, the first ones, the sum takes unchanged: all ``outputs``, or none.
    """

    def __init__(
        self, kit: LayerKit, inputs: int, outputs: int, kernel_size: Size, n_convs: int, *, passed: int
    ) -> None:
        super().__init__()
        width = vnet_kernel(kernel_size)
        *settings, nonlin, nonlin_kwargs = kit.block_arguments

        def convolution(channels: int, *, last: bool) -> nn.Module:
            ending = (None, None) if last else (nonlin, nonlin_kwargs)
            block: nn.Module = ConvDropoutNormReLU(kit.conv_op, channels, outputs, width, 1, *settings, *ending)
            return block

        self.convs = nn.Sequential(
            *(convolution(inputs if i == 0 else outputs, last=i == n_convs - 1) for i in range(n_convs))
        )
        self.passed = passed
        self.shortcut: nn.Module | None = None
        if inputs > passed:
            norm = (kit.conv_bias, kit.norm_op, kit.norm_op_kwargs)
            self.shortcut = ConvDropoutNormReLU(kit.conv_op, inputs - passed, outputs, 1, 1, *norm)
        self.nonlin = nn.Identity() if nonlin is None else nonlin(**(nonlin_kwargs or {}))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, *size) to (batch, outputs, *size)."""
        y: Tensor = self.convs(x)
        if self.passed:
            y = y + x[:, : self.passed]
        if self.shortcut is not None:
            y = y + self.shortcut(x[:, self.passed :])
        activated: Tensor = self.nonlin(y)
        return activated

    def compute_conv_feature_map_size(self, size: Size) -> int:
        """Numbers in the outputs of the stage's convolutions, its shortcut's included."""
        blocks: list[Any] = [*self.convs, *([] if self.shortcut is None else [self.shortcut])]
        return sum(int(block.compute_conv_feature_map_size(size)) for block in blocks)


def vnet_stages(kit: LayerKit) -> StageFactory:
    """A maker of V-Net's decoder stages, whose first ``outputs`` input channels are the up-sampled ones."""

    def make(inputs: int, outputs: int, kernel_size: Size, n_convs: int) -> nn.Module:
        return VNetStage(kit, inputs, outputs, kernel_size, n_convs, passed=outputs)

    return make


class VNetEncoder(nn.Module):
    """V-Net's encoder: strided convolutions between residual stages; channels, strides and axes are the plan's.

    It carries the attributes by which a decoder knows an encoder of dynamic-network-architectures.
    """

    def __init__(
        self,
        kit: LayerKit,
        input_channels: int,
        output_channels: Sequence[int],
        kernel_sizes: Sequence[Size],
        strides: Sequence[Size],
    ) -> None:
        super().__init__()
        self.output_channels = list(output_channels)
        self.kernel_sizes = [list(kernel_size) for kernel_size in kernel_sizes]
        self.strides = [list(stride) for stride in strides]
        self.n_conv_per_stage = vnet_n_convs(len(output_channels))
        self.conv_op = kit.conv_op
        self.conv_bias = kit.conv_bias
        self.norm_op, self.norm_op_kwargs = kit.norm_op, kit.norm_op_kwargs
        self.dropout_op, self.dropout_op_kwargs = kit.dropout_op, kit.dropout_op_kwargs
        self.nonlin, self.nonlin_kwargs = kit.nonlin, kit.nonlin_kwargs

        stages: list[nn.Module] = []
        inputs = input_channels
        for outputs, kernel_size, stride, n_convs in zip(
            self.output_channels, self.kernel_sizes, self.strides, self.n_conv_per_stage, strict=True
        ):
            modules: list[nn.Module] = []
            if stages or any(step != 1 for step in stride):
                modules.append(ConvDropoutNormReLU(kit.conv_op, inputs, outputs, stride, stride, *kit.block_arguments))
                inputs = outputs
            passed = outputs if inputs == outputs else 0
            modules.append(VNetStage(kit, inputs, outputs, kernel_size, n_convs, passed=passed))
            stages.append(nn.Sequential(*modules))
            inputs = outputs
        self.stages = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(batch, input channels, *size) to the outputs of all stages, full resolution first."""
        outputs = []
        for stage in self.stages:
            x = stage(x)
            outputs.append(x)
        return outputs

    def compute_conv_feature_map_size(self, input_size: Size) -> int:
        """Numbers in the outputs of all convolutions for one image of ``input_size``."""
        total = 0
        size = tuple(input_size)
        stages: Any = self.stages
        for stage, stride in zip(stages, self.strides, strict=True):
            behind = strided_size(size, stride)
            for module in stage:
                total += int(
                    module.compute_conv_feature_map_size(size if isinstance(module, ConvDropoutNormReLU) else behind)
                )
            size = behind
        return total
