"""Speckle and blur against their closed forms, and made-up textures against their own description."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.ndimage import distance_transform_edt

from nnunet_skipstudy.conversion.textures import COARSEST_PX, FINEST_PX, procedural_texture
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture.background_blur import TRUNCATE, blur_background
from nnunet_skipstudy.texture.perturbation import KINDS, Perturbation, case_seed, perturb, replay
from nnunet_skipstudy.texture.speckle import speckle

SHAPE = (300, 400)


def rng(*key: int) -> np.random.Generator:
    return np.random.default_rng(key)


def clipped_normal(mean: float, sigma: float) -> tuple[float, float]:
    """Mean and variance of a normal number clipped to 0 ... 1."""
    a, b = (0 - mean) / sigma, (1 - mean) / sigma
    inner = stats.truncnorm(a, b, mean, sigma)
    below, above = stats.norm.cdf(a), stats.norm.sf(b)
    first = (1 - below - above) * inner.mean() + above
    second = (1 - below - above) * inner.moment(2) + above
    return first, second - first**2


@pytest.mark.parametrize("variance", [0.01, 0.1, 0.3, 2.0])
@pytest.mark.parametrize("grey", [0.1, 0.5, 0.9, 1.0])
def test_speckle_has_the_mean_and_variance_of_its_clipped_normal(grey: float, variance: float) -> None:
    """X + n x with n of that variance, cut off at 0 and 1: within four standard errors of 120 000 pixels."""
    result = speckle(np.full(SHAPE, grey), rng(1), variance=variance)
    mean, spread = clipped_normal(grey, grey * math.sqrt(variance))
    n = result.size
    assert result.mean() == pytest.approx(mean, abs=4 * math.sqrt(spread / n))
    assert result.var() == pytest.approx(spread, rel=0.03)
    assert 0 <= result.min() <= result.max() <= 1


def test_speckle_is_independent_from_pixel_to_pixel_and_proportional_to_the_grey() -> None:
    """Neighbours don't correlate; twice the grey, twice the noise of the same seed."""
    result = speckle(np.full(SHAPE, 0.2), rng(2), variance=0.01) - 0.2
    for axis in (0, 1):
        one, other = np.moveaxis(result, axis, 0)[:-1], np.moveaxis(result, axis, 0)[1:]
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.015
    double = speckle(np.full(SHAPE, 0.4), rng(2), variance=0.01) - 0.4
    np.testing.assert_allclose(double, 2 * result, atol=1e-12)


def test_a_stronger_speckle_is_the_same_noise_larger() -> None:
    """So levels of one seed would differ in strength alone; variance 0 changes nothing; colours share the noise."""
    image = np.full((50, 60), 0.3)
    weak, strong = (speckle(image, rng(3), variance=v) - image for v in (0.001, 0.004))
    np.testing.assert_allclose(strong, 2 * weak, atol=1e-12)
    np.testing.assert_array_equal(speckle(image, rng(3), variance=0), image)
    colour = speckle(np.stack([image, image / 2], axis=2), rng(3), variance=0.001)
    np.testing.assert_allclose(colour[..., 0], image + weak)
    np.testing.assert_allclose(colour[..., 1], image / 2 + weak / 2)


@pytest.mark.parametrize("sigma", [2.0, 5.0])
def test_a_blurred_step_is_the_normal_distribution_s_integral(sigma: float) -> None:
    """Half dark, half bright, no object: Phi(distance / sigma), the same in every row."""
    image = np.zeros((20, 80))
    image[:, 40:] = 1
    result = blur_background(image, np.zeros(image.shape, bool), sigma_px=sigma)
    expected = stats.norm.cdf((np.arange(80) - 39.5) / sigma)
    np.testing.assert_allclose(result, np.broadcast_to(expected, image.shape), atol=0.006)


def test_blur_keeps_the_object_and_reaches_no_further_than_its_kernel() -> None:
    """An object on black: nothing changes inside, and nothing beyond four sigmas of it."""
    inside = np.zeros((80, 90), bool)
    inside[30:45, 40:60] = True
    image = np.where(inside, rng(0).random(inside.shape) * 0.5 + 0.5, 0)
    result = blur_background(image, inside, sigma_px=2)
    np.testing.assert_array_equal(result[inside], image[inside])
    away = distance_transform_edt(~inside)
    assert (result[away > math.sqrt(2) * (TRUNCATE * 2 + 1)] == 0).all()
    assert (result[(away > 0) & (away <= 2)] > 0.01).all()
    assert image[~inside].max() == 0  # the argument is as it was


