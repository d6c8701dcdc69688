"""Small nnU-Net data sets of other people's: textured objects, flat or volumes, with nothing of ours in them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.nnunet.images import Geometry, write_image

Array = npt.NDArray[Any]
GEOMETRY = Geometry((5.0, 1.5, 1.25), (-12.5, 30.0, 7.0), (0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
"""Turned by 90 degrees, in anisotropic voxels."""
SHAPE = (64, 96)


def scene(seed: int, shape: tuple[int, int] = SHAPE) -> tuple[Array, Array]:
    """An 8-bit image and its label map: a disc (1) with a square in it (2), finer in texture than around it."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[: shape[0], : shape[1]]
    labels = ((row - 30) ** 2 + (column - 40) ** 2 < (14 + seed % 5) ** 2).astype(np.uint8)
    labels[30:38, 36:44] = 2
    smooth = np.kron(rng.integers(40, 215, (shape[0] // 8, shape[1] // 8)), np.ones((8, 8)))
    rough = smooth + rng.integers(-10, 11, shape)
    return np.where(labels > 0, rng.integers(40, 215, shape), rough).astype(np.uint8), labels


def volume(seed: int) -> tuple[Array, Array]:
    """CT values, int16, three slices of which the last one is empty."""
    slices = [scene(seed), scene(seed + 100), scene(seed + 200)]
    image = np.stack([flat.astype(np.int16) * 12 - 1024 for flat, _ in slices])
    labels = np.stack([labels for _, labels in slices])
    labels[2] = 0
    return image, labels


def write_foreign(
    raw: Path, name: str, *, ending: str = ".png", n_train: int = 3, n_test: int = 4, n_channels: int = 1
) -> Path:
    """Write a data set; further channels are the first one, mirrored."""
    folder = raw / name
    make, geometry = (scene, None) if ending in (".png", ".tif") else (volume, GEOMETRY)
    for split, count, first in (("Tr", n_train, 0), ("Ts", n_test, 50)):
        for number in range(count):
            image, labels = make(first + number)
            for channel in range(n_channels):
                path = folder / f"images{split}" / f"case{number}_{channel:04d}{ending}"
                write_image(path, image if channel == 0 else image[..., ::-1], geometry)
            write_image(folder / f"labels{split}" / f"case{number}{ending}", labels, geometry)
    content = {
        "channel_names": {str(channel): "CT" for channel in range(n_channels)},
        "labels": {"background": 0, "rim": 1, "core": 2},
        "numTraining": n_train,
        "file_ending": ending,
    }
    (folder / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def everything(folder: Path) -> dict[str, bytes]:
    """All files under a folder, hidden ones too, with their bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}
