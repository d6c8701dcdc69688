"""Speckle: noise in proportion to the intensity, which makes all textures of an image more alike."""

import numpy as np
import numpy.typing as npt

Scaled = npt.NDArray[np.float64]


def speckle(scaled: Scaled, rng: np.random.Generator, *, variance: float, grains: int | None = None) -> Scaled:
    """``x + n x`` clipped to 0 ... 1, with n normal of mean 0: the larger the variance, the harder the image.

    The darkest pixels (0) stay as they are. Where x is bright the clipping cuts the upper half of the noise off,
    so that the image gets darker on the whole.

    Args:
        scaled: (row, column), or (row, column, channel), in which case all channels of a pixel share one n:
            drawn one by one, they would partly cancel out in the grey image, and a variance would mean less
            in a colour image than in a grey one.
        rng: where n is drawn, one number a pixel, row by row.
        variance: of n, 0 or more.
        grains: draw n on a grid of so many rows and columns that is laid over the image, each pixel takes that of its
            square; None: one number a pixel. On an image with more pixels, noise of single pixels averages out where
            the image is looked at in ``grains`` pixels; this doesn't.

    Returns:
        A new array of the same shape, 0 ... 1.

    Source: the study ("hardest" and "harder").
    """
    size = scaled.shape[:2]
    if grains is None:
        noise = rng.standard_normal(size)
    else:
        noise = rng.standard_normal((grains, grains))[np.ix_(*(np.arange(side) * grains // side for side in size))]
    noise *= np.sqrt(variance)
    noise += 1.0
    factors = noise if scaled.ndim == 2 else noise[..., None]
    return np.clip(scaled * factors, 0.0, 1.0)
