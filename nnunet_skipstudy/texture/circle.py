"""The circle of points that a local binary pattern is taken on; nothing is imported that is slow to import."""

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]
"""A pattern's code for each pixel, 0 ... ``N_CODES`` - 1."""
RADIUS_PX = 3
POINTS = 24
N_CODES = POINTS + 2
"""Method "uniform" tells 25 uniform patterns apart and puts all others into one code."""
