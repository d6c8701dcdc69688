"""Reading flat images: the short way gives what scikit-image, nnU-Net's reader, gives."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow
from skimage.io import imread

from nnunet_skipstudy.images import read_image

KINDS = [
    *((mode, ".png") for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *((mode, ".bmp") for mode in ("1", "L", "P", "RGB", "RGBA")),
    *((mode, ".tif") for mode in ("1", "L", "RGB", "I;16")),
]


@pytest.mark.parametrize(("mode", "ending"), KINDS)
def test_every_kind_of_pixel(mode: str, ending: str, tmp_path: Path) -> None:
    """Type, shape and values, of an image that isn't square; palettes are resolved; the array may be written to."""
    values = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    deep = Pillow.fromarray(values[..., 0].astype(np.uint16) * 257)
    picture = deep if mode == "I;16" else Pillow.fromarray(values).convert(mode)
    assert picture.mode == mode
    path = tmp_path / f"a{ending}"
    picture.save(path)
    ours, theirs = read_image(path).array, imread(path)
    assert ours.dtype == theirs.dtype
    np.testing.assert_array_equal(ours, theirs)
    ours[...] = 0
