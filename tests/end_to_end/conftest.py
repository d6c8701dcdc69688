"""Tiny data sets, planned and preprocessed by nnU-Net's own commands, shared by the tests of this folder."""

import numpy as np
import pytest
import SimpleITK as sitk
from prepared import PreparedStudy
from processes import run, study_environment

from nnunet_skipstudy.support.files import write_json

PLANNER_NEEDS_A_PROCESS = {"nnUNet_n_proc_DA": "1"}  # nnU-Net's planner hands it to torch.set_num_threads


def plan(dataset_id: int, configuration: str, environment: dict[str, str]) -> None:
    run(
        ["nnUNetv2_plan_and_preprocess", "-d", str(dataset_id), "-c", configuration]
        + ["-npfp", "1", "-np", "1", "--verify_dataset_integrity"],
        {**environment, **PLANNER_NEEDS_A_PROCESS},
    )


@pytest.fixture(scope="session")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> PreparedStudy:
    """A synthetic data set of 32 x 32 images, two alphas."""
    root = tmp_path_factory.mktemp("synthetic")
    environment = study_environment(root)
    run(
        ["skipstudy", "convert", "synthetic", "-d", "501", "--size", "32", "--alphas", "0.1", "0.6"]
        + ["--train", "6", "--val", "2", "--test", "3"],
        environment,
    )
    plan(501, "2d", environment)
    return PreparedStudy(root, "Dataset501_SyntheticTexture", environment)


@pytest.fixture(scope="session")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> PreparedStudy:
    """Anisotropic volumes with two labels, one a brighter ball, one its core."""
    root = tmp_path_factory.mktemp("volumes")
    environment = study_environment(root)
    name = "Dataset510_Balls"
    raw = root / "nnUNet_raw" / name
    rng = np.random.default_rng(0)
    for folder, labels, n in (("imagesTr", "labelsTr", 5), ("imagesTs", "labelsTs", 2)):
        (raw / folder).mkdir(parents=True)
        (raw / labels).mkdir(parents=True)
        for number in range(n):
            z, y, x = np.mgrid[:10, :36, :28]
            cz, cy, cx = 5, rng.integers(14, 22), rng.integers(11, 17)
            radius = np.sqrt((3 * (z - cz)) ** 2 + (y - cy) ** 2 + (x - cx) ** 2)
            label = (radius < 9).astype(np.uint8) + (radius < 4)
            image = 100.0 * label + rng.normal(0, 10, label.shape)
            for path, array in (
                (raw / folder / f"case{number}_0000.nii.gz", image.astype(np.float32)),
                (raw / labels / f"case{number}.nii.gz", label),
            ):
                volume = sitk.GetImageFromArray(array)
                volume.SetSpacing((1.0, 1.0, 3.0))
                sitk.WriteImage(volume, str(path))
    write_json(
        raw / "dataset.json",
        {
            "channel_names": {"0": "MRI"},
            "labels": {"background": 0, "shell": 1, "core": 2},
            "numTraining": 5,
            "file_ending": ".nii.gz",
        },
    )
    cases = [f"case{number}" for number in range(5)]
    write_json(root / "nnUNet_preprocessed" / name / "splits_final.json", [{"train": cases[:4], "val": cases[4:]}])
    plan(510, "3d_fullres", environment)
    return PreparedStudy(root, name, environment)
