"""Whether the perturbed levels moved the texture disparity the way their names say."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

EXPECTED: dict[str, int] = {"hardest": -1, "harder": -1, "easier": 1, "easiest": 1}
"""Where the median disparity goes at a level of such a name: down (harder) or up (easier)."""


@dataclass(frozen=True)
class Move:
    """One level's median disparity before and after the perturbation, over the cases that have both."""

    level: str
    parameters: str
    n_cases: int
    before: float
    after: float

    @property
    def warning(self) -> str | None:
        """What is wrong with the level's name; None where the median went as it says, or it says nothing."""
        expected = EXPECTED.get(self.level)
        if expected is None or (self.after - self.before) * expected > 0:
            return None
        moved = "up" if self.after > self.before else "down" if self.after < self.before else "nowhere"
        return (
            f"level {self.level!r} ({self.parameters}) should move the median texture disparity "
            f"{'up' if expected > 0 else 'down'}, but it went {moved}, from {self.before:.4f} to {self.after:.4f}: "
            "on these images the level is not what its name says"
        )


def level_moves(rows: Iterable[Mapping[str, Any]], before: Mapping[str, float | None]) -> list[Move]:
    """The move of each level, in the order of the rows.

    Args:
        rows: of perturbations.csv, with ``level``, ``parameters``, ``case`` and ``disparity`` (None: has none).
        before: the unperturbed disparity of each case.

    Returns:
        One move a level; levels without a case that has both disparities are left out.
    """
    pairs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in rows:
        earlier, later = before.get(row["case"]), row["disparity"]
        if earlier is not None and later is not None:
            pairs.setdefault((row["level"], row["parameters"]), []).append((earlier, later))
    return [
        Move(level, parameters, len(values), median(v[0] for v in values), median(v[1] for v in values))
        for (level, parameters), values in pairs.items()
    ]
