"""Splits by texture disparity: pure functions from a table of cases to a test set and eleven folds.

``group`` is what must not straddle a split; ``stratum`` (a class, a disease) and the disparity (TD, in whichever
measure: its excess by default) are what each part should hold in proportion. The same cases and seed give the same
splits, in whichever order the cases come.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import isfinite, nan

import numpy as np

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.publishing import Fold
from nnunet_skipstudy.texture.categories import CATEGORIES

N_WIDE = 5
N_NARROW = len(CATEGORIES)
UNITS: tuple[str, ...] = ("cases", "groups")
STREAMS: dict[str, int] = {"test": 0, "wide": 1, "matched": 2, "validation": 3}
"""Each purpose draws from its own stream of random numbers."""


@dataclass(frozen=True)
class SplitCase:
    """What a split needs to know of a case; ``disparity`` is NaN where there is none (an empty mask)."""

    case: str
    group: str
    disparity: float
    stratum: str = ""


@dataclass(frozen=True)
class _Group:
    cases: tuple[str, ...]
    stratum: str
    disparity: float

    def size(self, unit: str) -> int:
        return len(self.cases) if unit == "cases" else 1


def hold_out(
    cases: Iterable[SplitCase], size: int, *, seed: int, unit: str = "cases", purpose: str = "test"
) -> frozenset[str]:
    """Draw whole groups until they hold ``size`` cases, over all strata and the whole range of TD.

    The groups are put in order by stratum and TD and cut into as many runs as groups are wanted; one is drawn from
    each. Where the groups' sizes don't add up to ``size``, the nearest below is taken, but at least one group.
    Counted are ``cases`` or ``groups`` (``unit``); for ``test`` and ``validation`` is drawn independently.

    Raises:
        UserError: fewer than ``size`` would leave nothing to train on.
    """
    groups = _ordered_groups(cases)
    total = sum(group.size(unit) for group in groups)
    if not 1 <= size < total or len(groups) < 2:
        raise UserError(
            f"{size} {unit} can't be held out for {purpose} of {total} in {len(groups)} groups; "
            "give a complete download"
        )
    rng = np.random.default_rng((seed, STREAMS[purpose]))
    n_runs = min(len(groups), max(1, round(len(groups) * size / total)))
    runs = np.array_split(np.arange(len(groups)), n_runs)
    one_a_run = [int(rng.choice(run)) for run in runs]
    rng.shuffle(one_a_run)
    others = [int(place) for place in rng.permutation(len(groups)) if place not in set(one_a_run)]
    drawn: list[_Group] = []
    missing = size
    for place in (*one_a_run, *others):
        if groups[place].size(unit) <= missing:
            drawn.append(groups[place])
            missing -= groups[place].size(unit)
    if not drawn:
        drawn = [min(groups, key=lambda group: (group.size(unit), group.cases))]
    return frozenset(case for group in drawn for case in group.cases)


def study_folds(
    cases: Iterable[SplitCase], *, seed: int, validation: Collection[str] = (), validation_name: str = ""
) -> list[Fold]:
    """The eleven folds of a training pool.

    - 0 ... 4, *wide*: cross-validation; each case is validated once, each fold's validation cases hold the strata
      and the range of TD in proportion. Where ``validation`` names cases, they are fold 0's, and folds 1 ... 4
      share the others.
    - 5 ... 9, *narrow*: validated like fold 0, trained on one fifth of fold 0's training cases: those of the
      smallest TD (hardest) ... of the largest (easiest). Up to four cases between the fifths are in none, so
      that all have as many. Cases without a TD are in none.
    - 10, *matched*: validated like fold 0, trained on as many cases as a narrow fold, drawn over the whole range of
      TD: what a narrow fold does worse than this one, it does because of its textures, not of its size.

    ``validation`` are whole groups; ``validation_name`` is fold 0's name where it is given.

    Raises:
        UserError: too few groups or cases for that.
        ValueError: ``validation`` cuts a group in two.
    """
    table = {case.case: case for case in sorted(cases, key=lambda case: case.case)}
    chosen = frozenset(validation)
    rest = [case for name, case in table.items() if name not in chosen]
    groups = _ordered_groups(rest)
    if {table[name].group for name in chosen} & {case.group for case in rest}:
        raise ValueError("fold 0's validation cases cut a group in two")
    parts = N_WIDE - bool(chosen)
    if len(groups) < parts:
        raise UserError(
            f"{len(groups)} groups (patients, volumes, clusters of duplicates) to train on; {N_WIDE} folds need "
            f"at least {parts}: give a complete download"
        )
    dealt = _deal(groups, parts, np.random.default_rng((seed, STREAMS["wide"])))
    validated = ([chosen] if chosen else []) + [frozenset(part) for part in dealt]
    wide = [
        _fold(table, f"wide_{number}", "wide", (name for name in table if name not in held), held)
        for number, held in enumerate(validated)
    ]
    if chosen and validation_name:
        wide[0] = _fold(table, validation_name, "wide", wide[0].train, wide[0].val)
    return wide + _narrow_and_matched(table, wide[0], seed)


def _narrow_and_matched(table: dict[str, SplitCase], first: Fold, seed: int) -> list[Fold]:
    ranked = sorted(
        (name for name in first.train if isfinite(table[name].disparity)),
        key=lambda name: (table[name].disparity, name),
    )
    size = len(ranked) // N_NARROW
    if size == 0:
        raise UserError(
            f"{len(ranked)} cases with a texture disparity to train on in fold 0; its fifths need at least "
            f"{N_NARROW}: give a complete download"
        )
    folds = []
    for number, category in enumerate(CATEGORIES):
        start = number * (len(ranked) - size) // (N_NARROW - 1)  # the first fifth starts, the last one ends the ranking
        folds.append(_fold(table, f"narrow_{category}", "narrow", ranked[start : start + size], first.val))
    rng = np.random.default_rng((seed, STREAMS["matched"]))
    drawn = [str(rng.choice(run)) for run in np.array_split(np.asarray(ranked), size)]
    return [*folds, _fold(table, "matched", "matched", drawn, first.val)]


def _fold(table: dict[str, SplitCase], name: str, kind: str, train: Iterable[str], val: Iterable[str]) -> Fold:
    train, val = tuple(sorted(train)), tuple(sorted(val))
    disparities = [table[case].disparity for case in train if isfinite(table[case].disparity)]
    return Fold(name, kind, train, val, min(disparities, default=nan), max(disparities, default=nan))


def _ordered_groups(cases: Iterable[SplitCase]) -> list[_Group]:
    """The groups by stratum, then by their cases' mean TD; those without one come last in their stratum.

    A group of several strata counts for its most frequent one.
    """
    members: dict[str, list[SplitCase]] = defaultdict(list)
    for case in sorted(cases, key=lambda case: case.case):
        members[case.group].append(case)
    groups = []
    for name in sorted(members):
        strata = [case.stratum for case in members[name]]
        disparities = [case.disparity for case in members[name] if isfinite(case.disparity)]
        groups.append(
            _Group(
                cases=tuple(case.case for case in members[name]),
                stratum=min(set(strata), key=lambda stratum: (-strata.count(stratum), stratum)),
                disparity=sum(disparities) / len(disparities) if disparities else np.inf,
            )
        )
    return sorted(groups, key=lambda group: (group.stratum, group.disparity, group.cases))


def _deal(groups: Sequence[_Group], n_parts: int, rng: np.random.Generator) -> list[list[str]]:
    """Deal the groups out: of each run of neighbours in stratum and TD, one to each part.

    Within a run the larger groups go to the parts that hold fewer cases so far, so that the parts stay alike in
    size; chance decides among equals.
    """
    parts: list[list[str]] = [[] for _ in range(n_parts)]
    strata: dict[str, list[_Group]] = defaultdict(list)
    for group in groups:
        strata[group.stratum].append(group)
    for neighbours in strata.values():
        for start in range(0, len(neighbours), n_parts):
            run = neighbours[start : start + n_parts]
            largest_first = sorted(rng.permutation(len(run)), key=lambda place: -len(run[place].cases))
            emptiest_first = sorted(rng.permutation(n_parts), key=lambda part: len(parts[part]))
            for place, part in zip(largest_first, emptiest_first, strict=False):
                parts[part].extend(run[place].cases)
    return parts
