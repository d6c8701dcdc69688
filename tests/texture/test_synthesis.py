"""Sources, crops, shapes, blending and categories of synthetic textures."""

import math

import numpy as np
import pytest
from PIL import Image as Pillow
from scipy import ndimage
from skimage.io import imsave
from skimage.util import img_as_float64

from nnunet_skipstudy.conversion.textures import (
    Crop,
    Region,
    cut,
    draw_crop,
    grey_pixels,
    halves,
    load_texture,
    procedural_texture,
)
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture import DEFINITIONS, texture_disparity
from nnunet_skipstudy.texture.blending import blend
from nnunet_skipstudy.texture.categories import disparity_categories
from nnunet_skipstudy.texture.shapes import (
    SHAPE_PRESETS,
    Shape,
    draw_shape,
    outline,
    shape_mask,
    shape_preset,
)


def rng(*key):
    return np.random.default_rng(key)


# Blending


def test_blending_by_hand():
    foreground, background = np.full((2, 2), 1.0), np.zeros((2, 2))
    mask = np.array([[1, 0], [0, 0]])
    np.testing.assert_allclose(blend(foreground, background, mask, alpha=0.3), [[0.7, 0], [0, 0]])
    np.testing.assert_allclose(
        blend(foreground, background, mask, alpha=0.3, direction="background"), [[1, 0.3], [0.3, 0.3]]
    )


@pytest.mark.parametrize("direction", ["foreground", "background"])
def test_the_ends_of_alpha(direction):
    """At 0 the textures are apart; at 1 one of them is everywhere."""
    foreground, background = rng(0).random((2, 5, 5))
    mask = np.eye(5, dtype=bool)
    apart = blend(foreground, background, mask, alpha=0, direction=direction)
    np.testing.assert_array_equal(apart, np.where(mask, foreground, background))
    alike = blend(foreground, background, mask, alpha=1, direction=direction)
    np.testing.assert_array_equal(alike, background if direction == "foreground" else foreground)


@pytest.mark.parametrize("alpha", [-0.01, 1.01, math.nan])
def test_alpha_out_of_range(alpha):
    with pytest.raises(UserError, match=r"alpha .* is out of range; give a proportion from 0"):
        blend(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros((2, 2)), alpha=alpha)


def test_blending_refuses_unknown_direction_and_unlike_shapes():
    square = np.zeros((2, 2))
    with pytest.raises(UserError, match="direction 'sideways'; choose one of foreground, background"):
        blend(square, square, square, alpha=0.5, direction="sideways")
    with pytest.raises(UserError, match="differ in shape"):
        blend(square, square, np.zeros((2, 3)), alpha=0.5)


# Shapes


@pytest.mark.parametrize("size", [32, 64, 256])
@pytest.mark.parametrize("name", SHAPE_PRESETS)
def test_shapes_lie_inside_are_connected_and_of_sensible_size(name, size):
    for seed in range(15):
        shape = draw_shape(SHAPE_PRESETS[name], size, rng(seed))
        points = outline(shape)
        assert points.min() >= 0
        assert points.max() <= size - 1
        mask = shape_mask(shape, size)
        assert mask.shape == (size, size)
        assert ndimage.label(mask)[1] == 1
        assert ndimage.label(~np.pad(mask, 1))[1] == 1  # no hole
        assert 0.05 < mask.mean() < 0.45


def test_harder_presets_have_longer_outlines_for_their_area():
    """Perimeter over that of a circle of the same area, mean of 20 shapes, grows from preset to preset."""

    def raggedness(preset):
        values = []
        for seed in range(20):
            shape = draw_shape(preset, 256, rng(seed))
            points = outline(shape)
            length = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1).sum()
            values.append(length / math.sqrt(4 * math.pi * shape_mask(shape, 256).sum()))
        return np.mean(values)

    values = [raggedness(preset) for preset in SHAPE_PRESETS.values()]
    assert values == sorted(values)
    assert values[0] < 1.1
    assert values[-1] > 1.5


def test_four_anchors_on_a_circle_make_a_circle():
    shape = Shape(((1, 0), (0, 1), (-1, 0), (0, -1)), edginess=0, radius_px=10, centre_px=(20, 30))
    distances = np.linalg.norm(outline(shape) - [20, 30], axis=1)
    assert distances.max() == pytest.approx(10)
    assert distances.min() > 9.9


