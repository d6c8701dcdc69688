"""Which trainings are replicates of each other, and what they add to the uncertainty of a network's mean."""

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from simulated_studies import cases_table, rows_of, setting_of

from nnunet_skipstudy.analysis.measuring.columns import network_keys
from nnunet_skipstudy.analysis.statistics.between_trainings import (
    Between,
    between,
    guarded,
    replicate_numbers,
    summed,
    with_mean_of_levels,
)
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, settings
from nnunet_skipstudy.analysis.statistics.table import make_statistics


def drawn(n_seeds: int, n_networks: int = 2, n_cases: int = 12, n_levels: int = 2) -> np.ndarray:
    return np.random.default_rng(0).uniform(0.4, 0.9, (n_cases, n_networks, n_seeds, n_levels))


def in_folds(seeds: int, n_cases: int = 12) -> pd.DataFrame:
    """Cross-validation: three folds that were each tested on cases of their own."""
    cases = cases_table(drawn(seeds, n_cases=n_cases))
    return cases.assign(fold=(cases["case"].str[1:].astype(int) % 3).astype(str))


def test_seeds_of_the_same_cases_are_replicates() -> None:
    cases = cases_table(drawn(3))
    numbers = replicate_numbers(cases)
    assert pd.crosstab(numbers, cases["seed"]).to_numpy().tolist() == (np.eye(3, dtype=int) * 48).tolist()


def test_folds_that_share_their_test_cases_are_replicates() -> None:
    cases = cases_table(drawn(3)).assign(seed=pd.NA)
    cases["fold"] = np.indices((12, 2, 3, 2))[2].ravel().astype(str)
    assert replicate_numbers(cases).max() == 2


@pytest.mark.parametrize(("n_seeds", "scope"), [(1, "trainings"), (2, "networks")])
def test_folds_with_cases_of_their_own_are_one_replicate_of_each_seed(n_seeds: int, scope: str) -> None:
    """Three folds of one seed are no replicates; of two seeds they are two."""
    cases = in_folds(n_seeds)
    assert replicate_numbers(cases).max() == n_seeds - 1
    rows = make_statistics(settings(cases, list(dict.fromkeys(network_keys(cases))))).table
    difference = rows.query("quantity == 'difference' and metric == 'dsc'")
    assert set(difference["scope"]) == {scope}
    assert set(difference["n_trainings"]) == {n_seeds}


def test_trainings_of_cases_that_overlap_in_part_say_nothing_of_each_other() -> None:
    """Two folds, of seven and eight of twelve cases: neither replicates nor a cross-validation."""
    cases = cases_table(drawn(1, n_networks=1))
    number = cases["case"].str[1:].astype(int)
    parts = [cases[number < 7].assign(fold="0"), cases[number >= 4].assign(fold="1")]
    assert replicate_numbers(pd.concat(parts, ignore_index=True)).max() == 0


def test_a_training_that_lacks_a_level_is_no_replicate_of_their_mean() -> None:
    """Three seeds at the hardest level, of which two have the other; k of the mean of levels is two."""
    cases = cases_table(drawn(3, n_networks=1))
    gone = (cases["seed"] == 2) & (cases["level"] == "unperturbed")
    cases = cases[~gone].reset_index(drop=True)
    rows = make_statistics(settings(cases, list(dict.fromkeys(network_keys(cases))))).table
    k = rows.query("quantity == 'mean' and metric == 'dsc'").set_index("level")["n_trainings"]
    assert k.to_dict() == {"hardest": 3, "unperturbed": 2, ALL_LEVELS: 2}


def test_the_variance_between_trainings_is_that_of_their_means_by_their_number() -> None:
    """Two networks: s²/k of each, and of the difference their sum; one network has no typical variance to lean on."""
    dsc = drawn(4)
    s2 = dsc.mean(axis=0).var(axis=1, ddof=1) / 4  # network, level
    for row in rows_of(dsc):
        if row["level"] == "hardest" and row["quantity"] == "mean":
            assert row["se_trainings"] ** 2 == pytest.approx(s2[int(row["architecture"][1]), 0])
        if row["level"] == "hardest" and row["quantity"] == "difference":
            assert row["se_trainings"] ** 2 == pytest.approx(s2[:, 0].sum())


def test_equal_trainings_add_nothing_and_still_speak_of_networks() -> None:
    dsc = np.repeat(drawn(1), 3, axis=2)
    rows = [row for row in rows_of(dsc) if row["quantity"] == "difference"]
    alone = [row for row in rows_of(drawn(1)) if row["quantity"] == "difference"]
    for row, of_one in zip(rows, alone, strict=True):
        assert (row["scope"], of_one["scope"]) == ("networks", "trainings")
        assert row["se_trainings"] == 0
        assert (row["low"], row["high"]) == (pytest.approx(of_one["low"]), pytest.approx(of_one["high"]))


