"""nnU-Net's planners, with sizes of ours (for a CPU, or for a study's most demanding network) and normalisation."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.trainer_name import parse_trainer_name


def sized_planner(
    planner: type[Any], base_features: int | None, max_features: int | None, batch_size: int | None
) -> type[Any]:
    """A planner that makes ``planner``'s own plan with other channels or another batch size.

    ``base_features``: channels of the first stage (nnU-Net: 32); ``max_features``: most of any stage (nnU-Net: 512 in
    2D, 320 in 3D); ``batch_size``: patches an iteration, which nnU-Net would choose by GPU memory and the size of the
    data set: of tiny images either thousands or 2.
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


NORMALIZATIONS: dict[str, str] = {"image": "ZScoreNormalization", "training": "CTNormalization"}
"""nnU-Net's classes, which it looks up by the name in the plans, at training and at inference. ``image``: by each
image's own mean and standard deviation, so that a shift of brightness or contrast is undone. ``training``: clipped to
the 0.5 and 99.5 percentiles, then by mean and standard deviation, all four of the foreground of all training cases."""
_STATISTICS = ("mean", "std", "percentile_00_5", "percentile_99_5")


def normalizing_planner(planner: type[Any], normalization: str) -> type[Any]:
    """A planner of nnU-Net's that normalises every channel by a key of :data:`NORMALIZATIONS`, whatever its name."""

    class NormalizingPlanner(planner):  # type: ignore[misc]  # nnU-Net is untyped
        def determine_normalization_scheme_and_whether_mask_is_used_for_norm(self) -> tuple[list[str], list[bool]]:
            _, masked = super().determine_normalization_scheme_and_whether_mask_is_used_for_norm()
            by_training = normalization == "training"
            for channel, seen in self.dataset_fingerprint["foreground_intensity_properties_per_channel"].items():
                if by_training and not (all(math.isfinite(seen[name]) for name in _STATISTICS) and seen["std"] > 0):
                    raise UserError(
                        f"normalization training: the labels' pixels of channel {channel} have no spread to normalise "
                        "by (no labels, or one value); choose normalization image"
                    )
            return [NORMALIZATIONS[normalization]] * len(masked), [not by_training and mask for mask in masked]

    return NormalizingPlanner


def heaviest_planner(planner: type[Any], architectures: Sequence[str]) -> type[Any]:
    """A planner that sizes patch and batch by the network with the most activations.

    nnU-Net estimates a plan's memory by the sizes of its own network's convolution outputs, and shrinks patch and
    batch until they fit; here the largest of the chosen networks' (trainers' names without ``nnUNetTrainer``) is taken.
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
            from nnunet_skipstudy.architectures.matching import built_by_name
            from nnunet_skipstudy.architectures.network import build_network

            channels, own = (input_channels, output_channels), (arch_class_name, arch_kwargs, arch_kwargs_req_import)
            sizes = []
            for architecture in architectures:
                name = parse_trainer_name(f"nnUNetTrainer{architecture}")
                plan, decoding = built_by_name(name, own, patch_size, channels, deep_supervision=True)
                network = build_network(name.architecture, *plan, *channels, **decoding)
                sizes.append(int(network.compute_conv_feature_map_size(patch_size)))
            return max(sizes)

    return HeaviestPlanner


def plan_words(plans: Mapping[str, Any]) -> list[str]:
    """A sentence each about how images are normalised, and patch and batch chosen, where it isn't nnU-Net's own way."""
    scheme = NORMALIZATIONS.get(plans.get("normalization", ""))
    whose = {"image": "its own", "training": "the training cases'"}
    said = [f"Each image is normalised by {whose[plans['normalization']]} statistics ({scheme})."] if scheme else []
    if plans["plan_for"] != "heaviest":
        return said
    target = f"{plans['gpu_memory_gb']:g} GB" if plans["gpu_memory_gb"] else "the planner's own memory target"
    names = ", ".join(plans["architectures"])
    return [
        *said,
        f"One plan for all networks: patch and batch were sized so that the most demanding of {names} fits {target}; "
        "lighter networks could have taken more.",
    ]
