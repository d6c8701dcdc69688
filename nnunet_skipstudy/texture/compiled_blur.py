"""A Gaussian over a flat image, compiled: scipy's numbers, sum by sum, along whole rows at once."""

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.support.compiled import compiled

Floats = npt.NDArray[np.float64]


@compiled
def correlated(image: Floats, down: Floats, across: Floats) -> Floats:
    """The image (row, column) under one symmetric kernel along its columns, then one along its rows.

    As in scipy's ``correlate1d`` the centre comes first, then pairs of neighbours from the farthest inwards; beyond the
    image its outermost pixels go on. The inner loops run along a row, for SIMD.

    Args:
        image: in C order.
        down: one half of the kernel along the columns, its centre first.
        across: likewise along the rows.
    """
    rows, columns = image.shape
    reach, width = len(down) - 1, len(across) - 1
    result = np.empty((rows, columns))
    padded = np.empty(columns + 2 * width)
    line = padded[width : width + columns]
    for row in range(rows):
        for column in range(columns):
            line[column] = image[row, column] * down[0]
        for away in range(reach, 0, -1):
            above, below, weight = image[max(0, row - away)], image[min(rows - 1, row + away)], down[away]
            for column in range(columns):
                line[column] += (above[column] + below[column]) * weight
        for column in range(width):
            padded[column], padded[width + columns + column] = line[0], line[columns - 1]
        blurred = result[row]
        for column in range(columns):
            blurred[column] = line[column] * across[0]
        for away in range(width, 0, -1):
            left, right = padded[width - away : width - away + columns], padded[width + away : width + away + columns]
            weight = across[away]
            for column in range(columns):
                blurred[column] += (left[column] + right[column]) * weight
    return result
