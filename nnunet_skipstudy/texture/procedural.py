"""A family of made-up textures in which the distance between two members can be chosen."""

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError

FINEST_PX = 3.0
"""Wavelength of the member of strength 0."""
COARSEST_PX = 24.0
"""Wavelength of the member of strength 1."""
BANDWIDTH_OCTAVES = 0.5
MEAN, SPREAD = 0.5, 0.15


def procedural_texture(strength: float, side_px: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """Isotropic noise of one band of wavelengths: from 3 px at strength 0 to 24 px at 1, on a log scale.

    All members have the same mean (0.5) and standard deviation (0.15), so that only the texture tells two of
    them apart. The further apart two strengths, the larger the texture disparity; two draws of one strength
    are the same texture. The noise is periodic: its left edge continues at its right one.

    Args:
        strength: which member, 0 ... 1.
        side_px: rows and columns.
        rng: where the noise comes from.

    Returns:
        (side_px, side_px), in 0 ... 1.

    Raises:
        UserError: the strength is out of range.
    """
    if not 0 <= strength <= 1:
        raise UserError(f"procedural texture of strength {strength:g}; give a strength from 0 to 1")
    wavelength_px = FINEST_PX * (COARSEST_PX / FINEST_PX) ** strength
    noise = np.fft.rfft2(rng.standard_normal((side_px, side_px)))
    frequency = np.hypot(np.fft.fftfreq(side_px)[:, None], np.fft.rfftfreq(side_px)[None, :])
    frequency[0, 0] = 1.0  # any: the mean is taken out below
    octaves = np.log2(frequency * wavelength_px)
    passed = np.exp(-0.5 * (octaves / BANDWIDTH_OCTAVES) ** 2)
    passed[0, 0] = 0.0
    texture = np.fft.irfft2(noise * passed, s=(side_px, side_px))
    return np.asarray(np.clip(MEAN + SPREAD * texture / texture.std(), 0, 1))
