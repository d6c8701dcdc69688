"""The study's four levels on images of any size: as strong as in the study, or as strong as it takes to be a ladder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from itertools import combinations
from math import isfinite, log2

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.levels.calibrate import perturbed_disparity
from nnunet_skipstudy.levels.moves import AS_NAMED, EXPECTED, LEAST_COMPARED
from nnunet_skipstudy.nnunet.cases import Case
from nnunet_skipstudy.support.parallel import parallel_map
from nnunet_skipstudy.texture.perturbation import NATIVE_LEVELS, Perturbation

RULES: tuple[str, ...] = ("ladder", "study")
"""How strong a converter's levels are: :func:`ladder_levels`, or the study's strengths in the images' own pixels."""
SIDES: tuple[tuple[str, str], ...] = (("harder", "hardest"), ("easier", "easiest"))
"""The inner and the outer level of each side."""
MOST_CASES = 40
"""That strengths are tried on; of more, so many drawn."""
LEAST_FACTOR = 1.5
"""Between the strengths of an inner and an outer level."""
STEPS = (-1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5, 3)
"""Strengths tried: the study's inner one, times 2 to these powers."""
SHARE_STEP = 0.05
"""Shares of cases are held to be equal within this: a few cases more or less are chance."""

Values = npt.NDArray[np.float64]
Pair = tuple[float, float]


def ladder_levels(
    cases: Sequence[Case],
    before: Mapping[str, float | None],
    *,
    seed: int,
    workers: int,
    ignore: int | None = None,
    axis: int = 0,
) -> tuple[dict[str, Perturbation], list[str]]:
    """The four levels with strengths at which, in at least :data:`~.moves.AS_NAMED` of the cases, each moves as named.

    Strengths are those of the study, in pixels of an image brought to 256 x 256 as TD is taken. Where either level of a
    side doesn't lie on its side of its neighbour in enough cases, other strengths are tried: of the pairs that do best
    by the worse of their two levels the one nearest to the study's is taken.

    Args:
        cases: the unperturbed test cases; of many, a part is drawn by the seed.
        before: their disparities; None: has none. Of fewer than :data:`~.moves.LEAST_COMPARED`, the study's are taken.
        seed: of the data set.
        workers: threads.
        ignore: the value of the ``ignore`` label.
        axis: across which a volume's planes lie.

    Returns:
        The levels, hardest first, and a remark for each side whose strengths are not the study's or don't suffice.
    """
    known = [case for case in cases if (value := before.get(case.name)) is not None and isfinite(value)]
    drawn = sorted(known, key=lambda case: sha256(f"ladder/{seed}/{case.name}".encode()).digest())[:MOST_CASES]
    start = np.array([before[case.name] for case in drawn], dtype=float)
    levels, remarks = dict(NATIVE_LEVELS), list[str]()
    for names in SIDES if len(drawn) >= LEAST_COMPARED else ():
        measure = partial(perturbed_disparity, level=names[0], seed=seed, ignore=ignore)
        side = _Side(names, lambda one, title: parallel_map(one, drawn, workers=workers, title=title), measure, axis)
        side.tried[0.0] = start
        found = side.best()
        if found != side.studys:
            levels |= {name: Perturbation(side.kind, strength) for name, strength in zip(names, found, strict=True)}
        if side.shares(side.studys).min() < AS_NAMED:
            remarks.append(_remark(names, side.kind, found, side.shares(found), len(drawn)))
    return levels, remarks


@dataclass
class _Side:
    """An inner and an outer level of one kind, and the disparities of the cases at the strengths tried for them."""

    names: tuple[str, str]
    on_cases: Callable[[Callable[[Case], float], str], list[float]]
    measure: Callable[..., float]
    axis: int
    tried: dict[float, Values] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return NATIVE_LEVELS[self.names[0]].kind

    @property
    def studys(self) -> Pair:
        inner, outer = (NATIVE_LEVELS[name].strength for name in self.names)
        return inner, outer

    def best(self) -> Pair:
        """The study's strengths where they do, else the best that are tried."""
        self._try(self.studys)
        if self.shares(self.studys).min() >= AS_NAMED:
            return self.studys
        self._try([float(f"{self.studys[0] * 2.0**step:.3g}") for step in STEPS])
        pairs = combinations(sorted(self.tried.keys() - {0.0}), 2)
        return min((pair for pair in pairs if pair[1] >= LEAST_FACTOR * pair[0]), key=self._badness)

    def _try(self, strengths: Sequence[float]) -> None:
        for strength in strengths:
            if strength not in self.tried:
                perturbation = Perturbation(self.kind, strength, self.axis)
                one = partial(self.measure, perturbation=perturbation)
                self.tried[strength] = np.array(self.on_cases(one, f"trying {perturbation}"))

    def shares(self, pair: Pair) -> Values:
        """The shares of cases in which the inner level lies on its side of unperturbed, the outer one of the inner."""
        (inner, outer), way = (self.tried[strength] for strength in pair), EXPECTED[self.names[0]]
        return np.array([np.mean((inner - self.tried[0.0]) * way > 0), np.mean((outer - inner) * way > 0)])

    def _badness(self, pair: Pair) -> tuple[float, float]:
        """How far the worse share is from enough and a step, in steps; then how far strengths are from the study's."""
        lacking = max(0.0, AS_NAMED + SHARE_STEP - float(self.shares(pair).min()))
        way = sum(abs(log2(own / study)) for own, study in zip(pair, self.studys, strict=True))
        return float(np.ceil(lacking / SHARE_STEP - 1e-9)), way


def _remark(names: tuple[str, str], kind: str, found: Pair, shares: Values, n_cases: int) -> str:
    taken = " and ".join(f"{name} {Perturbation(kind, at)}" for name, at in zip(names, found, strict=True))
    enough = "" if shares.min() >= AS_NAMED else f"; no strengths tried reach {AS_NAMED:.0%} with both"
    return (
        f"the study's strengths of {kind} don't move the texture disparity as named, each level against its neighbour, "
        f"in {AS_NAMED:.0%} of {n_cases} test cases; taken: {taken}{enough}"
    )
