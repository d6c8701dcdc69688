"""Disparity-based splits: what must hold for any table of cases, tried on many random ones."""

import itertools
from collections import Counter, defaultdict

import numpy as np
import pytest

from nnunet_skipstudy.conversion.splits import SplitCase, hold_out, study_folds
from nnunet_skipstudy.errors import UserError

SEEDS = range(60)


def random_table(seed: int, *, most: int = 120) -> list[SplitCase]:
    """Cases with groups of very different sizes, strata, ties in disparity and cases without one."""
    rng = np.random.default_rng(seed)
    n_cases = int(rng.integers(20, most))
    n_groups = int(rng.integers(8, n_cases + 1))
    groups = np.concatenate([np.arange(n_groups), rng.integers(0, n_groups, n_cases - n_groups)])
    strata = rng.integers(0, int(rng.integers(1, 6)), n_groups)
    disparities = np.round(rng.gamma(2, 0.2, n_cases), int(rng.integers(1, 6)))
    disparities[rng.random(n_cases) < 0.05] = np.nan
    return [
        SplitCase(f"case{n:03d}", f"group{g}", float(d), f"stratum{strata[g]}")
        for n, (g, d) in enumerate(zip(groups, disparities, strict=True))
    ]


def group_of(table: list[SplitCase]) -> dict[str, str]:
    return {case.case: case.group for case in table}


@pytest.mark.parametrize("seed", SEEDS)
def test_folds_of_any_table(seed):
    """No group straddles, the pool is validated once, narrow folds are fifths of fold 0's training cases by TD."""
    table = random_table(seed)
    group = group_of(table)
    disparity = {case.case: case.disparity for case in table}
    folds = study_folds(table, seed=seed)
    assert [fold.kind for fold in folds] == ["wide"] * 5 + ["narrow"] * 5 + ["matched"]
    for fold in folds:
        assert fold.train
        assert fold.val
        assert not {group[case] for case in fold.train} & {group[case] for case in fold.val}
        assert len(set(fold.train)) == len(fold.train)
        known = [disparity[case] for case in fold.train if np.isfinite(disparity[case])]
        assert (fold.disparity_min, fold.disparity_max) == (min(known), max(known))
    for fold in folds[:5]:
        assert sorted(fold.train + fold.val) == sorted(group)
    assert Counter(case for fold in folds[:5] for case in fold.val) == dict.fromkeys(group, 1)

    ranked = sorted(disparity[case] for case in folds[0].train if np.isfinite(disparity[case]))
    size = len(ranked) // 5
    for fold in folds[5:]:
        assert fold.val == folds[0].val
        assert set(fold.train) <= set(folds[0].train)
        assert len(fold.train) == size
    narrow = [sorted(disparity[case] for case in fold.train) for fold in folds[5:10]]
    assert len({case for fold in folds[5:10] for case in fold.train}) == 5 * size
    assert all(below[-1] <= above[0] for below, above in itertools.pairwise(narrow))
    assert narrow[0] == ranked[:size]
    assert narrow[-1] == ranked[-size:]
    matched = sorted(disparity[case] for case in folds[10].train)
    borders = np.array_split(np.asarray(ranked), size)
    assert all(run[0] <= value <= run[-1] for run, value in zip(borders, matched, strict=True))


@pytest.mark.parametrize("seed", SEEDS[:20])
def test_the_order_of_the_cases_does_not_matter_but_the_seed_does(seed):
    table = random_table(seed)
    shuffled = [table[place] for place in np.random.default_rng(seed).permutation(len(table))]
    assert study_folds(shuffled, seed=3) == study_folds(table, seed=3)
    assert study_folds(table, seed=4) != study_folds(table, seed=3)
    assert hold_out(shuffled, 4, seed=3) == hold_out(table, 4, seed=3)


