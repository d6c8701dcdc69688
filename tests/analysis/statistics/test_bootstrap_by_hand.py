"""The cluster bootstrap step by step: plain numpy resampling, leaving one out, and intervals of known properties."""

import numpy as np
import pytest
from scipy import stats

from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS, ClusterBootstrap, divide, nanmean

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
    np.testing.assert_array_equal(bootstrap.resamples(means), means[1:41])


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


@pytest.mark.parametrize("seed", SEEDS)
def test_an_interval_is_scipy_s_bca_where_groups_are_many(seed: int) -> None:
    """200 skewed cases, each its own group: Student's t is the normal there, and chance the rest."""
    values = np.random.default_rng(seed).lognormal(0, 0.8, 200)
    bootstrap = ClusterBootstrap([f"{i:03d}" for i in range(200)], 4000, seed)
    ours = bootstrap.interval(bootstrap.means(values))
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=4000, method="BCa", rng=np.random.default_rng(seed)
    ).confidence_interval
    width = theirs.high - theirs.low
    assert float(ours.estimate) == pytest.approx(values.mean())
    assert float(ours.low) == pytest.approx(theirs.low, abs=0.08 * width)
    assert float(ours.high) == pytest.approx(theirs.high, abs=0.08 * width)
    assert ours.high - ours.estimate > ours.estimate - ours.low  # accelerated towards the long tail


@pytest.mark.parametrize("seed", SEEDS)
def test_an_interval_moves_with_the_unit_and_turns_with_the_sign(seed: int) -> None:
    """Of 3 x + 2 it is that of x moved along; of -x its mirror image; and it holds the estimate."""
    values, groups = clustered(seed, n_groups=12)
    bootstrap = ClusterBootstrap(groups, 400, seed)
    plain, moved, turned = (bootstrap.interval(bootstrap.means(v)) for v in (values, 3 * values + 2, -values))
    for one, other in ((plain.low, moved.low), (plain.high, moved.high)):
        np.testing.assert_allclose(other, 3 * one + 2, rtol=1e-9)
    np.testing.assert_allclose(turned.low, -plain.high, rtol=1e-9)
    np.testing.assert_allclose(turned.high, -plain.low, rtol=1e-9)
    assert (plain.low < plain.estimate).all()
    assert (plain.estimate < plain.high).all()


def test_few_groups_widen_an_interval_as_student_s_t_demands() -> None:
    """Symmetric values of 8 groups: half the width is near t(7) standard errors, not the normal's 1.96."""
    values = np.array([-4.0, -3, -2, -1, 1, 2, 3, 4])
    bootstrap = ClusterBootstrap(list("abcdefgh"), 40_000)
    found = bootstrap.interval(bootstrap.means(values))
    error = values.std(ddof=1) / np.sqrt(8)
    half = float(found.high - found.low) / 2
    assert half == pytest.approx(stats.t.ppf(0.975, 7) * error, rel=0.03)
    assert half > 2.1 * error


@pytest.mark.parametrize("kind", ["interval", "spread_interval"])
def test_columns_have_the_intervals_that_they_have_alone(kind: str) -> None:
    """Networks of very different skewness side by side, also where a value is missing."""
    values, groups = clustered(3, n_groups=10)
    values = np.stack([values[:, 0], np.exp(8 * values[:, 1]), -np.exp(4 * values[:, 2]) + 200], axis=1)
    bootstrap = ClusterBootstrap(groups, 300, 1)
    found = getattr(bootstrap, kind)(bootstrap.means(values), bootstrap.known(values))
    for column in range(3):
        alone = getattr(bootstrap, kind)(bootstrap.means(values[:, column]), bootstrap.known(values[:, column]))
        assert float(found.low[column]) == pytest.approx(float(alone.low), rel=1e-12)
        assert float(found.high[column]) == pytest.approx(float(alone.high), rel=1e-12)


def test_constant_values_have_an_interval_of_no_width() -> None:
    bootstrap = ClusterBootstrap([str(i) for i in range(8)], 100)
    rows = bootstrap.means(np.full(8, 0.25))
    for found in (bootstrap.interval(rows), bootstrap.spread_interval(rows)):
        assert (float(found.low), float(found.high)) == (pytest.approx(0.25), pytest.approx(0.25))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_spread_s_interval_is_the_jackknife_of_its_logarithm(seed: int) -> None:
    """Written out with numpy: leave each group out, variance (n - 1) / n · sum of squares, t(n - 1)."""
    values, groups = clustered(seed)
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


@pytest.mark.parametrize(("n", "sure"), [(MIN_GROUPS - 1, False), (MIN_GROUPS, True)])
def test_five_groups_have_an_interval_and_four_have_none(n: int, sure: bool) -> None:
    """Also where more are there, of which only so many have a value."""
    for n_more in (0, 6):
        values = np.concatenate([np.arange(1.0, n + 1), np.full(n_more, np.nan)])
        bootstrap = ClusterBootstrap([f"{i:02d}" for i in range(n + n_more)], 2000)
        rows, known = bootstrap.means(values), bootstrap.known(values)
        rows = np.where(np.isnan(rows), float(rows[0]), rows)  # a resample may hold no group with a value
        for found in (bootstrap.interval(rows, known), bootstrap.spread_interval(rows, known)):
            assert np.isfinite([found.low, found.high]).all() == sure


def test_a_resample_without_a_value_and_a_spread_of_zero_leave_no_interval() -> None:
    bootstrap = ClusterBootstrap([str(i) for i in range(6)], 50)
    rows = bootstrap.means(np.arange(1.0, 7))
    rows[7] = np.nan
    assert np.isnan([bootstrap.interval(rows).low, bootstrap.interval(rows).high]).all()
    flat = bootstrap.spreads(np.full(6, 3.0))
    assert np.isnan([bootstrap.spread_interval(flat).low, bootstrap.spread_interval(flat).high]).all()


def test_ten_groups_cover_the_truth_as_often_as_the_docstring_says() -> None:
    """Skewed values, three cases a patient: near 93 % of 95 % intervals of 10 patients hold the true mean."""
    rng = np.random.default_rng(21)
    n_studies, hits = 600, 0
    groups = [f"{i // 3:02d}" for i in range(30)]
    truth = np.exp(0.5 * (0.3**2 + 0.3**2))
    for study in range(n_studies):
        values = np.exp(0.3 * np.repeat(rng.normal(size=10), 3) + 0.3 * rng.normal(size=30))
        bootstrap = ClusterBootstrap(groups, 400, study)
        found = bootstrap.interval(bootstrap.means(values))
        hits += bool(found.low <= truth <= found.high)
    assert 0.90 <= hits / n_studies <= 0.97


def test_division_and_mean_by_hand() -> None:
    """Nothing by nothing is unknown; so is the mean of what is all unknown; no warning on the way."""
    quotient = divide(np.array([[1.0, 2], [0, 3]]), np.array([2.0, 0]))
    np.testing.assert_array_equal(quotient, [[0.5, np.nan], [0, np.nan]])
    stacked = np.array([[1.0, np.nan, np.nan], [3.0, 4.0, np.nan]])
    np.testing.assert_array_equal(nanmean(stacked), [2, 4, np.nan])
    np.testing.assert_array_equal(nanmean(stacked, axis=1), [1, 3.5])
