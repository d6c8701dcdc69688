"""Blended texture: the object's own texture, mixed with texture from the background of the same image."""

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.texture.background_blur import gaussian_blur
from nnunet_skipstudy.texture.blending import check_alpha
from nnunet_skipstudy.texture.patterns import SIDE_PX
from nnunet_skipstudy.texture.quilting import LEAST_PX, quilted

Scaled = npt.NDArray[np.float64]
Inside = npt.NDArray[np.bool_]

COARSE = 16 / SIDE_PX
"""In sides of the image: what a Gaussian of it leaves is brightness, what it takes away texture."""
PATCH = 16 / SIDE_PX
"""A side of the patches that background texture is sewn from, in sides of the image."""
RIM = 1.5 / SIDE_PX
"""The Gaussian under which the mask's edge is made soft, in sides of the image."""
REACH = 3
"""The rim ends at so many Gaussians."""


def blend_texture(scaled: Scaled, inside: Inside, rng: np.random.Generator, *, alpha: float) -> Scaled:
    """The image with its object's texture made more like the background's: the higher alpha is, the harder.

    It carries the synthetic study's blending (:func:`~nnunet_skipstudy.texture.blending.blend`) over to real images, on
    texture alone. On either side of the outline an image is brightness, what a Gaussian of its own side leaves, and
    texture, the rest. Brightness stays. The object's texture t becomes ((1 - w) t + w s) / sqrt((1 - w)^2 + w^2), with
    s sewn from patches of the background's texture and w = alpha on the object, under a rim that is soft to both sides.
    The root keeps the contrast of what is mixed, where the synthetic study's has less between 0 and 1: a texture mixed
    with itself is what it was, so that no blend shows by its contrast.

    Args:
        scaled: (row, column), or (row, column, channel).
        inside: (row, column), the object. Where it is empty or nothing is outside, or no patch of 6 px fits outside,
            the image stays as it is.
        rng: where patches are drawn; another alpha of the same generator mixes the same texture in.
        alpha: proportion, 0 (nothing changes) ... 1 (the object has the background's texture).

    Returns:
        A new array of the same shape, cut to 0 ... 1.

    Raises:
        UserError: alpha out of range.
    """
    check_alpha(alpha)
    side = float(np.sqrt(inside.size))
    if not inside.any() or inside.all():
        return scaled.copy()
    coarse = COARSE * side
    brightness = np.where(
        inside if scaled.ndim == 2 else inside[..., None],
        _brightness(scaled, inside, coarse),
        _brightness(scaled, ~inside, coarse),
    )
    texture = scaled - brightness
    reach = int(np.ceil(REACH * RIM * side))
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    window = tuple(slice(max(0, found[0] - reach), found[-1] + reach + 1) for found in (rows, columns))
    part = texture[window]
    sewn = quilted(texture, ~inside, part.shape[:2], rng, side_px=max(LEAST_PX, round(PATCH * side)))
    if sewn is None:
        return scaled.copy()
    weight = alpha * gaussian_blur(inside[window].astype(float), RIM * side)
    if scaled.ndim == 3:
        weight = weight[..., None]
    result = scaled.copy()
    mixed = ((1 - weight) * part + weight * sewn) / np.sqrt((1 - weight) ** 2 + weight**2)
    result[window] = np.clip(brightness[window] + mixed, 0, 1)
    return result


def _brightness(scaled: Scaled, region: Inside, sigma_px: float) -> Scaled:
    """The mean of a region's own pixels under a Gaussian; anything beyond its reach."""
    weights = gaussian_blur(region.astype(float), sigma_px)
    weights = np.maximum(weights, 1e-9)
    own = region if scaled.ndim == 2 else region[..., None]
    return np.asarray(gaussian_blur(scaled * own, sigma_px) / (weights if scaled.ndim == 2 else weights[..., None]))