def test_blur_mixes_no_colours_and_leaves_a_flat_background_flat() -> None:
    inside = np.zeros((30, 40), bool)
    image = np.dstack([rng(1).random((30, 40)), np.zeros((30, 40)), np.full((30, 40), 0.7)])
    result = blur_background(image, inside, sigma_px=3)
    assert (result[..., 1] == 0).all()
    np.testing.assert_allclose(result[..., 2], 0.7)
    np.testing.assert_allclose(result[..., 0], blur_background(image[..., 0], inside, sigma_px=3))
    np.testing.assert_array_equal(blur_background(image, ~inside, sigma_px=3), image)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("shape", [(40, 50), (3, 40, 50), (40, 50, 3)], ids=str)
def test_a_row_replays_what_was_made_of_flat_images_volumes_and_colours(
    kind: str, dtype: str, shape: tuple[int, ...]
) -> None:
    """From the seed and the text of the row alone; another case's seed gives another image, where there is chance."""
    image = (rng(5).random(shape) * 200).astype(dtype)
    mask = np.zeros(shape[:2] if shape[-1] == 3 else shape, np.uint8)
    mask[..., 10:20, 15:30] = 4
    level = Perturbation(kind, 0.7 if not kind.endswith("_256") else 5)  # of 256 pixels, of which 40 are few
    seed = case_seed(3, "mine", "case_α")
    made = perturb(image, mask, level, np.random.default_rng(seed))
    row = {"parameters": str(level), "seed": str(seed)}
    assert replay(image, mask, row).tobytes() == made.tobytes()
    other = replay(image, mask, {**row, "seed": case_seed(3, "mine", "case_β")})
    if not kind.startswith("sham_"):  # of other noise, it may have the same PSNR
        assert (other.tobytes() != made.tobytes()) == (not kind.startswith("blur_background"))
    assert (made != image).any()


def test_no_two_of_many_cases_levels_and_data_sets_share_a_seed() -> None:
    """Names that run together ("ab", "c" and "a", "bc") are told apart."""
    seeds = [case_seed(s, level, case) for s in range(20) for level in ("a", "ab", "harder") for case in
             ("c", "bc", "", *(f"case{n}" for n in range(50)))]  # fmt: skip
    assert len(set(seeds)) == len(seeds)


@pytest.mark.parametrize("strength", [0.0, 0.5, 1.0])
def test_a_procedural_texture_has_the_wavelength_of_its_strength(strength: float) -> None:
    """Its power lies around one wavelength, 3 px at 0 and 24 px at 1, alike along rows and columns."""
    texture = procedural_texture(strength, 240, rng(4))
    power = np.abs(np.fft.fft2(texture - texture.mean())) ** 2
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(240)] * 2))
    known = frequency > 0
    octaves = np.average(np.log2(frequency[known]), weights=power[known])
    wavelength = FINEST_PX * (COARSEST_PX / FINEST_PX) ** strength
    # More waves fit at the short end of a band: its mean lies a third of an octave beside the middle.
    assert -octaves == pytest.approx(math.log2(wavelength), abs=0.5)
    along = [(np.diff(texture, axis=axis) ** 2).mean() for axis in (0, 1)]
    assert along[0] == pytest.approx(along[1], rel=0.15)


def test_a_procedural_texture_is_periodic_and_follows_the_generator() -> None:
    """Across the edge neighbours are as alike as elsewhere."""
    texture = procedural_texture(1, 128, rng(0))
    across = ((texture[0] - texture[-1]) ** 2).mean()
    assert across < 3 * (np.diff(texture, axis=0) ** 2).mean()
    np.testing.assert_array_equal(procedural_texture(1, 128, rng(0)), texture)
    assert (procedural_texture(1, 128, rng(1)) != texture).any()


@pytest.mark.parametrize("strength", [-0.01, 1.01, math.nan])
def test_a_strength_out_of_range_is_named(strength: float) -> None:
    with pytest.raises(UserError, match=r"procedural texture of strength .*; give a strength from 0 to 1"):
        procedural_texture(strength, 32, rng(0))
