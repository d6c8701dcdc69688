"""What the report says about the plan that all networks share."""

from collections.abc import Mapping
from typing import Any


def plan_words(plans: Mapping[str, Any]) -> list[str]:
    """A sentence about how patch and batch were chosen, where it wasn't nnU-Net's own way."""
    if plans["plan_for"] != "heaviest":
        return []
    target = f"{plans['gpu_memory_gb']:g} GB" if plans["gpu_memory_gb"] else "the planner's own memory target"
    names = ", ".join(plans["architectures"])
    return [
        f"One plan for all networks: patch and batch were sized so that the most demanding of {names} fits {target}; "
        "lighter networks could have taken more."
    ]
