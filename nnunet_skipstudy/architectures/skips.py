"""The skips: what one level's connection hands from the encoder to the decoder.

A skip does two things. ``row`` turns the encoder's features of its level, and the row of the level below, into the
row of feature maps that may be handed on; ``forward`` joins the up-sampled decoder features with that row. All but
UNet++'s have a row of one, the encoder's features themselves, or of none.
"""

from abc import ABC, abstractmethod
from typing import Any

import torch
from torch import Tensor, nn

from nnunet_skipstudy.architectures.blocks import LayerKit, Level, Size, StageFactory, n_elements, strided_size
from nnunet_skipstudy.registry import SkipPolicy

_INTERPOLATION = {1: "linear", 2: "bilinear", 3: "trilinear"}


class Skip(nn.Module, ABC):
    """One level's skip connection.

    Attributes:
        channels: how many channels ``forward`` adds to the up-sampled features.
        row_length: how many feature maps ``row`` returns.
        dropout: how often, in training, a sample's decoder gets zeros in the place of this skip, 0…1. What is handed
            on is not scaled, so that a skip at inference is what it was in the samples that had it.
    """

    channels: int
    row_length: int = 1
    dropout: float = 0.0

    def row(self, features: Tensor, below: list[Tensor]) -> list[Tensor]:
        """The feature maps of this level that may be handed on, encoder's first.

        Args:
            features: the encoder's output at this level, (batch, features, *size).
            below: the row of the next coarser level; empty above the bottleneck.
        """
        return [features]

    def dropped(self, row: list[Tensor]) -> list[Tensor]:
        """The row, in training with all its feature maps set to zero in some of the samples."""
        if not (self.training and self.dropout and row):
            return row
        shape = (len(row[0]), *[1] * (row[0].ndim - 1))
        kept = torch.rand(shape, device=row[0].device) >= self.dropout
        return [features * kept for features in row]

    @abstractmethod
    def forward(self, upsampled: Tensor, row: list[Tensor], coarser: Tensor) -> Tensor:
        """Join the decoder's up-sampled features with what this skip hands on, along the channels.

        Args:
            upsampled: the decoder's features, brought to this level's size.
            row: what :meth:`row` returned.
            coarser: the same decoder features before the up-sampling.
        """

    def compute_conv_feature_map_size(self, size: Size) -> int:
        """Numbers in the outputs of this skip's convolutions for features of ``size``, as nnU-Net counts them."""
        return 0


class NoSkip(Skip):
    """Nothing is handed on: the decoder sees what came up from below, and nothing else."""

    channels = 0
    row_length = 0

    def row(self, features: Tensor, below: list[Tensor]) -> list[Tensor]:
        """Nothing, so that no nested pathway above has anything of this level either."""
        return []

    def forward(self, upsampled: Tensor, row: list[Tensor], coarser: Tensor) -> Tensor:
        """Return ``upsampled`` as it is."""
        return upsampled


