"""Volumes with their geometry, whole or in slices."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.conversion.description import STUDY_SIDE_PX, Rendered, SourceCase
from nnunet_skipstudy.conversion.flat import ENDING as FLAT_ENDING
from nnunet_skipstudy.conversion.flat import resized
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import Geometry, Image, read_image, read_label_map
from nnunet_skipstudy.support.parser import Parser

ENDING = ".nii.gz"
LEAST_FOREGROUND = 0.005
"""A slice with no more than this part of its pixels labelled is left out, as in the study."""
ORIGIN_TOLERANCE = 0.1
"""How far the origins of an image and its label map may lie apart, as a part of the smallest spacing."""
PERCENTILES = (0.5, 99.5)
"""Of a volume's intensities; they become black and white where there is no window."""
Window = tuple[float, float]
"""The intensities that become black and white."""


@dataclass(frozen=True)
class VolumeRendering:
    """Whole volumes. The image's file is copied, the label map is written anew on the image's own grid."""

    def __call__(self, item: SourceCase, root: Path, labels: Mapping[str, int], seed: int) -> list[Rendered]:
        """Read a case."""
        path = root / item.image
        image, label = read_pair(item, root, labels)
        copy_of = path if path.name.lower().endswith(ENDING) else None
        return [Rendered(item.case, image.array, label, item.image, image.geometry, copy_of)]


@dataclass(frozen=True)
class SliceRendering:
    """The slices of a volume that hold enough foreground, 8 bit, 256 x 256.

    Slices lie along the file's third axis, which is the patient's own in CT (axial) and the short axis of the heart
    in ACDC. Rows and columns stay as stored. Intensities are cut off at the window's ends, which become 0 and 255.
    """

    window: Window | None = None  # lowest and highest intensity; None: the volume's own percentiles 0.5 and 99.5
    # instead, each slice is resized and then stretched from its own minimum to its own maximum, rounded down,
    # as the study did: one intensity is another grey on each slice
    own_range: bool = False

    def __call__(self, item: SourceCase, root: Path, labels: Mapping[str, int], seed: int) -> list[Rendered]:
        """Read a case and cut it into slices."""
        image, label = read_pair(item, root, labels)
        low, high = self.window or np.percentile(image.array, PERCENTILES).tolist()
        slices = []
        for number, marked in enumerate(label):
            if np.count_nonzero(marked) <= LEAST_FOREGROUND * marked.size:
                continue
            pixels = image.array[number] if self.own_range else _windowed(image.array[number], low, high)
            flat, small = resized(pixels, marked, STUDY_SIDE_PX)
            flat = _stretched(flat) if self.own_range else np.rint(flat).astype(np.uint8)
            slices.append(Rendered(f"{item.case}_slice{number:03d}", flat, small, f"{item.image}#slice={number}"))
        return slices


def _windowed(pixels: npt.NDArray[Any], low: float, high: float) -> npt.NDArray[np.uint8]:
    scale = 255 / (high - low) if high > low else 0.0
    return np.rint((np.clip(pixels.astype(np.float64), low, high) - low) * scale).astype(np.uint8)


def _stretched(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    from skimage.exposure import rescale_intensity

    return np.asarray(rescale_intensity(pixels.astype(np.float64), in_range="image", out_range="uint8"))


def read_pair(item: SourceCase, root: Path, labels: Mapping[str, int]) -> tuple[Image, npt.NDArray[np.uint8]]:
    """A volume and its label map. Raises UserError: they don't belong together, or hold what they shouldn't."""
    image_path, (mask_path,) = root / item.image, (root / name for name in item.masks)
    image, mask = read_image(image_path), read_label_map(mask_path)
    for path, array in ((image_path, image.array), (mask_path, mask.array)):
        if array.ndim != 3:
            raise UserError(f"{path}: has {array.ndim} dimensions, a volume has 3; fetch the download again")
    if image.array.shape != mask.array.shape:
        raise UserError(
            f"{mask_path}: {mask.array.shape} voxels for an image of {image.array.shape} ({item.image}); "
            "the mask is another image's: fetch the download again"
        )
    _check_grids(image.geometry, mask.geometry, image_path, mask_path)
    return image, _label_map(mask.array, labels, mask_path)


def _check_grids(image: Geometry | None, mask: Geometry | None, image_path: Path, path: Path) -> None:
    """Refuse a mask whose voxels lie elsewhere than the image's: one would be turned or moved against the other."""
    assert image is not None  # both are medical images
    assert mask is not None
    for what, tolerance in (("spacing", 1e-2), ("direction", 1e-2)):
        ours, theirs = getattr(image, what), getattr(mask, what)
        if not np.allclose(ours, theirs, rtol=tolerance if what == "spacing" else 0, atol=tolerance):
            raise UserError(
                f"{path}: {what} {_numbers(theirs)}, its image has {_numbers(ours)}; bring both to one grid first"
            )
    away = max(abs(ours - theirs) for ours, theirs in zip(image.origin, mask.origin, strict=True))
    if away > ORIGIN_TOLERANCE * min(image.spacing):
        raise UserError(
            f"{path}: origin {_numbers(mask.origin)}, its image {image_path} has {_numbers(image.origin)}: {away:.4g} "
            f"mm apart, for voxels of {_numbers(image.spacing)} mm; bring both to one grid first"
        )


def _numbers(values: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{value:.4g}" for value in values) + ")"


def _label_map(mask: npt.NDArray[Any], labels: Mapping[str, int], path: Path) -> npt.NDArray[np.uint8]:
    """The mask as 8 bit; its values must be among the labels, which are 0, 1, 2 ... without a gap."""
    unknown = (mask < 0) | (mask > max(labels.values()))
    if mask.dtype.kind == "f":
        unknown |= mask != np.rint(mask)
    if unknown.any():
        raise UserError(
            f"{path}: holds the label {mask[unknown].flat[0]:g}; expected are "
            f"{', '.join(f'{value} {name}' for name, value in labels.items())}: fetch the download again"
        )
    return mask.astype(np.uint8)


def volumes_or_slices(arguments: argparse.Namespace, modality: str, window: Window | None = None) -> dict[str, Any]:
    """What of a description follows from the choice: slices with ``--slices`` or ``--protocol study``, else volumes.

    By its channel's name nnU-Net chooses the normalisation: volumes have their modality's, slices are grey. The study's
    protocol stretches each slice by its own range.
    """
    study = arguments.protocol == "study"
    sliced = arguments.slices or study
    return {
        "render": SliceRendering(window, own_range=study) if sliced else VolumeRendering(),
        "channel_names": ("grey",) if sliced else (modality,),
        "ending": FLAT_ENDING if sliced else ENDING,
        "configuration": "2d" if sliced else "3d_fullres",
        "options": {
            "protocol": arguments.protocol,
            "slices": sliced,
            **({"intensities": "each slice's own range"} if study else {}),
        },
    }


def add_slices_argument(parser: Parser, window: Window | None = None) -> None:
    """Add ``--slices``."""
    ends = f"{window[0]:g} to {window[1]:g} HU" if window else "the volume's own percentiles 0.5 to 99.5"
    parser.add_argument(
        "--slices",
        action="store_true",
        help=f"2D: slices with more than 0.5 %% foreground, 256 x 256, 8 bit, {ends} as black to white "
        "(default: volumes)",
    )
