"""Distances of distributions against what is known of them."""

import math

import numpy as np
import pytest

from nnunet_skipstudy.explain.susceptibility import hellinger, n_bins, susceptibility, wasserstein


@pytest.mark.parametrize(("shift", "scale"), [(0.5, 1.0), (2.0, 1.0), (0.0, 3.0), (1.0, 2.0)])
def test_two_gaussians_have_the_distances_of_the_closed_form(shift: float, scale: float) -> None:
    """Hellinger: 1 - sqrt(2 s t / (s² + t²)) exp(-d² / 4 (s² + t²)), its root; Wasserstein of a shift alone: d."""
    rng = np.random.default_rng(0)
    one, other = rng.normal(0, 1, (400_000, 1)), rng.normal(shift, scale, (400_000, 1))
    squares = 1 + scale**2
    expected = math.sqrt(1 - math.sqrt(2 * scale / squares) * math.exp(-(shift**2) / (4 * squares)))
    assert hellinger(one, other, bins=200)[0] == pytest.approx(expected, abs=0.01)
    if scale == 1:
        assert wasserstein(one, other)[0] == pytest.approx(shift / math.sqrt(1 + shift**2 / 4), abs=0.01)


def test_the_ends_of_the_scales() -> None:
    """0 for the same values and for constants, 1 and 2 for two values apart."""
    one = np.array([[0.0, 3.0, 0.0], [0.0, 3.0, 1.0]])
    other = np.array([[5.0, 3.0, 1.0], [5.0, 3.0, 0.0]])
    assert hellinger(one, other).tolist() == [1.0, 0.0, 0.0]
    assert wasserstein(one, other).tolist() == [2.0, 0.0, 0.0]
    assert [n_bins(n) for n in (1, 16, 20, 100)] == [4, 4, 4, 10]


def test_chance_gives_what_it_says() -> None:
    """Without a shift the distance is what chance gives; with one it is larger by far."""
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(20, 200)), rng.normal(size=(20, 200))
    same, moved = susceptibility(one, other), susceptibility(one, other + 2)
    assert same["hellinger"] == pytest.approx(same["hellinger_chance"], abs=0.03)
    assert same["hellinger"] > 0.15
    assert moved["hellinger"] > moved["hellinger_chance"] + 0.4
