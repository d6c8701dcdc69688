"""Levels that move texture without noise or outline, and distortion without texture, where the truth is known."""

from functools import cache

import numpy as np
import pytest

from nnunet_skipstudy.conversion.textures import load_texture
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture.blur_elsewhere import sharp_share
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.leak import best_dice, leak_probe
from nnunet_skipstudy.texture.null import null_draws
from nnunet_skipstudy.texture.perturbation import (
    KNOWN_LEVELS,
    LEVEL_SETS,
    Perturbation,
    case_seed,
    drawn_as,
    parse_level,
    perturb,
    psnr_db,
)
from nnunet_skipstudy.texture.quilting import quilted

EASIER = LEVEL_SETS["controlled"]["easier_elsewhere"]
EASIEST = LEVEL_SETS["controlled"]["easiest_elsewhere"]


def rng(*key):
    return np.random.default_rng(key)


@cache
def texture(name):
    return np.rint(load_texture(name, side_px=512, rng=rng(0)).pixels * 255).astype(np.uint8)


def disc(centre, radius, side=256):
    row, column = np.mgrid[:side, :side]
    return (row - centre[0]) ** 2 + (column - centre[1]) ** 2 <= radius**2


def one_texture(name, radius, number):
    """A crop of a texture and a disc in it, where there is nothing to segment."""
    chance = rng(number, radius)
    row, column = chance.integers(0, 256, 2)
    return texture(name)[row : row + 256, column : column + 256], disc(
        chance.integers(radius + 3, 253 - radius, 2), radius
    )


def td(image, mask):
    return case_disparity(image, mask).union.value


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


@pytest.mark.parametrize("name", ["grass", "gravel", "brick", "procedural:0.3"])
@pytest.mark.parametrize("radius", [10, 20, 35, 60])
def test_blur_elsewhere_raises_td_and_does_not_show_the_object(name, radius):
    """One texture, nothing to segment: the probe rises by 0.05 at most where the study's own blur draws the outline."""
    rows = []
    for number in range(5):
        image, mask = one_texture(name, radius, number)
        levels = [image, *(perturb(image, mask, level, rng(number)) for level in (EASIER, EASIEST))]
        outline = perturb(image, mask, Perturbation("blur_background", 7), rng())
        rows.append(
            [*(leak_probe(level, mask) for level in (*levels, outline)), *(td(level, mask) for level in levels)]
        )
    before, easier, easiest, outline, td_before, td_easier, td_easiest = np.mean(rows, axis=0)
    assert easier <= before + 0.05
    assert easiest <= before + 0.05
    assert outline > before + 0.3
    assert td_before < td_easier < td_easiest


def test_the_region_that_is_kept_gives_no_more_away_than_its_strength():
    """The region's Dice coefficient with the object: at most the whole image's and the leak, wherever blur begins."""
    for number, (radius, leak) in enumerate([(4, 0.05), (20, 0.03), (35, 0.05), (60, 0.05), (60, 0.2)]):
        mask = disc((100 + 5 * number, 130), radius)
        noise = rng(number).random((256, 256))
        changed = perturb(noise, mask, Perturbation("blur_elsewhere", leak), rng(7, number)) != noise
        assert 0.02 < changed.mean() <= 1 - sharp_share(mask.mean(), leak) + 1e-3
        assert not changed[mask].any()
        assert dice(~changed, mask) <= dice(np.ones_like(mask), mask) + leak + 1e-4


def test_the_object_lies_anywhere_in_the_region_that_is_kept():
    """Its middle is as often far from the blur as any place of the region is: ranks are uniform, by their mean."""
    from scipy.ndimage import distance_transform_edt

    ranks = []
    for number in range(60):
        mask = disc((128, 128), 3)
        noise = rng(number).random((256, 256))
        kept = perturb(noise, mask, Perturbation("blur_elsewhere", 0.05), rng(number, 1)) == noise
        distance = distance_transform_edt(np.pad(kept, 256, mode="wrap"))[256:-256, 256:-256]
        allowed = distance > 3.5  # where a disc of this size fits
        ranks.append((distance[allowed] < distance[128, 128]).mean())
    assert np.mean(ranks) == pytest.approx(0.5, abs=3 / np.sqrt(12 * 60))


def test_an_image_without_an_object_is_blurred_like_any_other_and_one_that_is_all_object_is_not():
    noise = rng(0).random((128, 160))
    none, full = (np.full(noise.shape, value) for value in (False, True))
    assert 0.1 < (perturb(noise, none, EASIEST, rng(1)) != noise).mean() < 0.7
    np.testing.assert_array_equal(perturb(noise, full, EASIEST, rng(1)), noise)


