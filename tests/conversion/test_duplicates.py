"""Near-duplicates: what is found, what isn't mistaken for one, and how groups are joined."""

import numpy as np
import pytest
from skimage.transform import resize

from nnunet_skipstudy.conversion.duplicates import Pair, looks, merged_groups, near_duplicates, thumbnail

SHAPE = (180, 240)


def ultrasound_like(seed: int) -> np.ndarray:
    """A bright top that fades downwards, speckle, a dark lesion somewhere: all images share the coarse layout."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[: SHAPE[0], : SHAPE[1]]
    depth = 190 * np.exp(-row / 90) + 20
    layers = 1 + 0.35 * np.sin(row / rng.uniform(6, 20) + rng.uniform(0, 6) + column / rng.uniform(40, 400))
    centre = rng.uniform(0.25, 0.75, 2) * SHAPE
    radii = rng.uniform(0.08, 0.22, 2) * SHAPE
    lesion = ((row - centre[0]) / radii[0]) ** 2 + ((column - centre[1]) / radii[1]) ** 2 < 1
    image = depth * layers * np.where(lesion, 0.3, 1) * rng.gamma(4, 0.25, SHAPE)
    return np.clip(image, 0, 255).astype(np.uint8)


IMAGE = ultrasound_like(0)


def marked(image: np.ndarray) -> np.ndarray:
    image = image.copy()
    image[60:66, 100:106] = 255
    image[60:66, 150:156] = 255
    return image


COPIES = {
    "identical": lambda image: image,
    "brighter": lambda image: np.clip(image * 0.7 + 60, 0, 255).astype(np.uint8),
    "noisy": lambda image: np.clip(image + np.random.default_rng(1).normal(0, 12, SHAPE), 0, 255).astype(np.uint8),
    "with calipers": marked,
    "smaller": lambda image: np.rint(resize(image, (120, 160), anti_aliasing=True) * 255).astype(np.uint8),
    "cropped a little": lambda image: image[2:-2, 3:-2],
}


@pytest.mark.parametrize("change", COPIES)
@pytest.mark.parametrize("seed", range(5))
def test_copies_are_found(change, seed):
    image = ultrasound_like(seed)
    (pair,) = near_duplicates({"a": looks(image), "b": looks(COPIES[change](image))})
    assert (pair.case, pair.other) == ("a", "b")
    assert pair.correlation > 0.93


def test_different_images_of_one_layout_are_not():
    cases = {str(seed): looks(ultrasound_like(seed)) for seed in range(120)}
    assert near_duplicates(cases) == []


def test_an_identical_image_has_distance_0_and_correlation_1():
    (pair,) = near_duplicates({"a": looks(IMAGE), "b": looks(IMAGE)})
    assert (pair.distance, pair.correlation, pair.agreement) == (0, 1.0, 1.0)


def test_a_thumbnail_holds_the_means_of_its_cells():
    image = np.zeros((64, 96), np.uint8)
    image[:2, :3] = [[60, 0, 0], [0, 0, 60]]
    small = thumbnail(image)
    assert small.shape == (32, 32)
    assert small[0, 0] == 20
    assert small.sum() == 20


@pytest.mark.parametrize("shape", [(5, 7), (32, 32), (33, 47), (1, 200)])
def test_images_of_any_size_have_one(shape):
    assert np.allclose(thumbnail(np.full(shape, 7, np.uint8)), 7)


def test_flat_images_are_no_copies_of_each_other():
    assert near_duplicates({name: looks(np.full((50, 60), 7, np.uint8)) for name in "ab"}) == []


def test_groups_are_joined_through_others():
    groups = {"a": "p1", "b": "p2", "c": "p3", "d": "p4", "e": "p2"}
    pairs = [Pair("b", "c", 0, 1.0), Pair("c", "d", 0, 1.0)]
    assert merged_groups(groups, pairs) == {"a": "p1", "b": "p2", "c": "p2", "d": "p2", "e": "p2"}
    assert merged_groups(groups, []) == groups


def test_one_image_has_no_copy():
    assert near_duplicates({"a": looks(IMAGE)}) == []
