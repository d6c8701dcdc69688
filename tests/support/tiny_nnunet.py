"""nnU-Net's steps on small data sets, all in one process: verify, plan, preprocess, train two folds, predict a level.

``python tiny_nnunet.py ROOT TRAINER LEVEL FOLD ... -- ID:CONFIGURATION ...`` with nnU-Net's variables set.
"""

import contextlib
import multiprocessing
import sys
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from nnunet_skipstudy.environment import study_environment
from nnunet_skipstudy.study import steps

PLANS = "tinyPlans"


@contextlib.contextmanager
def threads_for_processes() -> Iterator[None]:
    """Let nnU-Net's pools be of threads: the same work, without starting Python and torch three times a data set."""
    with patch.object(multiprocessing, "get_context", lambda method: SimpleNamespace(Pool=ThreadPool)):
        yield


def main(root: Path, trainer: str, level: str, folds: list[int], datasets: list[tuple[int, str]]) -> None:
    """Do all steps; each raises where it fails."""
    steps.set_environment(study_environment(root), cpus=None, small_data=True)
    from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
    from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
    from nnunetv2.utilities.dataset_name_id_conversion import convert_id_to_dataset_name

    from nnunet_skipstudy.prediction import Predictor, TrainedModel

    class TinyPlanner(ExperimentPlanner):  # type: ignore[misc]  # nnU-Net is untyped
        """nnU-Net's plan with 4 to 8 channels."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.UNet_base_num_features = 4
            self.UNet_max_features_2d = self.UNet_max_features_3d = 8

        def get_plans_for_configuration(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            return {**super().get_plans_for_configuration(*args, **kwargs), "batch_size": 2}

    for dataset_id, configuration in datasets:
        name = convert_id_to_dataset_name(dataset_id)
        raw = root / "nnUNet_raw" / name
        with threads_for_processes():
            verify_dataset_integrity(str(raw), num_processes=1)
            steps.plan_and_preprocess(dataset_id, TinyPlanner, PLANS, configuration)
        for fold in folds:
            cell = steps.Training(name, trainer, PLANS, configuration, fold)
            steps.train(cell, device="cpu")
        predictor = Predictor(TrainedModel(cell.model_folder, folds[-1]), mirroring=False)
        predictor.predict_folder(raw / f"imagesTs_{level}", root / "predictions" / name / level)
        print(f"done: {name}", flush=True)


if __name__ == "__main__":
    where, named, at_level, *rest = sys.argv[1:]
    split = rest.index("--")
    pairs = [pair.split(":") for pair in rest[split + 1 :]]
    main(Path(where), named, at_level, [int(fold) for fold in rest[:split]], [(int(a), b) for a, b in pairs])
