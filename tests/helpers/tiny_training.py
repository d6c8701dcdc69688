"""nnU-Net's own training loop on four images of 16 x 16, in this process, in about a second."""

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2
from small_plans import REQUIRES_IMPORT, UNET_MODULE, arch_kwargs

from nnunet_skipstudy.support.files import write_json
from nnunet_skipstudy.training.on_demand import trainer_class
from nnunet_skipstudy.training.trainer import SkipStudyTrainer

DATASET = "Dataset777_Tiny"
DATASET_JSON = {
    "channel_names": {"0": "grey"},
    "labels": {"background": 0, "object": 1},
    "numTraining": 4,
    "file_ending": ".png",
}
CASES = [f"case{number}" for number in range(4)]


def write_preprocessed(root: Path) -> None:
    """What nnU-Net's preprocessing would have left in ``root``, its ``nnUNet_preprocessed``."""
    folder = root / DATASET / "nnUNetPlans_2d"
    folder.mkdir(parents=True)
    for number, case in enumerate(CASES):
        rng = np.random.default_rng(number)
        label = np.zeros((1, 1, 20, 20), np.int16)
        label[..., 4 + number : 14, 5:15] = 1
        image = (label + rng.normal(0, 0.5, label.shape)).astype(np.float32)
        places = {value: np.argwhere(label == value) for value in (1,)}
        nnUNetDatasetBlosc2.save_case(
            image, label, {"class_locations": places}, str(folder / case), image.shape, (1, 1, 10, 10)
        )
    write_json(root / DATASET / "splits_final.json", [{"train": CASES[:3], "val": CASES[3:]}])
    write_json(root / DATASET / "dataset_fingerprint.json", {})


def plans(batch_size: int = 2) -> dict[str, Any]:
    """Plans of one small 2D configuration."""
    return {
        "dataset_name": DATASET,
        "plans_name": "nnUNetPlans",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "label_manager": "LabelManager",
        "image_reader_writer": "NaturalImage2DIO",
        "continue_training": False,
        "foreground_intensity_properties_per_channel": {},
        "configurations": {
            "2d": {
                "data_identifier": "nnUNetPlans_2d",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": batch_size,
                "patch_size": [16, 16],
                "spacing": [1.0, 1.0],
                "normalization_schemes": ["ZScoreNormalization"],
                "use_mask_for_norm": [False],
                "batch_dice": True,
                "architecture": {
                    "network_class_name": f"{UNET_MODULE}.PlainConvUNet",
                    "arch_kwargs": arch_kwargs(2, [2, 4, 4], [[1, 1], [2, 2], [2, 2]], [[3, 3]] * 3),
                    "_kw_requires_import": REQUIRES_IMPORT,
                },
            }
        },
    }


class Stopped(Exception):  # noqa: N818
    """A training that was told to stop as if it were killed."""


def trainer(name: str) -> SkipStudyTrainer:
    """A trainer by name, its output not printed; nnU-Net's folders are the environment's."""
    with contextlib.redirect_stdout(io.StringIO()):
        made = trainer_class(name)(plans(), "2d", 0, DATASET_JSON, torch.device("cpu"))
    made.logger.plot_progress_png = lambda folder: None
    return made


def trained(training: SkipStudyTrainer, *, stop_before: int | None = None) -> SkipStudyTrainer:
    """Run the training, or what is left of it; it can be stopped before an epoch."""
    begin = training.on_epoch_start

    def begin_or_stop() -> None:
        if training.current_epoch == stop_before:
            raise Stopped
        begin()

    training.on_epoch_start = begin_or_stop  # type: ignore[method-assign]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Stopped):
        training.run_training()
    return training


def weights(training: SkipStudyTrainer) -> dict[str, torch.Tensor]:
    """The network's weights, copied."""
    return {name: weight.clone() for name, weight in training.network.state_dict().items()}
