"""The flat planes of a volume, in which textures are taken and altered."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def planes(volume: Array, axis: int) -> Array:
    """A view of (slice, row, column) whose first axis goes through its flat planes.

    ``axis``: across which they lie, unless the volume has one voxel along exactly one axis: then it is flat.
    """
    thin = [place for place, size in enumerate(volume.shape) if size == 1]
    return np.moveaxis(volume, thin[0] if len(thin) == 1 else axis, 0)


def flat_parts(image: Array, mask: Array, axis: int) -> Iterator[tuple[Array, Array]]:
    """The flat images within an image, as views, each with its mask; opacity is left out.

    Args:
        image: (row, column), (slice, row, column) or, beside a flat mask, (row, column, 3 or 4).
        mask: the image's shape without channels.
        axis: across which a volume's planes lie.
    """
    if image.shape != mask.shape:
        yield image[..., :3], mask
    elif image.ndim == 2:
        yield image, mask
    else:
        yield from zip(planes(image, axis), planes(mask, axis), strict=True)
