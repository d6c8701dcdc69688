"""How far the mean activations of channels move between two levels, in numbers of their distributions over cases."""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
FEWEST_BINS = 4
N_SWAPS = 20
"""Draws that the distance by chance is averaged over."""


def n_bins(n_cases: int) -> int:
    """Bins of a histogram of so many cases: the square root of their number, at least :data:`FEWEST_BINS`."""
    return max(FEWEST_BINS, math.isqrt(n_cases))


def hellinger(one: Floats, other: Floats, bins: int | None = None) -> Floats:
    """The Hellinger distance of the histograms of two samples, sqrt(1 - sum sqrt(p q)) (Stacke et al. 2019).

    Args:
        one: (case, channel).
        other: likewise, as many channels.
        bins: of equal width from a channel's least value in both samples to its largest; None: :func:`n_bins`.

    Returns:
        (channel,), 0 (the same) … 1 (no bin in common); 0 where a channel has one value only.
    """
    bins = bins or n_bins(min(len(one), len(other)))
    both = np.concatenate([one, other])
    least, width = both.min(axis=0), np.ptp(both, axis=0) / bins
    found = np.zeros(one.shape[1])
    for channel in np.flatnonzero(width > 0):
        p, q = (_shares(sample[:, channel], least[channel], width[channel], bins) for sample in (one, other))
        found[channel] = math.sqrt(max(0.0, 1 - float(np.sqrt(p * q).sum())))
    return found


def _shares(sample: Floats, least: float, width: float, bins: int) -> Floats:
    place = np.clip(((sample - least) / width).astype(np.int64), 0, bins - 1)
    counts: Floats = np.bincount(place, minlength=bins) / len(sample)
    return counts


def wasserstein(one: Floats, other: Floats) -> Floats:
    """The Wasserstein distance (of order 1) of two samples, in standard deviations of both together.

    Args:
        one: (case, channel).
        other: likewise, of the same shape.

    Returns:
        (channel,), 0 (the same) … 2; 0 where a channel has one value only.
    """
    distance = np.abs(np.sort(one, axis=0) - np.sort(other, axis=0)).mean(axis=0)
    spread = np.concatenate([one, other]).std(axis=0)
    found: Floats = np.divide(distance, spread, out=np.zeros_like(distance), where=spread > 0)
    return found


def susceptibility(reference: Floats, level: Floats, seed: int = 0) -> dict[str, float]:
    """Both distances averaged over channels, and the Hellinger distance that chance alone would give.

    A histogram of few cases differs from another of the same distribution; ``hellinger_chance`` is the mean distance
    where each case's two values change sides at random.

    Args:
        reference: mean activations (case, channel) at the reference level.
        level: those of the same cases at another level.
        seed: of the changes of sides.
    """
    rng = np.random.default_rng(seed)
    chance = []
    for _ in range(N_SWAPS):
        swapped = rng.random((len(reference), 1)) < 0.5
        sides = np.where(swapped, level, reference), np.where(swapped, reference, level)
        chance.append(hellinger(*sides).mean())
    return {
        "hellinger": float(hellinger(reference, level).mean()),
        "hellinger_chance": float(np.mean(chance)),
        "wasserstein": float(wasserstein(reference, level).mean()),
    }
