"""Whether a level moved the disparity as its name says."""

import pytest

from nnunet_skipstudy.levels.moves import EXPECTED, Move, level_moves
from nnunet_skipstudy.texture.perturbation import STUDY_LEVELS


def row(level: str, case: str, disparity: float | None, parameters: str = "speckle:variance=0.1") -> dict[str, object]:
    return {"level": level, "parameters": parameters, "case": case, "disparity": disparity}


def test_every_level_of_the_study_has_its_direction() -> None:
    """Speckle makes textures alike, the blurred background makes them differ."""
    ways = {level: -1 if perturbation.kind == "speckle" else 1 for level, perturbation in STUDY_LEVELS.items()}
    assert ways == EXPECTED


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
@pytest.mark.parametrize(("after", "words"), [(0.4, "up"), (0.3, "nowhere"), (0.2, "down")])
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


def test_a_name_that_says_nothing_is_never_wrong() -> None:
    assert Move("mine", "x", 1, 0.5, 0.1).warning is None
    assert Move("alpha0.90", "x", 1, 0.1, 0.1).warning is None
