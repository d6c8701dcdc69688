"""Levels that don't do what they are for are warned about where they are made."""

import json
from pathlib import Path

import numpy as np
import pytest
from perturbing import perturb, read
from scipy.ndimage import gaussian_filter

from nnunet_skipstudy.nnunet.images import write_image

N_CASES = 6


def _data_set(raw: Path, n_grey: int) -> Path:
    """Discs of a texture of their own, in images of so many grey levels."""
    rng, folder = np.random.default_rng(0), raw / "Dataset701_Few"
    rows, columns = np.mgrid[:96, :96]
    for number in range(N_CASES):
        inside = (rows - 48) ** 2 + (columns - 48) ** 2 < (12 + number) ** 2
        fine, coarse = (gaussian_filter(rng.standard_normal((96, 96)), sigma) for sigma in (1.0, 2.5))
        image = np.where(inside, fine / fine.std(), coarse / coarse.std())
        steps = np.rint((image - image.min()) / np.ptp(image) * (n_grey - 1))
        for place, array in (("imagesTs", steps * (255 // (n_grey - 1))), ("labelsTs", inside)):
            (folder / place).mkdir(parents=True, exist_ok=True)
            write_image(folder / place / f"c{number}{'_0000' * (place == 'imagesTs')}.png", array.astype(np.uint8))
    described = {"channel_names": {"0": "grey"}, "labels": {"background": 0, "disc": 1}, "file_ending": ".png"}
    (folder / "dataset.json").write_text(json.dumps(described | {"numTraining": 0}))
    return folder


@pytest.mark.parametrize("n_grey", [2, 7, 256])
def test_a_distortion_that_does_not_distort_or_moves_texture_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], n_grey: int
) -> None:
    """Black and white images stay as they are under any grey-scale change; of seven greys it makes fewer, or other."""
    monkeypatch.setenv("nnUNet_raw", str(tmp_path))
    folder = _data_set(tmp_path, n_grey)
    assert perturb("-d", "701", "--level", "distortion", "--level", "sham_harder", "-np", "1") == 0
    warned = [line for line in capsys.readouterr().err.splitlines() if "warning: level" in line]
    unchanged = [line for line in warned if "leaves 6 of 6 images as they are" in line]
    moving = [line for line in warned if "is to distort and leave the texture disparity where it is, but moves" in line]
    assert len(unchanged) == (2 if n_grey == 2 else 0)
    assert len(moving) == (2 if n_grey == 7 else 0)
    assert len(warned) == len(unchanged) + len(moving)
    assert all((row["psnr_db"] == "") == (n_grey == 2) for row in read(folder / "perturbations.csv"))


def test_a_level_that_leaves_some_images_alone_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Flat images can't be perturbed; of ten one may be flat, of six none."""
    monkeypatch.setenv("nnUNet_raw", str(tmp_path))
    folder = _data_set(tmp_path, 256)
    write_image(folder / "imagesTs" / "c0_0000.png", np.full((96, 96), 7, np.uint8))
    assert perturb("-d", "701", "--level", "mine:blend:alpha=0.5", "-np", "1") == 0
    assert "level 'mine' (blend:alpha=0.5) leaves 1 of 6 images as they are" in capsys.readouterr().err
