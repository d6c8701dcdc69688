"""Tests and corrections against textbooks and against other libraries."""

import numpy as np
import pandas as pd
import pytest
from one_test import signed_rank
from scipy import stats
from statsmodels.stats.multitest import multipletests

from nnunet_skipstudy.analysis.statistics.pairwise import holm
from nnunet_skipstudy.analysis.statistics.ranks import cliques, equal_networks, rank_networks, stability
from nnunet_skipstudy.analysis.statistics.td_axis import theil_sen

DARWIN = np.array([6, 8, 14, 16, 23, 24, 28, 29, 41, -48, 49, 56, 60, -67, 75], dtype=float)
"""Heights of cross- minus self-fertilised maize, in eighths of an inch (Darwin 1876; Hollander and Wolfe)."""

# Demšar (2006), table 6: AUC of C4.5 in four variants on 14 data sets. The last but one row is printed with a tie of
# 0.975, but ranked 2 and 3.
DEMSAR = np.array(
    [
        [0.763, 0.768, 0.771, 0.798],
        [0.599, 0.591, 0.590, 0.569],
        [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657],
        [0.882, 0.888, 0.886, 0.898],
        [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685],
        [0.583, 0.583, 0.563, 0.625],
        [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000],
        [0.940, 0.962, 0.965, 0.962],
        [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975],
        [0.957, 0.978, 0.946, 0.970],
    ]
)


def test_wilcoxon_on_darwin_s_maize() -> None:
    """The negative ranks sum to 24 of 120; exact two-sided p = 0.0413."""
    test = signed_rank(DARWIN)
    assert (test.n, test.n_used, test.statistic) == (15, 15, 96)
    assert test.p_value == pytest.approx(0.041259765625)
    assert test.effect == pytest.approx((96 - 24) / 120)
    assert signed_rank(-DARWIN).effect == pytest.approx(-0.6)
    assert "exact" in test.method


def test_wilcoxon_drops_zeros_and_missing_pairs() -> None:
    test = signed_rank(np.concatenate([DARWIN, [0, 0, np.nan]]))
    assert (test.n, test.n_used) == (17, 15)
    assert test.p_value == pytest.approx(0.041259765625)


def test_few_tied_pairs_go_through_all_signs() -> None:
    """Seven equal gains: only 1 of 128 sign patterns is as extreme, on either side."""
    test = signed_rank(np.full(7, 0.1))
    assert test.p_value == pytest.approx(2 / 128)
    assert "all signs" in test.method


def test_too_few_pairs_have_no_p_value() -> None:
    """Five pairs can't reach 0.05, whatever they are: no p-value, and the method says why."""
    test = signed_rank(np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.0]))
    assert np.isnan(test.p_value)
    assert "5 pairs that differ are too few" in test.method
    assert test.effect == 1


def test_many_tied_pairs_agree_with_scipy() -> None:
    values = np.random.default_rng(3).integers(-4, 6, 40).astype(float)
    expected = stats.wilcoxon(values[values != 0], method="asymptotic").pvalue
    assert signed_rank(values).p_value == pytest.approx(expected)