@pytest.mark.parametrize("unit", ["cases", "groups"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_test_set_of_any_table(seed, unit):
    """Whole groups, never more than asked for unless the smallest group is; and the rest can be split."""
    table = random_table(seed)
    group = group_of(table)
    sizes = Counter(group.values())
    total = len(table) if unit == "cases" else len(sizes)
    wanted = max(1, round(0.2 * total))
    test = hold_out(table, wanted, seed=seed, unit=unit)
    tested = {group[case] for case in test}
    assert test == {case for case in group if group[case] in tested}
    if unit == "groups":
        assert len(tested) == wanted
    else:
        assert len(test) <= max(wanted, min(sizes.values()))
        assert len(test) >= min(wanted, 1)
    pool = [case for case in table if case.case not in test]
    validation = hold_out(pool, max(1, wanted // 2), seed=seed, unit=unit, purpose="validation")
    assert not {group[case] for case in validation} & {group[case.case] for case in pool if case.case not in validation}


def test_singles_give_the_exact_size():
    table = [SplitCase(f"c{n:03d}", f"c{n:03d}", n / 647, "ab"[n % 2]) for n in range(647)]
    assert len(hold_out(table, 147, seed=0)) == 147
    assert hold_out(table, 147, seed=1) != hold_out(table, 147, seed=0)
    assert hold_out(table, 147, seed=0, purpose="validation") != hold_out(table, 147, seed=0)


def test_pairs_and_singles_give_the_exact_size():
    """As with near-duplicates: the singles fill up what the pairs leave."""
    table = [SplitCase(f"c{n:03d}", f"g{n if n > 60 else n // 2}", n / 647) for n in range(647)]
    for seed in range(10):
        assert len(hold_out(table, 147, seed=seed)) == 147


def test_strata_and_disparity_are_spread_evenly():
    """100 patients of five diseases: each fold validates four of each, and from the whole range of TD."""
    rng = np.random.default_rng(0)
    table = [
        SplitCase(f"p{n:03d}_{phase}", f"p{n:03d}", float(rng.gamma(2, 0.2)), "ABCDE"[n % 5])
        for n in range(100)
        for phase in ("ED", "ES")
    ]
    stratum = {case.case: case.stratum for case in table}
    disparity = {case.case: case.disparity for case in table}
    median = np.median(list(disparity.values()))
    for fold in study_folds(table, seed=0)[:5]:
        assert Counter(stratum[case] for case in fold.val) == dict.fromkeys("ABCDE", 8)
        assert 0.35 < np.mean([disparity[case] > median for case in fold.val]) < 0.65
    test = hold_out(table, 20, seed=0, unit="groups")
    assert Counter(stratum[case] for case in test) == dict.fromkeys("ABCDE", 8)


def test_given_validation_cases_are_fold_0s():
    table = [SplitCase(f"c{n:02d}", f"g{n // 2}", n / 40) for n in range(40)]
    chosen = {f"c{n:02d}" for n in (0, 1, 6, 7)}
    folds = study_folds(table, seed=0, validation=chosen, validation_name="study_train_val")
    assert folds[0].name == "study_train_val"
    assert set(folds[0].val) == chosen
    assert Counter(case for fold in folds[:5] for case in fold.val) == dict.fromkeys((c.case for c in table), 1)
    with pytest.raises(ValueError, match="cut a group in two"):
        study_folds(table, seed=0, validation={"c00"})


def test_balance_of_uneven_groups():
    """Folds hold about as many cases each although the groups have 1 to 6."""
    rng = np.random.default_rng(1)
    table = [SplitCase(f"c{n}_{m}", f"g{n}", n / 60) for n in range(60) for m in range(int(rng.integers(1, 7)))]
    sizes = [len(fold.val) for fold in study_folds(table, seed=0)[:5]]
    assert max(sizes) - min(sizes) <= 6


@pytest.mark.parametrize(
    ("n_groups", "words"),
    [
        (4, "4 groups .* to train on; 5 folds need at least 5: give a complete download"),
        (5, "4 cases with a texture disparity to train on in fold 0; its fifths need at least 5"),
    ],
)
def test_too_few_to_split(n_groups, words):
    table = [SplitCase(f"c{n}", f"c{n}", n / 10) for n in range(n_groups)]
    with pytest.raises(UserError, match=words):
        study_folds(table, seed=0)


@pytest.mark.parametrize("size", [0, 3, 4])
def test_nothing_left_to_train_on(size):
    table = [SplitCase(f"c{n}", f"c{n}", n / 10) for n in range(3)]
    with pytest.raises(UserError, match=f"{size} cases can't be held out for test of 3 in 3 groups"):
        hold_out(table, size, seed=0)


def test_groups_of_one_size_above_what_is_asked_for():
    """The smallest group is taken where none is small enough."""
    table = [SplitCase(f"c{n}{m}", f"g{n}", n / 10) for n in range(4) for m in range(3)]
    by_group = defaultdict(set)
    for case in table:
        by_group[case.group].add(case.case)
    assert hold_out(table, 1, seed=0) in by_group.values()
