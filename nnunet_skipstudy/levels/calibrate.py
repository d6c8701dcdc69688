"""A perturbation as strong as it takes to bring the test set's median texture disparity to a wanted value."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise, takewhile
from math import isfinite
from pathlib import Path
from statistics import median

import numpy as np

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.cases import Case, about, read_channel, read_labels
from nnunet_skipstudy.support.files import read_object, write_json
from nnunet_skipstudy.support.parallel import parallel_map
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.perturbation import (
    KINDS,
    LEVEL_SETS,
    STUDY_LEVELS,
    Perturbation,
    case_seed,
    check_level_name,
    parse_level,
    perturb,
)

MEASURES: tuple[str, ...] = ("median", "quantile")
GRID_STEPS = 8
"""Strengths tried from the weakest to the strongest, evenly on a log scale, to find where the target lies."""
BISECTIONS = 30
TOLERANCE = 0.01
"""How close the median must come, as a share of the way from the unperturbed median to the target."""
DIGITS = 6
"""Significant decimal digits of a strength."""
RECORD = "calibration.json"
"""Beside perturbations.csv: the strengths that were found, so that they are searched for once."""


@dataclass(frozen=True)
class Wanted:
    """What the median disparity of a level should be; checked when made.

    Attributes:
        kind: of the perturbation.
        measure: ``"median"``: ``value`` is the disparity wanted, in bits; ``"quantile"``: it is the quantile of
            the unperturbed test cases' disparities, 0 ... 1.

    Raises:
        UserError: unknown kind or measure, or a quantile out of range.
    """

    kind: str
    measure: str
    value: float

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UserError(f"no perturbation {self.kind!r}; choose one of {', '.join(KINDS)}")
        if self.measure not in MEASURES:
            raise UserError(f"no target {self.measure!r}; choose one of {', '.join(MEASURES)}")
        if not isfinite(self.value) or (self.measure == "quantile" and not 0 <= self.value <= 1):
            raise UserError(f"{self.measure} {self.value:g}; a quantile lies from 0 to 1, a median is a number of bits")

    def __str__(self) -> str:
        return f"{self.kind}:{self.measure}={repr(float(self.value)).removesuffix('.0')}"

    def target(self, disparities: Sequence[float]) -> float:
        """The wanted median in bits, given the unperturbed disparities."""
        return self.value if self.measure == "median" else float(np.quantile(disparities, self.value))


def parse_wanted(text: str) -> tuple[str, Wanted]:
    """A level's name and what is wanted of it: ``harder:speckle:quantile=0.25``. Raises UserError: no such text."""
    level, _, rest = text.partition(":")
    kind, _, setting = rest.partition(":")
    measure, equals, value = setting.partition("=")
    try:
        if not equals:
            raise ValueError
        number = float(value)
    except ValueError as error:
        raise UserError(
            f"calibration {text!r}; write NAME:KIND:median=BITS or NAME:KIND:quantile=NUMBER, such as "
            "harder:speckle:quantile=0.25"
        ) from error
    check_level_name(level)
    return level, Wanted(kind, measure, number)


def named_levels(arguments: Sequence[str]) -> Collection[str]:
    """The levels that ``skipstudy perturb`` makes by these arguments. Raises UserError: one of them is no level."""
    names = []
    for option, parse in (("--level", parse_level), ("--calibrate", parse_wanted)):
        texts = [text for before, text in pairwise(arguments) if before == option]
        texts += [text.removeprefix(f"{option}=") for text in arguments if text.startswith(f"{option}=")]
        names += [parse(text)[0] for text in texts]
    after = arguments[arguments.index("--levels") + 1 :] if "--levels" in arguments else []
    names += [level for chosen in takewhile(LEVEL_SETS.__contains__, after) for level in LEVEL_SETS[chosen]]
    return names or STUDY_LEVELS


@dataclass(frozen=True)
class Calibrated:
    """The strength found, and how.

    ``tried`` holds every (strength, median) in rising strength; ``remark`` is set where the median didn't go one
    way with the strength, so that other strengths may reach the target as well.
    """

    perturbation: Perturbation
    target: float
    reached: float
    tried: tuple[tuple[float, float], ...]
    remark: str | None


def calibrate_level(
    cases: Sequence[Case],
    level: str,
    wanted: Wanted,
    unperturbed: Sequence[float],
    *,
    seed: int,
    workers: int,
    ignore: int | None = None,
    axis: int = 0,
) -> Calibrated:
    """The strength at which the test set's median disparity is as wanted, with the level's own noise.

    Args:
        cases: the unperturbed test cases.
        level: its name, which the cases' seeds come from, so that the level is what was measured here.
        wanted: the target.
        unperturbed: the disparities of the cases that have one.
        seed: of the data set.
        workers: threads.
        ignore: the value of the ``ignore`` label.
        axis: across which a volume's planes lie.

    Raises:
        UserError: the target can't be reached, see :func:`calibrate`, or no case has a disparity.
    """
    if not unperturbed:
        raise UserError(
            f"level {level!r} can't be calibrated: no test case has a texture disparity; check the label maps"
        )

    def median_at(strength: float) -> float:
        perturbation = Perturbation(wanted.kind, strength, axis)
        one = partial(perturbed_disparity, level=level, perturbation=perturbation, seed=seed, ignore=ignore)
        values = parallel_map(one, cases, workers=workers, title=f"calibrating {level}, {perturbation}")
        return median(value for value in values if isfinite(value))

    try:
        found = calibrate(wanted.kind, wanted.target(unperturbed), median(unperturbed), median_at)
    except UserError as error:
        raise UserError(f"level {level!r} ({wanted}): {error}") from error
    return replace(found, perturbation=replace(found.perturbation, axis=axis))


