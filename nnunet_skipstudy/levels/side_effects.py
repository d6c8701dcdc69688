"""What levels do beside moving the texture disparity: how much they distort, and whether they show the object."""

from collections.abc import Iterable, Mapping
from math import inf, nan
from statistics import mean, median
from typing import Any, NamedTuple

from nnunet_skipstudy.levels.moves import AS_NAMED, LEAST_COMPARED, ONE_IN, Move, shortfall
from nnunet_skipstudy.texture.perturbation import KINDS, Perturbation

LEAKS = 0.05
"""A level whose probe lies so much above the unperturbed images' shows where the object is."""


class SideEffects(NamedTuple):
    """One level over the cases that have numbers.

    Attributes:
        level: its name.
        parameters: its perturbation's text.
        n_cases: that have a probe.
        psnr_db: median; NaN where none is known, infinite where half of the images have not changed.
        leak: mean of :func:`~nnunet_skipstudy.texture.leak.leak_probe` at the level; NaN where none is known.
        leak_unperturbed: of the same cases' unperturbed images.
        n_unchanged: of the cases with a probe, those whose image the perturbation left as it is.
    """

    level: str
    parameters: str
    n_cases: int
    psnr_db: float
    leak: float
    leak_unperturbed: float
    n_unchanged: int = 0

    @property
    def warnings(self) -> list[str]:
        """What to say of a level that shows the object, or leaves more images as they are than a level may."""
        return [warning for warning in (self._leak_warning, self._unchanged_warning) if warning]

    @property
    def _unchanged_warning(self) -> str | None:
        if self.n_unchanged <= (1 - AS_NAMED) * self.n_cases:
            return None
        return (
            f"level {self.level!r} ({self.parameters}) leaves {self.n_unchanged} of {self.n_cases} images as they are: "
            "what is measured there is no effect of the level"
        )

    @property
    def _leak_warning(self) -> str | None:
        if not self.leak - self.leak_unperturbed > LEAKS:
            return None
        return (
            f"level {self.level!r} ({self.parameters}) shows where the object is: a threshold on the image's sharpness "
            f"finds it with a Dice coefficient of {self.leak:.2f}, of {self.leak_unperturbed:.2f} unperturbed; what a "
            "network gains there need not come from texture (easier_elsewhere and easiest_elsewhere hide the outline)"
        )


def side_effects(rows: Iterable[Mapping[str, Any]]) -> list[SideEffects]:
    """Those of each level, in the order of the rows.

    Args:
        rows: of perturbations.csv, with ``level``, ``parameters`` and numbers or None as ``psnr_db``, ``leak`` and
            ``leak_unperturbed``.
    """
    levels: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        levels.setdefault((row["level"], row["parameters"]), []).append(row)
    return [_of_level(level, parameters, own) for (level, parameters), own in levels.items()]


def level_warnings(moves: Iterable[Move], effects: Iterable[SideEffects]) -> list[str]:
    """What to say of levels that are not what their names say, fall short of it, or show the object."""
    found = [warning for move in moves if (warning := move.warning or shortfall(move))]
    return [*found, *(warning for effect in effects for warning in effect.warnings)]


def _of_level(level: str, parameters: str, rows: list[Mapping[str, Any]]) -> SideEffects:
    probed = [row for row in rows if row["leak"] is not None and row["leak_unperturbed"] is not None]
    psnr = [inf if row["psnr_db"] is None else row["psnr_db"] for row in probed]
    if not probed:
        return SideEffects(level, parameters, 0, nan, nan, nan)
    leak, before = (mean(row[name] for row in probed) for name in ("leak", "leak_unperturbed"))
    return SideEffects(level, parameters, len(probed), median(psnr), leak, before, psnr.count(inf))


class Unmoved(NamedTuple):
    """Of a sham level: in ``n_within`` of ``n_cases`` cases TD moved by no more than the null's spread."""

    level: str
    n_within: int
    n_cases: int

    @property
    def warning(self) -> str | None:
        """What to say of a sham that moves TD in more than a third of the cases; None where it doesn't."""
        n_moved = self.n_cases - self.n_within
        if self.n_cases < LEAST_COMPARED or n_moved * ONE_IN <= self.n_cases:
            return None
        return (
            f"level {self.level!r} is to distort and leave the texture disparity where it is, but moves it by more "
            f"than chance in {n_moved} of {self.n_cases} cases: what it costs is texture's, too (few grey levels do it)"
        )


def unmoved(
    rows: Iterable[Mapping[str, Any]], before: Mapping[str, float | None], spreads: Mapping[str, float]
) -> list[Unmoved]:
    """How the shams among the levels leave the disparity where it is.

    Args:
        rows: of perturbations.csv.
        before: the unperturbed disparity of each case.
        spreads: the standard deviation of each case's null, see :mod:`~nnunet_skipstudy.texture.null`.
    """
    found: dict[str, list[bool]] = {}
    for row in rows:
        start, spread = before.get(row["case"]), spreads.get(row["case"])
        if is_sham(row["parameters"]) and start is not None and spread is not None and row["disparity"] is not None:
            found.setdefault(row["level"], []).append(abs(row["disparity"] - start) <= spread)
    return [Unmoved(level, sum(within), len(within)) for level, within in found.items()]


def is_sham(parameters: str) -> bool:
    """Whether a perturbation's text is that of a sham alone."""
    perturbation = Perturbation.parse(parameters)
    return KINDS[perturbation.kind].sham and perturbation.then is None
