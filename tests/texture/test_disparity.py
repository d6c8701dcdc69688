"""Texture disparity: the study's value, hand-made cases, and the cases that have none."""

import math
import warnings

import numpy as np
import pytest
from skimage import data
from skimage.color import rgb2gray
from skimage.feature import local_binary_pattern
from skimage.transform import resize

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture import DEFINITIONS, disparity_or_reason, texture_disparity
from nnunet_skipstudy.texture.disparity import _jensen_shannon, _truncated_divergence


def reference(image, mask):
    """The study's measure, written step by step with scikit-image and numpy.histogram."""
    grey = rgb2gray(image) if image.ndim == 3 else image
    grey = resize(grey, (256, 256), anti_aliasing=True)
    inside = resize(mask.astype(float), (256, 256), order=0, anti_aliasing=False) > 0.5
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patterns = local_binary_pattern(grey, 24, 3, "uniform")
    p, _ = np.histogram(patterns[inside], bins=26, range=(0, 26), density=True)
    q, _ = np.histogram(patterns[~inside], bins=26, range=(0, 26), density=True)
    total = 0.0
    for p_of_bin, q_of_bin in zip(p, q, strict=True):
        if p_of_bin > 0 and q_of_bin > 0:
            total += p_of_bin * math.log2(p_of_bin / q_of_bin)
    return total


def disc(rows, columns, radius):
    row, column = np.mgrid[:rows, :columns]
    return (row - rows / 2) ** 2 + (column - columns / 2.5) ** 2 < radius**2


