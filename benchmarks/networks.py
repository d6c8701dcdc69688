"""Each network against nnU-Net's own on one plan: FLOPs and time of a training step, and their ratios.

The bars: No-Skip at most 0.82 of nnU-Net's FLOPs, the attention U-Net 1.10, UNet++ 4.6; and no network's time ratio
above 1.1 times its FLOP ratio. Networks are timed in turns, so that a busy moment of the machine hits all of them.
"""

import argparse
import os
import statistics
import time

import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from nnunet_skipstudy.architectures.network import build_network
from nnunet_skipstudy.planning.nominal import CLASS_NAME, REQUIRES_IMPORT, nominal_plan
from nnunet_skipstudy.registry import ARCHITECTURES

PEER = "nnU-Net's own"
BARS = {"NoSkip": 0.82, "AttentionUNet": 1.10, "UNetPlusPlus": 4.6}


def networks(n_stages: int) -> dict[str, nn.Module]:
    """nnU-Net's own network and all of ours."""
    stock = get_network_from_plans(CLASS_NAME, nominal_plan(n_stages), REQUIRES_IMPORT, 1, 2, deep_supervision=True)
    ours = {
        name: build_network(name, CLASS_NAME, nominal_plan(n_stages), REQUIRES_IMPORT, 1, 2, deep_supervision=True)
        for name in ARCHITECTURES
    }
    return {PEER: stock, **ours}


def forward_flops(network: nn.Module, size: int, device: str) -> int:
    """Floating-point operations of one forward pass with deep supervision."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, 1, size, size, device=device))
    return int(counter.get_total_flops())


def seconds_of_step(network: nn.Module, images: torch.Tensor) -> float:
    """Forward and backward pass of one batch."""
    if images.is_cuda:
        torch.cuda.synchronize()
    start = time.perf_counter()
    with torch.autocast(images.device.type, enabled=images.is_cuda):
        loss = sum(head.square().mean() for head in network(images))
    loss.backward()
    if images.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=64, help="rows and columns of a patch (64)")
    parser.add_argument("--batch", type=int, default=8, help="patches a step (8)")
    parser.add_argument("--stages", type=int, default=5, help="stages of the plan (5)")
    parser.add_argument("--repeats", type=int, default=5, help="timed steps of each network (5)")
    parser.add_argument("--device", default="cpu", help="cpu (default) or cuda")
    arguments = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 1)
    images = torch.randn(arguments.batch, 1, arguments.size, arguments.size, device=arguments.device)
    candidates = {name: network.to(arguments.device) for name, network in networks(arguments.stages).items()}
    flops = {name: forward_flops(network, arguments.size, arguments.device) for name, network in candidates.items()}
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(arguments.repeats + 1):
        for name, network in candidates.items():
            elapsed = seconds_of_step(network, images)
            if turn:  # the first step warms up
                seconds[name].append(elapsed)
    print(
        f"batch {arguments.batch}, {arguments.size} x {arguments.size}, {arguments.stages} stages, {arguments.device}"
    )
    print(f"{'network':<16}{'GFLOP':>8}{'ratio':>7}{'ms/step':>9}{'ratio':>7}{'time/FLOP':>11}  bars")
    peer_seconds = statistics.median(seconds[PEER])
    for name in candidates:
        flop_ratio = flops[name] / flops[PEER]
        time_ratio = statistics.median(seconds[name]) / peer_seconds
        relative = time_ratio / flop_ratio
        kept = flop_ratio <= BARS.get(name, float("inf")) and relative <= 1.1
        print(
            f"{name:<16}{flops[name] / 1e9:8.2f}{flop_ratio:7.2f}{1e3 * statistics.median(seconds[name]):9.0f}"
            f"{time_ratio:7.2f}{relative:11.2f}  {'kept' if kept else 'MISSED'}"
        )


if __name__ == "__main__":
    main()
