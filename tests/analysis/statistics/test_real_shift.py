"""Rank correlations of what a level costs with what a real shift costs: exact, and no claim that chance makes."""

import math

import numpy as np
import pytest
from scipy import stats

from nnunet_skipstudy.analysis.statistics.real_shift import rank_correlation


def drawn(n: int, seed: int) -> tuple[np.ndarray, ...]:
    """The DSC of ``n`` networks that differ by chance: in domain, at a level, elsewhere."""
    return tuple(np.random.default_rng(seed).standard_normal((3, n)))


@pytest.mark.parametrize("n", [4, 6, 12])
def test_rho_and_its_p_are_scipys(n: int) -> None:
    """Up to eight networks over all orders, of more by t."""
    domain, level, away = drawn(n, n)
    found = rank_correlation(level, away, domain)
    theirs = stats.spearmanr(level - domain, away - domain)
    assert found.rho == pytest.approx(theirs.statistic)
    p = theirs.pvalue
    if n < 9:
        exact = stats.permutation_test(
            (level - domain,),
            lambda values: stats.spearmanr(values, away - domain).statistic,
            permutation_type="pairings",
            n_resamples=math.factorial(n),
        )
        p = exact.pvalue
    assert found.p == pytest.approx(p)
    assert found.n == n


def test_the_partial_one_is_that_of_ranks_with_the_third_held_constant() -> None:
    domain, level, away = drawn(7, 3)
    found = rank_correlation(level, away, domain)
    (_, one_two, one_held), (_, _, two_held), _ = np.corrcoef([stats.rankdata(x) for x in (level, away, domain)])
    wanted = (one_two - one_held * two_held) / math.sqrt((1 - one_held**2) * (1 - two_held**2))
    assert found.partial == pytest.approx(wanted)


def test_few_networks_can_not_tell() -> None:
    """Of 4 no order is significant, of 6 a rho of 0.886 is the least; below 6 nothing is claimed."""
    domain = np.array([3.0, 1, 2, 6, 5, 4])
    same = domain + np.arange(6.0)
    assert math.isnan(rank_correlation(same[:3], same[:3], domain[:3]).rho)
    four = rank_correlation(same[:4], same[:4], domain[:4])
    assert (four.rho, four.p, four.least) == (pytest.approx(1), pytest.approx(2 / 24), math.inf)
    five = rank_correlation(same[:5], same[:5], domain[:5])
    assert five.p == pytest.approx(2 / 120)
    assert not five.told
    six = rank_correlation(same, same, domain)
    assert six.least == pytest.approx(31 / 35)
    assert math.isnan(six.low)
    assert six.told
    assert math.isnan(rank_correlation(domain, same, domain).rho)


def test_a_shared_start_makes_changes_correlate_and_is_not_taken_for_more() -> None:
    """Of 7 networks that differ by chance the changes correlate too often; a level is said to tell in 1 of 20."""
    found = [rank_correlation(level, away, domain) for domain, level, away in
             (drawn(7, seed) for seed in range(400))]  # fmt: skip
    assert sum(one.p <= 0.05 for one in found) > 0.1 * len(found)
    assert sum(one.told for one in found) <= 0.05 * len(found)


@pytest.mark.parametrize(("weight", "noise", "least"), [(2, 0.7, 0.4), (1, 1, 0)])
def test_a_dsc_in_domain_that_decides_both_is_not_taken_for_the_level(
    weight: float, noise: float, least: float
) -> None:
    """Of 9 networks: closely (changes correlate in over 4 of 10 studies) or loosely."""
    found = []
    for seed in range(600):
        domain, one, other = drawn(9, seed)
        found.append(rank_correlation(weight * domain + noise * one, weight * domain + noise * other, domain))
    assert sum(one.p <= 0.05 for one in found) >= least * len(found)
    assert sum(one.told for one in found) <= 0.03 * len(found)


def test_ranks_and_values_that_disagree_tell_nothing() -> None:
    """One network far off turns the values' correlation, not the ranks'."""
    domain, level = np.array([4.0, 1, 7, 2, 6, 3, 5]), np.array([1.0, 2, 3, 4, 5, 6, 100])
    away = np.where(level == 100, -level, level)
    found = rank_correlation(level, away, domain)
    assert found.partial > 0
    assert found.p_partial == 1
    assert rank_correlation(level, level, domain).p_partial < 0.001


def test_what_holds_is_found() -> None:
    """A level whose DSC is that of the other hospital but for a third of its spread, over 7 networks."""
    found = []
    for seed in range(100):
        domain, level, noise = drawn(7, seed)
        found.append(rank_correlation(level, level + noise / 3, domain))
    assert sum(one.told for one in found) > 70
