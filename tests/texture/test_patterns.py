"""Compiled local binary patterns: scikit-image's codes, to the last tie."""

import subprocess
import sys
import warnings
from pathlib import Path

import numba
import numpy as np
import pytest
from skimage import data
from skimage.feature import local_binary_pattern
from skimage.transform import resize

from nnunet_skipstudy.support.compiled import compiled
from nnunet_skipstudy.texture.compiled_patterns import uniform_patterns
from nnunet_skipstudy.texture.patterns import resized_mask

RNG = np.random.default_rng(0)
IMAGES = {
    "random": RNG.random((256, 256)),
    "flat": np.full((256, 256), 1 / 3),
    "flat and large": np.full((700, 900), 0.1),
    "tied": RNG.integers(0, 4, (256, 256)) / 3,
    "tied in tenths": RNG.integers(0, 3, (101, 333)) / 10,
    "steps": np.kron(RNG.random((9, 12)), np.ones((16, 16))),
    "gradient": np.tile(np.linspace(0, 1, 256), (200, 1)),
    "diagonal": np.add.outer(np.arange(300), np.arange(256)) / 555,
    "negative": -RNG.random((64, 77)),
    "Hounsfield": RNG.integers(-1024, 3000, (128, 130)).astype(np.int16),
    "8 bit": data.camera(),
    "single precision": np.full((100, 130), 0.1, np.float32),
    "smaller than the circle": RNG.random((2, 5)),
    "one pixel": RNG.random((1, 1)),
    "not contiguous": RNG.random((128, 128)).T[::2],
}


@pytest.mark.parametrize("name", IMAGES)
def test_codes_are_those_of_scikit_image(name):
    image = IMAGES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = local_binary_pattern(image, 24, 3, method="uniform")
    np.testing.assert_array_equal(uniform_patterns(image), expected)


@pytest.mark.parametrize("shape", [(300, 280), (7, 9), (512, 512), (100, 1000), (255, 257), (1, 5), (522, 775)])
def test_masks_are_resized_as_scikit_image_does(shape):
    inside = np.random.default_rng(1).random(shape) < 0.5
    expected = resize(inside, (256, 256), order=0, anti_aliasing=False)
    np.testing.assert_array_equal(resized_mask(inside), expected)


def test_compiling_goes_without_a_place_to_keep_the_code(monkeypatch):
    """Where neither the package's folder nor the user's cache can be written to, numba refuses ``cache=True``."""
    asked = []
    njit = numba.njit

    def nowhere_to_cache(**options):
        asked.append(options.pop("cache", False))
        if asked[-1]:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(**options)

    monkeypatch.setattr(numba, "njit", nowhere_to_cache)
    assert compiled(lambda x: x + 1)(1) == 2
    assert asked == [True, False]


def test_an_unwritable_package_uses_the_users_cache(tmp_path):
    """A file in the place of ``__pycache__`` keeps even root from writing there."""
    module = tmp_path / "readonly" / "doubled.py"
    module.parent.mkdir()
    (module.parent / "__pycache__").touch()
    module.write_text(
        "from nnunet_skipstudy.support.compiled import compiled\n@compiled\ndef doubled(x):\n    return 2 * x\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, "-c", "import doubled; print(doubled.doubled(2), doubled.doubled._cache.cache_path)"],
        cwd=module.parent,
        env={"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    value, place = done.stdout.split(maxsplit=1)
    assert value == "4"
    assert Path(place.strip()).is_relative_to(tmp_path)
    assert not Path(place.strip()).is_relative_to(module.parent)


def test_numba_is_not_imported_before_a_disparity_is_taken():
    script = (
        "import sys\n"
        "import nnunet_skipstudy.texture, nnunet_skipstudy.texture.case_disparity, nnunet_skipstudy.levels.perturb\n"
        "import nnunet_skipstudy.commands.disparity, nnunet_skipstudy.commands.perturb\n"
        "assert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
