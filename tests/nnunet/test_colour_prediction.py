"""Colour images, one file for three channels, are predicted and explained as nnU-Net reads them."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from made_up_model import DATASET, plans, write_images, write_model
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans
from small_plans import REQUIRES_IMPORT, UNET_MODULE
from toy_network import toy_kwargs

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.calls import Training
from nnunet_skipstudy.nnunet.images import read_image
from nnunet_skipstudy.nnunet.prediction import Predictor, find_cases
from nnunet_skipstudy.support.files import read_json, write_json

SIZE = (40, 52)
COLOURS = {"0": "red", "1": "green", "2": "blue"}


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Training:
    """A model of random weights for red, green and blue, and two cases at two levels."""
    for name in ("nnUNet_raw", "nnUNet_results", "nnUNet_preprocessed"):
        monkeypatch.setenv(name, str(tmp_path / name))
    torch.manual_seed(0)
    network = get_network_from_plans(
        f"{UNET_MODULE}.PlainConvUNet", toy_kwargs(2), REQUIRES_IMPORT, 3, 2, deep_supervision=False
    )
    plan = plans(toy_kwargs(2), (32, 32))
    for key in ("normalization_schemes", "use_mask_for_norm"):
        plan["configurations"]["toy"][key] *= 3
    plan["foreground_intensity_properties_per_channel"] = {name: {} for name in COLOURS}
    made = write_model(plan, network.state_dict())
    rng = np.random.default_rng(0)
    images = {
        level: {f"c{number}": rng.integers(0, 255, (*SIZE, 3)).astype(np.uint8) for number in range(2)}
        for level in ("unperturbed", "hardest")
    }
    raw = write_images(tmp_path / "nnUNet_raw", images, {f"c{n}": rng.integers(0, 2, SIZE) for n in range(2)})
    for path in (raw / "dataset.json", made.model_folder / "dataset.json"):
        write_json(path, read_json(path) | {"channel_names": COLOURS})
    return made


def test_colour_images_are_predicted_and_explained(training: Training, tmp_path: Path) -> None:
    """Without files of a second and third channel, which there are none of."""
    raw = tmp_path / "nnUNet_raw" / DATASET
    predictor = Predictor(training.model_folder, 0, mirroring=False)
    assert predictor.predict_folder(raw / "imagesTs", tmp_path / "predicted") == 2
    assert read_image(tmp_path / "predicted" / "c1.png").array.shape == SIZE
    given = ["explain", "-d", "779", "-c", "toy", "-f", "0", "-tr", training.trainer, "-device", "cpu", "-np", "1"]
    options = ["--disable_tta", "--interventions", "patch", "-o", str(tmp_path / "out")]
    assert main([*given, *options]) == 0
    table = pd.read_csv(tmp_path / "out" / "explain.csv")
    plain = table[(table["intervention"] == "none") & (table["level"] == "unperturbed")].set_index("case")["dsc"]
    for case, dsc in plain.items():
        predicted, label = (
            read_image(folder / f"{case}.png").array for folder in (tmp_path / "predicted", raw / "labelsTs")
        )
        assert dsc == pytest.approx(2 * (predicted & label).sum() / (predicted.sum() + label.sum()), abs=1e-6)


def test_channels_in_files_of_their_own_must_all_be_there(training: Training, tmp_path: Path) -> None:
    """Of two channels one file is not enough, nor of three where two are there, nor in a volume's format."""
    for names, ending, n_channels in (
        (["c_0000"], ".png", 2),
        (["c_0000", "c_0001"], ".png", 3),
        (["c_0000"], ".nii.gz", 3),
        (["c_0001"], ".png", 3),
    ):
        folder = tmp_path / f"{len(names)}{ending}{n_channels}{names[0]}"
        folder.mkdir()
        for name in names:
            (folder / f"{name}{ending}").touch()
        with pytest.raises(UserError, match="no such file; add the missing channel"):
            find_cases(folder, ending, n_channels=n_channels)
