"""A smooth random field: where a perturbation is strong and where weak, whatever lies in the image."""

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float64]


def random_field(shape: tuple[int, int], rng: np.random.Generator, *, sigma_px: float) -> Field:
    """White noise under a Gaussian: stationary, and periodic, so that it can be shifted without a seam.

    Args:
        shape: rows and columns.
        rng: where the noise is drawn, one number a pixel.
        sigma_px: of the Gaussian; neighbouring hills lie about five of it apart.

    Returns:
        (row, column), of mean 0 and standard deviation 1; of one pixel, 0.
    """
    spectrum = np.fft.rfft2(rng.standard_normal(shape))
    rows, columns = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    spectrum *= np.exp(-2 * (np.pi * sigma_px) ** 2 * (rows**2 + columns**2))
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=shape)
    spread = field.std()
    return np.asarray(field / spread if spread > 0 else np.zeros(shape))
