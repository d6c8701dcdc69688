"""A sham: distortion of a given size that leaves texture alone, to hold against levels that change both."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Scaled = npt.NDArray[np.float64]

MOST = 8.0
"""The largest power, and the inverse of the smallest one, as a natural logarithm."""
PRECISION_DB = 0.01
"""How close a sham comes to the PSNR that it is to have."""
ENOUGH = 0.05 * np.log(10) / 10
"""Of two powers that both come as close as 0.05 dB, the one nearer to 1 is taken."""
BISECTIONS = 25


def sham(scaled: Scaled, other: Scaled, written: Callable[[Scaled], Scaled]) -> Scaled:
    """An image raised to the power that gives it the mean squared error, and so the PSNR, of another version of it.

    A power keeps the order of grey values, so that local binary patterns, and with them texture disparity, stay but for
    the rounding of grey values; black and white stay what they are. Unlike a linear change it is not undone where
    images are normalised by their mean and standard deviation. Of the two powers that have the error, above 1 (darker)
    and below (brighter), it is the one nearer to 1, which rounding hurts less.

    Args:
        scaled: of any shape, 0 ... 1.
        other: the perturbed version, likewise.
        written: what becomes of values where they are written as whole grey levels.

    Returns:
        A new array, as written. Where no power has so much error, as on images that are black and white, that of the
        most; where grey levels are so coarse that the error jumps over the wanted one, the nearest.
    """
    wanted = float(((other - scaled) ** 2).mean())

    def raised(logarithm: float) -> Scaled:
        return written(scaled ** np.exp(logarithm))

    def error(logarithm: float) -> float:
        return float(((raised(logarithm) - scaled) ** 2).mean())

    if wanted == 0:
        return scaled.copy()
    found = [sign * _reach(lambda reach, sign=sign: error(sign * reach), wanted) for sign in (-1.0, 1.0)]  # type: ignore[misc]
    missed = {logarithm: abs(np.log(max(error(logarithm), 1e-30) / wanted)) for logarithm in found}
    close = [logarithm for logarithm in found if missed[logarithm] <= max(min(missed.values()), ENOUGH)]
    return raised(min(close, key=abs))


def _reach(error: Callable[[float], float], wanted: float) -> float:
    """How far from 1 a power has to be, as a logarithm, for the error, which grows with it; at most ``MOST``."""
    low, high = 0.0, MOST
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        found = error(middle)
        if found > 0 and abs(10 * np.log10(found / wanted)) <= PRECISION_DB:
            return middle
        low, high = (middle, high) if found < wanted else (low, middle)
    return low if wanted / max(error(low), 1e-30) < error(high) / wanted else high
