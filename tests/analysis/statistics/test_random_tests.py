"""Paired tests, corrections and rank tests on random data with ties: equal to scipy, statsmodels, scikit-posthocs."""

import itertools

import numpy as np
import pytest
from one_test import signed_rank
from scipy import stats
from statsmodels.stats.multitest import multipletests

from nnunet_skipstudy.analysis.statistics.pairwise import (
    MAX_EXACT,
    MIN_NORMAL,
    MIN_PAIRS,
    SignedRank,
    holm,
)
from nnunet_skipstudy.analysis.statistics.ranks import MIN_BLOCKS, cliques, rank_networks, stability

SEEDS = range(12)


def brute_force_p(differences: np.ndarray) -> float:
    """Twice the share of all ways to sign the ranks whose positive sum is as far out, at most 1."""
    ranks = stats.rankdata(np.abs(differences))
    observed = ranks[differences > 0].sum()
    sums = np.array([ranks[list(signs)].sum() for signs in itertools.product((False, True), repeat=len(ranks))])
    return min(1.0, 2 * min(np.mean(sums <= observed + 1e-6), np.mean(sums >= observed - 1e-6)))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [MIN_PAIRS, 11, MAX_EXACT])
def test_without_ties_the_p_value_is_scipy_s_exact_one(n: int, seed: int) -> None:
    differences = np.random.default_rng((n, seed)).normal(0.3, 1, n)
    expected = stats.wilcoxon(differences, method="exact")
    found = signed_rank(differences)
    assert found.method == "Wilcoxon signed-rank, exact"
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-12)
    assert min(found.statistic, n * (n + 1) / 2 - found.statistic) == expected.statistic
    if n < 12:
        assert found.p_value == pytest.approx(brute_force_p(differences), rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [MIN_NORMAL, 25, 80])
def test_with_ties_the_p_value_is_scipy_s_normal_approximation(n: int, seed: int) -> None:
    differences = np.random.default_rng((n, seed)).integers(1, 5, n) * np.where(np.arange(n) % 3, 1.0, -1.0)
    expected = stats.wilcoxon(differences, method="asymptotic").pvalue
    found = signed_rank(np.concatenate([differences, np.zeros(4)]))
    assert (found.n, found.n_used) == (n + 4, n)
    assert "normal approximation" in found.method
    assert found.p_value == pytest.approx(expected, rel=1e-12)


def test_many_pairs_without_ties_take_the_approximation() -> None:
    differences = np.random.default_rng(0).normal(0.3, 1, MAX_EXACT + 1)
    found = signed_rank(differences)
    assert "normal approximation" in found.method
    assert found.p_value == pytest.approx(stats.wilcoxon(differences, method="asymptotic").pvalue)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [MIN_PAIRS, 7, MIN_NORMAL - 1])
def test_few_tied_pairs_have_the_p_value_of_all_signs(n: int, seed: int) -> None:
    """Half ranks too; and the same numbers with the signs changed have the same p-value."""
    rng = np.random.default_rng((n, seed))
    differences = rng.integers(1, 4, n) * rng.choice([-1.0, 1.0], n, p=[0.2, 0.8])
    differences[:2] = 2, -2
    found = signed_rank(differences)
    assert found.method == "Wilcoxon signed-rank, all signs"
    assert found.p_value == pytest.approx(brute_force_p(differences), rel=1e-12)
    assert signed_rank(-differences).p_value == found.p_value


@pytest.mark.parametrize("seed", SEEDS)
def test_what_does_not_change_a_signed_rank_test(seed: int) -> None:
    """Order and unit don't; exchanging the two networks turns the effect, and the sums of ranks complement."""
    rng = np.random.default_rng(seed)
    differences = np.round(rng.normal(0.1, 1, 30), 1)
    found = signed_rank(differences)
    assert signed_rank(rng.permutation(differences)) == found
    assert signed_rank(differences * 1000) == found
    turned = signed_rank(-differences)
    assert (turned.p_value, turned.effect) == (pytest.approx(found.p_value), pytest.approx(-found.effect))
    assert found.statistic + turned.statistic == found.n_used * (found.n_used + 1) / 2
    assert found.effect == pytest.approx((found.statistic - turned.statistic) / (found.statistic + turned.statistic))


def test_differences_in_the_last_digit_are_ties() -> None:
    """0.1 + 0.2 - 0.3 is 5.6e-17 to a computer: no pair differs; and equal gains stay tied."""
    rounding = 0.1 + 0.2 - 0.3
    assert rounding > 0
    assert signed_rank(np.full(20, rounding)).n_used == 0
    gains = np.array([0.1, 0.3 - 0.2, 0.8 - 0.7, 0.4 - 0.3, 0.5 - 0.4, 0.9 - 0.8])
    assert len(set(gains.tolist())) > 1
    assert signed_rank(gains).p_value == pytest.approx(2 / 64)


def test_where_there_is_no_test_everything_says_so() -> None:
    """No pair that differs: the networks are alike, effect 0; no pair at all: nothing is known."""
    alike, unknown = signed_rank(np.zeros(7)), signed_rank(np.full(7, np.nan))
    assert (alike.n, alike.n_used, alike.effect) == (7, 0, 0)
    assert (unknown.n, unknown.n_used) == (0, 0)
    assert np.isnan(unknown.effect)
    assert np.isnan([alike.p_value, unknown.p_value, alike.statistic]).all()
    assert alike.method == "none: no pair differs"
    few = signed_rank(np.array([3.0, -1, 2, 0, np.nan]))
    expected = SignedRank(4, 3, 5.0, 5 / 6 * 2 - 1, np.nan, "none: 3 pairs that differ are too few")
    assert (few.n, few.n_used, few.statistic, few.method) == (4, 3, expected.statistic, expected.method)
    assert few.effect == pytest.approx(expected.effect)


