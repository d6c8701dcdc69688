"""The cluster bootstrap step by step: plain numpy resampling, leaving one out, and the intervals of spreads."""

import numpy as np
import pytest
from scipy import stats

from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS_OF_SPREAD, ClusterBootstrap, divide, nanmean
from nnunet_skipstudy.analysis.statistics.setting import level_cvs

SEEDS = range(4)


def clustered(seed: int, n_groups: int = 9) -> tuple[np.ndarray, list[str]]:
    """(case, network) with gaps, and groups of one to four cases in no order."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.repeat(np.arange(n_groups), rng.integers(1, 5, n_groups)))
    values = rng.normal(0.7, 0.1, (len(codes), 3)) + 0.1 * rng.normal(size=n_groups)[codes, None]
    values[rng.random(values.shape) < 0.1] = np.nan
    return values, [f"patient {code:02d}" for code in codes]


def resampled_cases(groups: list[str], n_resamples: int, seed: int) -> list[np.ndarray]:
    """The cases of each resample, one after the other, a group drawn twice twice."""
    names = np.array(sorted(set(groups)))
    draws = np.random.default_rng(seed).multinomial(len(names), np.full(len(names), 1 / len(names)), size=n_resamples)
    own = [np.flatnonzero(np.array(groups) == name) for name in names]
    return [np.concatenate([np.tile(cases, n) for cases, n in zip(own, draw, strict=True)]) for draw in draws]


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_are_the_data_the_resamples_and_the_data_without_each_group(seed: int) -> None:
    """Sums, means and spreads equal numpy's over the cases written out."""
    values, groups = clustered(seed)
    bootstrap = ClusterBootstrap(groups, 40, seed)
    names = sorted(set(groups))
    rows = [np.arange(len(groups)), *resampled_cases(groups, 40, seed)]
    rows += [np.flatnonzero(np.array(groups) != name) for name in names]
    means, sums, spreads = bootstrap.means(values), bootstrap.sums(values), bootstrap.spreads(values)
    assert len(means) == len(sums) == len(spreads) == 1 + 40 + len(names) == len(rows)
    for row, cases in enumerate(rows):
        assert sums[row] == pytest.approx(np.nansum(values[cases], axis=0))
        assert means[row] == pytest.approx(np.nanmean(values[cases], axis=0))
        assert spreads[row] == pytest.approx(np.nanstd(values[cases], axis=0), abs=1e-9)


def test_equal_values_have_no_spread_at_all() -> None:
    """Not what sums err by: a resample without the one case that differs, whatever the others' value."""
    values = np.array([[1 / 3, 0.1, 1e6], *[[2 / 3, 0.7, 3.1]] * 8])
    groups = [str(case) for case in range(len(values))]
    bootstrap = ClusterBootstrap(groups, 40, 1)
    without = [bool(cases.all()) for cases in resampled_cases(groups, 40, 1)]
    assert 5 < sum(without) < 35
    spreads = bootstrap.spreads(values)[1:41]
    assert (spreads[without] == 0).all()
    assert (spreads[~np.array(without)] > 0).all()


def test_equal_levels_have_no_spread_at_all() -> None:
    """Three times 0.7 has a standard deviation of 1e-16 in floating-point numbers."""
    profiles = np.array([[0.7, 0.7, 0.7], [0.7, 0.7, 0.7 + 1e-9], [0, 0, 0], [0.7, np.nan, 0.7]])
    assert profiles[0].std() > 0
    first, second, third, fourth = level_cvs(profiles)
    assert first == 0
    assert second == pytest.approx(np.std([0, 0, 1e-9]) / 0.7, rel=1e-5)
    assert np.isnan([third, fourth]).all()


def test_seeds_and_groups_decide_and_nothing_else() -> None:
    """Another seed draws otherwise; another order of the cases and other names of the groups don't."""
    values, groups = clustered(0)
    same = ClusterBootstrap(groups, 50, 3).means(values)
    np.testing.assert_array_equal(ClusterBootstrap(groups, 50, 3).means(values), same)
    assert (ClusterBootstrap(groups, 50, 4).means(values)[1:51] != same[1:51]).any()
    order = np.random.default_rng(1).permutation(len(groups))
    moved = ClusterBootstrap([groups[place] for place in order], 50, 3).means(values[order])
    np.testing.assert_allclose(moved, same)
    renamed = ClusterBootstrap([f"x{name}" for name in groups], 50, 3).means(values)
    np.testing.assert_array_equal(renamed, same)


def test_any_shape_behind_the_cases_is_kept() -> None:
    values, groups = clustered(1)
    stacked = np.stack([values, values + 1, values * 2], axis=2)[..., None]
    bootstrap = ClusterBootstrap(groups, 10)
    means = bootstrap.means(stacked)
    assert means.shape == (11 + bootstrap.n_groups, 3, 3, 1)
    np.testing.assert_allclose(means[:, :, 1, 0], bootstrap.means(values) + 1)
    assert bootstrap.known(stacked).shape == (bootstrap.n_groups, 3, 3, 1)


