"""Texture disparity: ours against the study's definition computed the study's way, in one run.

The study's way is scikit-image's local binary patterns of the resized image, and a copy of them for each side of
the mask in which the other side is NaN. Both get the same images, on one core, each a whole round at a time: as
either runs when it is used, since one that follows the other finds its memory given back to the system. The values
must agree to 1e-9. Then the same with reading PNG files, ours on one thread and on two.

``python benchmarks/disparity.py``
"""

import sys
import tempfile
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import numpy as np
from skimage import data
from skimage.feature import local_binary_pattern
from skimage.transform import resize

from nnunet_skipstudy.nnunet.images import read_image, write_image
from nnunet_skipstudy.texture import texture_disparity

SIDE = 256
N_IMAGES = 40
ROUNDS = 3
REPEATS = 5
"""How often ours runs over the files in a round: long enough for two threads to settle."""
LEAST_RATIO = 20.0
LEAST_IMAGES_PER_S = 1000.0
Array = np.ndarray[Any, Any]


def reference(image: Array, mask: Array) -> float:
    """The study's definition, the study's way."""
    grey = resize(image, (SIDE, SIDE), anti_aliasing=True)
    inside = resize(mask, (SIDE, SIDE), order=0, anti_aliasing=False).astype(bool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patterns = local_binary_pattern(grey, 24, 3, method="uniform")
    bins = int(patterns.max()) + 1
    histograms = []
    for side in (inside, ~inside):
        copy = patterns.copy()
        copy[~side] = np.nan
        counts, _ = np.histogram(copy[~np.isnan(copy)], bins=bins, range=(0, bins), density=True)
        histograms.append(counts)
    p, q = histograms
    both = (p != 0) & (q != 0)
    return float(np.sum(p[both] * np.log2(p[both] / q[both])))


def made_up_images() -> list[tuple[Array, Array]]:
    """Discs of one real texture on another, 8 bit."""
    rng = np.random.default_rng(0)
    textures = [data.brick(), data.grass(), data.gravel(), data.camera()]
    row, column = np.mgrid[:SIDE, :SIDE]
    images = []
    for number in range(N_IMAGES):
        picks = [textures[(number + step) % len(textures)] for step in (0, 1)]
        corners = rng.integers(0, 512 - SIDE, (2, 2))
        crops = [pick[r : r + SIDE, c : c + SIDE] for pick, (r, c) in zip(picks, corners, strict=True)]
        centre, radius = rng.uniform(100, 156, 2), rng.uniform(30, 80)
        mask = (row - centre[0]) ** 2 + (column - centre[1]) ** 2 < radius**2
        images.append((np.where(mask, *crops).astype(np.uint8), mask.astype(np.uint8)))
    return images


def milliseconds(work: Callable[..., Any], *arguments: Any) -> float:
    """The time of one call."""
    start = perf_counter()
    work(*arguments)
    return 1000 * (perf_counter() - start)


def measure_reading(images: list[tuple[Array, Array]]) -> tuple[float, float, float]:
    """Images a second with reading image and mask: the reference, ours on one thread, ours on two.

    The first two count the processor's seconds, so that another process on the machine doesn't matter.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, pair in enumerate(images):
            paths = [Path(folder) / f"{kind}{number}.png" for kind in ("image", "mask")]
            for path, array in zip(paths, pair, strict=True):
                write_image(path, array)
            files.append(paths)

        def read_and(measure: Callable[[Any, Any], float]) -> Callable[[list[Path]], float]:
            return lambda paths: measure(*(read_image(path).array for path in paths))

        def rate(work: Callable[[list[Path]], float], threads: int) -> float:
            clock = process_time if threads == 1 else perf_counter
            todo = files * (REPEATS if work is ours else 1)
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(work, files * (threads - 1)))  # until both threads have a core of their own
                start = clock()
                list(pool.map(work, todo))
                return len(todo) / (clock() - start)

        ours = read_and(texture_disparity)
        studies = rate(read_and(reference), 1)
        one, two = (max(rate(ours, threads) for _ in range(ROUNDS)) for threads in (1, 2))
    return studies, one, two


def main() -> int:
    """Run both, print the ratios; 1 where values differ or a bar is missed."""
    images = made_up_images()
    start = perf_counter()
    texture_disparity(*images[0])
    print(f"first call, with compiling or loading what was compiled: {perf_counter() - start:.2f} s")
    difference = max(abs(texture_disparity(*pair) - reference(*pair)) for pair in images)
    theirs, ours = [], []
    for _ in range(ROUNDS):
        theirs += [milliseconds(reference, *pair) for pair in images]
        ours += [milliseconds(texture_disparity, *pair) for pair in images]
    ratio = median(theirs) / median(ours)
    studies, one, two = measure_reading(images)
    print(f"texture disparity of a {SIDE} x {SIDE} image, medians of {len(ours)}, one core")
    print(f"  the study's way (scikit-image)  {median(theirs):8.2f} ms")
    print(f"  ours (compiled)                 {median(ours):8.2f} ms")
    print(f"  ratio                           {ratio:8.1f}      (bar: at least {LEAST_RATIO:g})")
    print(f"  largest difference              {difference:8.1e}      (bar: at most 1e-9)")
    print("with reading image and mask (PNG)")
    print(f"  the study's way                 {studies:8.0f} images/s")
    print(f"  ours, one thread                {one:8.0f} images/s")
    print(f"  ours, two threads               {two:8.0f} images/s (bar: at least {LEAST_IMAGES_PER_S:g})")
    return int(not (difference <= 1e-9 and ratio >= LEAST_RATIO and two >= LEAST_IMAGES_PER_S))


if __name__ == "__main__":
    sys.exit(main())
