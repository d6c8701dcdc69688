"""Disparity of cases: volumes, several labels, rings, ignored pixels."""

import math

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture import DEFINITIONS, disparity_or_reason, texture_disparity
from nnunet_skipstudy.texture.case_disparity import case_disparity, ring
from nnunet_skipstudy.texture.disparity import code_counts, divergence
from nnunet_skipstudy.texture.patterns import pattern_codes


def scene(seed=0, shape=(256, 256), radius=50):
    """8-bit noise, coarser outside a disc; the disc is label 1, a square in it label 2."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[: shape[0], : shape[1]]
    labels = ((row - shape[0] / 2) ** 2 + (column - shape[1] / 2) ** 2 < radius**2).astype(np.uint8)
    labels[shape[0] // 2 : shape[0] // 2 + radius // 2, shape[1] // 2 : shape[1] // 2 + radius // 2] = 2
    coarse = np.kron(rng.integers(0, 256, (-(-shape[0] // 4), -(-shape[1] // 4))), np.ones((4, 4)))
    coarse = coarse[: shape[0], : shape[1]]
    return np.where(labels > 0, rng.integers(0, 256, shape), coarse).astype(np.uint8), labels


def pooled(image, label_map, definition):
    """The divergence of histograms summed over the slices that hold foreground; the slices are 256 x 256."""
    inside, outside = np.zeros(26, int), np.zeros(26, int)
    for one, its_labels in zip(image, label_map, strict=True):
        if its_labels.any():
            codes, region = pattern_codes(one, definition), its_labels > 0
            if definition == "jensen_shannon":
                region = region[3:-3, 3:-3]
            ours, theirs = code_counts(codes, region, ~region)
            inside, outside = inside + ours, outside + theirs
    return divergence(inside, outside, definition)


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("shape", [(256, 256), (200, 300)])
def test_a_flat_image_has_its_texture_disparity_and_so_has_a_single_slice(definition, shape):
    image, labels = scene(shape=shape)
    expected = texture_disparity(image, labels, definition=definition)
    assert case_disparity(image, labels, definition=definition).union.value == expected
    assert case_disparity(image[None], labels[None], definition=definition).union.value == expected


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_slices_are_pooled_and_empty_ones_left_out(definition):
    slices = [scene(seed, radius=20 + 20 * seed) for seed in range(3)]
    image, labels = (np.stack([pair[which] for pair in slices]) for which in (0, 1))
    expected = pooled(image, labels, definition)
    assert case_disparity(image, labels, definition=definition).union.value == expected
    image = np.concatenate([image, image[:1, ::-1]])
    labels = np.concatenate([labels, np.zeros_like(labels[:1])])
    assert case_disparity(image, labels, definition=definition).union.value == expected
    singles = [texture_disparity(*pair, definition=definition) for pair in slices]
    assert expected != pytest.approx(np.mean(singles), abs=1e-6)  # pooled histograms, not averaged values


def test_each_label_and_their_union():
    image, labels = scene()
    result = case_disparity(image, labels, labels={"rim": 1, "core": 2, "all": [1, 2]})
    assert result.union.value == texture_disparity(image, labels)
    assert result.labels["rim"].value == texture_disparity(image, labels == 1)
    assert result.labels["core"].value == texture_disparity(image, labels == 2)
    assert result.labels["all"] == result.union


def test_a_label_is_pooled_over_its_own_slices():
    image, labels = (np.stack(pair) for pair in zip(scene(0), scene(1), strict=True))
    labels[1][labels[1] == 2] = 1
    core = case_disparity(image, labels, labels={"rim": 1, "core": 2}).labels["core"]
    assert core.value == texture_disparity(image[0], labels[0] == 2)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_ring(definition):
    """What is further away than the ring is wide has no say."""
    image, labels = scene(radius=30)
    near = distance_transform_edt(labels == 0) <= 16
    other = np.where(near, image, np.random.default_rng(5).integers(0, 256, image.shape)).astype(np.uint8)
    far = distance_transform_edt(labels == 0) <= 16 + 4  # the patterns' radius and its interpolation
    other = np.where(far, image, other)
    ringed = [case_disparity(i, labels, definition=definition, background="ring").union.value for i in (image, other)]
    whole = [case_disparity(i, labels, definition=definition).union.value for i in (image, other)]
    assert ringed[0] == ringed[1] != pytest.approx(whole[0], abs=1e-6)
    assert whole[0] != pytest.approx(whole[1], abs=1e-3)


def test_ring_by_hand():
    inside = np.zeros((5, 6), bool)
    inside[2, 1] = True
    drawn = ["......", ".#....", "#.#...", ".#....", "......"]
    np.testing.assert_array_equal(ring(inside, 1), [[cell == "#" for cell in row] for row in drawn])
    assert ring(inside, 1.5).sum() == 8
    assert not ring(np.zeros((4, 4), bool), 3).any()


def test_a_ring_as_wide_as_the_image_is_all_of_it():
    image, labels = scene(shape=(200, 300))
    ringed = case_disparity(image, labels, background="ring", ring_px=400)
    assert ringed == case_disparity(image, labels)


def test_ignored_pixels_are_on_neither_side():
    image, labels = scene()
    labels[:, :60] = 9
    codes = pattern_codes(image, "kamath2025")
    inside, outside = (labels == 1) | (labels == 2), labels == 0
    expected = divergence(*code_counts(codes, inside, outside), "kamath2025")
    assert case_disparity(image, labels, ignore=9).union.value == expected


def test_colour_is_grey_and_opacity_left_out():
    image, labels = scene()
    colour = np.dstack([image, image[::-1], image])
    expected = texture_disparity(colour, labels)
    assert case_disparity(colour, labels).union.value == expected
    opaque = np.dstack([colour, np.random.default_rng(0).integers(0, 256, image.shape).astype(np.uint8)])
    assert case_disparity(opaque, labels).union.value == expected


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("kind", ["empty", "full", "vanishing"])
def test_what_has_no_disparity_says_why(definition, kind):
    image, labels = np.zeros((1, 1000, 1000), np.uint8), np.zeros((1, 1000, 1000), np.uint8)
    if kind == "full":
        labels[:] = 1
    if kind == "vanishing":
        labels[0, 0, 1] = 1
    result = case_disparity(image, labels, definition=definition).union
    assert math.isnan(result.value)
    assert result.reason == disparity_or_reason(image[0], labels[0], definition=definition).reason is not None


def test_an_absent_label_has_none():
    absent = case_disparity(*scene(), labels={"absent": 5}).labels["absent"]
    assert math.isnan(absent.value)
    assert absent.reason == "the mask is empty"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"definition": "kl"}, "definition 'kl' of texture disparity; choose one of kamath2025"),
        ({"background": "halo"}, "background 'halo' of texture disparity; choose one of all, ring"),
        ({"background": "ring", "ring_px": 0}, "a ring of 0 px around the object; give a positive width"),
    ],
)
def test_unknown_options_are_named(options, words):
    with pytest.raises(UserError, match=words):
        case_disparity(*scene(), **options)


@pytest.mark.parametrize(
    ("image", "labels"), [((4, 8, 8), (3, 8, 8)), ((8, 8), (8, 9)), ((2, 4, 8, 8), (4, 8, 8)), ((8, 8, 2), (8, 8))]
)
def test_shapes_that_do_not_fit_are_named(image, labels):
    with pytest.raises(UserError, match=r"\(8, 8|8, 8\)"):
        case_disparity(np.zeros(image), np.ones(labels, np.uint8))
