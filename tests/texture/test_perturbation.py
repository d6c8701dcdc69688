"""Perturbation: what it changes, what it leaves, and that a row replays it."""

import math

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.perturbation import (
    KINDS,
    STUDY_LEVELS,
    Perturbation,
    case_seed,
    parse_level,
    perturb,
    replay,
)

SPECKLE = Perturbation("speckle", 0.1)
BLUR = Perturbation("blur_background", 3)


def rng(*key):
    return np.random.default_rng(key)


def disc(rows=64, columns=80, radius=15):
    row, column = np.mgrid[:rows, :columns]
    return (row - rows / 2) ** 2 + (column - columns / 3) ** 2 < radius**2


def noise(dtype, shape=(64, 80), seed=0):
    """Noise over a good part of the type's range: CT values for int16, also negative ones."""
    low, high = {"uint8": (3, 250), "uint16": (90, 4095), "int16": (-1024, 3071)}.get(dtype, (-2.5, 7.5))
    values = rng(seed).random(shape) * (high - low) + low
    values.flat[:2] = low, high
    return values.astype(dtype)


DTYPES = ["uint8", "uint16", "int16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("perturbation", [*STUDY_LEVELS.values(), Perturbation("speckle", 5)])
def test_type_and_range_are_kept_and_the_argument_is_not_altered(dtype, perturbation):
    image = noise(dtype)
    before = image.copy()
    result = perturb(image, disc(), perturbation, rng(1))
    assert result.dtype == image.dtype
    assert result.shape == image.shape
    assert result.min() >= image.min()
    assert result.max() <= image.max()
    assert (result != image).any()
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("dtype", DTYPES)
def test_blur_leaves_the_object_to_the_bit_and_is_the_whole_images_blur_around_it(dtype):
    image, inside = noise(dtype), disc()
    result = perturb(image, inside, BLUR, rng())
    np.testing.assert_array_equal(result[inside], image[inside])
    blurred = gaussian_filter(image.astype(float), 3, mode="nearest")
    atol = 0.5 + 1e-9 if image.dtype.kind in "ui" else 1e-6
    np.testing.assert_allclose(result[~inside], blurred[~inside], atol=atol, rtol=0)


def test_the_object_bleeds_into_the_blurred_background():
    """A bright object on black leaves a halo, the wider the larger sigma is."""
    image, inside = disc().astype(float), disc()
    halo = [(perturb(image, inside, Perturbation("blur_background", s), rng())[~inside] > 0.01).sum() for s in (1, 3)]
    assert 0 < halo[0] < halo[1]


def test_blur_without_an_object_is_everywhere_and_with_nothing_else_nowhere():
    image = noise("uint8")
    nowhere, everywhere = (np.full(image.shape, value) for value in (True, False))
    np.testing.assert_array_equal(perturb(image, nowhere, BLUR, rng()), image)
    blurred = np.rint(gaussian_filter(image.astype(float), 3, mode="nearest"))
    np.testing.assert_allclose(perturb(image, everywhere, BLUR, rng()), blurred, atol=1)


@pytest.mark.parametrize("variance", [0.01, 0.1, 0.3])
def test_speckle_multiplies_by_noise_of_mean_zero_and_the_variance(variance):
    """Seen on pixels so dark that they are hardly ever clipped: (result - x) / x is n."""
    image = np.full((400, 400), 0.05)
    image[0, :2] = 0, 1
    result = perturb(image, np.zeros(image.shape), Perturbation("speckle", variance), rng(2))
    n = (result[1:] - 0.05) / 0.05
    kept = n > -1  # the rest is clipped at black: at variance 0.3 three in a hundred
    assert kept.mean() > 0.95
    spread = math.sqrt(variance)
    assert abs(np.median(n)) < 0.005
    central = np.quantile(n, 0.8413) - np.quantile(n, 0.5)  # one sigma, that no clipping touches
    assert central == pytest.approx(spread, rel=0.02)
    if variance < 0.1:
        assert n.mean() == pytest.approx(0, abs=5 * spread / 400)
        assert n.var() == pytest.approx(variance, rel=0.02)


def test_speckle_leaves_black_black_and_follows_the_seed():
    image = noise("int16")
    one, same, other = (perturb(image, disc(), SPECKLE, rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()
    assert (one[image == image.min()] == image.min()).all()


def test_the_unit_does_not_matter():
    image = noise("float64")
    for perturbation in (SPECKLE, BLUR):
        plain = perturb(image, disc(), perturbation, rng(1))
        scaled = perturb(image * 400 - 1000, disc(), perturbation, rng(1))
        np.testing.assert_allclose(scaled, plain * 400 - 1000, atol=1e-6)


@pytest.mark.parametrize("perturbation", [SPECKLE, BLUR])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_flat_image_stays_as_it_is(perturbation, dtype):
    image = np.full((20, 30), -7 if dtype == "int16" else 7, dtype)
    result = perturb(image, disc(20, 30, 5), perturbation, rng(0))
    np.testing.assert_array_equal(result, image)
    assert result is not image


@pytest.mark.parametrize("perturbation", [SPECKLE, BLUR])
def test_a_volume_is_perturbed_slice_by_slice_with_one_generator(perturbation):
    """Where each slice has the whole volume's range, it equals its slices perturbed one after the other."""
    image = np.stack([noise("int16", seed=seed) for seed in range(4)])
    mask = np.stack([disc(radius=radius) for radius in (0, 5, 10, 20)])
    one = rng(3)
    expected = [perturb(flat, inside, perturbation, one) for flat, inside in zip(image, mask, strict=True)]
    np.testing.assert_array_equal(perturb(image, mask, perturbation, rng(3)), expected)


def test_a_volumes_range_is_that_of_all_slices():
    image = np.stack([noise("uint8") // 4, noise("uint8")])
    result = perturb(image, np.zeros(image.shape), SPECKLE, rng(0))
    assert result[0].max() > image[0].max()  # not clipped at the dark slice's own brightest pixel


def test_three_slices_are_no_colours():
    """A volume whose last axis is 3 long, told from a colour image by its mask."""
    image = noise("uint8", (30, 40, 3))
    volume, colour = (perturb(image, np.zeros(shape), SPECKLE, rng(0)) for shape in ((30, 40, 3), (30, 40)))
    assert (volume != colour).any()


def test_colours_share_the_noise_of_a_pixel_and_opacity_stays():
    grey = noise("uint8")
    image = np.dstack([grey, grey, grey, np.arange(grey.size).reshape(grey.shape) % 256]).astype(np.uint8)
    result = perturb(image, disc(), SPECKLE, rng(0))
    np.testing.assert_array_equal(result[..., 3], image[..., 3])
    for channel in range(3):
        np.testing.assert_array_equal(result[..., channel], perturb(grey, disc(), SPECKLE, rng(0)))
    blurred = perturb(image, disc(), BLUR, rng(0))
    np.testing.assert_array_equal(blurred[..., 1], perturb(grey, disc(), BLUR, rng(0)))
    np.testing.assert_array_equal(blurred[..., 3], image[..., 3])


@pytest.mark.parametrize("perturbation", [*STUDY_LEVELS.values(), Perturbation("speckle", 0.0734375123)])
def test_a_row_replays_the_image_bit_for_bit(perturbation):
    """Also a row that went through a CSV file, where all is text."""
    image, inside = noise("float32"), disc()
    seed = case_seed(7, "harder", "case (1)")
    expected = perturb(image, inside, perturbation, np.random.default_rng(seed))
    row = {"case": "case (1)", "level": "harder", "parameters": str(perturbation), "seed": seed, "disparity": 0.1}
    assert replay(image, inside, row).tobytes() == expected.tobytes()
    assert replay(image, inside, {k: str(v) for k, v in row.items()}).tobytes() == expected.tobytes()
    with pytest.raises(UserError, match="no perturbation to replay"):
        replay(image, inside, {"parameters": "speckle:variance=0.1"})


def test_seeds_depend_on_seed_level_and_case_alone():
    seeds = [
        case_seed(*key) for key in [(0, "harder", "a"), (1, "harder", "a"), (0, "hardest", "a"), (0, "harder", "b")]
    ]
    assert len(set(seeds)) == 4
    assert seeds[0] == case_seed(0, "harder", "a") == 246495849044498
    assert all(0 <= seed < 2**48 for seed in seeds)


def test_the_studys_levels():
    assert {level: str(perturbation) for level, perturbation in STUDY_LEVELS.items()} == {
        "hardest": "speckle:variance=0.3",
        "harder": "speckle:variance=0.1",
        "easier": "blur_background:sigma_px=3",
        "easiest": "blur_background:sigma_px=7",
    }


@pytest.mark.parametrize("strength", [0, 1, 0.1, 1 / 3, 1e-7, 123.456789, 7.0])
@pytest.mark.parametrize("kind", KINDS)
def test_text_goes_round(kind, strength):
    perturbation = Perturbation(kind, min(strength, KINDS[kind].most))
    assert Perturbation.parse(str(perturbation)) == perturbation
    assert parse_level(f"my-level.2:{perturbation}") == ("my-level.2", perturbation)
    assert str(perturbation).startswith(f"{kind}:{KINDS[kind].parameter}=")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("softer", r"level 'softer'; write NAME:KIND:PARAMETER=NUMBER"),
        ("harder:sparkle:variance=1", "no perturbation 'sparkle'; choose one of speckle, blur_background"),
        ("harder:speckle:sigma_px=1", "perturbation 'speckle:sigma_px=1'; write speckle:variance=NUMBER"),
        ("harder:speckle:variance=much", "write speckle:variance=NUMBER"),
        ("harder:speckle", "write speckle:variance=NUMBER"),
        ("harder:speckle:variance=-1", "speckle with variance -1; give 0 or a positive number up to 1000"),
        ("easier:blur_background:sigma_px=1e6", "sigma_px 1e.06; give 0 or a positive number up to 512"),
        ("harder:speckle:variance=inf", "speckle with variance inf; give 0 or a positive number up to 1000"),
        ("harder:speckle:variance=1_0", "write speckle:variance=NUMBER"),
        ("harder:speckle:variance=1,axis=3", "speckle across axis 3; a volume has the axes 0, 1 and 2"),
        ("harder:blur_background:sigma_px=nan", "blur_background with sigma_px nan"),
        ("a/b:speckle:variance=1", "level name 'a/b'; use letters, digits"),
        ("unperturbed:speckle:variance=1", "level name 'unperturbed' is that of the images as they are"),
    ],
)
def test_texts_that_are_no_level(text, words):
    with pytest.raises(UserError, match=words):
        parse_level(text)


@pytest.mark.parametrize(
    ("image", "mask", "words"),
    [
        (np.zeros((4, 5)), np.zeros((5, 4)), r"image of shape \(4, 5\) with a mask of shape \(5, 4\)"),
        (np.zeros((2, 4, 5, 6)), np.zeros((4, 5, 6)), r"image of shape \(2, 4, 5, 6\).*one file a channel"),
        (np.zeros((4, 5, 2)), np.zeros((4, 5)), r"image of shape \(4, 5, 2\)"),
        (np.full((4, 5), np.nan), np.zeros((4, 5)), "image has pixels that are NaN or infinite"),
        (np.zeros((4, 5), bool), np.zeros((4, 5)), "image of data type bool"),
        (np.zeros((0, 5)), np.zeros((0, 5)), "has no pixels"),
    ],
)
def test_bad_images_are_named(image, mask, words):
    with pytest.raises(UserError, match=words):
        perturb(image, mask, SPECKLE, rng())


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_planes_across_any_axis_are_those_of_the_volume_turned(kind, axis):
    """A volume whose planes lie across another axis is perturbed as it would be if they came first; its row says so."""
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 200, (5, 20, 24)).astype(np.int16), np.zeros((5, 20, 24), np.uint8)
    mask[:, 5:12, 6:15] = 1
    row = {"parameters": str(Perturbation(kind, 0.5, axis)), "seed": 7}
    assert Perturbation.parse(row["parameters"]) == Perturbation(kind, 0.5, axis)
    expected = replay(image, mask, {**row, "parameters": str(Perturbation(kind, 0.5))})
    turned = replay(np.moveaxis(image, 0, axis), np.moveaxis(mask, 0, axis), row)
    np.testing.assert_array_equal(np.moveaxis(turned, axis, 0), expected)
    assert case_disparity(np.moveaxis(image, 0, axis), np.moveaxis(mask, 0, axis), axis=axis) == case_disparity(
        image, mask
    )


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_volume_of_one_slice_is_flat_wherever_it_lies(axis):
    rng = np.random.default_rng(0)
    image, mask = rng.integers(0, 200, (20, 24)).astype(np.uint8), np.zeros((20, 24), np.uint8)
    mask[5:12, 6:15] = 1
    row = {"parameters": "blur_background:sigma_px=2", "seed": 7}
    thick = replay(np.expand_dims(image, axis), np.expand_dims(mask, axis), row)
    np.testing.assert_array_equal(thick.squeeze(axis), replay(image, mask, row))
    assert case_disparity(np.expand_dims(image, axis), np.expand_dims(mask, axis)) == case_disparity(image, mask)
