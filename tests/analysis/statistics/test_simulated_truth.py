"""What the intervals and tests promise, held against data whose truth is known; benchmarks/coverage.py does more."""

from collections import defaultdict

import numpy as np
import numpy.typing as npt
import pytest
from one_test import signed_rank
from scipy import stats
from simulated_studies import FAILING, Networks, rows_of, with_failures

from nnunet_skipstudy.analysis.statistics.between_trainings import Between
from nnunet_skipstudy.analysis.statistics.bootstrap import ClusterBootstrap, divide
from nnunet_skipstudy.analysis.statistics.intervals import ratios

Floats = npt.NDArray[np.float64]
ONE_TRAINING = Between(np.full((), np.nan), np.zeros(()), np.ones((), np.int64))


def interval_of_mean(sums: Floats, counts: Floats) -> tuple[float, float]:
    found = ratios(sums, counts, counts > 0, ONE_TRAINING, (np.zeros(()), np.ones(())))
    return float(found.low), float(found.high)


@pytest.mark.parametrize("n", [10, 20, 40, 100])
@pytest.mark.parametrize("kind", FAILING)
def test_means_and_changes_with_rare_failures_are_covered(kind: str, n: int) -> None:
    """At least 93 % of 95 % intervals hold the truth, also where most samples lack the failure that happens."""
    draw = with_failures(kind)
    everything = draw(np.random.default_rng(0), 300_000)
    truth = {"mean": everything[:, 0].mean(), "change": (everything[:, 0] - everything[:, 1]).mean()}
    start = everything[:, 1].mean()
    rng = np.random.default_rng(n)
    hits = dict.fromkeys(truth, 0)
    n_studies = 1500
    for _ in range(n_studies):
        values = draw(rng, n)
        before = values[:, 1].mean()
        for name, sample, low, high in (
            ("mean", values[:, 0], 0.0, 1.0),
            ("change", values[:, 0] - values[:, 1], -before, 1 - before),
        ):
            ends = (np.array(low), np.array(high))
            found = ratios(sample, np.ones(n), np.ones(n, bool), ONE_TRAINING, ends)
            hits[name] += bool(found.low <= truth[name] <= found.high)
    assert start > 0
    assert min(hits.values()) / n_studies >= 0.93


def test_what_the_analysis_prints_of_one_network_covers_the_truth() -> None:
    """The same through the table of cases: mean, change and relative change of scores with 15 % failures."""
    draw = with_failures("15 % zeros")
    everything = draw(np.random.default_rng(0), 300_000)
    truth = {"mean": everything[:, 0].mean(), "change": (everything[:, 0] - everything[:, 1]).mean()}
    truth["relative_change"] = truth["change"] / everything[:, 1].mean()
    rng, hits = np.random.default_rng(3), defaultdict(list)
    for _ in range(100):
        for row in rows_of(draw(rng, 20)[:, None, None, :]):
            if row["level"] == "hardest" and row["quantity"] in truth:
                assert row["scope"] == "trainings"
                hits[row["quantity"]].append(row["low"] <= truth[row["quantity"]] <= row["high"])
    assert {name: len(found) for name, found in hits.items()} == dict.fromkeys(truth, 100)
    assert min(np.mean(found) for found in hits.values()) >= 0.91


@pytest.mark.parametrize(("n_seeds", "n_groups"), [(3, 20), (5, 100)])
def test_differences_of_networks_are_covered_where_seeds_vary(n_seeds: int, n_groups: int) -> None:
    """Intervals of differences and differences of change hold the truth, 0, in at least 91 % of 150 studies."""
    model, rng = Networks(n_groups, n_seeds, n_networks=2), np.random.default_rng(40 + n_seeds)
    hits = defaultdict(list)
    for _ in range(150):
        for row in rows_of(model.draw(rng, n_levels=2)):
            if row["quantity"].startswith("difference") and row["level"] == "hardest":
                assert (row["scope"], row["n_trainings"]) == ("networks", n_seeds)
                hits[row["quantity"]].append(row["low"] <= 0 <= row["high"])
    assert len(hits) == 2
    assert min(np.mean(found) for found in hits.values()) >= 0.91


def test_six_equal_networks_are_seldom_told_apart_with_seeds_and_often_without() -> None:
    """Family-wise: at most 7 % with three seeds; one seed each tells trainings apart, and says so."""
    share = {}
    for n_seeds in (1, 3):
        model, rng, wrong = Networks(20, n_seeds), np.random.default_rng(7), []
        for _ in range(60):
            verdicts = [row for row in rows_of(model.draw(rng)) if row["quantity"] == "difference"]
            assert {row["scope"] for row in verdicts} == {"networks" if n_seeds > 1 else "trainings"}
            wrong.append(any(row["verdict"] in ("better", "worse") for row in verdicts))
        share[n_seeds] = np.mean(wrong)
    assert share[3] <= 0.07
    assert share[1] > 0.4


