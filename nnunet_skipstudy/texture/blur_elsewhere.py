"""Blur elsewhere: takes the texture away around a random region that holds the object and doesn't show where."""

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.texture.background_blur import gaussian_blur
from nnunet_skipstudy.texture.patterns import SIDE_PX

Scaled = npt.NDArray[np.float64]
Inside = npt.NDArray[np.bool_]

SIGMA = 7 / SIDE_PX
"""Of the blur, in sides of the image (the root of its area): that of the study's easiest level."""
HILLS = 1 / 10
"""The random field's Gaussian, in sides; that of a larger object has its radius."""
WIDEST_HILLS = 1 / 4
MOST_BLURRED, BLURRED_A_LEAK = 0.5, 10.0
"""No more of the image than the first is blurred, nor than the leak times the second, however small the object is."""
FADING = 0.15
"""Of what is not kept, the share over which the blur fades in."""


def blur_elsewhere(scaled: Scaled, inside: Inside, rng: np.random.Generator, *, leak: float) -> Scaled:
    """The image blurred outside of a random region that contains the object: the larger ``leak``, the easier.

    The region is what of a smooth random field lies above a threshold; the field is shifted (round the image's edges)
    to one of the places at which the region holds the whole object, each as likely as any other. So whoever sees the
    region knows of the object that it lies in it, and no more: its outline is nowhere to be seen. (Who also knows its
    size guesses a little better, since it lies at the region's border less often than in its midst.) How much that is,
    is the strength: the region may have as much of a Dice coefficient with the object as the whole image has, and
    ``leak`` beyond. Hence the region's share s of the image, for an object of share a, is that at which
    2a / (s + a) = 2a / (1 + a) + leak, but no less than 1 - 10 leak, nor than a half; it is larger where no place for
    the object is found. That bounds the disparity, too: what is outside keeps the share (s - a) / (1 - a) of its
    texture, so that no blur lifts TD by more than minus its binary logarithm, about.

    Args:
        scaled: (row, column), or (row, column, channel), whose channels are blurred one by one.
        inside: (row, column), the object; its pixels stay as they are. Empty: the region lies anywhere.
        rng: where field and place are drawn; another leak of the same generator has the same field.
        leak: 0 (nothing is blurred) ... 1.

    Returns:
        A new array of the same shape, in the range of ``scaled``.
    """
    side = float(np.sqrt(inside.size))
    share = float(inside.mean())
    hills = float(np.clip(np.sqrt(share / np.pi), HILLS, WIDEST_HILLS)) * side
    sharp = sharp_share(share, leak)
    field = _placed(random_field(inside.shape, rng, sigma_px=hills), inside, rng.random(), sharp)
    low, high = np.quantile(field, [(1 - FADING) * (1 - sharp), 1 - sharp])
    high = min(high, field[inside].min(initial=np.inf))
    low = min(low, high)
    way = np.clip((high - field) / max(high - low, 1e-12), 0, 1)
    weight = way**2 * (3 - 2 * way)
    if scaled.ndim == 3:
        weight = weight[..., None]
    return np.asarray(scaled + weight * (gaussian_blur(scaled, SIGMA * side) - scaled))


def sharp_share(object_share: float, leak: float) -> float:
    """The share of the image that is kept for an object of a share of it, both 0 ... 1; see :func:`blur_elsewhere`."""
    if leak <= 0:
        return 1.0
    whole = 2 * object_share / (1 + object_share)
    return max(1 - min(MOST_BLURRED, BLURRED_A_LEAK * leak), 2 * object_share / (whole + leak) - object_share)


def _placed(field: Scaled, inside: Inside, number: float, sharp: float) -> Scaled:
    """The field shifted so that the highest ``sharp`` share of it, or as little more as it takes, holds the object.

    ``number``, 0 ... 1, picks among the shifts that do.
    """
    if not inside.any():
        return field
    spectrum = np.conj(np.fft.rfft2(inside.astype(float)))
    for kept in np.linspace(sharp, 1, 11):
        beyond = field < np.quantile(field, 1 - kept)
        n_beyond = np.fft.irfft2(np.fft.rfft2(beyond.astype(float)) * spectrum, s=field.shape)
        rows, columns = np.nonzero(n_beyond < 0.5)  # by shift: pixels of the object that lie beyond
        if len(rows):
            chosen = int(number * len(rows))
            return np.roll(field, (-rows[chosen], -columns[chosen]), axis=(0, 1))
    return field


def random_field(shape: tuple[int, int], rng: np.random.Generator, *, sigma_px: float) -> Scaled:
    """White noise under a Gaussian: stationary, and periodic, so that it can be shifted without a seam.

    Neighbouring hills lie about five ``sigma_px`` apart; mean 0, standard deviation 1; of one pixel, 0.
    """
    spectrum = np.fft.rfft2(rng.standard_normal(shape))
    rows, columns = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :]
    spectrum *= np.exp(-2 * (np.pi * sigma_px) ** 2 * (rows**2 + columns**2))
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, s=shape)
    spread = field.std()
    return np.asarray(field / spread if spread > 0 else np.zeros(shape))
