"""Whether the perturbed levels moved the texture disparity the way their names say, as a ladder."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from nnunet_skipstudy.registry import TEXTURE, UNPERTURBED
from nnunet_skipstudy.texture.disparity import TOLD_APART

EXPECTED: dict[str, int] = {
    **dict.fromkeys(("hardest", "harder", "hardest_blend", "harder_blend", TEXTURE), -1),
    **dict.fromkeys(("easier", "easiest", "easier_elsewhere", "easiest_elsewhere"), 1),
}
"""Where the disparity goes at a level of such a name: down (harder) or up (easier)."""

INNER: dict[str, str] = {
    **{"hardest": "harder", "easiest": "easier"},
    **{"hardest_blend": "harder_blend", "easiest_elsewhere": "easier_elsewhere"},
}
"""The neighbour on the ladder, where that isn't the unperturbed level."""

ONE_IN = 3
"""Of so many cases one may move against a level's name; where more do, the level is warned about."""
AS_NAMED = 0.9
"""The share of cases that move as named at a level that is what its name says."""
WHY: dict[str, str] = {
    "speckle": "dark objects keep their texture, since speckle is in proportion to intensity: see whether these are",
    "blur": "TD leaves out the patterns that only one side has, and blur takes patterns away",
}
"""By how a perturbation's text begins: why it may not move TD in a case."""
ROUNDING = 1e-9
"""Tables hold so many decimals of a disparity: a smaller step is none."""
LEAST_COMPARED = 5
"""Of fewer cases a share says nothing."""


@dataclass(frozen=True)
class Move:
    """One level's median disparity before and after the perturbation, over the cases that have both.

    Attributes:
        level: its name.
        parameters: its perturbation's text.
        n_cases: that have both.
        before: the unperturbed median.
        after: the level's.
        neighbour: the next level towards the unperturbed one that there is.
        n_compared: cases that have a disparity at both.
        n_as_named: of these, whose disparity lies on the level's side of the neighbour's; None where the level's name
            says nothing.
        n_untold: of those that didn't move as named, whose unperturbed texture isn't told from its surroundings; None
            where no null was drawn.
    """

    level: str
    parameters: str
    n_cases: int
    before: float
    after: float
    neighbour: str = field(default=UNPERTURBED, compare=False)
    n_compared: int = field(default=0, compare=False)
    n_as_named: int | None = field(default=None, compare=False)
    n_untold: int | None = field(default=None, compare=False)

    @property
    def title(self) -> str:
        """The level by name and, where it is known, perturbation."""
        return f"level {self.level!r}" + (f" ({self.parameters})" if self.parameters else "")

    @property
    def as_named(self) -> float | None:
        """The share of cases that moved as the level's name says, 0 ... 1; None where it says nothing or none has."""
        return None if self.n_as_named is None or not self.n_compared else self.n_as_named / self.n_compared

    @property
    def warning(self) -> str | None:
        """What is wrong with the level's name; None where median and cases went as it says, or it says nothing."""
        expected = EXPECTED.get(self.level)
        if expected is None:
            return None
        where = "up" if expected > 0 else "down"
        if (self.after - self.before) * expected <= ROUNDING:
            step = round(self.after, 4) - round(self.before, 4)  # as they are shown
            moved = "up" if step > 0 else "down" if step < 0 else "nowhere"
            return (
                f"{self.title} should move the median texture disparity {where}, but it "
                f"went {moved}, from {self.before:.4f} to {self.after:.4f}: on these images the level is not what its "
                "name says"
            )
        n_against = self.n_against
        if self.n_compared >= LEAST_COMPARED and n_against * ONE_IN > self.n_compared:
            side = "above" if expected > 0 else "below"
            return (
                f"{self.title} moves the median texture disparity {where}, but {n_against} "
                f"of {self.n_compared} cases ({n_against / self.n_compared:.0%}) don't lie {side} {self.neighbour!r}: "
                f"for these it is not what its name says{self.reasons}; set its strength by skipstudy perturb "
                "--calibrate"
            )
        return None

    @property
    def n_against(self) -> int:
        """The cases that didn't move as named; 0 where the name says nothing."""
        return 0 if self.n_as_named is None else self.n_compared - self.n_as_named

    @property
    def reasons(self) -> str:
        """Why these may not have, after a colon; empty where nothing is known."""
        reasons = [words for begin, words in WHY.items() if self.parameters.startswith(begin)]
        if self.n_untold and EXPECTED[self.level] < 0:
            has = "has" if self.n_untold == 1 else "have"
            reasons.insert(
                0,
                f"of the {self.n_against} that don't, {self.n_untold} {has} a texture that isn't told from its "
                "surroundings anyway",
            )
        return f": {'; '.join(reasons)}" if reasons else ""


def shortfall(move: Move) -> str | None:
    """What to say of a level that doesn't move as named in :data:`AS_NAMED` of the cases, and why; else None."""
    if move.as_named is None or move.n_compared < LEAST_COMPARED or move.as_named >= AS_NAMED:
        return None
    return (
        f"{move.title} moves the texture disparity as named in {move.n_as_named} of "
        f"{move.n_compared} cases ({move.as_named:.0%}), against {move.neighbour!r}{move.reasons}"
    )


def level_moves(
    rows: Iterable[Mapping[str, Any]],
    before: Mapping[str, float | None],
    percentiles: Mapping[str, float] | None = None,
) -> list[Move]:
    """The move of each level, in the order of the rows.

    Args:
        rows: of perturbations.csv, with ``level``, ``parameters``, ``case`` and ``disparity`` (None: has none).
        before: the unperturbed disparity of each case.
        percentiles: where in its null it lies, see :attr:`~nnunet_skipstudy.texture.disparity.Disparity.percentile`.

    Returns:
        One move a level; levels without a case that has both disparities are left out.
    """
    unperturbed = {case: value for case, value in before.items() if value is not None}
    groups: dict[tuple[str, str], dict[str, float]] = {}
    for row in rows:
        if row["case"] in unperturbed and row["disparity"] is not None:
            groups.setdefault((row["level"], row["parameters"]), {})[row["case"]] = row["disparity"]
    ladder = {UNPERTURBED: unperturbed}
    for (level, _), values in groups.items():
        ladder.setdefault(level, values)
    return [
        Move(
            level,
            parameters,
            len(values),
            median(unperturbed[case] for case in values),
            median(values.values()),
            *_compared(level, values, ladder, percentiles),
        )
        for (level, parameters), values in groups.items()
    ]


def _compared(
    level: str,
    values: Mapping[str, float],
    ladder: Mapping[str, Mapping[str, float]],
    percentiles: Mapping[str, float] | None,
) -> tuple[str, int, int | None, int | None]:
    """The level's neighbour, in how many cases they are compared, how many moved as named, and how many couldn't."""
    neighbour = INNER.get(level, UNPERTURBED)
    if neighbour not in ladder:
        neighbour = UNPERTURBED
    steps = {case: value - ladder[neighbour][case] for case, value in values.items() if case in ladder[neighbour]}
    if level not in EXPECTED:
        return neighbour, len(steps), None, None
    against = [case for case, step in steps.items() if step * EXPECTED[level] <= ROUNDING]
    n_untold = None if percentiles is None else sum(percentiles.get(case, 0.0) <= TOLD_APART for case in against)
    return neighbour, len(steps), len(steps) - len(against), n_untold
