"""Copies that were moved, cropped, rescaled or given another contrast are found by their fine structure; others not."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from nnunet_skipstudy.conversion.duplicates import looks, near_duplicates
from nnunet_skipstudy.conversion.registration import LEAST_AGREEMENT, Look, look, registered

ROWS, COLUMNS = 300, 420
Picture = np.ndarray


def tissue(seed: int, lesion: tuple[float, float] = (0.5, 0.5)) -> Picture:
    """Layers and speckle beneath a bright skin, with a dark lesion; the seed decides all but where the lesion lies."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:ROWS, :COLUMNS]
    layers = gaussian_filter(rng.normal(0, 1, (ROWS, COLUMNS)), (3, 25))
    speckle = gaussian_filter(rng.normal(0, 1, (ROWS, COLUMNS)), 1.5)
    image = 60 + 100 * np.exp(-row / 120) + 25 * layers / layers.std() + 15 * speckle / speckle.std()
    dark = ((row / ROWS - lesion[0]) / 0.15) ** 2 + ((column / COLUMNS - lesion[1]) / 0.12) ** 2 < 1
    return np.clip(np.where(dark, image * 0.4, image), 0, 255).astype(np.uint8)


def scaled(image: Picture, rows: int, columns: int) -> Picture:
    return np.rint(resize(image, (rows, columns), anti_aliasing=True) * 255).astype(np.uint8)


def with_corner(image: Picture) -> Picture:
    image = image.copy()
    row, column = np.mgrid[: image.shape[0], : image.shape[1]]
    image[row + (image.shape[1] - column) < 120] = 0
    return image


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "a fifth of its columns cut off": lambda image: image[:, : -COLUMNS // 5],
    "a third of its rows cut off": lambda image: image[ROWS // 3 :],
    "moved": lambda image: np.roll(image, (14, -37), axis=(0, 1)),
    "smaller": lambda image: scaled(image, 230, 322),
    "larger, other proportions": lambda image: scaled(image, 390, 500),
    "darker, other contrast": lambda image: (255 * (image / 255) ** 1.8 * 0.6).astype(np.uint8),
    "inverse brightness of its background": lambda image: np.clip(
        image * 0.5 + np.linspace(0, 120, ROWS)[:, None], 0, 255
    ).astype(np.uint8),
    "cropped, with a black corner": lambda image: with_corner(image[10:, 30:]),
    "noisy and cropped": lambda image: np.clip(
        image[:, 60:] + np.random.default_rng(9).normal(0, 10, (ROWS, COLUMNS - 60)), 0, 255
    ).astype(np.uint8),
}


@pytest.mark.parametrize("change", COPIES)
def test_copies_agree(change: str) -> None:
    for seed in range(3):
        image = tissue(seed)
        found = registered([look(tissue(100)), look(image), look(COPIES[change](image))])
        assert list(found) == [(1, 2)]
        assert LEAST_AGREEMENT <= found[1, 2] <= 1


def test_look_alikes_do_not() -> None:
    """Other tissue under the same skin around the same lesion: one layout, and no two of 40 are one picture."""
    cases = {str(seed): looks(tissue(seed)) for seed in range(40)}
    assert registered([case.fine for case in cases.values()]) == {}
    assert all(pair.agreement is None for pair in near_duplicates(cases))


def test_a_crop_that_thumbnails_miss_is_a_pair() -> None:
    image = tissue(4)
    (pair,) = near_duplicates({"a": looks(image), "b": looks(image[:, 120:])})
    assert pair.correlation < 0.9
    assert pair.agreement is not None
    assert pair.agreement > 0.9


def test_sizes_far_apart_are_compared_at_one_scale() -> None:
    """A piece of a picture four times as large as others in the set: pixels are brought to one size first."""
    large = scaled(tissue(5), 1200, 1680)
    found = registered([look(large), look(large[300:, 200:]), look(tissue(6))])
    assert list(found) == [(0, 1)]


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (5, 7), (40, 2000)])
def test_any_size_has_a_look(shape: tuple[int, int]) -> None:
    flat = look(np.full(shape, 7, np.uint8))
    assert (flat.pixels == 7).all()
    assert registered([flat, flat]) == {}


def test_a_look_holds_the_means_of_its_squares() -> None:
    image = np.random.default_rng(0).integers(0, 256, (400, 642)).astype(np.uint8)
    small = look(image)
    assert (small.factor, small.pixels.shape) == (4, (100, 160))
    assert small.pixels[3, 5] == np.rint(image[12:16, 20:24].mean())
    assert registered([]) == {}
    assert registered([Look(small.pixels, 4)]) == {}
