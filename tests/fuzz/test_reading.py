"""Damaged image files: the pixels that were written, or one line that names the file; never other pixels."""

import json
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import SimpleITK as sitk
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.perturb import write_levels
from nnunet_skipstudy.nnunet.images import read_image
from nnunet_skipstudy.texture.perturbation import STUDY_LEVELS

Array = npt.NDArray[Any]
FLAT = np.random.default_rng(0).integers(0, 255, (40, 44)).astype(np.uint8)
VOLUME = np.random.default_rng(0).integers(0, 255, (5, 24, 26)).astype(np.uint8)


def by_simpleitk(path: Path, pixels: Array) -> None:
    sitk.WriteImage(sitk.GetImageFromArray(pixels), str(path), useCompression=True)


def by_pillow(path: Path, pixels: Array) -> None:
    Pillow.fromarray(pixels).save(path)


def by_tifffile(path: Path, pixels: Array) -> None:
    tifffile.imwrite(path, pixels, photometric="minisblack", compression="zlib")


WRITERS: dict[str, tuple[Callable[[Path, Array], None], Array]] = {
    ".png": (by_pillow, FLAT),
    ".tif": (by_tifffile, VOLUME),
    ".nii.gz": (by_simpleitk, VOLUME),
    ".mha": (by_simpleitk, VOLUME),
    ".nrrd": (by_simpleitk, VOLUME),
}


def checked_part(content: bytes, ending: str) -> tuple[int, int]:
    """From where to where a checksum covers a file's bytes: all of PNG and gzip, else the compressed pixels."""
    if ending in (".png", ".nii.gz"):
        return 0, len(content)
    start = next(
        place
        for place in range(len(content))
        if content[place : place + 1] in (b"\x78", b"\x1f") and inflates(content[place:])
    )
    return start, len(content) if ending != ".tif" else start + 16


def inflates(content: bytes) -> bool:
    try:
        return len(zlib.decompressobj(47).decompress(content)) > 40
    except zlib.error:
        return False


@pytest.mark.parametrize("ending", WRITERS)
@given(data=st.data())
def test_one_flipped_bit(ending: str, data: st.DataObject, tmp_path: Path) -> None:
    write, pixels = WRITERS[ending]
    path = tmp_path / f"case{ending}"
    write(path, pixels)
    content = bytearray(path.read_bytes())
    start, end = checked_part(bytes(content), ending)
    content[data.draw(st.integers(start, end - 1))] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)
    try:
        read = read_image(path).array
    except UserError as error:
        assert path.name in str(error)
        assert "\n" not in str(error)
    else:
        np.testing.assert_array_equal(read, pixels)


@pytest.mark.parametrize("ending", WRITERS)
@given(data=st.data())
def test_a_file_cut_short(ending: str, data: st.DataObject, tmp_path: Path) -> None:
    write, pixels = WRITERS[ending]
    path = tmp_path / f"case{ending}"
    write(path, pixels)
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(0, len(content) - 1))])
    try:
        read = read_image(path).array
    except UserError as error:
        assert path.name in str(error)
    else:
        np.testing.assert_array_equal(read, pixels)


ODD_FLOATS = st.sampled_from([np.nan, np.inf, -np.inf, 1.9, -1.0, 1e30])


@given(data=st.data())
def test_perturbing_a_spoilt_data_set(data: st.DataObject, tmp_path: Path) -> None:
    """All four levels with every image, or one line and nothing."""
    shutil.rmtree(tmp_path / "D", ignore_errors=True)
    folder = tmp_path / "D"
    ending = data.draw(st.sampled_from([".nii.gz", ".mha", ".nrrd"]))
    label = np.zeros(VOLUME.shape, np.uint8)
    label[1:4, 8:16, 8:16] = 1
    for part, pixels in (("imagesTs", VOLUME.astype(np.float32)), ("labelsTs", label.astype(np.float32))):
        (folder / part).mkdir(parents=True)
        for name in "ab":
            by_simpleitk(folder / part / f"{name}{'_0000' if part == 'imagesTs' else ''}{ending}", pixels)
    (folder / "dataset.json").write_text(
        json.dumps(
            {"channel_names": {"0": "CT"}, "labels": {"background": 0, "a": 1}, "file_ending": ending, "numTraining": 0}
        )
    )
    path = data.draw(st.sampled_from(sorted(folder.glob("*Ts/*"))))
    spoilt = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
    spoilt[tuple(data.draw(st.integers(0, n - 1)) for n in spoilt.shape)] = data.draw(ODD_FLOATS)
    by_simpleitk(path, spoilt)
    valid = np.isfinite(spoilt).all() and (path.parent.name == "imagesTs" or set(np.unique(spoilt)) <= {0, 1})
    try:
        rows = write_levels(folder, STUDY_LEVELS, workers=1)
    except UserError as error:
        assert not valid
        assert path.name in str(error)
        assert not list(folder.glob("imagesTs_*"))
    else:
        assert valid
        assert len(rows) == 8
        assert len(list(folder.glob("imagesTs_*/*"))) == 8