def test_holm_equals_statsmodels() -> None:
    p_values = np.array([0.01, 0.04, 0.03, 0.005, 0.2, 0.9])
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    with_gap = holm([0.01, np.nan, 0.04])
    assert with_gap[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(with_gap[1])


NOT_APART = np.ones((4, 4))


def test_demsar_s_example() -> None:
    """Mean ranks 3.143, 2.000, 2.893, 1.964."""
    ranking = rank_networks(DEMSAR, NOT_APART)
    assert ranking.mean_ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert ranking.statistic == pytest.approx(stats.friedmanchisquare(*DEMSAR.T).statistic)
    assert ranking.cliques == [(3, 1, 2, 0)]


def test_ranks_turn_around_for_distances() -> None:
    turned = rank_networks(DEMSAR, NOT_APART, lower_is_better=True).mean_ranks
    assert turned == pytest.approx(5 - rank_networks(DEMSAR, NOT_APART).mean_ranks)


def test_too_few_blocks_or_networks_have_no_p_value() -> None:
    few = rank_networks(DEMSAR[:9], NOT_APART)
    assert np.isnan(few.p_value)
    assert "9 blocks are too few" in few.method
    assert few.mean_ranks.sum() == pytest.approx(10)
    assert "2 networks are too few" in rank_networks(DEMSAR[:, :2], NOT_APART).method
    gap = DEMSAR.copy()
    gap[0, 0] = np.nan
    assert rank_networks(gap, NOT_APART).n_blocks == 13


def test_cliques_where_all_differ_or_none() -> None:
    """Where all differ no bar is drawn (scikit-posthocs #82); one bar where none does, or none could be tested."""
    ranks = np.array([1.0, 2.0, 3.0, 4.0])
    assert cliques(ranks, np.zeros((4, 4))) == []
    assert cliques(ranks, NOT_APART) == [(0, 1, 2, 3)]
    assert cliques(ranks, np.full((4, 4), np.nan)) == [(0, 1, 2, 3)]


def test_cliques_may_overlap_and_hold_nobody_who_differs_from_a_member() -> None:
    """Two sets that share networks stay two bars (scikit-posthocs #65, #86); none lies within another.

    The best and the last of three don't differ, but the middle one differs from the last: no bar over all three.
    """
    apart = np.ones((4, 4))
    apart[0, 3] = apart[3, 0] = 0.01
    assert cliques(np.array([1.0, 2.0, 3.0, 4.0]), apart) == [(0, 1, 2), (1, 2, 3)]
    apart = np.ones((3, 3))
    apart[1, 2] = apart[2, 1] = 0.01
    assert cliques(np.array([1.0, 2.0, 3.0]), apart) == [(0, 1)]


def test_equal_networks_are_the_yardstick_of_stability() -> None:
    """Real differences of a tenth agree fully under resampling; the same numbers with names exchanged don't."""
    values = np.random.default_rng(6).normal(0.8, 0.05, (40, 1)) + np.array([0.0, 0.1, 0.2])
    agreement, first = equal_networks(values, 200)
    assert agreement < 0.7
    assert 1 / 3 < first < 0.9
    assert equal_networks(values, 200) == (agreement, first)
    assert np.isnan(equal_networks(np.full((10, 2), 0.5), 50)[0])


def test_stability_of_a_clear_and_of_a_tied_ranking() -> None:
    clear = np.tile([0.9, 0.8, 0.7], (201, 1))
    found = stability(clear, 200)
    assert found.share_first.tolist() == [1, 0, 0]
    assert (found.low.tolist(), found.high.tolist(), found.agreement) == ([1, 2, 3], [1, 2, 3], 1)
    assert stability(clear, 200, lower_is_better=True).share_first.tolist() == [0, 0, 1]
    tied = stability(np.full((201, 2), 0.5), 200)
    assert tied.share_first.tolist() == [0.5, 0.5]


def test_kendall_equals_scipy() -> None:
    rng = np.random.default_rng(4)
    rows = rng.normal(size=(51, 6))
    expected = np.mean([stats.kendalltau(-rows[0], -row).statistic for row in rows[1:]])
    assert stability(rows, 50).agreement == pytest.approx(expected)


def test_theil_sen_equals_scipy_and_withstands_an_outlier() -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(0, 3, 60)
    y = 0.2 * x + rng.normal(0, 0.05, 60)
    y[0] = 50
    line = theil_sen(x, y, np.arange(60) // 3)
    theirs = stats.theilslopes(y, x)
    assert line.slope == pytest.approx(theirs.slope)
    assert line.low < 0.2 < line.high
    assert (line.n_points, np.isnan(theil_sen(np.ones(5), y[:5]).slope)) == (60, True)
    with_gap = theil_sen(np.append(x, np.nan), np.append(y, 1.0))
    assert pd.Series(with_gap.slope).equals(pd.Series(line.slope))


def test_theil_sen_takes_all_points_and_says_how_many() -> None:
    """735 images, TD in five clumps: the slope of all of them; the interval, of fewer, lies around it."""
    rng = np.random.default_rng(0)
    x = np.repeat([0.3, 0.6, 1.0, 1.6, 2.4], 147) + rng.normal(0, 0.15, 735)
    y = np.clip(0.5 + 0.15 * x + rng.normal(0, 0.2, 735), 0, 1)
    line = theil_sen(x, y, np.tile(np.arange(147), 5))
    assert (line.slope, line.n_points) == (pytest.approx(stats.theilslopes(y, x).slope), 735)
    assert line.low < line.slope < line.high
    many = theil_sen(np.tile(x, 5) + rng.normal(0, 0.01, 3675), np.tile(y, 5))
    assert many.n_points == 3000
    assert many.slope == pytest.approx(line.slope, abs=0.01)