def test_the_probe_finds_what_is_sharp_and_only_that():
    """A sharp disc on blur: nearly all of it; one texture: little more than the whole image would get."""
    image, mask = one_texture("grass", 30, 0)
    assert leak_probe(perturb(image, mask, Perturbation("blur_background", 7), rng()), mask) > 0.9
    trivial = dice(np.ones_like(mask), mask)
    assert trivial <= leak_probe(image, mask) < trivial + 0.05
    assert np.isnan(leak_probe(image, np.zeros_like(mask)))


@pytest.mark.parametrize("seed", range(20))
def test_no_threshold_does_better_than_the_best(seed: int):
    """Each threshold and both of its sides, tried one after the other; scores with ties, zeros and tiny steps."""
    rng = np.random.default_rng(seed)
    score = rng.choice([0.0, 0.5, 1.0, *rng.random(5), *(1 + 1e-9 * rng.random(5))], 60)
    inside = rng.random(60) < rng.uniform(0.05, 0.95)
    inside[rng.integers(60)] = True
    sides = [side for threshold in np.unique(score) for side in (score <= threshold, score > threshold)]
    dice = [2 * (side & inside).sum() / (side.sum() + inside.sum()) for side in sides]
    assert best_dice(score, inside) == pytest.approx(max(dice), abs=1e-12)


def test_best_dice_by_hand():
    """Scores 1 2 2 3, object at the two 2's: above 1 are three, below 3 too: 2 * 2 / (3 + 2). Ties are one side."""
    assert best_dice(np.array([1.0, 2, 2, 3]), np.array([False, True, True, False])) == pytest.approx(0.8)
    assert best_dice(np.array([3.0, 1, 1, 1]), np.array([True, False, False, False])) == 1
    assert best_dice(np.array([1.0, 1, 3, 3]), np.array([True, True, False, False])) == 1
    assert best_dice(np.full(4, 5.0), np.array([True, False, False, False])) == pytest.approx(0.4)


def two_textures(number, radius=35):
    image, mask = one_texture("grass", radius, number)
    other, _ = one_texture("procedural:0.6", radius, number)
    return np.where(mask, other, image), mask


def test_a_blend_lowers_td_with_alpha_down_to_what_chance_leaves():
    """Two textures: each step of alpha lowers TD, until it lies where the shape alone would be, and there it stays."""
    for number in range(3):
        image, mask = two_textures(number)
        levels = [perturb(image, mask, Perturbation("blend", a), rng(number)) for a in (0, 0.3, 0.6, 1)]
        values = [td(level, mask) for level in levels]
        assert values[0] > values[1] > values[2]
        null = case_disparity(image, mask, draws=null_draws(str(number), 40)).union.null
        assert values[0] > 3 * max(null)
        assert max(values[2:]) < 1.2 * max(null)


