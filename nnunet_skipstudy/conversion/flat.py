"""Flat images: 8-bit grey or colour with label maps, whole or in crops, at their own size or resized.

:func:`breast_ultrasound` is what the sets of breast ultrasound have in common, so that networks of one read the others.
"""

import argparse
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.conversion.description import STUDY_SIDE_PX, DatasetDescription, Division, Rendered, SourceCase
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import read_image

ENDING = ".png"
MOST_CROPS = 1000
Pixels = npt.NDArray[np.uint8]
LESION = {"background": 0, "lesion": 1}


@dataclass(frozen=True)
class Crops:
    """Random square pieces of each image."""

    number: int
    size_px: int

    def __post_init__(self) -> None:
        if not 1 <= self.number <= MOST_CROPS or self.size_px < 32:
            raise UserError(
                f"{self.number} crops of {self.size_px} pixels; give 1 to {MOST_CROPS} of at least 32 "
                "(--crops, --crop-size)"
            )


@dataclass(frozen=True)
class FlatRendering:
    """How flat images are read."""

    colour: bool = False  # keep red, green and blue; otherwise grey
    rec601: bool = False  # grey by Rec. 601 in whole numbers, as Pillow's mode "L" has it; otherwise by Rec. 709
    # masks number the objects, 0 is background; otherwise they are dark and bright, and what is brighter than
    # half of the brightest is the object
    instances: bool = False
    side_px: int | None = None  # rows and columns to bring image and mask to; None leaves them
    crops: Crops | None = None  # pieces instead of the whole

    def __call__(self, item: SourceCase, root: Path, labels: Mapping[str, int], seed: int) -> list[Rendered]:
        """Read a case, whole or in crops drawn from the seed and the case's identifier."""
        picture = _eight_bits(read_image(root / item.image).array, root / item.image)
        image = _opaque(picture) if self.colour else luminance(picture, rec601=self.rec601)
        label = np.zeros(image.shape[:2], np.uint8)
        for name in item.masks:
            mask = self.marked(_read_mask(root / name))
            if mask.shape != label.shape:
                raise UserError(
                    f"{root / name}: {_by(mask.shape)} pixels for an image of {_by(label.shape)} ({item.image}); "
                    "the mask is another image's: fetch the download again"
                )
            label[mask] = item.label
        pixels = np.rint(image).astype(np.uint8)
        if self.crops is not None:
            return self._cropped(item, pixels, label, self.crops, seed)
        if self.side_px is None:
            return [Rendered(item.case, pixels, label, item.image)]
        image, label = resized(image, label, self.side_px)
        return [Rendered(item.case, np.rint(image).astype(np.uint8), label, item.image, whole=pixels)]

    def marked(self, mask: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """The pixels that a mask file marks in any channel but opacity."""
        if mask.ndim == 3:
            n_channels = mask.shape[-1]
            mask = mask[..., : n_channels - (n_channels in (2, 4))].max(axis=-1)
        if mask.dtype == bool or self.instances:
            return np.asarray(mask != 0)
        return np.asarray(mask > mask.max() / 2)

    def _cropped(self, item: SourceCase, image: Pixels, label: Pixels, crops: Crops, seed: int) -> list[Rendered]:
        rows, columns = label.shape
        size = crops.size_px
        if min(rows, columns) < size:
            raise UserError(
                f"{item.image}: {rows} x {columns} pixels, smaller than a crop of {size}; give a smaller --crop-size"
            )
        rng = np.random.default_rng((seed, int.from_bytes(hashlib.sha256(item.case.encode()).digest()[:8], "big")))
        cut = []
        for number in range(crops.number):
            row, column = int(rng.integers(rows - size + 1)), int(rng.integers(columns - size + 1))
            window = (slice(row, row + size), slice(column, column + size))
            source = f"{item.image}#row={row},column={column}"
            cut.append(Rendered(f"{item.case}_crop{number}", image[window], label[window], source))
        return cut


def _read_mask(path: Path) -> npt.NDArray[Any]:
    image = read_image(path)
    if image.lossy:
        raise UserError(f"{path}: is compressed with losses, which blurs a mask; fetch the download again")
    if image.array.dtype.kind == "f" or image.array.min() < 0:
        raise UserError(f"{path}: holds {image.array.dtype}, a mask holds whole numbers from 0 on; make it again")
    return image.array


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))


def luminance(picture: Pixels, *, rec601: bool = False) -> npt.NDArray[Any]:
    """A picture's grey, 0 ... 255, without opacity; a grey one stored as colour keeps its values.

    By Rec. 709 a coloured one has fractions, so that whoever resizes it rounds once; by Rec. 601 it is rounded as
    Pillow rounds it.
    """
    if picture.ndim == 2:
        return picture
    if picture.shape[2] <= 2:
        return picture[..., 0]
    red, green, blue = (picture[..., channel] for channel in range(3))
    if np.array_equal(red, green) and np.array_equal(green, blue):
        return red
    if rec601:
        from PIL import Image

        return np.asarray(Image.fromarray(np.ascontiguousarray(picture[..., :3])).convert("L"))
    from skimage.color import rgb2gray

    return np.asarray(rgb2gray(picture[..., :3]) * 255)


def resized(image: npt.NDArray[Any], label: Pixels, side_px: int) -> tuple[npt.NDArray[Any], Pixels]:
    """Image (anti-aliased, with fractions) and label map (nearest neighbour) of ``side_px`` rows and columns."""
    from skimage.transform import resize

    shape = (side_px, side_px)
    if label.shape == shape:
        return image, label
    smooth = resize(image, shape + image.shape[2:], anti_aliasing=True, preserve_range=True)
    nearest = resize(label, shape, order=0, anti_aliasing=False, preserve_range=True)
    return smooth, nearest.astype(np.uint8)


def _opaque(picture: Pixels) -> Pixels:
    if picture.ndim == 2 or picture.shape[2] <= 2:
        flat = picture if picture.ndim == 2 else picture[..., 0]
        return np.repeat(flat[..., None], 3, axis=2)
    return picture[..., :3]


def _eight_bits(picture: npt.NDArray[Any], path: Path) -> Pixels:
    """Integers of more bits lose the lowest of as many as the largest value needs: many a picture of 12 comes in 16."""
    if picture.dtype == bool:
        return np.asarray(picture * np.uint8(255))
    if picture.dtype.kind not in "ui" or picture.ndim not in (2, 3) or picture.min() < 0:
        raise UserError(
            f"{path}: {picture.dtype} of shape {picture.shape}; an 8-bit picture is expected: fetch the download again"
        )
    largest = 2 ** max(8, int(picture.max()).bit_length()) - 1
    return picture if picture.dtype == np.uint8 else np.rint(picture / (largest / 255)).astype(np.uint8)


def breast_ultrasound(
    arguments: argparse.Namespace, *, labels: dict[str, int] = LESION, division: Division | None = None, **own: Any
) -> DatasetDescription:
    """Grey 2D images, at their own size or the study's protocol's; near-duplicates stay together.

    ``own`` are the description's other fields, with ``options`` beside the protocol.
    """
    study = arguments.protocol == "study"
    return DatasetDescription(
        render=FlatRendering(side_px=STUDY_SIDE_PX if study else None),
        labels=labels,
        channel_names=("grey",),  # no name that nnU-Net knows: each image by its own mean and spread
        ending=ENDING,
        configuration="2d",
        division=division or Division(),
        options={"protocol": arguments.protocol, **own.pop("options", {})},
        find_duplicates=True,
        **own,
    )