class Concatenate(Skip):
    """The encoder's features are concatenated behind the up-sampled ones (nnU-Net's U-Net)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.channels = features

    def forward(self, upsampled: Tensor, row: list[Tensor], coarser: Tensor) -> Tensor:
        """Return the concatenation."""
        return torch.cat((upsampled, row[0]), 1)


class AttentionGate(Skip):
    """The encoder's features are weighted by an additive attention gate, then concatenated.

    alpha = sigmoid(psi(relu(W_x x + W_g g))), computed on the coarser grid and interpolated linearly to the finer
    one (Oktay et al. 2018, equations 1 and 2): g is the decoder's feature map *before* up-sampling and W_x is strided
    by the plan's stride. The gate puts x·alpha on; the extra 1 x 1 convolution behind the product in the authors'
    code is left out.

    ``attention`` computes alpha alone; ``forward`` stores nothing. The submodule ``gate`` puts out alpha on the coarse
    grid, so a forward hook there reads the maps of a whole network.
    """

    def __init__(self, kit: LayerKit, level: Level) -> None:
        super().__init__()
        self.channels = level.features
        self.stride = tuple(level.stride)
        self.inner_channels = max(1, level.features // 2)
        self.from_features = kit.conv_op(level.features, self.inner_channels, self.stride, self.stride, 0, bias=False)
        self.from_coarser = kit.pointwise(level.coarser_features, self.inner_channels)
        self.relu = nn.ReLU()
        self.psi = kit.pointwise(self.inner_channels, 1)
        self.gate = nn.Sigmoid()

    def attention(self, features: Tensor, coarser: Tensor) -> Tensor:
        """The weights alpha in (0, 1), (batch, 1, *size of features)."""
        inner = self.relu(self.from_features(features) + self.from_coarser(coarser))
        alpha = self.gate(self.psi(inner))
        size = features.shape[2:]
        return nn.functional.interpolate(alpha, size=size, mode=_INTERPOLATION[len(size)])

    def forward(self, upsampled: Tensor, row: list[Tensor], coarser: Tensor) -> Tensor:
        """Return the concatenation of the up-sampled and the weighted encoder features."""
        return torch.cat((upsampled, row[0] * self.attention(row[0], coarser)), 1)

    def compute_conv_feature_map_size(self, size: Size) -> int:
        """W_x, W_g and psi, all on the coarser grid."""
        return n_elements(2 * self.inner_channels + 1, strided_size(size, self.stride))


class NestedPathway(Skip):
    """UNet++'s dense pathway: node j is made from all nodes before it and the up-sampled node j-1 from below.

    X^{i,j} = block(concat(up(X^{i+1,j-1}), X^{i,0}, ..., X^{i,j-1})) (Zhou et al. 2018, equation 1). This module holds
    the nodes between the encoder's X^{i,0} and the decoder's own last node. Where the level below hands on the
    encoder's features alone, the pathway has the one node that these allow.
    """

    blocks: Any  # torch's ModuleList forgets that it holds what make_stage returns

    def __init__(self, kit: LayerKit, level: Level, make_stage: StageFactory, n_below: int) -> None:
        super().__init__()
        self.row_length = n_below + 1
        self.features = level.features
        self.channels = level.features * self.row_length
        self.upsamplings = nn.ModuleList(
            kit.upsampling(level.coarser_features, level.features, level.stride) for _ in range(n_below)
        )
        self.blocks = nn.ModuleList(
            make_stage(level.features * (j + 2), level.features, level.kernel_size, level.n_convs)
            for j in range(n_below)
        )

    def row(self, features: Tensor, below: list[Tensor]) -> list[Tensor]:
        """X^{i,0} to the last node before the decoder's own."""
        nodes = [features]
        for upsampling, block, node_below in zip(self.upsamplings, self.blocks, below, strict=True):
            nodes.append(block(torch.cat((upsampling(node_below), *nodes), 1)))
        return nodes

    def forward(self, upsampled: Tensor, row: list[Tensor], coarser: Tensor) -> Tensor:
        """Return the concatenation of the up-sampled features and all nodes of the row."""
        return torch.cat((upsampled, *row), 1)

    def compute_conv_feature_map_size(self, size: Size) -> int:
        """All transposed convolutions and blocks of the pathway."""
        upsampled = len(self.upsamplings) * n_elements(self.features, size)
        return upsampled + sum(int(block.compute_conv_feature_map_size(size)) for block in self.blocks)


def make_skip(policy: SkipPolicy, kit: LayerKit, level: Level, make_stage: StageFactory, n_below: int) -> Skip:
    """The skip of one level; ``n_below``: the length of the coarser level's row. Raises ValueError: no such one."""
    if policy is SkipPolicy.NONE:
        return NoSkip()
    if policy is SkipPolicy.IDENTITY:
        return Concatenate(level.features)
    if policy is SkipPolicy.GATED:
        return AttentionGate(kit, level)
    if policy is SkipPolicy.NESTED:
        return NestedPathway(kit, level, make_stage, n_below)
    raise ValueError(f"no skip for the policy {policy!r}; give one of {', '.join(known.value for known in SkipPolicy)}")
