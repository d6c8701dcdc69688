"""Splits: frozen ones that were published, the means that groups are ordered by, balance, and repeated draws."""

import hashlib
import itertools
import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnunet_skipstudy.conversion.splits import N_NARROW, SplitCase, hold_out, study_folds
from nnunet_skipstudy.errors import UserError

FROZEN = {
    "test": "e4b45f5cc4d0d0ee",
    "validation": "88e56b97eda81d8e",
    "wide": "dc780ea78d438b5a",
    "narrow": "82a9212368b49d60",
    "matched": "37a1d103c59c7293",
    "given": "d2feb8da17462013",
}
"""The first digits of the SHA-256 of each kind of split of a table that is worked out below."""


def uneven(seed: int, n_groups: int = 40) -> list[SplitCase]:
    """Groups of one to five cases, three strata of unlike sizes, some cases without a disparity."""
    rng = np.random.default_rng(seed)
    table = []
    for group in range(n_groups):
        stratum = "ABBCCCC"[int(rng.integers(7))]
        for member in range(int(rng.integers(1, 6))):
            disparity = float("nan") if rng.random() < 0.1 else round(float(rng.gamma(2, 0.2)), 3)
            table.append(SplitCase(f"g{group:02d}_{member}", f"g{group:02d}", disparity, stratum))
    return table


def digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def test_splits_stay_what_they_were_published_as() -> None:
    """A table and a seed have these splits for good: another draw changes everybody's results.

    Change the digests only on purpose, and say so in the changelog.
    """
    table = [
        SplitCase(
            f"g{g:02d}_{m}", f"g{g:02d}", float("nan") if g % 13 == m else (g * 37 % 101) / 100 + m, "ABBCCCC"[g % 7]
        )
        for g in range(40)
        for m in range(g * 7 % 5 + 1)
    ]
    test = {unit: sorted(hold_out(table, 12, seed=3, unit=unit)) for unit in ("cases", "groups")}
    validation = sorted(hold_out(table, 12, seed=3, purpose="validation"))
    folds = study_folds(table, seed=3)
    given_one = study_folds(table, seed=3, validation=test["cases"], validation_name="given")
    assert {
        "test": digest(test),
        "validation": digest(validation),
        "wide": digest([(fold.name, fold.train, fold.val) for fold in folds[:5]]),
        "narrow": digest([(fold.name, fold.train, fold.val) for fold in folds[5:10]]),
        "matched": digest([(fold.name, fold.train, fold.val) for fold in folds[10:]]),
        "given": digest([(fold.name, fold.train, fold.val) for fold in given_one]),
    } == FROZEN


@pytest.mark.parametrize("seed", range(10))
def test_names_kinds_and_ranges_of_the_eleven_folds(seed: int) -> None:
    folds = study_folds(uneven(seed), seed=seed)
    wide = [f"wide_{number}" for number in range(5)]
    narrow = [f"narrow_{name}" for name in ("hardest", "harder", "medium", "easier", "easiest")]
    assert [fold.name for fold in folds] == [*wide, *narrow, "matched"]
    means = [(fold.disparity_min + fold.disparity_max) / 2 for fold in folds[5:10]]
    assert means == sorted(means)
    assert all(list(part) == sorted(part) for fold in folds for part in (fold.train, fold.val))


@pytest.mark.parametrize("n_ranked", range(20, 31))
def test_narrow_folds_leave_out_at_most_four_cases_between_them(n_ranked: int) -> None:
    """The first holds the smallest, the last the largest; the gaps are shared out."""
    table = [SplitCase(f"c{n:02d}", f"c{n:02d}", n / 10) for n in range(n_ranked + 5)]
    chosen = {f"c{n:02d}" for n in range(n_ranked, n_ranked + 5)}
    folds = study_folds(table, seed=0, validation=chosen)
    narrow = [[int(case[1:]) for case in fold.train] for fold in folds[5:10]]
    size = n_ranked // N_NARROW
    assert all(numbers == list(range(numbers[0], numbers[0] + size)) for numbers in narrow)
    assert (narrow[0][0], narrow[-1][-1]) == (0, n_ranked - 1)
    gaps = [above[0] - below[-1] - 1 for below, above in itertools.pairwise(narrow)]
    assert sum(gaps) == n_ranked % N_NARROW
    assert max(gaps) <= 1