def test_known_is_whether_any_case_of_a_group_has_a_value() -> None:
    bootstrap = ClusterBootstrap(["b", "a", "a", "b", "c"], 5)
    values = np.array([np.nan, np.nan, 1, np.nan, 0])
    assert bootstrap.known(values).tolist() == [True, False, True]  # a, b, c


def test_spreads_of_values_far_from_zero_lose_no_digits() -> None:
    values = np.array([1.0, 2, 3, 4, 5, 6]) + 1e9
    assert ClusterBootstrap(list("abcdef"), 5).spreads(values)[0] == pytest.approx(np.std(range(6)), rel=1e-6)
    assert (ClusterBootstrap(list("abcdef"), 5).spreads(np.full(6, 0.1)) == 0).all()


def test_columns_have_the_intervals_that_they_have_alone() -> None:
    """Networks of very different skewness side by side, also where a value is missing."""
    values, groups = clustered(3, n_groups=25)
    values = np.stack([values[:, 0], np.exp(8 * values[:, 1]), -np.exp(4 * values[:, 2]) + 200], axis=1)
    bootstrap = ClusterBootstrap(groups, 300, 1)
    found = bootstrap.spread_interval(bootstrap.means(values), bootstrap.known(values))
    for column in range(3):
        alone = bootstrap.spread_interval(bootstrap.means(values[:, column]), bootstrap.known(values[:, column]))
        assert float(found.low[column]) == pytest.approx(float(alone.low), rel=1e-12)
        assert float(found.high[column]) == pytest.approx(float(alone.high), rel=1e-12)


def test_constant_values_have_an_interval_of_no_width() -> None:
    bootstrap = ClusterBootstrap([str(i) for i in range(20)], 100)
    found = bootstrap.spread_interval(bootstrap.means(np.full(20, 0.25)))
    assert (float(found.low), float(found.high)) == (pytest.approx(0.25), pytest.approx(0.25))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spread_s_interval_is_the_jackknife_of_its_logarithm(seed: int) -> None:
    """Written out with numpy: leave each group out, variance (n - 1) / n · sum of squares, t(n - 1)."""
    values, groups = clustered(seed, n_groups=21)
    bootstrap = ClusterBootstrap(groups, 20)
    rows = divide(bootstrap.spreads(values), bootstrap.means(values))
    found = bootstrap.spread_interval(rows)
    names, n = sorted(set(groups)), len(set(groups))
    left = [values[np.array(groups) != name] for name in names]
    logs = np.log([np.nanstd(rest, axis=0) / np.nanmean(rest, axis=0) for rest in left])
    error = np.sqrt((n - 1) / n * ((logs - logs.mean(axis=0)) ** 2).sum(axis=0))
    factor = np.exp(stats.t.ppf(0.975, n - 1) * error)
    np.testing.assert_allclose(found.low, found.estimate / factor)
    np.testing.assert_allclose(found.high, found.estimate * factor)


def test_the_jackknife_of_a_mean_is_its_standard_error() -> None:
    """The means without one case spread by s / sqrt(n), exactly."""
    values = np.random.default_rng(5).normal(10, 1, 15)
    bootstrap = ClusterBootstrap([f"{i:02d}" for i in range(15)], 1)
    left_out = bootstrap.means(values)[2:]
    assert np.sqrt(14 / 15 * ((left_out - left_out.mean()) ** 2).sum()) == pytest.approx(stats.sem(values))


@pytest.mark.parametrize(("n", "sure"), [(MIN_GROUPS_OF_SPREAD - 1, False), (MIN_GROUPS_OF_SPREAD, True)])
def test_twenty_groups_have_an_interval_of_a_spread_and_nineteen_have_none(n: int, sure: bool) -> None:
    """Also where more are there, of which only so many have a value."""
    for n_more in (0, 6):
        values = np.concatenate([np.arange(1.0, n + 1), np.full(n_more, np.nan)])
        bootstrap = ClusterBootstrap([f"{i:02d}" for i in range(n + n_more)], 20)
        rows, known = bootstrap.means(values), bootstrap.known(values)
        found = bootstrap.spread_interval(rows, known)
        assert np.isfinite([found.low, found.high]).all() == sure


def test_a_spread_of_zero_leaves_no_interval() -> None:
    bootstrap = ClusterBootstrap([str(i) for i in range(20)], 50)
    flat = bootstrap.spread_interval(bootstrap.spreads(np.full(20, 3.0)))
    assert np.isnan([flat.low, flat.high]).all()


def test_division_and_mean_by_hand() -> None:
    """Nothing by nothing is unknown; so is the mean of what is all unknown; no warning on the way."""
    quotient = divide(np.array([[1.0, 2], [0, 3]]), np.array([2.0, 0]))
    np.testing.assert_array_equal(quotient, [[0.5, np.nan], [0, np.nan]])
    stacked = np.array([[1.0, np.nan, np.nan], [3.0, 4.0, np.nan]])
    np.testing.assert_array_equal(nanmean(stacked), [2, 4, np.nan])
    np.testing.assert_array_equal(nanmean(stacked, axis=1), [1, 3.5])
