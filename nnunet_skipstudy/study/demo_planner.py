"""nnU-Net's planner for networks that a CPU trains in a minute."""

from typing import Any

from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner


def demo_planner(base_features: int, max_features: int, batch_size: int) -> type[ExperimentPlanner]:
    """A planner that makes nnU-Net's own plan with fewer channels and a given batch size.

    Args:
        base_features: channels of the first stage (nnU-Net: 32).
        max_features: most channels of any stage (nnU-Net: 512 in 2D).
        batch_size: patches an iteration. nnU-Net would choose it by GPU memory and the size of the data set, which
            for tiny images gives either thousands or 2.
    """

    class DemoPlanner(ExperimentPlanner):  # type: ignore[misc]  # nnU-Net is untyped
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.UNet_base_num_features = base_features
            self.UNet_max_features_2d = max_features

        def get_plans_for_configuration(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            plan: dict[str, Any] = super().get_plans_for_configuration(*args, **kwargs)
            return {**plan, "batch_size": batch_size}

    return DemoPlanner