@pytest.mark.parametrize("seed", SEEDS)
def test_holm_equals_statsmodels_on_random_families(seed: int) -> None:
    """With ties, gaps and ones; corrected values keep the order, never shrink, and one test alone stays as it is."""
    rng = np.random.default_rng(seed)
    p_values = np.round(rng.uniform(0, 1, rng.integers(2, 15)) ** 2, 2)
    p_values[0] = 1.0
    expected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(expected)
    places = rng.permutation(len(p_values) + 3)[: len(p_values)]
    with_gaps = np.full(len(p_values) + 3, np.nan)
    with_gaps[places] = p_values
    corrected = holm(with_gaps)
    assert corrected[places] == pytest.approx(expected)
    assert np.isnan(corrected).sum() == 3
    assert (corrected[places] >= p_values).all()
    assert holm([0.03]).tolist() == [0.03]
    assert holm([]).size == 0


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("k", [3, 5])
def test_friedman_on_tied_ranks_equals_scipy(k: int, seed: int) -> None:
    rng = np.random.default_rng((k, seed))
    values = rng.integers(0, 5, (MIN_BLOCKS + seed, k)) / 4 + np.arange(k) / 4 * (seed % 2)
    found = rank_networks(values, np.full((k, k), np.nan))
    expected = stats.friedmanchisquare(*values.T)
    assert (found.statistic, found.p_value) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    assert found.mean_ranks == pytest.approx(stats.rankdata(-values, axis=1).mean(axis=0))


def test_ten_blocks_of_three_networks_are_enough_and_the_bounds_are_those_said() -> None:
    values, apart = np.random.default_rng(0).random((MIN_BLOCKS, 3)), np.ones((3, 3))
    assert rank_networks(values, apart).method == "Friedman chi-squared"
    assert rank_networks(values[1:], apart).method == "none: 9 blocks are too few"
    assert rank_networks(values[:, 1:], apart).method == "none: 2 networks are too few"
    assert rank_networks(np.full((12, 3), np.nan), apart).method == "none: no complete block"


def test_blocks_that_all_tie_have_mean_ranks_but_no_test() -> None:
    """Values that differ in the last digit only tie too; that blocks differ from each other is no matter."""
    values = np.tile([0.3, 0.1 + 0.2, 0.3], (MIN_BLOCKS, 1)) + np.arange(MIN_BLOCKS)[:, None]
    found = rank_networks(values, np.full((3, 3), np.nan))
    assert found.mean_ranks.tolist() == [2, 2, 2]
    assert (found.method, found.n_blocks) == ("none: no block differs", MIN_BLOCKS)
    assert np.isnan([found.statistic, found.p_value]).all()


@pytest.mark.parametrize("seed", range(40))
def test_cliques_are_all_largest_sets_of_neighbours(seed: int) -> None:
    """Held against every run of neighbours: no two are told apart, and no longer one around it is such a run."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(2, 8))
    mean_ranks = np.round(rng.uniform(1, 7, k), 1)
    apart = np.triu(rng.uniform(0, 0.12, (k, k)), 1)
    apart += apart.T
    apart[rng.random((k, k)) < 0.1] = np.nan
    apart = np.where(np.isnan(apart.T), np.nan, apart)
    order = np.argsort(mean_ranks, kind="stable").tolist()
    runs = [
        tuple(order[start:end])
        for start, end in itertools.combinations(range(len(order) + 1), 2)
        if end - start > 1 and not any(apart[pair] < 0.05 for pair in itertools.combinations(order[start:end], 2))
    ]
    largest = [run for run in runs if not any(set(run) < set(other) for other in runs)]
    assert cliques(mean_ranks, apart) == sorted(largest, key=lambda run: order.index(run[0]))


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("seed", SEEDS)
def test_stability_counted_resample_by_resample(seed: int, lower: bool) -> None:
    """Ranks, their 95 % range, shares of first places with ties shared; rows behind the resamples don't count."""
    rng = np.random.default_rng(seed)
    rows = np.round(rng.normal([0.5, 0.52, 0.6, 0.5], 0.05, (60, 4)), 2)
    found = stability(rows, 50, lower)
    signed = rows[:51] if lower else -rows[:51]
    ranks = np.array([stats.rankdata(row) for row in signed])
    firsts = np.array([(row == row.min()) / (row == row.min()).sum() for row in signed[1:]])
    assert found.ranks.tolist() == ranks[0].tolist()
    assert found.share_first == pytest.approx(firsts.mean(axis=0))
    assert found.share_first.sum() == pytest.approx(1)
    assert found.low == pytest.approx(np.quantile(ranks[1:], 0.025, axis=0))
    assert found.high == pytest.approx(np.quantile(ranks[1:], 0.975, axis=0))
    taus = [stats.kendalltau(ranks[0], row).statistic for row in ranks[1:]]
    assert found.agreement == pytest.approx(np.nanmean(taus))


def test_a_tied_ranking_agrees_with_nothing() -> None:
    """Where the data's own ranking ties all networks there is no tau to average."""
    rows = np.random.default_rng(0).random((21, 3))
    rows[0] = 0.5
    assert np.isnan(stability(rows, 20).agreement)