def test_groups_are_ordered_by_their_mean_and_not_by_a_single_case() -> None:
    """Pairs (0, 1), (0.4, 0.4), (0.3, 0.9) ...: a hold-out from two runs takes one of the smaller means' half."""
    values = [(0.0, 1.0), (0.4, 0.4), (0.3, 0.9), (0.2, float("nan"))]  # means 0.5, 0.4, 0.6, 0.2
    table = [SplitCase(f"g{g}_{m}", f"g{g}", value) for g, pair in enumerate(values) for m, value in enumerate(pair)]
    low, high = {"g3", "g1"}, {"g0", "g2"}
    drawn = [{case[:2] for case in hold_out(table, 2, seed=seed, unit="groups")} for seed in range(40)]
    assert all(len(groups & low) == 1 and len(groups & high) == 1 for groups in drawn)
    assert set.union(*drawn) == low | high


def test_a_group_of_several_strata_counts_for_its_most_frequent_one() -> None:
    """Ties go to the first by name: with two strata of two groups each, every hold-out of two has one of each."""
    strata = {"g0": "BBA", "g1": "BA", "g2": "AAB", "g3": "BBB"}  # B, A, A, B
    table = [SplitCase(f"{g}_{m}", g, 0.5, s) for g, members in strata.items() for m, s in enumerate(members)]
    for seed in range(40):
        groups = {case[:2] for case in hold_out(table, 2, seed=seed, unit="groups")}
        assert len(groups & {"g1", "g2"}) == len(groups & {"g0", "g3"}) == 1


@pytest.mark.parametrize("seed", range(20))
def test_strata_are_shared_out_to_the_folds_to_within_a_group(seed: int) -> None:
    """Each stratum's groups: as many in one fold's validation as in another's, but for one."""
    table = uneven(seed)
    stratum = {case.group: case.stratum for case in table}
    folds = study_folds(table, seed=seed)[:5]
    held = [Counter(stratum[group] for group in {case.split("_")[0] for case in fold.val}) for fold in folds]
    for name in set(stratum.values()):
        counts = [fold[name] for fold in held]
        assert max(counts) - min(counts) <= 1, name


@pytest.mark.parametrize("unit", ["cases", "groups"])
def test_every_group_is_drawn_by_some_seed_about_as_often(unit: str) -> None:
    """Singles: a quarter held out, so each in a quarter of 400 draws, within five standard errors."""
    table = [SplitCase(f"c{n:02d}", f"c{n:02d}", n / 20, "ab"[n % 2]) for n in range(20)]
    counts = Counter(case for seed in range(400) for case in hold_out(table, 5, seed=seed, unit=unit))
    assert len(counts) == 20
    assert all(abs(count - 100) < 5 * np.sqrt(400 * 0.25 * 0.75) for count in counts.values())


def test_two_groups_can_be_parted_and_one_cannot() -> None:
    two = [SplitCase(f"c{n}", f"g{n % 2}", 0.5) for n in range(6)]
    assert hold_out(two, 3, seed=0) in ({"c0", "c2", "c4"}, {"c1", "c3", "c5"})
    one = [SplitCase(f"c{n}", "g", 0.5) for n in range(6)]
    with pytest.raises(UserError, match="1 cases can't be held out for test of 6 in 1 groups"):
        hold_out(one, 1, seed=0)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    sizes=st.lists(st.integers(1, 9), min_size=6, max_size=30),
    share=st.floats(0.05, 0.6),
    seed=st.integers(0, 2**31),
    n_strata=st.integers(1, 4),
)
def test_any_structure_of_groups_is_split_without_a_leak(
    sizes: list[int], share: float, seed: int, n_strata: int
) -> None:
    """Test set, given validation and folds: no group on two sides, no case lost, the test set not too large."""
    table = [
        SplitCase(f"g{g}_{m}", f"g{g}", (g * 7 + m) % 11 / 10, str(g % n_strata))
        for g, size in enumerate(sizes)
        for m in range(size)
    ]
    group = {case.case: case.group for case in table}
    wanted = max(1, min(round(share * len(table)), len(table) - 1))
    test = hold_out(table, wanted, seed=seed)
    pool = [case for case in table if case.case not in test]
    assert pool
    assert not {group[case] for case in test} & {case.group for case in pool}
    assert len(test) <= max(wanted, min(sizes))
    try:
        folds = study_folds(pool, seed=seed)
    except UserError:  # too few are left
        assert len({case.group for case in pool}) < 5 or len(pool) < 25
        return
    for fold in folds:
        assert not {group[case] for case in fold.train} & {group[case] for case in fold.val}
        assert not test & {*fold.train, *fold.val}
    assert sorted(case for fold in folds[:5] for case in fold.val) == sorted(case.case for case in pool)
