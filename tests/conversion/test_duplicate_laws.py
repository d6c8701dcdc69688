"""Near-duplicates: hashes and thumbnails against plain numpy, thresholds met exactly, and joining as a relation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import dctn

from nnunet_skipstudy.conversion.duplicates import (
    LARGEST_DISTANCE,
    LEAST_CORRELATION,
    Looks,
    Pair,
    merged_groups,
    near_duplicates,
    perceptual_hash,
    thumbnail,
)
from nnunet_skipstudy.conversion.registration import look

NO_LOOK = look(np.zeros((32, 32), np.uint8))
"""Of an image without any structure, which agrees with nothing."""


def by_layout(small: dict[str, np.ndarray]) -> dict[str, Looks]:
    return {name: Looks(image, NO_LOOK) for name, image in small.items()}


def smooth(seed: int) -> np.ndarray:
    """A thumbnail of low frequencies, the more alike the nearer the seeds are to whole numbers."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:32, :32] / 32
    waves = [
        rng.normal() * np.cos(np.pi * (a * row + b * column) + rng.uniform(0, 6)) for a in range(4) for b in range(4)
    ]
    return (100 + 20 * np.sum(waves, axis=0)).astype(np.float32)


@pytest.mark.parametrize("shape", [(64, 96), (32, 32), (320, 32)])
def test_a_thumbnail_s_pixel_is_the_mean_of_its_cell(shape: tuple[int, int]) -> None:
    """Where the sides are multiples of 32, to the last digit; no pixel counts twice, none is left out."""
    image = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    cells = image.reshape(32, shape[0] // 32, 32, shape[1] // 32).mean(axis=(1, 3))
    np.testing.assert_allclose(thumbnail(image), cells, rtol=1e-6)


@pytest.mark.parametrize("shape", [(50, 70), (33, 1000), (5, 31)])
def test_cells_of_any_size_hold_whole_pixels_from_their_own_place(shape: tuple[int, int]) -> None:
    """A ramp's thumbnail is a ramp with its own ends; one axis doesn't touch the other."""
    ramp = np.broadcast_to(np.linspace(0, 255, shape[1]).astype(np.uint8), shape)
    small = thumbnail(np.ascontiguousarray(ramp))
    assert (np.diff(small, axis=1) >= 0).all()
    np.testing.assert_array_equal(small, np.broadcast_to(small[:1], small.shape))
    n_cell = max(1, shape[1] // 32)
    assert small[0, 0] == pytest.approx(ramp[0, :n_cell].mean())
    assert small[0, -1] == pytest.approx(ramp[0, -n_cell:].mean(), abs=255 / shape[1])


@pytest.mark.parametrize("seed", range(5))
def test_a_hash_is_the_signs_about_the_median_of_63_frequencies(seed: int) -> None:
    """31 of them are above; the mean has no say; neither have brightness and contrast."""
    small = smooth(seed)
    bits = perceptual_hash(small)
    low = dctn(small.astype(float), norm="ortho")[:8, :8].ravel()
    np.testing.assert_array_equal(bits[1:], low[1:] > np.median(low[1:]))
    assert (bits.size, bits[0], bits.sum()) == (64, False, 31)
    np.testing.assert_array_equal(perceptual_hash(small * 3 + 500), bits)
    negative = perceptual_hash(-small)
    assert (negative[1:] != bits[1:]).sum() == 62  # the median itself is above in neither


def test_pairs_are_those_that_both_looks_agree_on() -> None:
    """Held against numpy pair by pair, on copies with ever more of another image mixed in."""
    small = {}
    for seed in range(3):
        for step, share in enumerate(np.linspace(0, 0.4, 7)):
            small[f"{seed}.{step}"] = ((1 - share) * smooth(seed) + share * smooth(seed + 50)).astype(np.float32)
    found = {(pair.case, pair.other): pair for pair in near_duplicates(by_layout(small))}
    expected = {}
    for one, other in itertools.combinations(small, 2):
        distance = int((perceptual_hash(small[one]) != perceptual_hash(small[other])).sum())
        correlation = float(np.corrcoef(small[one].ravel(), small[other].ravel())[0, 1])
        if distance <= LARGEST_DISTANCE and correlation >= LEAST_CORRELATION:
            expected[one, other] = distance, correlation
    assert found.keys() == expected.keys()
    for key, (distance, correlation) in expected.items():
        assert found[key].distance == distance
        assert found[key].correlation == pytest.approx(correlation, abs=2e-6)
    distances = {distance for distance, _ in expected.values()}
    assert 0 < len(expected) < len(small) * (len(small) - 1) // 2
    assert len(distances) > 3


def test_a_correlation_is_never_above_one() -> None:
    for seed in range(20):
        (pair,) = near_duplicates(by_layout({"a": smooth(seed), "b": 1.7 * smooth(seed)}))
        assert pair.correlation <= 1


def test_order_of_cases_decides_order_of_pairs_only() -> None:
    small = {name: smooth(0) for name in "cab"}
    assert [(pair.case, pair.other) for pair in near_duplicates(by_layout(small))] == [
        ("c", "a"),
        ("c", "b"),
        ("a", "b"),
    ]


cases = st.integers(0, 11)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    groups=st.lists(st.integers(0, 5), min_size=12, max_size=12),
    links=st.lists(st.tuples(cases, cases), max_size=14),
)
def test_joined_groups_are_the_smallest_equivalence_that_holds_groups_and_pairs(
    groups: list[int], links: list[tuple[int, int]]
) -> None:
    """Whoever is linked, through whatever others, is together; nobody else is; the order of the pairs is no matter."""
    named = {f"c{case}": f"p{group}" for case, group in enumerate(groups)}
    pairs = [Pair(f"c{a}", f"c{b}", 0, 1.0) for a, b in links]
    found = merged_groups(named, pairs)
    linked = np.array([[groups[a] == groups[b] for b in range(12)] for a in range(12)])
    for a, b in links:
        linked[a, b] = linked[b, a] = True
    for middle in range(12):  # Warshall's closure
        linked |= linked[:, [middle]] & linked[[middle]]
    for a in range(12):
        assert [found[f"c{b}"] == found[f"c{a}"] for b in range(12)] == linked[a].tolist()
        assert found[f"c{a}"] == min(named[f"c{b}"] for b in range(12) if linked[a, b])
    assert merged_groups(named, pairs[::-1]) == found
    assert merged_groups(found, pairs) == found
