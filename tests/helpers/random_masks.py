"""Random masks to hold metrics against other people's."""

import numpy as np
from scipy import ndimage

from nnunet_skipstudy.metrics.overlap import Mask

SPACINGS = {2: ((1.0, 1.0), (0.7, 1.9)), 3: ((1.0, 1.0, 1.0), (5.0, 0.78, 1.3))}


def blob(rng: np.random.Generator, shape: tuple[int, ...], share: float) -> Mask:
    """A random mask of smooth objects, often touching the border."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), 2, mode="wrap")
    return np.asarray(field > np.quantile(field, 1 - share))


def pair(seed: int, shape: tuple[int, ...]) -> tuple[Mask, Mask]:
    """A reference and a prediction: for odd seeds the same one moved, else two that have nothing in common."""
    rng = np.random.default_rng(seed)
    reference = blob(rng, shape, 0.25)
    return reference, np.roll(reference, 2, axis=0) if seed % 2 else blob(rng, shape, 0.1)
