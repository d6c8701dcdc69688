"""The null of a disparity: what the shape alone scores, so that one texture has no excess at any size."""

from collections.abc import Callable

import numpy as np
import pytest
from skimage import data

from nnunet_skipstudy.conversion.textures import procedural_texture
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.texture.case_disparity import case_disparity, ring
from nnunet_skipstudy.texture.circle import N_CODES
from nnunet_skipstudy.texture.disparity import Disparity
from nnunet_skipstudy.texture.null import null_counts, null_draws
from nnunet_skipstudy.texture.patterns import DEFINITIONS

ROW, COLUMN = np.mgrid[:256, :256]
RADII = (4, 7, 12, 30, 45, 60)
TEXTURES: dict[str, Callable[[], np.ndarray]] = {
    "grass": data.grass,
    "gravel": data.gravel,
    "brick": data.brick,
    "noise": lambda: procedural_texture(0.3, 512, np.random.default_rng(5)),
}
N_IMAGES = 150


def disc(radius: float, centre: tuple[float, float] = (128, 128)) -> np.ndarray:
    return ((ROW - centre[0]) ** 2 + (COLUMN - centre[1]) ** 2 <= radius**2).astype(np.uint8)


def cut(texture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    row, column = rng.integers(0, texture.shape[0] - 255, 2)
    return texture[row : row + 256, column : column + 256]


def placed(radius: float, rng: np.random.Generator) -> np.ndarray:
    row, column = rng.uniform(radius + 4, 251 - radius, 2)
    return disc(radius, (row, column))


def measured(image: np.ndarray, mask: np.ndarray, definition: str, number: int) -> Disparity:
    return case_disparity(image, mask, definition=definition, draws=null_draws(str(number), 20)).union


@pytest.mark.parametrize("definition", DEFINITIONS)
@pytest.mark.parametrize("texture", TEXTURES)
def test_one_texture_has_no_excess_at_any_size(texture: str, definition: str) -> None:
    """Radius 4 to 60, anywhere in the image: mean excess within 0.02, give or take thrice its error at radius 4;
    percentiles are spread as numbers drawn at random are.
    """
    pixels, rng = TEXTURES[texture](), np.random.default_rng(1)
    for radius in RADII:
        found = [measured(cut(pixels, rng), placed(radius, rng), definition, n) for n in range(N_IMAGES)]
        excess = np.array([one.excess for one in found])
        error = excess.std() / N_IMAGES**0.5
        assert abs(excess.mean()) <= max(0.02, 3 * error), radius
        percentiles = np.array([one.percentile for one in found])
        assert 35 <= percentiles.mean() <= 70, radius
        assert 20 <= percentiles.std() <= 36, radius
        assert (percentiles > 95).mean() <= 0.16, radius


def test_without_the_null_size_is_what_is_measured() -> None:
    """The same grass scores 0.5 at radius 4 and 0.01 at radius 60, by the study's definition."""
    pixels, rng = data.grass(), np.random.default_rng(2)
    means = [
        np.mean([measured(cut(pixels, rng), placed(radius, rng), "kamath2025", n).value for n in range(30)])
        for radius in (4, 60)
    ]
    assert means[0] > 20 * means[1]


@pytest.mark.parametrize(("inner", "outer"), [("grass", "gravel"), ("gravel", "grass"), ("noise", "grass")])
def test_half_blended_discs_have_one_excess_at_any_size(inner: str, outer: str) -> None:
    """By Jensen-Shannon within 0.05 for radius 4, 10 and 60; the study's definition doesn't keep to that."""
    rng = np.random.default_rng(3)
    inside, outside = TEXTURES[inner]() / 1.0, TEXTURES[outer]() / 1.0
    inside, outside = (pixels / pixels.max() for pixels in (inside, outside))
    means = []
    for radius in (4, 10, 60):
        excess = []
        for number in range(60):
            mask, object_, ground = placed(radius, rng), cut(inside, rng), cut(outside, rng)
            image = np.where(mask, 0.5 * object_ + 0.5 * ground, ground)
            excess.append(measured(image, mask, "jensen_shannon", number).excess)
        means.append(np.mean(excess))
    assert max(means) - min(means) <= 0.05
    assert means[-1] > 0


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_another_texture_is_told_from_its_surroundings(definition: str) -> None:
    image = np.where(disc(30), procedural_texture(0.7, 256, np.random.default_rng(0)), data.grass()[:256, :256] / 255)
    found = measured(image, disc(30), definition, 0)
    assert found.percentile == pytest.approx(100 * 20.5 / 21)
    assert found.excess > 0.1
    assert found.value == case_disparity(image, disc(30), definition=definition).union.value


CODES = np.random.default_rng(0).integers(0, N_CODES, (256, 256)).astype(np.uint8)


def test_a_draw_is_the_shape_itself_elsewhere_and_the_rest_of_the_background() -> None:
    """Held against numpy: of a shape of two pieces with a hole there is a move that gives these very counts."""
    mask = (disc(12, (60, 70)) & ~disc(4, (60, 70))) | disc(5, (80, 90))
    inside = mask.astype(bool)
    ours, theirs = null_counts(CODES, inside, ~inside, None, [0.0, 0.37, 0.999999])
    rows, columns = np.nonzero(inside)
    for counts, rest in zip(ours, theirs, strict=True):
        assert counts.sum() == inside.sum()
        moves = [
            (down, right)
            for down in range(-60, 190)
            for right in range(-70, 180)
            if rows.min() + down >= 0 and rows.max() + down < 256
            if columns.min() + right >= 0 and columns.max() + right < 256
            if np.array_equal(np.bincount(CODES[rows + down, columns + right], minlength=N_CODES), counts)
        ]
        assert moves
        assert any(not inside[rows + down, columns + right].any() for down, right in moves)
        assert (
            np.abs(
                rest / rest.sum() - (np.bincount(CODES[~inside], minlength=N_CODES) - counts) / (~inside).sum()
            ).max()
            < 1e-2
        )


def test_a_shape_without_room_is_stood_in_for_by_as_many_pixels() -> None:
    """A disc that no move takes off itself: blocks of the background, its number of pixels to a block's."""
    inside = disc(70).astype(bool)
    ours, theirs = null_counts(CODES, inside, ~inside, None, np.linspace(0, 0.99, 20).tolist())
    assert np.abs(ours.sum(axis=1) - inside.sum()).max() < inside.sum() / 4
    assert (theirs.sum(axis=1) > 0).all()
    assert len(np.unique(ours, axis=0)) == 20


def block_draw(inside: np.ndarray, number: float) -> np.ndarray:
    """One draw, block by block: the codes of the blocks taken.

    What :func:`null_counts` says of a shape without room, in loops: the background without the image's frame, whose
    patterns are others, in squares of a fifth of the object's side; a random pixel's square, then the nearest ones.
    """
    codes, free = CODES[3:-3, 3:-3], ~inside[3:-3, 3:-3]
    wanted = min(int(inside.sum()), int(free.sum()) // 2)
    side = round(wanted**0.5 / 5)
    blocks = {}
    for row in range(0, len(codes), side):
        for column in range(0, len(codes), side):
            part = (slice(row, row + side), slice(column, column + side))
            if free[part].any():
                blocks[row // side, column // side] = np.bincount(codes[part][free[part]], minlength=N_CODES)
    pixels = iter(np.cumsum([counts.sum() for counts in blocks.values()]))
    first = next(place for place, until in zip(blocks, pixels, strict=True) if number * free.sum() < until)
    order = sorted(blocks, key=lambda place: (place[0] - first[0]) ** 2 + (place[1] - first[1]) ** 2)[:-1]
    taken = [sum(blocks[place] for place in order[: number + 1]) for number in range(len(order))]
    found: np.ndarray = min(taken, key=lambda counts: abs(counts.sum() - wanted))
    return found


@pytest.mark.parametrize("radius", [70, 85, 100])
def test_blocks_are_taken_from_a_random_pixel_outwards(radius: int) -> None:
    """Held against loops, draw by draw; of near misses the first, so that the order of equals counts, too."""
    inside = disc(radius, (120, 131)).astype(bool)
    numbers = np.linspace(0, 0.999, 23).tolist()
    ours, theirs = null_counts(CODES, inside, ~inside, None, numbers)
    background = np.bincount(CODES[~inside], minlength=N_CODES)
    for number, counts, rest in zip(numbers, ours, theirs, strict=True):
        assert counts.tolist() == block_draw(inside, number).tolist()
        assert abs(int(rest.sum()) - int(background.sum())) <= N_CODES  # scaled up to all of it, and rounded


@pytest.mark.parametrize("left", [1, 2, 40])
def test_next_to_no_background_has_a_null_or_none(left: int) -> None:
    """One pixel of background can't be divided; nothing fails, and a value stays a value."""
    mask = np.ones((256, 256), np.uint8)
    mask[100, 100 : 100 + left] = 0
    image = np.random.default_rng(0).integers(0, 256, (256, 256)).astype(np.uint8)
    found = measured(image, mask, "kamath2025", 0)
    assert np.isfinite(found.value)
    assert bool(found.null) == (left > 1)
    assert np.isnan(found.percentile) == (left == 1)


def test_a_ring_moves_with_its_shape() -> None:
    inside = disc(10, (60, 60)).astype(bool)
    around = ring(inside, 16)
    ours, theirs = null_counts(CODES, inside, ~inside, around, [0.5])
    assert ours.sum() == inside.sum()
    assert 0.5 * around.sum() < theirs.sum() <= around.sum()


def test_ignored_pixels_are_in_no_draw() -> None:
    """Half of the image is ignored, and of another texture: it leaves value and null as they are without it."""
    rng = np.random.default_rng(6)
    image = cut(data.grass(), rng).copy()
    labels = disc(8, (60, 60))
    labels[:, 140:] = 2
    results = []
    for strength in (0.1, 0.9):
        image[:, 150:] = (255 * procedural_texture(strength, 256, np.random.default_rng(1)))[:, 150:]
        results.append(case_disparity(image, labels, ignore=2, draws=null_draws("a", 20)).union)
    assert results[0] == results[1]
    assert len(results[0].null) == 20


def test_a_volume_pools_its_draws_as_its_object() -> None:
    """Two equal slices have the null of one: the same draw is the same place on each."""
    image, mask = cut(data.gravel(), np.random.default_rng(7)), disc(9, (90, 100))
    flat = measured(image, mask, "kamath2025", 1)
    volume = measured(np.stack([image] * 2), np.stack([mask] * 2), "kamath2025", 1)
    assert volume.null == pytest.approx(flat.null)
    assert volume.size_px == 2 * flat.size_px == 2 * mask.sum()


def test_draws_depend_on_case_and_seed_alone() -> None:
    assert null_draws("a", 5) == null_draws("a", 5)
    assert null_draws("a", 3) == null_draws("a", 5)[:3]
    assert null_draws("a", 5) != null_draws("b", 5)
    assert null_draws("a", 5) != null_draws("a", 5, seed=1)
    assert null_draws("a", 0) == []
    for number in (-1, 1001):
        with pytest.raises(UserError, match=f"{number} draws of the null; give 0"):
            null_draws("a", number)


def test_without_draws_there_is_no_null() -> None:
    found = case_disparity(CODES, disc(9)).union
    assert (found.null, np.isnan(found.null_mean), np.isnan(found.excess), np.isnan(found.percentile)) == (
        (),
        True,
        True,
        True,
    )
