"""Calibration on images: what is found is what the level's own images then have; and its record."""

from pathlib import Path
from statistics import median

import numpy as np
import pytest
from skimage.io import imsave

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.calibrate import (
    BISECTIONS,
    GRID_STEPS,
    RECORD,
    TOLERANCE,
    Wanted,
    calibrate,
    calibrate_level,
    recall,
    record,
)
from nnunet_skipstudy.nnunet.cases import paired_cases
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.perturbation import KINDS, Perturbation, case_seed, perturb


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Three images of 64 x 64: fine noise within a disc, coarse noise around it; a corner is ignored."""
    made = {}
    for number in range(3):
        rng = np.random.default_rng(number)
        row, column = np.mgrid[:64, :64]
        labels = ((row - 32) ** 2 + (column - 30 - number) ** 2 < 17**2).astype(np.uint8)
        coarse = np.kron(rng.integers(40, 220, (16, 16)), np.ones((4, 4), int))
        image = np.where(labels == 1, rng.integers(40, 220, (64, 64)), coarse).astype(np.uint8)
        labels[:9, :9] = 2
        made[f"case{number}"] = (image, labels)
    return made


@pytest.mark.parametrize(("kind", "factor"), [("speckle", 0.6), ("blur_background", 1.3)])
def test_the_level_that_is_written_has_the_median_that_was_reached(tmp_path: Path, images, kind, factor) -> None:
    """Perturbed again from seed, level and case, the test set's median is ``reached``, and that is as wanted."""
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    for name, (image, labels) in images.items():
        imsave(tmp_path / "images" / f"{name}_0000.png", image, check_contrast=False)
        imsave(tmp_path / "labels" / f"{name}.png", labels, check_contrast=False)
    cases = paired_cases(tmp_path / "images", tmp_path / "labels")
    before = [case_disparity(image, labels, ignore=2).union.value for image, labels in images.values()]
    wanted = Wanted(kind, "median", round(factor * median(before), 4))
    found = calibrate_level(cases, "mine", wanted, before, seed=7, workers=2, ignore=2)
    after = []
    for name, (image, labels) in images.items():
        rng = np.random.default_rng(case_seed(7, "mine", name))
        after.append(case_disparity(perturb(image, labels == 1, found.perturbation, rng), labels, ignore=2).union.value)
    assert found.reached == median(after)
    assert abs(found.reached - wanted.value) <= TOLERANCE * abs(wanted.value - median(before))
    assert found.target == wanted.value
    assert found.tried[0] == (0.0, median(before))
    assert [strength for strength, _ in found.tried] == sorted({strength for strength, _ in found.tried})


def test_no_disparity_at_all_and_a_target_out_of_reach_name_the_level() -> None:
    with pytest.raises(UserError, match="level 'mine' can't be calibrated: no test case has a texture disparity"):
        calibrate_level([], "mine", Wanted("speckle", "median", 1), [], seed=0, workers=1)
    with pytest.raises(UserError, match=r"level 'mine' \(speckle:median=0.5\): the median is 0.5000 without any"):
        calibrate_level([], "mine", Wanted("speckle", "median", 0.5), [0.5], seed=0, workers=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.003, 0.04, 0.3, 0.9])
def test_any_strength_between_the_weakest_and_the_strongest_is_found(kind: str, share: float) -> None:
    """Few trials, all between the kind's bounds, and no weaker strength that was tried would have done."""
    weakest, strongest = KINDS[kind].weakest, KINDS[kind].strongest
    sought = weakest * (strongest / weakest) ** share
    found = calibrate(kind, 1.0, 0.0, lambda strength: strength / sought)
    assert found.perturbation.strength == pytest.approx(sought, rel=0.0101)
    assert len(found.tried) <= 1 + GRID_STEPS + BISECTIONS
    assert all(weakest <= strength <= strongest for strength, _ in found.tried[1:])
    assert all(abs(value - 1) > TOLERANCE for strength, value in found.tried if strength < found.perturbation.strength)
    assert found.perturbation.strength == float(f"{found.perturbation.strength:.6g}")


def test_a_strength_weaker_than_the_grid_s_weakest_is_found_too() -> None:
    sought = KINDS["speckle"].weakest / 3
    found = calibrate("speckle", 0.7, 1.0, lambda variance: 1 - 0.3 * variance / sought)
    assert found.perturbation.strength == pytest.approx(sought, rel=0.02)


def test_a_small_wobble_is_no_matter_and_a_large_one_is_said() -> None:
    """1 % of the way is slack."""

    def curve(wobble: float):
        return lambda variance: 1 / (1 + variance) + (wobble if 0.001 < variance < 0.01 else 0.0)

    assert calibrate("speckle", 0.5, 1.0, curve(0.002)).remark is None
    remark = calibrate("speckle", 0.5, 1.0, curve(0.2)).remark
    assert remark is not None
    assert "1.0000 at 0, " in remark


def test_a_record_is_recalled_for_the_same_question_only(tmp_path: Path) -> None:
    """Another value wanted, another seed, other cases, another level: searched for anew; other levels stay."""
    found = calibrate("speckle", 0.5, 1.0, lambda variance: 1 / (1 + variance))
    wanted = Wanted("speckle", "median", 0.5)
    assert recall(tmp_path, "mine", wanted, 1, "abc") is None
    record(tmp_path, "mine", wanted, 1, "abc", found)
    record(tmp_path, "other", Wanted("speckle", "median", 0.4), 1, "abc", found)
    assert recall(tmp_path, "mine", wanted, 1, "abc") == found.perturbation
    assert recall(tmp_path, "mine", Wanted("speckle", "median", 0.51), 1, "abc") is None
    assert recall(tmp_path, "mine", wanted, 2, "abc") is None
    assert recall(tmp_path, "mine", wanted, 1, "abd") is None
    assert recall(tmp_path, "yours", wanted, 1, "abc") is None


@pytest.mark.parametrize(
    "content", ['{"mine": 3}', '{"mine": {"wanted": "speckle:median=0.5", "seed": 1, "cases_sha256": "abc"}}']
)
def test_a_damaged_record_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / RECORD).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"calibration.json: level 'mine' can't be read; remove the file"):
        recall(tmp_path, "mine", Wanted("speckle", "median", 0.5), 1, "abc")


def test_the_strength_found_is_a_perturbation_that_goes_round_as_text() -> None:
    found = calibrate("blur_background", 2.0, 1.0, lambda sigma: 1 + sigma / 7)
    assert Perturbation.parse(str(found.perturbation)) == found.perturbation
