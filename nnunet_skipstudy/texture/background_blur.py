"""Blurred background: takes the texture away around the object, which makes the two less alike."""

import numpy as np
import numpy.typing as npt

Scaled = npt.NDArray[np.float64]
TRUNCATE = 4.0
"""The kernel ends at this many sigmas."""


def blur_background(scaled: Scaled, inside: npt.NDArray[np.bool_], *, sigma_px: float | tuple[float, float]) -> Scaled:
    """The image with the background blurred: the larger the sigma, the easier the image (as to its texture).

    As the study does, the *whole* image is blurred and the object is then put back. So the object's intensities
    bleed into the background around it, and a halo of its brightness stays: the outline is not hidden. Beyond
    the image its outermost pixels go on.

    Args:
        scaled: (row, column), or (row, column, channel), whose channels are blurred one by one.
        inside: (row, column), the object. Empty: the whole image is blurred; full: nothing is.
        sigma_px: standard deviation of the Gaussian, in pixels of this image, 0 or more; or one along the columns and
            one along the rows.

    Returns:
        A new array of the same shape, in the range of ``scaled``.

    Source: the study ("easier" and "easiest"; its text calls the sigma a variance).
    """
    return np.where(inside if scaled.ndim == 2 else inside[..., None], scaled, gaussian_blur(scaled, sigma_px))


def gaussian_blur(scaled: Scaled, sigma_px: float | tuple[float, float]) -> Scaled:
    """The image under a Gaussian, channel by channel; beyond the image its outermost pixels go on."""
    from scipy.ndimage import gaussian_filter

    both = sigma_px if isinstance(sigma_px, tuple) else (sigma_px, sigma_px)
    sigmas = both if scaled.ndim == 2 else (*both, 0.0)
    return np.asarray(gaussian_filter(scaled, sigmas, mode="nearest", truncate=TRUNCATE))
