"""Speckle: noise in proportion to the intensity, which makes all textures of an image more alike."""

import numpy as np
import numpy.typing as npt

Scaled = npt.NDArray[np.float64]


def speckle(scaled: Scaled, rng: np.random.Generator, *, variance: float) -> Scaled:
    """``x + n x`` clipped to 0 ... 1, with n normal of mean 0: the larger the variance, the harder the image.

    The darkest pixels (0) stay as they are. Where x is bright the clipping cuts the upper half of the noise off,
    so that the image gets darker on the whole.

    Args:
        scaled: (row, column), or (row, column, channel), in which case all channels of a pixel share one n:
            drawn one by one, they would partly cancel out in the grey image, and a variance would mean less
            in a colour image than in a grey one.
        rng: where n is drawn, one number a pixel, row by row.
        variance: of n, 0 or more.

    Returns:
        A new array of the same shape, 0 ... 1.

    Source: the study ("hardest" and "harder").
    """
    noise = rng.standard_normal(scaled.shape[:2])
    noise *= np.sqrt(variance)
    noise += 1.0
    factors = noise if scaled.ndim == 2 else noise[..., None]
    return np.clip(scaled * factors, 0.0, 1.0)
