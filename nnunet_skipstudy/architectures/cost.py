"""What a network costs: parameters, FLOPs, activation memory."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from nnunet_skipstudy.architectures.network import SkipUNet


@dataclass(frozen=True)
class NetworkCost:
    """The cost of a network on one patch.

    Attributes:
        parameters: trainable numbers.
        forward_flops: floating-point operations of one forward pass without deep supervision; a multiplication and
            an addition count as two.
        activation_bytes: memory of all convolutions' outputs with deep supervision in single precision, the part of
            training memory that grows with the batch (nnU-Net plans by the same count).
    """

    parameters: int
    forward_flops: int
    activation_bytes: int


def network_cost(network: SkipUNet, input_channels: int, patch_size: Sequence[int]) -> NetworkCost:
    """Count; nothing is computed, so that any size is quick.

    Args:
        network: the network; moved to torch's meta device, so not usable any more.
        input_channels: channels of the image.
        patch_size: in voxels.

    Example:
        >>> from torch import nn
        >>> from nnunet_skipstudy import build_network, network_cost
        >>> plan = {"n_stages": 3, "features_per_stage": [8, 16, 32], "kernel_sizes": 3, "strides": [1, 2, 2]}
        >>> plan |= {"n_conv_per_stage": 2, "n_conv_per_stage_decoder": 2, "conv_bias": True}
        >>> plan |= {"conv_op": nn.Conv2d, "norm_op": nn.InstanceNorm2d, "nonlin": nn.LeakyReLU}
        >>> kind = "dynamic_network_architectures.architectures.unet.PlainConvUNet"
        >>> network_cost(build_network("NoSkip", kind, plan, [], 1, 2, deep_supervision=False), 1, (64, 64)).parameters
        26484
    """
    network.decoder.deep_supervision = True
    activations = network.compute_conv_feature_map_size(patch_size)
    network.decoder.deep_supervision = False
    network = network.to("meta")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, input_channels, *patch_size, device="meta"))
    return NetworkCost(
        parameters=sum(math.prod(weight.shape) for weight in network.parameters()),
        forward_flops=counter.get_total_flops(),
        activation_bytes=4 * activations,
    )
