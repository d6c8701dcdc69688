"""The null of a texture disparity: images a second with 20 draws, and what of one texture's disparity it takes away.

Discs of radius 4 to 60 on images of one real texture, on one core, in processor time; both definitions, in memory.
Bars: 200 images a second; a mean excess within 0.02 at every radius.

``python benchmarks/disparity_null.py``
"""

import sys
from time import process_time

import numpy as np
from skimage import data

from nnunet_skipstudy.texture import DEFINITIONS
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.null import DRAWS, null_draws

SIDE = 256
RADII = (4, 6, 10, 20, 40, 60)
N_IMAGES = 1500
LEAST_IMAGES_PER_S = 200.0
LARGEST_EXCESS = 0.02


def main() -> int:
    """Measure and print; 1 where a bar is missed."""
    textures, rng = [data.brick(), data.grass(), data.gravel()], np.random.default_rng(0)
    row, column = np.mgrid[:SIDE, :SIDE]
    fast = small = True
    print(f"discs on one texture, {N_IMAGES} images a radius, {DRAWS} draws, one core")
    print(f"{'definition':<16}{'radius':>7}{'TD':>9}{'excess':>9}{'error':>8}{'percentile':>12}{'images/s':>10}")
    for definition in DEFINITIONS:
        case_disparity(textures[0][:SIDE, :SIDE], row < 9, definition=definition, draws=[0.5])  # compiles
        for radius in RADII:
            found, seconds = [], 0.0
            for number in range(N_IMAGES):
                top, left = rng.integers(0, 512 - SIDE, 2)
                centre = rng.uniform(radius + 4, SIDE - 5 - radius, 2)
                image = textures[number % 3][top : top + SIDE, left : left + SIDE]
                mask = (row - centre[0]) ** 2 + (column - centre[1]) ** 2 <= radius**2
                start = process_time()
                draws = null_draws(str(number), DRAWS)
                found.append(case_disparity(image, mask, definition=definition, draws=draws).union)
                seconds += process_time() - start
            excess = np.array([one.excess for one in found])
            error = excess.std() / N_IMAGES**0.5
            value, percentile = (np.mean([getattr(one, name) for one in found]) for name in ("value", "percentile"))
            rate = N_IMAGES / seconds
            print(
                f"{definition:<16}{radius:>7}{value:>9.3f}{excess.mean():>9.3f}{error:>8.3f}{percentile:>12.1f}{rate:>10.0f}"
            )
            fast &= rate >= LEAST_IMAGES_PER_S
            small &= bool(abs(excess.mean()) <= LARGEST_EXCESS)
    return int(not (fast and small))


if __name__ == "__main__":
    sys.exit(main())
