"""Reading a network's attention maps without changing its forward pass."""

from typing import Any

import torch
from torch import Tensor, nn

from nnunet_skipstudy.architectures.network import SkipUNet
from nnunet_skipstudy.architectures.skips import AttentionGate


def attention_maps(network: SkipUNet, images: Tensor) -> dict[int, Tensor]:
    """The attention of each gate for a batch of images.

    Args:
        network: a network with gated skips, on the device of ``images``.
        images: (batch, input channels, *size).

    Returns:
        Level (0 = full resolution) to weights in (0, 1), (batch, 1, *size of that level's coarser grid), as the gate
        computes them before interpolation; empty for a network without gates.
    """
    maps: dict[int, Tensor] = {}
    n_levels = len(network.decoder.skips)

    def keep(level: int) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
            maps[level] = output.detach()

        return hook

    handles = [
        skip.gate.register_forward_hook(keep(n_levels - 1 - s))
        for s, skip in enumerate(network.decoder.skips)
        if isinstance(skip, AttentionGate)
    ]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(images)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return dict(sorted(maps.items()))
