"""nnU-Net's planners, with sizes of ours: for a CPU, or for the most demanding network of a study."""

from collections.abc import Mapping, Sequence
from typing import Any


def sized_planner(
    planner: type[Any], base_features: int | None, max_features: int | None, batch_size: int | None
) -> type[Any]:
    """A planner that makes ``planner``'s own plan with other channels or another batch size.

    Args:
        planner: one of nnU-Net's planners.
        base_features: channels of the first stage (nnU-Net: 32).
        max_features: most channels of any stage (nnU-Net: 512 in 2D, 320 in 3D).
        batch_size: patches an iteration. nnU-Net would choose it by GPU memory and the size of the data set, which
            for tiny images gives either thousands or 2.
    """

    class SizedPlanner(planner):  # type: ignore[misc]  # nnU-Net is untyped
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            if base_features:
                self.UNet_base_num_features = base_features
            if max_features:
                self.UNet_max_features_2d = self.UNet_max_features_3d = max_features

        def get_plans_for_configuration(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            plan: dict[str, Any] = super().get_plans_for_configuration(*args, **kwargs)
            return {**plan, "batch_size": batch_size} if batch_size else plan

    return SizedPlanner


def heaviest_planner(planner: type[Any], architectures: Sequence[str]) -> type[Any]:
    """A planner that sizes patch and batch by the network with the most activations.

    nnU-Net estimates a plan's memory by the sizes of its own network's convolution outputs, and shrinks patch and
    batch until they fit; here the largest of the chosen networks' is taken in its place.

    Args:
        planner: one of nnU-Net's planners.
        architectures: names of the registry.
    """

    class HeaviestPlanner(planner):  # type: ignore[misc]  # nnU-Net is untyped
        @staticmethod
        def static_estimate_VRAM_usage(  # noqa: N802  # nnU-Net's name
            patch_size: Any,
            input_channels: int,
            output_channels: int,
            arch_class_name: str,
            arch_kwargs: dict[str, Any],
            arch_kwargs_req_import: Any,
        ) -> int:
            from nnunet_skipstudy.architectures.network import build_network

            sizes = []
            for name in architectures:
                network = build_network(
                    name,
                    arch_class_name,
                    arch_kwargs,
                    arch_kwargs_req_import,
                    input_channels,
                    output_channels,
                    deep_supervision=True,
                )
                sizes.append(int(network.compute_conv_feature_map_size(patch_size)))
            return max(sizes)

    return HeaviestPlanner


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
