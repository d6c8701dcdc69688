"""The flat planes of a volume, in which textures are taken and altered."""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def planes(volume: Array, axis: int) -> Array:
    """A view of a volume of three dimensions whose first axis goes through its planes, which are flat images.

    Args:
        volume: (slice, row, column).
        axis: across which the planes lie, unless the volume has one voxel along exactly one axis: then it is flat.
    """
    thin = [place for place, size in enumerate(volume.shape) if size == 1]
    return np.moveaxis(volume, thin[0] if len(thin) == 1 else axis, 0)
