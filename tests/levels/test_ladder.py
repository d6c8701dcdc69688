"""The study's levels on images of any size, and other strengths where these don't make a ladder."""

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.transform import resize

from nnunet_skipstudy.levels.ladder import ladder_levels
from nnunet_skipstudy.levels.moves import level_moves, shortfall
from nnunet_skipstudy.nnunet.cases import Case
from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.perturbation import NATIVE_LEVELS, STUDY_LEVELS, Perturbation, perturb


def textured(side: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A disc of a fine texture in a coarse one."""
    rng = np.random.default_rng(seed)
    row, column = np.mgrid[:side, :side] / side
    mask = (row - 0.5) ** 2 + (column - 0.46) ** 2 < 0.17**2
    fine, coarse = (gaussian_filter(rng.standard_normal((side, side)), sigma * side / 1024) for sigma in (3, 6))
    image = np.where(mask, fine / fine.std(), coarse / coarse.std())
    return np.rint(np.clip(image * 25 + 120, 0, 255)).astype(np.uint8), mask


@pytest.mark.parametrize("level", NATIVE_LEVELS)
def test_at_256_they_are_the_studys_to_the_bit(level: str) -> None:
    image, mask = textured(256, 0)
    native, studys = (
        perturb(image, mask, levels[level], np.random.default_rng(5)) for levels in (NATIVE_LEVELS, STUDY_LEVELS)
    )
    assert native.tobytes() == studys.tobytes()


@pytest.mark.parametrize("level", NATIVE_LEVELS)
def test_on_an_image_of_four_times_the_side_td_lies_where_the_study_had_it(level: str) -> None:
    """Within a factor of 2.2; in pixels of the large image it lies elsewhere, 1.5 times as far at least."""
    large, large_mask = textured(1024, 1)
    small = np.rint(resize(large.astype(float), (256, 256), anti_aliasing=True)).astype(np.uint8)

    def disparity(image: np.ndarray, mask: np.ndarray, perturbation: Perturbation) -> float:
        return case_disparity(perturb(image, mask, perturbation, np.random.default_rng(3)), mask).union.value

    wanted = disparity(small, large_mask[2::4, 2::4], STUDY_LEVELS[level])
    off, off_in_own_pixels = (
        abs(np.log(disparity(large, large_mask, levels[level]) / wanted)) for levels in (NATIVE_LEVELS, STUDY_LEVELS)
    )
    assert off < np.log(2.2)
    assert off_in_own_pixels > 1.5 * off


def written(folder: Path, images: list[tuple[np.ndarray, np.ndarray]]) -> tuple[list[Case], dict[str, float]]:
    cases, before = [], {}
    for number, (image, mask) in enumerate(images):
        name = f"c{number}"
        write_image(folder / f"{name}_0000.png", image)
        write_image(folder / f"{name}.png", mask.astype(np.uint8))
        cases.append(Case(name, (folder / f"{name}_0000.png",), folder / f"{name}.png"))
        before[name] = case_disparity(image, mask).union.value
    return cases, before


def test_strengths_that_make_a_ladder_stay_the_studys(tmp_path: Path) -> None:
    cases, before = written(tmp_path, [textured(256, seed) for seed in range(5)])
    assert ladder_levels(cases, before, seed=0, workers=1) == (NATIVE_LEVELS, [])
    assert ladder_levels(cases, dict.fromkeys(before), seed=0, workers=1) == (NATIVE_LEVELS, [])


def test_what_no_strength_reaches_is_said(tmp_path: Path) -> None:
    """White noise inside as outside: speckle makes it neither more nor less alike, and TD moves by chance."""
    mask = textured(256, 0)[1]
    noise = [np.random.default_rng(seed).integers(100, 200, (256, 256)).astype(np.uint8) for seed in range(8)]
    cases, before = written(tmp_path, [(image, mask) for image in noise])
    levels, remarks = ladder_levels(cases, before, seed=0, workers=1)
    assert [
        remark for remark in remarks if "speckle_256" in remark and "no strengths tried reach 90% with both" in remark
    ]
    rows = [
        {
            "level": "harder",
            "parameters": str(levels["harder"]),
            "case": case.name,
            "disparity": before[case.name] + 0.1 * (number < 2) - 0.05,
        }
        for number, case in enumerate(cases[:5])
    ]
    (move,) = level_moves(rows, before, {"c0": 50.0, "c1": 99.0})
    told = shortfall(move)
    assert told is not None
    assert "as named in 3 of 5 cases (60%), against 'unperturbed'" in told
    assert "of the 2 that don't, 1 has a texture that isn't told from its surroundings anyway" in told
    assert "dark objects keep their texture" in told
