"""Calibration: the search on made-up curves, and what is wanted as text."""

import math

import pytest

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.calibrate import Wanted, calibrate, parse_wanted


@pytest.mark.parametrize("target", [0.9, 0.5, 0.21, 0.05])
def test_a_falling_curve_is_hit(target):
    found = calibrate("speckle", target, 1.0, lambda variance: 1 / (1 + 10 * variance))
    assert abs(found.reached - target) <= 0.01 * (1 - target)
    assert found.perturbation.strength == pytest.approx((1 / target - 1) / 10, rel=0.1)
    assert dict(found.tried)[found.perturbation.strength] == found.reached
    assert found.remark is None


def test_a_rising_curve_is_hit():
    found = calibrate("blur_background", 2.0, 0.5, lambda sigma: 0.5 + math.log1p(sigma))
    assert found.reached == pytest.approx(2.0, abs=0.015)
    assert str(found.perturbation) == f"blur_background:sigma_px={found.perturbation.strength!r}"


def test_a_curve_that_turns_gives_the_weakest_strength_and_a_remark():
    """Falls at first, rises from 0.1 to 1.1 later: the target is reached on the way up only."""
    found = calibrate("speckle", 0.8, 0.5, lambda variance: 0.5 - 5 * variance if variance < 0.03 else 0.3 + variance)
    assert found.reached == pytest.approx(0.8, abs=0.003)
    assert found.remark is not None
    assert "doesn't go one way with the strength of speckle" in found.remark


def test_a_rise_and_fall_beyond_the_target_is_no_matter():
    """The search ends at the first crossing, so what the curve does later isn't looked at."""
    found = calibrate("speckle", 0.8, 0.5, lambda variance: 0.5 + math.sin(variance))
    assert found.perturbation.strength == pytest.approx(math.asin(0.3), rel=0.02)
    assert found.remark is None


@pytest.mark.parametrize(
    ("target", "curve", "words"),
    [
        (2.0, lambda v: 1 / (1 + v), r"can't be brought to 2.0000: it is 1.0000 at 0, .* at 10 \(variance\)"),
        (0.01, lambda v: 1 / (1 + v), r"can't be brought to 0.0100.*ask for a value in between"),
        (0.5, lambda v: float(v < 0.2), "jumps from 1.0000 at speckle:variance=0.199999 to 0.0000 at .*over"),
        (1.0, lambda v: 1 / (1 + v), "the median is 1.0000 without any perturbation"),
    ],
)
def test_targets_that_cannot_be_reached(target, curve, words):
    with pytest.raises(UserError, match=words):
        calibrate("speckle", target, 1.0, curve)


def test_what_is_wanted_goes_round():
    assert parse_wanted("harder:speckle:quantile=0.25") == ("harder", Wanted("speckle", "quantile", 0.25))
    assert str(Wanted("blur_background", "median", 1.0)) == "blur_background:median=1"
    assert Wanted("speckle", "quantile", 0.25).target([0, 1, 2, 3, 4]) == 1
    assert Wanted("speckle", "median", 0.25).target([0, 1, 2, 3, 4]) == 0.25


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("harder:speckle", "calibration 'harder:speckle'; write NAME:KIND:median=BITS or"),
        ("harder:speckle:quantile=half", "such as harder:speckle:quantile=0.25"),
        ("harder:speckle:mean=1", "no target 'mean'; choose one of median, quantile"),
        ("harder:sparkle:median=1", "no perturbation 'sparkle'"),
        ("harder:speckle:quantile=1.5", "a quantile lies from 0 to 1"),
        ("harder:speckle:median=nan", "a median is a number of bits"),
    ],
)
def test_texts_that_ask_for_nothing(text, words):
    with pytest.raises(UserError, match=words):
        parse_wanted(text)
