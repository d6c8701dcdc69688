"""Writes the fingerprints that ``tests/architectures/test_networks.py`` compares with."""

import json
import math
from pathlib import Path
from typing import Any

import torch
from small_plans import PLANS, network_for

from nnunet_skipstudy.registry import ARCHITECTURES


def fingerprint(architecture: str) -> dict[str, Any]:
    """Parameter count, and four numbers of the output, with weights and input that no random generator moves."""
    plan = PLANS["2d"]
    network = network_for(plan, architecture, deep_supervision=False).eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            wave = torch.arange(weight.numel(), dtype=torch.float64).mul(0.7).add(len(name)).sin()
            scale = math.sqrt(2 / max(1, weight[0].numel())) if weight.ndim > 1 else 0.5
            weight.copy_((wave * scale).reshape(weight.shape))
        n_pixels = math.prod(plan.size)
        image = torch.arange(n_pixels, dtype=torch.float32).mul(0.37).sin().reshape(1, 1, *plan.size)
        output = network(image)[0].double()
    numbers = [output.mean(), output.std(), output[0, 3, 5], output[1, -2, -7]]
    return {
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "output": [round(float(number), 6) for number in numbers],
    }


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "architectures" / "frozen_networks.json"
    target.write_text(json.dumps({name: fingerprint(name) for name in ARCHITECTURES}, indent=2) + "\n")