def test_rows_and_columns_of_outline_and_mask_agree():
    """A shape low on the left, longer along the columns than along the rows."""
    shape = Shape(((0.4, 0), (0, 1), (-0.4, 0), (0, -1)), edginess=0, radius_px=8, centre_px=(50, 12))
    rows, columns = np.nonzero(shape_mask(shape, 64))
    assert rows.mean() == pytest.approx(50, abs=0.5)
    assert columns.mean() == pytest.approx(12, abs=0.5)
    assert np.ptp(columns) > 1.5 * np.ptp(rows)


def test_the_same_seed_draws_the_same_shape():
    draws = [draw_shape(SHAPE_PRESETS["wavy"], 64, rng(seed)) for seed in (5, 5, 6)]
    assert draws[0] == draws[1] != draws[2]


def test_shapes_refuse_unknown_presets_and_tiny_images():
    with pytest.raises(UserError, match="no shape preset 'blob'; choose one of round, smooth"):
        shape_preset("blob")
    with pytest.raises(UserError, match="image size 31; give at least 32"):
        draw_shape(SHAPE_PRESETS["round"], 31, rng(0))


# Crops


@pytest.mark.parametrize(("rows", "columns"), [(10, 20), (20, 10), (11, 11)])
def test_halves_cover_all_without_overlap(rows, columns):
    seen = np.zeros((rows, columns), int)
    for region in halves(rows, columns):
        seen[region.row : region.row + region.rows, region.column : region.column + region.columns] += 1
    assert (seen == 1).all()


def test_crops_stay_in_their_region_and_reach_its_ends():
    region = Region(row=3, column=7, rows=6, columns=9)
    crops = [draw_crop(region, 5, rng(seed)) for seed in range(200)]
    assert {crop.row for crop in crops} == {3, 4}
    assert {crop.column for crop in crops} == {7, 8, 9, 10, 11}
    with pytest.raises(UserError, match="a crop of 7 x 7 pixels doesn't fit into 6 x 9"):
        draw_crop(region, 7, rng(0))


def test_cut_by_hand():
    texture = np.arange(12).reshape(3, 4)
    np.testing.assert_array_equal(cut(texture, Crop(1, 2, False, False), 2), [[6, 7], [10, 11]])
    np.testing.assert_array_equal(cut(texture, Crop(1, 2, True, False), 2), [[10, 11], [6, 7]])
    np.testing.assert_array_equal(cut(texture, Crop(1, 2, False, True), 2), [[7, 6], [11, 10]])


# Sources


def test_procedural_textures_differ_in_texture_only():
    for strength in (0, 0.5, 1):
        texture = procedural_texture(strength, 256, rng(1))
        assert texture.mean() == pytest.approx(0.5, abs=0.01)
        assert texture.std() == pytest.approx(0.15, abs=0.01)
        assert texture.min() >= 0
        assert texture.max() <= 1


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("size", [64, 256])
def test_disparity_grows_with_the_strength(definition, size):
    """From strength 0 as background, the disparity of each further strength is larger than the one before."""
    row, column = np.mgrid[:size, :size]
    mask = (row - size / 2) ** 2 + (column - size / 2) ** 2 < (0.3 * size) ** 2

    def disparity(strength):
        values = []
        for seed in range(3):
            pair = (procedural_texture(s, size, rng(seed, role)) for role, s in enumerate((strength, 0)))
            values.append(texture_disparity(blend(*pair, mask, alpha=0), mask, definition=definition))
        return np.mean(values)

    values = [disparity(strength) for strength in (0, 0.2, 0.4, 0.6, 0.8, 1)]
    assert values == sorted(values)
    assert values[0] < 0.05
    assert values[-1] > 0.2


@pytest.mark.parametrize("name", ["brick", "grass", "gravel"])
def test_named_textures(name):
    texture = load_texture(name, side_px=0, rng=rng(0))
    assert texture.name == name
    assert texture.pixels.shape == (512, 512)
    assert 0 <= texture.pixels.min() < texture.pixels.max() <= 1


def test_a_picture_of_the_users_keeps_its_orientation(tmp_path):
    picture = np.zeros((20, 30, 3), np.uint8)
    picture[2, 25] = 255
    imsave(tmp_path / "mine.png", picture, check_contrast=False)
    texture = load_texture(str(tmp_path / "mine.png"), side_px=0, rng=rng(0))
    assert texture.name == "mine.png"
    assert texture.pixels.shape == (20, 30)
    assert np.argwhere(texture.pixels > 0.5).tolist() == [[2, 25]]