def texture_pair(size=256, seed=0):
    """Fine noise inside a disc, coarse noise around it, 8 bit."""
    rng = np.random.default_rng(seed)
    mask = disc(size, size, size // 4)
    coarse = np.kron(rng.integers(0, 256, (size // 8, size // 8)), np.ones((8, 8), int))
    return np.where(mask, rng.integers(0, 256, (size, size)), coarse).astype(np.uint8), mask


@pytest.mark.parametrize(
    ("image", "radius"),
    [
        (data.camera()[100:356, 100:356], 60),
        (data.camera(), 100),
        (data.brick()[:300, :200], 50),
        (data.gravel()[:64, :90], 20),
        (data.astronaut()[:256, :256], 70),
        (data.astronaut()[:, :400], 90),
        (data.camera()[::2, ::2] / 255, 60),
        (data.camera().astype(np.uint16) * 257, 100),
    ],
    ids=["256", "down", "mixed", "up", "rgb256", "rgb", "float", "uint16"],
)
def test_equals_the_studys_way(image, radius):
    mask = disc(*image.shape[:2], radius)
    assert texture_disparity(image, mask) == pytest.approx(reference(image, mask), abs=1e-9)


def test_arguments_are_not_altered():
    image, mask = texture_pair()
    image_before, mask_before = image.copy(), mask.copy()
    for definition in DEFINITIONS:
        texture_disparity(image, mask, definition=definition)
    np.testing.assert_array_equal(image, image_before)
    np.testing.assert_array_equal(mask, mask_before)


def test_any_nonzero_mask_value_is_inside():
    image, mask = texture_pair()
    assert texture_disparity(image, mask.astype(np.uint8) * 255) == texture_disparity(image, mask)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_unlike_textures_are_further_apart_than_like_ones(definition):
    image, mask = texture_pair()
    alike = np.random.default_rng(1).integers(0, 256, image.shape).astype(np.uint8)
    assert texture_disparity(image, mask, definition=definition) > 0.1
    assert abs(texture_disparity(alike, mask, definition=definition)) < 0.02


def test_a_flat_image_has_no_disparity_but_for_the_studys_frame():
    image, mask = np.full((256, 256), 0.5), disc(256, 256, 60)
    assert texture_disparity(image, mask, definition="jensen_shannon") == 0
    assert texture_disparity(image, mask) == pytest.approx(0.083, abs=0.001)
    gradient = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    assert texture_disparity(gradient, mask, definition="jensen_shannon") == 0


def test_a_mask_on_the_frame_has_no_jensen_shannon_divergence():
    mask = np.zeros((256, 256), bool)
    mask[:3] = True
    result = disparity_or_reason(texture_pair()[0], mask, definition="jensen_shannon")
    assert result.reason == "nothing is left inside the mask at 256 x 256 pixels"


def test_jensen_shannon_is_symmetric_and_the_studys_is_not():
    image, mask = texture_pair()
    one, other = (texture_disparity(image, m, definition="jensen_shannon") for m in (mask, ~mask))
    assert one == other
    assert 0 < one < 1
    assert texture_disparity(image, mask) != pytest.approx(texture_disparity(image, ~mask), abs=1e-3)


@pytest.mark.parametrize("change", ["float", "uint16", "darker", "shifted"])
def test_jensen_shannon_does_not_depend_on_how_grey_is_stored(change):
    image, mask = texture_pair()
    changed = {
        "float": image / 255,
        "uint16": image.astype(np.uint16) * 257,
        "darker": image.astype(float) * 0.001,
        "shifted": image.astype(np.int16) - 1000,
    }[change]
    expected = texture_disparity(image, mask, definition="jensen_shannon")
    assert texture_disparity(changed, mask, definition="jensen_shannon") == expected


def test_divergences_by_hand():
    p, q = np.array([0.5, 0.5, 0, 0]), np.array([0.25, 0.25, 0.5, 0])
    assert _truncated_divergence(p, q) == 1  # 2 x 0.5 log2(2)
    assert _truncated_divergence(q, p) == -0.5  # 2 x 0.25 log2(0.5): negative, since a term was left out
    a, b = np.array([1.0, 0]), np.array([0, 1.0])
    assert _truncated_divergence(a, b) == 0  # as far apart as can be, but scored as equal
    assert _jensen_shannon(a, b) == 1
    assert _jensen_shannon(a, a) == 0


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (np.zeros((300, 300), bool), "the mask is empty"),
        (np.ones((300, 300), bool), "covers the whole image"),
        (np.pad([[True]], ((0, 1999), (1, 1998))), "nothing is left inside the mask at 256 x 256"),
        (~np.pad([[True]], ((0, 1999), (1, 1998))), "nothing is left outside the mask at 256 x 256"),
    ],
)
def test_an_empty_region_gives_nan_and_a_reason(definition, mask, reason):
    image = np.zeros(mask.shape, np.uint8)
    assert math.isnan(texture_disparity(image, mask, definition=definition))
    result = disparity_or_reason(image, mask, definition=definition)
    assert math.isnan(result.value)
    assert result.reason is not None
    assert reason in result.reason


def test_a_value_has_no_reason():
    assert disparity_or_reason(*texture_pair()).reason is None


GREY, MASK = np.zeros((8, 8)), np.eye(8, dtype=bool)


@pytest.mark.parametrize(
    ("image", "mask", "definition", "words"),
    [
        (GREY, MASK, "kl", r"definition 'kl'.*choose one of kamath2025, jensen_shannon"),
        (np.zeros((8, 8, 4)), MASK, "kamath2025", r"image of shape \(8, 8, 4\).*alpha channel"),
        (np.zeros(8), MASK, "kamath2025", r"image of shape \(8,\)"),
        (GREY, np.zeros((8, 9)), "kamath2025", r"mask of shape \(8, 9\) for an image of \(8, 8\)"),
        (np.full((8, 8), np.nan), MASK, "kamath2025", "image has pixels that are NaN or infinite"),
        (GREY, np.full((8, 8), np.inf), "jensen_shannon", "mask has pixels that are NaN or infinite"),
        (GREY.astype(complex), MASK, "kamath2025", "image of data type complex128"),
    ],
)
def test_bad_arguments_are_named(image, mask, definition, words):
    with pytest.raises(UserError, match=words):
        texture_disparity(image, mask, definition=definition)
