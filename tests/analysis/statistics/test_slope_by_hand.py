"""The line through metric and texture disparity: against scipy, and its interval against resampling written out."""

import numpy as np
import pytest
from scipy import stats

from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS, SEED
from nnunet_skipstudy.analysis.statistics.td_axis import (
    MAX_POINTS,
    MAX_RESAMPLED,
    N_RESAMPLES,
    theil_sen,
)

SEEDS = range(8)


def points(seed: int, n: int = 40, n_groups: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Disparities with ties, values that follow them, and groups."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.uniform(0, 2, n), 1)
    return x, 0.3 * x + rng.normal(0, 0.2, n), rng.permutation(np.arange(n) % n_groups)


@pytest.mark.parametrize("seed", SEEDS)
def test_tied_disparities_are_left_out_as_scipy_does(seed: int) -> None:
    """The same slope; the intercept makes the median residual 0; the order of the points doesn't matter."""
    x, y, _ = points(seed)
    found = theil_sen(x, y)
    assert found.slope == pytest.approx(stats.theilslopes(y, x).slope)
    assert found.intercept == pytest.approx(stats.theilslopes(y, x, method="joint").intercept)
    assert np.median(y - found.intercept - found.slope * x) == pytest.approx(0, abs=1e-12)
    order = np.random.default_rng(seed).permutation(len(x))
    assert theil_sen(x[order], y[order]).slope == pytest.approx(found.slope)
    assert np.isnan([found.low, found.high]).all()


def test_a_line_is_found_exactly_and_its_unit_is_the_metric_s_per_bit() -> None:
    x = np.array([0.2, 0.5, 0.9, 1.4, 2.0, 0.2])
    found = theil_sen(x, 5 - 2 * x, np.arange(6))
    values = (found.slope, found.intercept, found.low, found.high)
    assert values == pytest.approx((-2, 5, -2, -2))
    assert theil_sen(10 * x, 5 - 2 * x).slope == pytest.approx(-0.2)


def test_unknown_points_are_left_out_and_counted_so() -> None:
    x, y, codes = points(1)
    gaps_x, gaps_y = x.copy(), y.copy()
    gaps_x[[0, 7]] = np.nan
    gaps_y[[7, 9, 11]] = np.nan
    known = np.setdiff1d(np.arange(len(x)), [0, 7, 9, 11])
    found, expected = theil_sen(gaps_x, gaps_y, codes), theil_sen(x[known], y[known], codes[known])
    assert found == expected
    assert found.n_points == len(x) - 4


@pytest.mark.parametrize("seed", SEEDS)
def test_the_interval_is_that_of_resampled_groups_written_out(seed: int) -> None:
    """Groups drawn with replacement, each point as often as its group; the lower median of all pairs' slopes."""
    x, y, codes = points(seed, n=24, n_groups=6)
    found = theil_sen(x, y, codes)
    draws = np.random.default_rng(SEED).multinomial(6, np.full(6, 1 / 6), size=N_RESAMPLES)
    medians = []
    for drawn in draws:
        chosen = np.repeat(np.arange(len(x)), drawn[codes])
        one, two = np.triu_indices(len(chosen), 1)
        apart = x[chosen[two]] - x[chosen[one]]
        pairs = np.abs(apart) > 1e-12
        slopes = np.sort((y[chosen[two]] - y[chosen[one]])[pairs] / apart[pairs])
        if slopes.size:
            medians.append(slopes[(slopes.size - 1) // 2])
    assert (found.low, found.high) == pytest.approx(np.quantile(medians, [0.025, 0.975]))
    assert found.low < found.slope < found.high


@pytest.mark.parametrize(("n_groups", "sure"), [(MIN_GROUPS - 1, False), (MIN_GROUPS, True)])
def test_five_groups_have_an_interval_and_four_have_none(n_groups: int, sure: bool) -> None:
    x, y, codes = points(2, n_groups=n_groups)
    found = theil_sen(x, y, codes)
    assert np.isfinite([found.low, found.high]).all() == sure
    assert np.isfinite(found.slope)


@pytest.mark.parametrize("n", [0, 1, 6])
def test_a_disparity_that_does_not_vary_has_no_line(n: int) -> None:
    """Nor where it differs in the last digit only."""
    x = np.full(n, 0.3)
    x[: n // 2] = 0.1 + 0.2
    found = theil_sen(x, np.arange(n) / 10, np.arange(n))
    assert np.isnan([found.slope, found.intercept, found.low, found.high]).all()
    assert found.n_points == n


def test_more_points_than_are_resampled_keep_the_slope_inside_the_interval() -> None:
    """The interval is of fewer points and moved to where the slope of all is; the bounds are met exactly."""
    x, y, codes = points(3, n=MAX_RESAMPLED + 1, n_groups=40)
    found = theil_sen(x, y, codes)
    assert found.slope == pytest.approx(stats.theilslopes(y, x).slope)
    assert found.low < found.slope < found.high
    assert found.high - found.low < 0.3
    x, y = np.linspace(0, 1, MAX_POINTS + 500), np.zeros(MAX_POINTS + 500)
    y[-1] = 7  # the point of largest disparity is kept, and so the last residual too
    assert theil_sen(x, y).n_points == MAX_POINTS
    assert theil_sen(x[:MAX_POINTS], y[:MAX_POINTS]).n_points == MAX_POINTS
