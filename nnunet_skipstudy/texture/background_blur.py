"""Blurred background: takes the texture away around the object, which makes the two less alike."""

from functools import lru_cache

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
    """The image under a Gaussian, channel by channel; beyond the image its outermost pixels go on.

    The numbers are those of scipy's ``gaussian_filter(mode="nearest")``, at a fraction of its time.
    """
    from nnunet_skipstudy.texture.compiled_blur import correlated  # numba takes its time to import

    down, across = map(_half_kernel, sigma_px if isinstance(sigma_px, tuple) else (sigma_px, sigma_px))
    if scaled.ndim == 2:
        return correlated(np.ascontiguousarray(scaled), down, across)
    channels = np.ascontiguousarray(np.moveaxis(scaled, 2, 0))
    return np.stack([correlated(channel, down, across) for channel in channels], axis=2)


@lru_cache(maxsize=64)
def _half_kernel(sigma_px: float) -> Scaled:
    """What scipy weighs a pixel and its neighbours on one side with, the pixel first."""
    from scipy.ndimage import gaussian_filter

    reach = int(TRUNCATE * sigma_px + 0.5)
    impulse = np.zeros(2 * reach + 1)
    impulse[reach] = 1
    return np.asarray(gaussian_filter(impulse, sigma_px, mode="constant", truncate=TRUNCATE)[reach:])
