"""A trained model as nnU-Net leaves it, of given weights, and test images at two levels: nothing is trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from small_plans import REQUIRES_IMPORT, UNET_MODULE

from nnunet_skipstudy.nnunet.calls import Training
from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.support.files import write_json

DATASET = "Dataset779_Toy"
ENDINGS = {2: ".png", 3: ".nii.gz"}
RESAMPLING = {"is_seg": False, "order": 1, "order_z": 0, "force_separate_z": None}


def dataset_json(dimensions: int) -> dict[str, Any]:
    return {
        "channel_names": {"0": "noNorm"},
        "labels": {"background": 0, "object": 1},
        "numTraining": 1,
        "file_ending": ENDINGS[dimensions],
    }


def plans(arch_kwargs: Mapping[str, Any], patch: tuple[int, ...], class_name: str = "PlainConvUNet") -> dict[str, Any]:
    """Plans of one configuration, called ``toy``."""
    dimensions = len(patch)
    resampling = {f"resampling_fn_{what}": "resample_data_or_seg_to_shape" for what in ("data", "seg", "probabilities")}
    return {
        "dataset_name": DATASET,
        "plans_name": "nnUNetPlans",
        "transpose_forward": [0, 1, 2],
        "transpose_backward": [0, 1, 2],
        "label_manager": "LabelManager",
        "image_reader_writer": "NaturalImage2DIO" if dimensions == 2 else "SimpleITKIO",
        "foreground_intensity_properties_per_channel": {"0": {}},
        "configurations": {
            "toy": {
                "data_identifier": "toy",
                "preprocessor_name": "DefaultPreprocessor",
                "batch_size": 2,
                "patch_size": list(patch),
                "spacing": [1.0] * dimensions,
                "normalization_schemes": ["NoNormalization"],
                "use_mask_for_norm": [False],
                **resampling,
                **{f"{key}_kwargs": {**RESAMPLING, "is_seg": key.endswith("seg")} for key in resampling},
                "architecture": {
                    "network_class_name": f"{UNET_MODULE}.{class_name}",
                    "arch_kwargs": dict(arch_kwargs),
                    "_kw_requires_import": REQUIRES_IMPORT,
                },
            }
        },
    }


def write_model(
    plan: dict[str, Any], weights: Mapping[str, torch.Tensor], trainer: str = "nnUNetTrainerUNet"
) -> Training:
    """A finished training of fold 0 in ``nnUNet_results``."""
    training = Training(DATASET, trainer, "nnUNetPlans", "toy", 0)
    described = dataset_json(len(plan["configurations"]["toy"]["patch_size"]))
    training.fold_folder.mkdir(parents=True)
    write_json(training.model_folder / "plans.json", plan)
    write_json(training.model_folder / "dataset.json", described)
    torch.save(
        {
            "network_weights": dict(weights),
            "trainer_name": trainer,
            "init_args": {"configuration": "toy", "plans": plan, "dataset_json": described},
            "inference_allowed_mirroring_axes": tuple(range(len(plan["configurations"]["toy"]["patch_size"]))),
        },
        training.fold_folder / "checkpoint_final.pth",
    )
    return training


def write_images(
    raw: Path, levels: Mapping[str, Mapping[str, npt.NDArray[Any]]], labels: Mapping[str, npt.NDArray[Any]]
) -> Path:
    """The data set's folder: images by level and case, and the cases' label maps."""
    folder = raw / DATASET
    dimensions = next(iter(labels.values())).ndim
    for level, images in levels.items():
        place = folder / ("imagesTs" if level == "unperturbed" else f"imagesTs_{level}")
        place.mkdir(parents=True)
        for case, image in images.items():
            write_image(place / f"{case}_0000{ENDINGS[dimensions]}", image)
    (folder / "labelsTs").mkdir()
    for case, label in labels.items():
        write_image(folder / "labelsTs" / f"{case}{ENDINGS[dimensions]}", label.astype(np.uint8))
    write_json(folder / "dataset.json", dataset_json(dimensions))
    return folder