def test_a_jpeg_will_do(tmp_path):
    imsave(tmp_path / "mine.jpg", np.full((20, 30), 128, np.uint8), check_contrast=False)
    texture = load_texture(str(tmp_path / "mine.jpg"), side_px=0, rng=rng(0))
    assert texture.pixels.mean() == pytest.approx(128 / 255, abs=0.01)


def test_grey_of_many_kinds_of_pixels():
    eight = rng(0).integers(0, 256, (4, 5)).astype(np.uint8)
    expected = eight / 255
    opaque = np.full((4, 5), 255, np.uint8)
    for picture in (
        eight,
        eight / 255,
        eight.astype(np.uint16) * 257,
        np.dstack([eight, opaque]),
        np.dstack([eight, eight, eight]),
        np.dstack([eight, eight, eight, opaque]),
    ):
        np.testing.assert_allclose(grey_pixels(picture, "x"), expected, atol=1e-6)
    assert np.ptp(grey_pixels(eight * 7.0 - 300, "x")) == 1
    with pytest.raises(UserError, match="'x' has shape"):
        grey_pixels(np.zeros((2, 4, 5, 3)), "x")
    with pytest.raises(UserError, match="'x' has pixels that are NaN"):
        grey_pixels(np.full((4, 5), np.nan), "x")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("gras", "texture 'gras': no texture of that name and no such file; give brick, grass, gravel"),
        ("procedural:much", "'much' is no number; give a strength from 0 to 1"),
        ("procedural:1.5", "procedural texture of strength 1.5; give a strength from 0 to 1"),
        (__file__, r"test_synthesis.py: not a picture; convert it to one of \.png"),
    ],
)
def test_sources_that_are_none(source, words):
    with pytest.raises(UserError, match=words):
        load_texture(source, side_px=64, rng=rng(0))


# Categories


def test_categories_are_quintiles_smallest_hardest():
    names = disparity_categories([9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
    assert names[::2] == ["easiest", "easier", "medium", "harder", "hardest"]
    assert names[1::2] == names[::2]


def test_categories_of_few_equal_and_unknown_values():
    assert disparity_categories([]) == []
    assert disparity_categories([math.nan]) == [""]
    assert disparity_categories([1, math.nan, 1]) == ["hardest", "", "hardest"]
    assert disparity_categories([1, 2]) == ["hardest", "easiest"]


@pytest.mark.parametrize(("bits", "dtype"), [(12, np.uint16), (14, np.uint16), (16, np.int32), (12, np.uint32)])
def test_textures_of_few_bits_in_many_are_not_black(tmp_path, bits, dtype):
    """As cameras and microscopes write them; grey and colour, whose opacity says nothing about the bits."""
    values = np.random.default_rng(0).integers(0, 2**bits, (20, 30)).astype(dtype)
    values[0, 0] = 2**bits - 1
    grey = grey_pixels(values, "a")
    np.testing.assert_allclose(grey, values / (2**bits - 1))
    opaque = np.dstack([values, values, values, np.full_like(values, np.iinfo(dtype).max)])
    np.testing.assert_allclose(grey_pixels(opaque, "a"), grey, atol=1e-12)
    eight = (values >> (bits - 8)).astype(np.uint8)
    np.testing.assert_array_equal(grey_pixels(eight, "a"), img_as_float64(eight))


@pytest.mark.parametrize("ending", [".jpg", ".tif"])
def test_pictures_that_would_come_out_negative_or_turned(tmp_path, ending):
    """Print colours are refused; a photo is turned as its camera says."""
    picture = Pillow.fromarray(np.random.default_rng(0).integers(0, 255, (20, 30, 3)).astype(np.uint8))
    picture.convert("CMYK").save(tmp_path / f"print{ending}")
    with pytest.raises(UserError, match=f"print{ending}"):
        load_texture(str(tmp_path / f"print{ending}"), side_px=64, rng=np.random.default_rng(0))
    exif = Pillow.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "photo.jpg", exif=exif)
    assert load_texture(str(tmp_path / "photo.jpg"), side_px=64, rng=np.random.default_rng(0)).pixels.shape == (30, 20)
