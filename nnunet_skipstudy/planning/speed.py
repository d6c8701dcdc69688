"""How fast this machine trains each network, measured in seconds rather than assumed: for the estimate of hours."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnunet_skipstudy.planning.nominal import NOMINAL_BATCH, NOMINAL_FEATURES, NOMINAL_SIDE, nominal_network
from nnunet_skipstudy.support.files import read_record, write_json

CPU_BATCH = 1
STEPS = {"cpu": 3, "cuda": 10, "mps": 10}
WARM_UP = {"cpu": 1, "cuda": 3, "mps": 3}


@dataclass(frozen=True)
class Speed:
    """TFLOP/s of each network, three times the forward pass's FLOPs over the seconds of a training step.

    ``machine``: what they were measured on; ``batch``: patches a step.
    """

    machine: str
    batch: int
    tflops: Mapping[str, float]


def measure(
    architectures: Iterable[str], device: str, *, features: int = NOMINAL_FEATURES, deep_supervision: bool = True
) -> Speed:
    """Time training steps of each network on nnU-Net's plan for 256 x 256 images.

    A step is a forward pass (in mixed precision on a GPU, as nnU-Net's), a backward pass and a step of SGD, after some
    to warm up; the fastest counts, since what else the machine does only adds. Data loading and torch.compile are
    left out.
    ``architectures`` are names of the registry, ``features`` the channels of the first stage.
    """
    from nnunet_skipstudy.architectures.cost import network_cost
    from nnunet_skipstudy.nnunet.calls import check_device, device_name, use_threads

    check_device(device)
    use_threads(device, None)
    batch = CPU_BATCH if device == "cpu" else NOMINAL_BATCH
    rates = {}
    for name in architectures:
        seconds = _seconds_of_step(
            nominal_network(name, features=features, deep_supervision=deep_supervision), device, batch
        )
        flops = network_cost(nominal_network(name, features=features), 1, [NOMINAL_SIDE] * 2).forward_flops
        rates[name] = round(3 * flops * batch / seconds / 1e12, 5)
    return Speed(device_name(device), batch, rates)


def _seconds_of_step(network: Any, device: str, batch: int) -> float:
    import torch

    network = network.to(device).train()
    images = torch.randn(batch, 1, NOMINAL_SIDE, NOMINAL_SIDE, device=device)
    optimizer = torch.optim.SGD(network.parameters(), lr=1e-6, momentum=0.99, nesterov=True)
    scaler = torch.amp.GradScaler(device, enabled=device == "cuda")
    taken = []
    for _ in range(WARM_UP[device] + STEPS[device]):
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, enabled=device == "cuda"):
            outputs = network(images)
            heads = outputs if isinstance(outputs, (list, tuple)) else [outputs]
            loss = torch.stack([head.float().square().mean() for head in heads]).sum()
        scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        scaler.step(optimizer)
        scaler.update()
        loss.item()  # waits for the device
        taken.append(time.perf_counter() - start)
    return min(taken[WARM_UP[device] :])


def write_speed(path: Path, speed: Speed) -> None:
    """Leave the rates where :func:`read_speed` finds them."""
    write_json(path, {"machine": speed.machine, "batch": speed.batch, "tflops": dict(speed.tflops)})


def read_speed(path: Path) -> Speed | None:
    """What was measured; None where nothing was."""
    content = read_record(path)
    try:
        return Speed(content["machine"], content["batch"], dict(content["tflops"]))
    except (KeyError, TypeError, ValueError):
        return None
