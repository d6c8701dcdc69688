"""What must hold of texture disparity whatever the image: symmetries, bounds, and extremes that are known."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from nnunet_skipstudy.texture import DEFINITIONS, texture_disparity
from nnunet_skipstudy.texture.case_disparity import case_disparity, ring
from nnunet_skipstudy.texture.categories import CATEGORIES, category_borders, disparity_categories
from nnunet_skipstudy.texture.disparity import code_counts, divergence
from nnunet_skipstudy.texture.patterns import pattern_codes

every_seed = pytest.mark.parametrize("seed", range(4))


def scene(seed: int, size: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Noise of two grains in 8 bit, and an object off the middle."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:size, :size] / size
    mask = ((row - 0.4) / 0.25) ** 2 + ((column - 0.55) / 0.3) ** 2 < 1
    coarse = np.kron(rng.integers(0, 200, (size // 4, size // 4)), np.ones((4, 4), int))
    return np.where(mask, rng.integers(0, 200, (size, size)), coarse).astype(np.uint8), mask


def counts(seed: int, n_empty: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = rng.integers(1, 1000, 26)
    found[rng.permutation(26)[:n_empty]] = 0
    return found


@every_seed
def test_divergences_equal_scipy_s(seed: int) -> None:
    """Jensen-Shannon always; the study's where no code is on one side alone, it is the Kullback-Leibler there."""
    p, q = counts(seed), counts(seed + 100)
    assert divergence(p, q, "kamath2025") == pytest.approx(entropy(p, q, base=2))
    for n_empty in (0, 9):
        p, q = counts(seed, n_empty), counts(seed + 100, n_empty)
        expected = jensenshannon(p, q, base=2) ** 2
        assert divergence(p, q, "jensen_shannon") == pytest.approx(expected)
        assert divergence(q, p, "jensen_shannon") == pytest.approx(expected)
        assert 0 <= expected <= 1


@pytest.mark.parametrize(("definition", "apart"), [("kamath2025", 0.0), ("jensen_shannon", 1.0)])
def test_histograms_without_a_common_code_and_equal_ones(definition: str, apart: float) -> None:
    """The study's measure can't tell these two ends apart; how many pixels there are doesn't matter."""
    one, other = np.zeros((2, 26), int)
    one[:13], other[13:] = counts(0)[:13], counts(1)[13:]
    assert divergence(one, other, definition) == apart
    assert divergence(one, 7 * one, definition) == pytest.approx(0, abs=1e-12)
    assert divergence(3 * one, one + other, definition) == pytest.approx(divergence(one, one + other, definition))


@every_seed
@pytest.mark.parametrize("turn", [0, 1, 2, 3], ids=["90", "180", "270", "mirror"])
def test_jensen_shannon_does_not_change_when_the_image_is_turned(seed: int, turn: int) -> None:
    """But for ties and the point that changes are counted from: a hundredth of a bit."""
    image, mask = scene(seed)
    turned = [np.fliplr(array) if turn == 3 else np.rot90(array, turn + 1) for array in (image, mask)]
    expected = texture_disparity(image, mask, definition="jensen_shannon")
    assert expected > 0.1
    assert texture_disparity(*turned, definition="jensen_shannon") == pytest.approx(expected, abs=0.01)


@every_seed
def test_brightness_and_contrast_leave_jensen_shannon_alone(seed: int) -> None:
    """To the bit, where no value is lost; inverting grey is another texture's patterns, but as far apart."""
    image, mask = scene(seed)
    expected = texture_disparity(image, mask, definition="jensen_shannon")
    for changed in (image + np.uint8(50), image.astype(np.float32) * 3 - 1000, image.astype(np.int32) * -2 * -7):
        assert texture_disparity(changed, mask, definition="jensen_shannon") == expected


@every_seed
@pytest.mark.parametrize("definition", DEFINITIONS)
def test_inside_and_outside_exchanged(seed: int, definition: str) -> None:
    image, mask = scene(seed)
    one, other = (texture_disparity(image, m, definition=definition) for m in (mask, ~mask))
    if definition == "jensen_shannon":
        assert one == other
    else:
        codes = pattern_codes(image, definition)
        inside, outside = code_counts(codes, mask, ~mask)
        assert (one, other) == (divergence(inside, outside, definition), divergence(outside, inside, definition))


