"""Whether a level moved the disparity as its name says, in the median and case by case."""

import pytest

from nnunet_skipstudy.levels.moves import EXPECTED, Move, level_moves
from nnunet_skipstudy.texture.perturbation import LEVEL_SETS, STUDY_LEVELS


def row(level: str, case: str, disparity: float | None, parameters: str = "speckle:variance=0.1") -> dict[str, object]:
    return {"level": level, "parameters": parameters, "case": case, "disparity": disparity}


def test_every_level_of_the_study_has_its_direction() -> None:
    """Speckle makes textures alike, the blurred background makes them differ."""
    ways = {level: -1 if perturbation.kind == "speckle" else 1 for level, perturbation in STUDY_LEVELS.items()}
    assert {level: EXPECTED[level] for level in ways} == ways
    controlled = {name: -1 if made.kind == "blend" else 1 for name, made in LEVEL_SETS["controlled"].items()}
    assert {level: EXPECTED[level] for level in controlled} == controlled


def test_medians_are_over_the_cases_that_have_both_disparities() -> None:
    """C lacks the one before, d the one after, e is in no row; 0 is a disparity like others."""
    before = {"a": 0.5, "b": 0.3, "c": None, "d": 9.0, "e": 9.0, "f": 0.0}
    rows = [row("harder", case, value) for case, value in zip("abcdf", (0.2, 0.1, 9.0, None, 0.0), strict=True)]
    assert level_moves(rows, before) == [Move("harder", "speckle:variance=0.1", 3, 0.3, 0.1)]
    assert level_moves(rows, {}) == []


def test_levels_come_in_the_order_of_the_rows_and_settings_apart() -> None:
    """One name with two strengths, from a table that somebody has put together, is two levels."""
    rows = [row("mine", "a", 1), row("harder", "a", 2), row("mine", "b", 3), row("mine", "a", 4, "speckle:variance=2")]
    moves = level_moves(rows, {"a": 0, "b": 0})
    assert [(move.level, move.n_cases, move.after) for move in moves] == [
        ("mine", 2, 2),
        ("harder", 1, 2),
        ("mine", 1, 4),
    ]


@pytest.mark.parametrize("level", EXPECTED)
@pytest.mark.parametrize(
    ("after", "words"),
    [(0.4, "up"), (0.3, "nowhere"), (0.3 + 4e-10, "nowhere"), (0.3 - 4e-10, "nowhere"), (0.2, "down")],
)
def test_a_level_that_went_elsewhere_than_its_name_says_is_named(level: str, after: float, words: str) -> None:
    """Not moving at all is wrong for every one of them."""
    move = Move(level, "kind:strength=1", 5, 0.3, after)
    expected = "up" if EXPECTED[level] > 0 else "down"
    if words == expected:
        assert move.warning is None
    else:
        assert move.warning is not None
        assert f"level {level!r} (kind:strength=1) should move the median texture disparity {expected}" in move.warning
        assert f"it went {words}, from 0.3000 to {after:.4f}" in move.warning


def test_a_step_of_rounding_is_none() -> None:
    """A table's nine decimals of an unmoved TD lie above or below it: neither counts as moved."""
    before = {f"c{number}": 0.1 + 1e-10 * (number - 4) for number in range(9)}
    rows = [{"level": "harder", "parameters": "p", "case": case, "disparity": 0.1} for case in before]
    (move,) = level_moves(rows, before)
    assert move.as_named == 0
    assert "but it went nowhere, from 0.1000 to 0.1000" in str(move.warning)


def test_a_name_that_says_nothing_is_never_wrong() -> None:
    assert Move("mine", "x", 1, 0.5, 0.1).warning is None
    assert Move("alpha0.90", "x", 1, 0.1, 0.1).warning is None


def test_levels_are_compared_with_their_neighbours_on_the_ladder() -> None:
    """As on cine MRI in 3D: hardest lies below unperturbed in every case, but above harder in three of five."""
    before = dict.fromkeys("abcde", 1.0)
    hardest_of = dict(zip("abcde", (0.6, 0.7, 0.8, 0.1, 0.2), strict=True))
    rows = [row("harder", case, 0.5) for case in "abcde"]
    rows += [row("hardest", case, value, "speckle:variance=0.3") for case, value in hardest_of.items()]
    rows += [row("easiest", case, 1.5, "blur_background:sigma_px=7") for case in "abcd"]
    harder, hardest, easiest = level_moves(rows, before)
    assert (harder.neighbour, harder.as_named, harder.warning) == ("unperturbed", 1.0, None)
    assert (hardest.neighbour, hardest.n_compared, hardest.as_named) == ("harder", 5, 0.4)
    assert hardest.warning is not None
    assert "moves the median texture disparity down, but 3 of 5 cases (60%) don't lie below 'harder'" in hardest.warning
    assert "not what its name says: dark objects keep their texture" in hardest.warning
    assert (easiest.neighbour, easiest.n_compared, easiest.as_named) == ("unperturbed", 4, 1.0)


@pytest.mark.parametrize("level", EXPECTED)
@pytest.mark.parametrize(("against", "warned"), [(0, False), (2, False), (3, True)])
def test_a_third_of_the_cases_may_move_against_a_name(level: str, against: int, warned: bool) -> None:
    """Of seven: two may, three may not, though the median goes as named; a case that doesn't move is against."""
    values = {name: 1 + EXPECTED[level] * (0.0 if number < against else 0.5) for number, name in enumerate("abcdefg")}
    (move,) = level_moves([row(level, *item) for item in values.items()], dict.fromkeys(values, 1.0))
    assert move.as_named == pytest.approx(1 - against / 7)
    assert (move.warning is not None) == warned
    if warned:
        assert f"{against} of 7 cases ({against / 7:.0%})" in str(move.warning)


def test_a_share_of_few_cases_is_not_warned_about() -> None:
    """Of four, two are against: the median says enough."""
    rows = [row("harder", case, value) for case, value in zip("abcd", (0.1, 0.1, 1.0, 1.0), strict=True)]
    (move,) = level_moves(rows, dict.fromkeys("abcd", 1.0))
    assert (move.as_named, move.warning) == (0.5, None)


def test_a_name_that_says_nothing_has_no_share() -> None:
    (move,) = level_moves([row("mine", "a", 2.0)], {"a": 1.0})
    assert (move.as_named, move.warning) == (None, None)