def perturbed_disparity(case: Case, level: str, perturbation: Perturbation, seed: int, ignore: int | None) -> float:
    """The study's disparity of a case with a level's perturbation, drawn as the level is; NaN where there is none."""
    labels = read_labels(case)
    image = read_channel(case, 0, labels).array
    mask = labels != 0 if ignore is None else (labels != 0) & (labels != ignore)
    with about(case.images[0]):
        perturbed = perturb(image, mask, perturbation, np.random.default_rng(case_seed(seed, level, case.name)))
        return case_disparity(perturbed, labels, ignore=ignore, axis=perturbation.axis).union.value


def calibrate(kind: str, target: float, start: float, median_at: Callable[[float], float]) -> Calibrated:
    """The weakest strength found at which ``median_at`` is the target, by trying a grid and then by bisection.

    Args:
        kind: of the perturbation; says which strengths are tried.
        target: the median wanted.
        start: the median at strength 0.
        median_at: the median at a strength.

    Returns:
        A strength whose median misses the target by at most 1 % of the way from ``start``.

    Raises:
        UserError: the unperturbed median is the target already, no strength tried passes it, or the median jumps
            over it.
    """
    tolerance = TOLERANCE * abs(target - start)
    if not tolerance > 1e-9:
        raise UserError(f"the median is {start:.4f} without any perturbation; ask for another value")
    tried = {0.0: start}
    low, high = _bracket(kind, target, tried, median_at)
    best = high
    for _ in range(BISECTIONS):
        best = min((low, high), key=lambda strength: abs(tried[strength] - target))
        middle = _rounded((low * high) ** 0.5 if low > 0 else high / 2)
        if abs(tried[best] - target) <= tolerance or middle in (low, high):
            break
        tried[middle] = median_at(middle)
        low, high = (low, middle) if (tried[middle] - target) * (tried[low] - target) <= 0 else (middle, high)
    if best == 0.0 or abs(tried[best] - target) > tolerance:
        raise UserError(
            f"the median jumps from {tried[low]:.4f} at {Perturbation(kind, low)} to {tried[high]:.4f} at "
            f"{Perturbation(kind, high)}, over the wanted {target:.4f}; ask for one of these values"
        )
    points = tuple(sorted(tried.items()))
    return Calibrated(Perturbation(kind, best), target, tried[best], points, _monotone_remark(kind, points, best))


def _bracket(
    kind: str, target: float, tried: dict[float, float], median_at: Callable[[float], float]
) -> tuple[float, float]:
    """The first two neighbouring strengths of the grid between whose medians the target lies."""
    low = 0.0
    for strength in np.geomspace(KINDS[kind].weakest, KINDS[kind].strongest, GRID_STEPS):
        high = _rounded(float(strength))
        tried[high] = median_at(high)
        if (tried[low] - target) * (tried[high] - target) <= 0:
            return low, high
        low = high
    reached = ", ".join(f"{value:.4f} at {strength:g}" for strength, value in sorted(tried.items()))
    raise UserError(
        f"the median can't be brought to {target:.4f}: it is {reached} ({KINDS[kind].parameter}); "
        "ask for a value in between, or take another kind of perturbation"
    )


def _rounded(strength: float) -> float:
    return float(f"{strength:.{DIGITS}g}")


def _monotone_remark(kind: str, points: Sequence[tuple[float, float]], best: float) -> str | None:
    """What to say where the median went both ways up to the strength found."""
    way = [value for strength, value in points if strength <= best]
    steps = np.diff(way)
    slack = TOLERANCE * abs(way[-1] - way[0])
    if (steps >= -slack).all() or (steps <= slack).all():
        return None
    listed = ", ".join(f"{value:.4f} at {strength:g}" for strength, value in points if strength <= best)
    return (
        f"the median doesn't go one way with the strength of {kind} ({listed}); "
        "the weakest strength found to reach the target was taken"
    )


def recall(folder: Path, level: str, wanted: Wanted, seed: int, cases_sha256: str) -> Perturbation | None:
    """The perturbation that was found for a level when the same was wanted of the same cases, or None.

    Raises:
        UserError: the record can't be read.
    """
    try:
        entry = read_object(folder / RECORD).get(level, {})
        if (entry.get("wanted"), entry.get("seed"), entry.get("cases_sha256")) == (str(wanted), seed, cases_sha256):
            return Perturbation.parse(entry["perturbation"])
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(f"{folder / RECORD}: level {level!r} can't be read; remove the file") from error
    return None


def record(folder: Path, level: str, wanted: Wanted, seed: int, cases_sha256: str, found: Calibrated) -> None:
    """Write what was found for a level, and leave what is recorded of others."""
    entry = {
        "wanted": str(wanted),
        "seed": seed,
        "cases_sha256": cases_sha256,
        "perturbation": str(found.perturbation),
        "target_median": found.target,
        "reached_median": found.reached,
        "tried": [{"strength": strength, "median": value} for strength, value in found.tried],
    }
    write_json(folder / RECORD, {**read_object(folder / RECORD), level: entry})