def test_small_variances_are_drawn_up_to_the_typical_one_and_large_ones_stay() -> None:
    """Three networks, k = 3; the typical variance is the median by the median of chi-squared(2) / 2."""
    found = guarded(np.array([0.0, 2.0, 9.0]), np.array([3, 3, 3]))
    typical = 2.0 / (stats.chi2.median(2) / 2)
    assert found.tolist() == pytest.approx([typical / 3, max(2.0, (4 + typical) / 3), 9.0])
    assert guarded(np.array([0.0, 2.0]), np.array([3, 3])).tolist() == [0, 2]  # two networks have no typical one
    with_one = guarded(np.array([0.0, 2.0, np.nan]), np.array([3, 3, 1]))
    assert with_one[:2].tolist() == [0, 2]
    assert np.isnan(with_one[2])


def test_degrees_of_freedom_are_satterthwaite_s() -> None:
    """Of equal parts they add; a part of 0 has no say."""
    one, two = (Between(np.array([v]), np.array([4.0]), np.array([5])) for v in (0.1, 0.1))
    assert summed([one, two]).df.tolist() == pytest.approx([8])
    none = Between(np.array([0.0]), np.array([1.0]), np.array([2]))
    assert summed([one, none]).df.tolist() == pytest.approx([4])
    assert summed([one, two], [0.5, 0.5]).variance.tolist() == pytest.approx([0.05])


def test_training_sets_are_independent_and_weighted_alike() -> None:
    """The mean over two training sets has a quarter of the sum of their variances; labels share their trainings."""
    rng = np.random.default_rng(3)
    strata = [rng.normal(size=(4, 1, 1, 1)) for _ in range(2)]
    centred = [stratum - stratum.mean(axis=0) for stratum in strata]
    found = between(with_mean_of_levels(centred))
    expected = sum(stratum.var(axis=0, ddof=1) / 4 for stratum in strata) / 4
    assert found.variance[0, 0, 0] == pytest.approx(expected.item())
    assert found.variance[0, 1, 0] == pytest.approx(expected.item())  # one level is their mean
    assert found.k.tolist() == [[[4], [4]]]


def test_a_training_set_that_lacks_a_level_is_no_part_of_it() -> None:
    first, second = (np.random.default_rng(seed).normal(size=(3, 1, 2, 1)) for seed in (4, 5))
    second[:, :, 1] = np.nan
    found = between(with_mean_of_levels([first, second]))
    assert found.variance[0, 1, 0] == pytest.approx(first[:, 0, 1, 0].var(ddof=1) / 3)
    both = (first[:, 0, 0, 0].var(ddof=1) + second[:, 0, 0, 0].var(ddof=1)) / 3 / 4
    assert found.variance[0, 0, 0] == pytest.approx(both)
    of_first = (first[:, 0, 0, 0] / 2 + first[:, 0, 1, 0]) / 2
    of_second = second[:, 0, 0, 0] / 4
    assert found.variance[0, 2, 0] == pytest.approx((of_first.var(ddof=1) + of_second.var(ddof=1)) / 3)


@pytest.mark.parametrize("n_labels", [1, 2])
def test_labels_share_their_trainings(n_labels: int) -> None:
    """A seed's mean over labels is one number: what moves its labels apart cancels."""
    dsc = drawn(3, n_networks=1, n_levels=1)
    parts = [cases_table(dsc, levels=("hardest",)).assign(label="a")]
    if n_labels == 2:
        parts.append(cases_table(1 - dsc, levels=("hardest",)).assign(label="b"))
    cases = pd.concat(parts, ignore_index=True)
    first = settings(cases, list(dict.fromkeys(network_keys(cases))))[0]
    found = between(with_mean_of_levels(first.deviations)).variance[0, 0, 0]
    assert found == pytest.approx(0 if n_labels == 2 else dsc.mean(axis=0).var(ddof=1) / 3)


def test_deviations_are_of_the_same_cases() -> None:
    """A seed that lacks the hardest cases is not the better one."""
    dsc = drawn(2, n_networks=1, n_levels=1)
    dsc[:4] -= 0.3
    plain = setting_of(dsc).deviations[0]
    dsc[:4, 0, 1] = np.nan
    found = setting_of(dsc).deviations[0]
    apart = dsc[4:, 0, 0, 0] - dsc[4:, 0, 1, 0]
    assert abs(float(found[0, 0, 0, 0])) < 0.1
    assert float(found[1, 0, 0, 0]) == pytest.approx(-apart.mean() / 2)
    assert plain.shape == found.shape == (2, 1, 1, found.shape[3])
    assert all(np.isnan(found[..., metric]).all() for metric in itertools.islice(range(found.shape[3]), 1, None))