def test_a_blend_leaves_brightness_and_what_is_far_from_the_object():
    """The object's mean grey stays within 4 levels of 64; nothing changes beyond the rim, nor at alpha 0."""
    image, mask = two_textures(0)
    image = np.where(mask, image // 2, image)
    result = perturb(image, mask, Perturbation("blend", 1), rng(0))
    assert result[mask].mean() == pytest.approx(image[mask].mean(), abs=4)
    far = ~disc(np.argwhere(mask).mean(axis=0), 35 + 6)
    np.testing.assert_array_equal(result[far], image[far])
    np.testing.assert_array_equal(perturb(image, mask, Perturbation("blend", 0), rng(0)), image)
    for nothing in (np.zeros_like(mask), np.ones_like(mask)):
        np.testing.assert_array_equal(perturb(image, nothing, Perturbation("blend", 1), rng(0)), image)


def test_a_blend_of_one_texture_with_itself_keeps_its_contrast():
    """So that no blend shows by its contrast: halfway the object's standard deviation is what it was."""
    image, mask = one_texture("grass", 50, 1)
    blended = perturb(image, mask, Perturbation("blend", 0.5), rng(3))
    assert blended[mask].std() == pytest.approx(image[mask].std(), rel=0.1)
    assert (blended != image).any()


def test_quilting_takes_nothing_from_outside_its_region_and_fills_what_is_asked():
    """Values of the region are 1, of the rest 0; without room for a patch there is nothing."""
    source = np.ones((60, 80))
    source[:, 40:] = 0
    sewn = quilted(source, source > 0, (75, 33), rng(0), side_px=16)
    assert sewn.shape == (75, 33)
    assert (sewn == 1).all()
    colour = quilted(np.dstack([source] * 3), source > 0, (10, 70), rng(0), side_px=16)
    assert colour.shape == (10, 70, 3)
    stripes = np.zeros((60, 80), bool)
    stripes[::4] = True
    assert quilted(source, stripes, (10, 10), rng(0), side_px=16) is None


def test_a_seam_runs_where_neighbours_agree():
    """A periodic stripe pattern, sewn from patches of any phase, has as few jumps as patches fit by their phase."""
    stripes = np.tile(np.sin(np.arange(120) * 2 * np.pi / 12), (120, 1))
    sewn = quilted(stripes, np.ones(stripes.shape, bool), (100, 100), rng(1), side_px=24)
    jump = np.abs(np.diff(sewn, axis=1)).max(axis=0)
    assert np.median(jump) < 0.6
    shuffled = rng(2).permutation(stripes.ravel()).reshape(stripes.shape)
    assert np.abs(np.diff(sewn, axis=1)).mean() < 0.5 * np.abs(np.diff(shuffled, axis=1)).mean()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
@pytest.mark.parametrize("of", ["speckle:variance=0.1", "speckle:variance=0.3", "blend:alpha=0.8"])
def test_a_sham_has_the_psnr_of_its_level_and_leaves_td_within_the_null_s_spread(of, dtype):
    """Within 0.1 dB; TD moves by less than the null's standard deviation, on average; the level's by more."""
    moved, spreads = [], []
    for number in range(3):
        grey, mask = two_textures(number)
        image = (grey * (1 if dtype == "uint8" else 7.5) - (0 if dtype == "uint8" else 900)).astype(dtype)
        level, its_sham = (perturb(image, mask, Perturbation.parse(text), rng(number)) for text in (of, f"sham_{of}"))
        assert psnr_db(image, its_sham, mask) == pytest.approx(psnr_db(image, level, mask), abs=0.1)
        before = case_disparity(image, mask, draws=null_draws(str(number), 20)).union
        spreads.append(np.std(before.null))
        moved.append((td(its_sham, mask) - before.value, td(level, mask) - before.value))
    sham, level = np.abs(moved).T
    assert sham.mean() <= np.mean(spreads)
    assert (level > 5 * np.array(spreads)).all()


def test_a_sham_of_nothing_is_nothing_and_one_out_of_reach_says_so_by_its_psnr():
    """Black and white stay what they are, so that no power distorts an image of these alone."""
    image, mask = one_texture("grass", 20, 0)
    np.testing.assert_array_equal(perturb(image, mask, Perturbation("sham_speckle", 0), rng(0)), image)
    bare = np.where(mask, 255, 0).astype(np.uint8)
    assert psnr_db(bare, perturb(bare, mask, Perturbation("sham_speckle", 0.3), rng(0)), mask) == np.inf


def test_two_perturbations_are_each_what_they_would_be_alone():
    """The first draws as without the second; the text stands for both, with the axis of volumes once."""
    image, mask = two_textures(0)
    both = Perturbation.parse("blend:alpha=0.5+speckle:variance=0.1")
    first = perturb(image, mask, Perturbation("blend", 0.5), rng(4))
    expected = perturb(first, mask, Perturbation("speckle", 0.1), rng(4))
    np.testing.assert_array_equal(perturb(image, mask, both, rng(4)), expected)
    for text in ("blend:alpha=0.5+speckle:variance=0.1", "blend:alpha=0.5,axis=2+sham_speckle_256:variance=0.1"):
        assert str(Perturbation.parse(text)) == text
    for made in KNOWN_LEVELS.values():
        assert Perturbation.parse(str(made)) == made
    with pytest.raises(UserError, match="no perturbation 'nothing'"):
        Perturbation.parse("blend:alpha=0.5+nothing:x=1")


def test_known_levels_go_by_name_and_those_of_a_set_are_drawn_alike():
    """A sham called after a level has that level's seeds; the study's own levels have theirs, as ever."""
    assert parse_level("easiest_elsewhere") == ("easiest_elsewhere", EASIEST)
    with pytest.raises(UserError, match=r"write NAME:KIND:PARAMETER=NUMBER, .* or one of hardest, harder"):
        parse_level("softer")
    sham = Perturbation("sham_speckle", 0.1)
    assert drawn_as("sham_harder", sham) == "harder"
    assert drawn_as("sham_harder", Perturbation("speckle", 0.1)) == "sham_harder"
    assert len({drawn_as(level, made) for level, made in LEVEL_SETS["factorial"].items()}) == 1
    assert [drawn_as(level, made) for level, made in LEVEL_SETS["study"].items()] == list(LEVEL_SETS["study"])
    assert case_seed(0, "harder", "a") == case_seed(0, drawn_as("sham_harder", sham), "a")
