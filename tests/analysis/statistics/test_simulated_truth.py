"""What the intervals and tests promise, held against data whose truth is known."""

import numpy as np
import numpy.typing as npt
import pytest
from scipy import stats

from nnunet_skipstudy.analysis.statistics.bootstrap import ClusterBootstrap, Interval, divide
from nnunet_skipstudy.analysis.statistics.pairwise import signed_rank

Floats = npt.NDArray[np.float64]
N_STUDIES = 1200
N_GROUPS = 40


def simulated(rng: np.random.Generator, n_groups: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """DSC-like values of one network at two levels: skewed, bounded, alike within a patient of 1 to 4 cases."""
    codes = np.repeat(np.arange(n_groups), rng.integers(1, 5, n_groups))
    easy = 0.7 * rng.normal(size=n_groups)[codes] + 0.7 * rng.normal(size=len(codes))
    hard = 0.8 * easy + 0.6 * rng.normal(size=len(codes)) - 0.5
    return stats.norm.cdf(np.stack([0.9 * easy + 1.2, 0.9 * hard + 1.0], axis=1)), codes


def quantities(bootstrap: ClusterBootstrap, values: Floats) -> dict[str, Interval]:
    means = bootstrap.means(values)
    change = bootstrap.means(values[:, 1] - values[:, 0])
    spread = bootstrap.spreads(values)[:, 1]
    across = bootstrap.means(divide(values.std(axis=1), values.mean(axis=1)))
    return {
        "mean": bootstrap.interval(means[:, 1]),
        "change": bootstrap.interval(change),
        "relative change": bootstrap.interval(change / means[:, 0]),
        "cv": bootstrap.spread_interval(spread / means[:, 1]),
        "cv across levels": bootstrap.spread_interval(across),
        "cv of level means": bootstrap.spread_interval(means.std(axis=1) / means.mean(axis=1)),
    }


@pytest.fixture(scope="module")
def coverage() -> dict[str, float]:
    rng = np.random.default_rng(11)
    everything, codes = simulated(rng, 150_000)
    whole = ClusterBootstrap(["all"] * len(codes), n_resamples=1)
    truth = {name: float(found.estimate) for name, found in quantities(whole, everything).items()}
    hits = dict.fromkeys(truth, 0)
    for study in range(N_STUDIES):
        values, codes = simulated(rng, N_GROUPS)
        bootstrap = ClusterBootstrap([str(code) for code in codes], n_resamples=1000, seed=study)
        for name, found in quantities(bootstrap, values).items():
            hits[name] += bool(found.low <= truth[name] <= found.high)
    return {name: hit / N_STUDIES for name, hit in hits.items()}


@pytest.mark.parametrize(
    "quantity", ["mean", "change", "relative change", "cv", "cv across levels", "cv of level means"]
)
def test_intervals_cover_the_truth(coverage: dict[str, float], quantity: str) -> None:
    """95 % intervals hold the truth in 93 to 97 % of simulated studies of 40 patients."""
    assert 0.93 <= coverage[quantity] <= 0.97


def test_ignoring_the_patients_would_cover_too_little() -> None:
    """Cases of one patient are no independent cases: the same intervals over cases miss the truth too often."""
    rng = np.random.default_rng(12)
    hits = 0
    for study in range(400):
        codes = np.repeat(np.arange(20), 6)
        values = rng.normal(size=20)[codes] + 0.5 * rng.normal(size=120)
        found = ClusterBootstrap([str(i) for i in range(120)], 400, study)
        interval = found.interval(found.means(values))
        hits += bool(interval.low <= 0 <= interval.high)
    assert hits / 400 < 0.75


def test_type_1_error_of_the_pairwise_test() -> None:
    """Two equal networks: near 5 % of tests over patients find a difference, far more of tests over cases."""
    rng = np.random.default_rng(13)
    n_studies = 3000
    by_group = by_case = 0
    for _ in range(n_studies):
        differences = rng.normal(size=30)[:, None] + 0.7 * rng.normal(size=(30, 4))
        by_group += signed_rank(differences.mean(axis=1)).p_value < 0.05
        by_case += signed_rank(differences.ravel()).p_value < 0.05
    assert 0.042 <= by_group / n_studies <= 0.058
    assert by_case / n_studies > 0.15


def test_equal_seeds_give_equal_intervals_and_missing_values_are_left_out() -> None:
    rng = np.random.default_rng(14)
    values, codes = simulated(rng, 12)
    names = [str(code) for code in codes]
    first, again = (ClusterBootstrap(names, 300, seed=5) for _ in range(2))
    one, two = first.interval(first.means(values)), again.interval(again.means(values))
    assert (one.low == two.low).all()
    values[:3, 0] = np.nan
    assert first.means(values)[0] == pytest.approx(np.nanmean(values, axis=0))
    assert first.spreads(values)[0] == pytest.approx(np.nanstd(values, axis=0))


def test_few_groups_have_no_interval() -> None:
    """Twenty cases of four patients are four observations."""
    found = ClusterBootstrap([str(i % 4) for i in range(20)])
    interval = found.interval(found.means(np.arange(20.0)))
    assert float(interval.estimate) == 9.5
    assert np.isnan([interval.low, interval.high]).all()


def test_groups_are_drawn_whole() -> None:
    """Two cases of a group always come together, so resampled means of (0, 1) pairs are all one half."""
    found = ClusterBootstrap(["a", "a", "b", "b", "c", "c", "d", "d", "e", "e"])
    rows = found.means(np.tile([0.0, 1.0], 5))
    assert np.ptp(rows) < 1e-12