@every_seed
@pytest.mark.parametrize("definition", DEFINITIONS)
def test_counts_are_histograms_of_the_region_and_all_pixels_are_on_one_side(seed: int, definition: str) -> None:
    image, mask = scene(seed)
    codes = pattern_codes(image, definition)
    region = mask if definition == "kamath2025" else mask[3:-3, 3:-3]
    assert codes.shape == region.shape
    inside, outside = code_counts(codes, region, ~region)
    np.testing.assert_array_equal(inside, np.bincount(codes[region], minlength=26))
    np.testing.assert_array_equal(inside + outside, np.bincount(codes.ravel(), minlength=26))
    assert len(inside) == 26


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_the_order_of_slices_and_a_slice_twice_change_nothing(definition: str) -> None:
    """Pooled histograms: of every slice twice they are the same shares."""
    pairs = [scene(seed, 128) for seed in range(3)]
    image, labels = (np.stack([pair[which] for pair in pairs]).astype(np.uint8) for which in (0, 1))
    expected = case_disparity(image, labels, definition=definition).union.value
    for order in ([2, 0, 1], [0, 1, 2, 0, 1, 2]):
        found = case_disparity(image[order], labels[order], definition=definition).union.value
        assert found == pytest.approx(expected, rel=1e-12)


def test_what_the_labels_are_called_and_their_values_change_nothing() -> None:
    image, mask = scene(0, 128)
    labels = np.where(mask, 1, 0)
    labels[60:, :] *= 2
    plain = case_disparity(image, labels, labels={"a": 1, "b": 2})
    other = case_disparity(image, np.select([labels == 1, labels == 2], [7, 3]), labels={"x": 7, "y": 3})
    assert (plain.union, plain.labels["a"], plain.labels["b"]) == (other.union, other.labels["x"], other.labels["y"])


def test_plain_lists_are_taken_as_arrays() -> None:
    image, mask = scene(0, 64)
    expected = case_disparity(image, mask, definition="jensen_shannon")
    assert case_disparity(image.tolist(), mask.tolist(), definition="jensen_shannon") == expected


def test_a_label_that_is_one_sided_on_every_slice_for_different_reasons_says_so() -> None:
    """On one slice it fills the image, on another it vanishes: neither reason alone is the case's."""
    image = np.zeros((2, 600, 600), np.uint8)
    labels = np.zeros((2, 600, 600), np.uint8)
    labels[0] = 1
    labels[1, 0, 1] = 1
    found = case_disparity(image, labels).union
    assert np.isnan(found.value)
    assert found.reason == "no slice has both sides of the mask at 256 x 256 pixels"


@every_seed
def test_a_ring_is_what_a_full_distance_transform_says(seed: int) -> None:
    """Objects at the border too, whatever the width: found in a window around the object only."""
    from scipy.ndimage import distance_transform_edt

    rng = np.random.default_rng(seed)
    inside = np.zeros((40, 50), bool)
    for _ in range(3):
        row, column = rng.integers(0, 38), rng.integers(0, 48)
        inside[row : row + rng.integers(1, 6), column : column + rng.integers(1, 6)] = True
    distance = distance_transform_edt(~inside)
    for width in (1, 1.5, 3.2, 16, 100):
        np.testing.assert_array_equal(ring(inside, width), (distance > 0) & (distance <= width))


@every_seed
def test_categories_are_fifths_and_keep_the_order(seed: int) -> None:
    """A fifth of the values each where none tie; a larger disparity never gets a harder category."""
    rng = np.random.default_rng(seed)
    values = rng.gamma(2, 0.2, 50)
    names = disparity_categories(values)
    assert [names.count(category) for category in CATEGORIES] == [10] * 5
    ranked = [CATEGORIES.index(names[place]) for place in np.argsort(values)]
    assert ranked == sorted(ranked)
    assert disparity_categories(values[::-1]) == names[::-1]
    low, high = disparity_categories([values.min() - 1, values.max() + 1], among=values)
    assert (low, high) == ("hardest", "easiest")


def test_a_value_on_a_border_is_in_the_harder_category() -> None:
    values = [0.0, 1, 2, 3, 4, 5]
    borders = category_borders([*values, np.nan])
    assert borders == [1, 2, 3, 4]
    assert disparity_categories(borders, among=values) == ["hardest", "harder", "medium", "easier"]
    assert disparity_categories([1.5], among=[np.nan]) == [""]
    assert category_borders([]) == []
