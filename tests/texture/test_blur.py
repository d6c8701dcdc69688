"""The compiled Gaussian has scipy's numbers."""

import platform

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nnunet_skipstudy.texture.background_blur import TRUNCATE, gaussian_blur

EXACT = platform.machine().lower() in ("x86_64", "amd64")
"""Elsewhere a compiler may round products and sums together."""


@pytest.mark.parametrize("sigma_px", [0.0, 0.1, 0.5, 2.0, 7.3, (0.0, 3.0), (5.5, 1.0), 60.0])
def test_a_blur_is_scipys_to_the_last_bit(sigma_px: float | tuple[float, float]) -> None:
    """Whatever the sigma, also where the kernel is wider than the image; grey, colour, and views of other arrays."""
    rng = np.random.default_rng(3)
    both = sigma_px if isinstance(sigma_px, tuple) else (sigma_px, sigma_px)
    for image in (rng.random((1, 1)), rng.random((9, 40)), rng.random((31, 17)).T, rng.random((23, 12, 3))):
        sigmas = both if image.ndim == 2 else (*both, 0.0)
        expected = gaussian_filter(image, sigmas, mode="nearest", truncate=TRUNCATE)
        found = gaussian_blur(image, sigma_px)
        assert found is not image
        if EXACT:
            np.testing.assert_array_equal(found, expected)
        else:
            np.testing.assert_allclose(found, expected, rtol=1e-12)