def test_a_real_difference_is_found() -> None:
    """Half a logit between two of six networks, five seeds, 50 groups: nearly always, and in the right direction."""
    model, rng = Networks(50, 5, effects=(1.0,)), np.random.default_rng(8)
    found = [
        row["verdict"]
        for _ in range(25)
        for row in rows_of(model.draw(rng))
        if row["quantity"] == "difference" and row["architecture"] == "N0" and row["other_architecture"] == "N1"
    ]
    assert found.count("better") >= 22
    assert "worse" not in found


def clustered(rng: np.random.Generator, n_groups: int) -> tuple[Floats, npt.NDArray[np.int64]]:
    """DSC-like values of one network at two levels: skewed, bounded, alike within a patient of 1 to 4 cases."""
    codes = np.repeat(np.arange(n_groups), rng.integers(1, 5, n_groups))
    easy = 0.7 * rng.normal(size=n_groups)[codes] + 0.7 * rng.normal(size=len(codes))
    hard = 0.8 * easy + 0.6 * rng.normal(size=len(codes)) - 0.5
    return stats.norm.cdf(np.stack([0.9 * easy + 1.2, 0.9 * hard + 1.0], axis=1)), codes


def spreads(bootstrap: ClusterBootstrap, values: Floats) -> dict[str, Floats]:
    means = bootstrap.means(values)
    return {
        "cv": bootstrap.spreads(values)[:, 1] / means[:, 1],
        "cv across levels": bootstrap.means(divide(values.std(axis=1), values.mean(axis=1))),
        "cv of level means": means.std(axis=1) / means.mean(axis=1),
    }


@pytest.fixture(scope="module")
def coverage() -> dict[str, float]:
    rng = np.random.default_rng(11)
    everything, codes = clustered(rng, 150_000)
    whole = ClusterBootstrap(["all"] * len(codes), n_resamples=1)
    truth = {name: float(found[0]) for name, found in spreads(whole, everything).items()}
    hits = dict.fromkeys(truth, 0)
    n_studies = 1200
    for study in range(n_studies):
        values, codes = clustered(rng, 40)
        bootstrap = ClusterBootstrap([str(code) for code in codes], n_resamples=1, seed=study)
        for name, rows in spreads(bootstrap, values).items():
            found = bootstrap.spread_interval(rows)
            hits[name] += bool(found.low <= truth[name] <= found.high)
    return {name: hit / n_studies for name, hit in hits.items()}


@pytest.mark.parametrize("quantity", ["cv", "cv across levels", "cv of level means"])
def test_intervals_of_spreads_cover_the_truth(coverage: dict[str, float], quantity: str) -> None:
    """95 % intervals hold the truth in 93 to 97 % of simulated studies of 40 patients."""
    assert 0.93 <= coverage[quantity] <= 0.97


def test_ignoring_the_patients_would_cover_too_little() -> None:
    """Cases of one patient are no independent cases: an interval over cases misses the truth far too often."""
    rng = np.random.default_rng(12)
    by_case = by_patient = 0
    for _ in range(400):
        codes = np.repeat(np.arange(20), 6)
        values = np.clip(0.5 + 0.1 * rng.normal(size=20)[codes] + 0.05 * rng.normal(size=120), 0, 1)
        low, high = interval_of_mean(values, np.ones(120))
        by_case += low <= 0.5 <= high
        low, high = interval_of_mean(values.reshape(20, 6).sum(axis=1), np.full(20, 6.0))
        by_patient += low <= 0.5 <= high
    assert by_case / 400 < 0.8
    assert by_patient / 400 >= 0.93


def test_type_1_error_of_the_rank_test() -> None:
    """Two equal networks: near 5 % of tests over patients find a difference, far more of tests over cases."""
    rng = np.random.default_rng(13)
    n_studies = 2000
    by_group = by_case = 0
    for _ in range(n_studies):
        differences = rng.normal(size=30)[:, None] + 0.7 * rng.normal(size=(30, 4))
        by_group += signed_rank(differences.mean(axis=1)).p_value < 0.05
        by_case += signed_rank(differences.ravel()).p_value < 0.05
    assert 0.04 <= by_group / n_studies <= 0.06
    assert by_case / n_studies > 0.15


def test_missing_values_are_left_out_of_resampled_means_and_spreads() -> None:
    values, codes = clustered(np.random.default_rng(14), 12)
    values[:3, 0] = np.nan
    found = ClusterBootstrap([str(code) for code in codes], 300, seed=5)
    assert found.means(values)[0] == pytest.approx(np.nanmean(values, axis=0))
    assert found.spreads(values)[0] == pytest.approx(np.nanstd(values, axis=0))


def test_groups_are_drawn_whole() -> None:
    """Two cases of a group always come together, so resampled means of (0, 1) pairs are all one half."""
    found = ClusterBootstrap(["a", "a", "b", "b", "c", "c", "d", "d", "e", "e"])
    rows = found.means(np.tile([0.0, 1.0], 5))
    assert np.ptp(rows) < 1e-12
