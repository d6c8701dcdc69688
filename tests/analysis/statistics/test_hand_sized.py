"""A study small enough to work out: three networks, two seeds, six cases, two levels.

Every cell of robustness.csv, statistics.csv and wins.csv of the DSC and the HD is computed anew, from the definitions.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up_cases import table
from scipy import stats

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.bootstrap import N_RESAMPLES, SEED
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, settings
from nnunet_skipstudy.analysis.statistics.summary import robustness_table
from nnunet_skipstudy.analysis.statistics.table import Statistics, make_statistics

NETWORKS = ("NoSkip", "UNet", "VNet")
GROUPS = {"NoSkip": "No-Skip", "UNet": "Standard", "VNet": "Standard"}
LEVELS = ("hardest", "unperturbed")
N, K = 6, 2
# network, seed, level, case
DSC = np.array(
    [
        [[[0.61, 0.72, 0.55, 0.80, 0.66, 0.70], [0.81, 0.84, 0.79, 0.90, 0.86, 0.83]],
         [[0.65, 0.70, 0.52, 0.83, 0.61, 0.74], [0.80, 0.86, 0.78, 0.91, 0.83, 0.85]]],
        [[[0.50, 0.63, 0.00, 0.71, 0.45, 0.57], [0.90, 0.92, 0.85, 0.95, 0.91, 0.93]],
         [[0.41, 0.60, 0.32, 0.75, 0.40, 0.61], [0.91, 0.90, 0.88, 0.94, 0.93, 0.92]]],
        [[[0.58, 0.67, 0.41, 0.77, 0.52, 0.64], [0.88, 0.89, 0.86, 0.93, 0.90, 0.91]],
         [[0.47, 0.59, 0.33, 0.70, 0.46, 0.55], [0.87, 0.91, 0.84, 0.94, 0.89, 0.90]]],
    ]
)  # fmt: skip
VALUES = {"dsc": DSC, "hd": 10 * (1 - DSC)}
Check = dict[str, Any]


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    parts = []
    for seed in range(K):
        dsc = {
            name: {f"c{c}": tuple(DSC[i, seed, :, c]) for c in range(N)} for i, name in enumerate(NETWORKS)
        }  # fmt: skip
        parts.append(table(dsc, (np.nan, np.nan), LEVELS, seed=seed))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def found(cases: pd.DataFrame) -> Statistics:
    return make_statistics(settings(cases, [NetworkKey(name, name, "p", "2d") for name in NETWORKS]))


@pytest.fixture(scope="module")
def robustness(cases: pd.DataFrame) -> pd.DataFrame:
    return robustness_table(cases)


# Definitions, in plain numpy ----------------------------------------------------------------------------------------


def at(metric: str, level: str, what: str = "value") -> np.ndarray:
    """(network, seed, case): values, changes, or what changes are counted from; of all levels their mean.

    The mean change leaves the reference level out, of which there is nothing left here but the hardest.
    """
    values = VALUES[metric]
    if what == "value":
        return values.mean(axis=2) if level == ALL_LEVELS else values[:, :, LEVELS.index(level)]
    if what == "before":
        return values[:, :, 1]
    return values[:, :, 0] - values[:, :, 1] if level != "unperturbed" else np.zeros((3, K, N))


def typical(variances: np.ndarray) -> float:
    """The median of three, corrected for the bias of a median of chi-squared with one degree of freedom."""
    return float(np.median(variances / stats.chi2.median(1)))


def of_trainings(by_seed: np.ndarray) -> np.ndarray:
    """(network, seed) to each network's variance between trainings, by two: s²/2, guarded."""
    s2 = by_seed.var(axis=1, ddof=1)
    return np.maximum(s2, (s2 * (K - 1) + typical(s2)) / K) / K


def jackknife(parts: np.ndarray, wholes: np.ndarray, end: float | None) -> tuple[float, float]:
    """A ratio of sums and its squared standard error; with half a case more at ``end``, of average weight."""
    added, weight = (0.0, 0.0) if end is None else (0.5, float(wholes.mean()))
    worth = 0.0 if end is None else weight * end
    part, whole = parts.sum() + added * worth, wholes.sum() + added * weight
    ratio = part / whole
    pulls = [((part - p) / (whole - w) - ratio) ** 2 for p, w in zip(parts, wholes, strict=True)]
    squares = sum(pulls) + (added * ((part - worth) / (whole - weight) - ratio) ** 2 if added else 0)
    size = len(parts) + added
    return ratio, (size - 1) / size * squares


def student(
    parts: np.ndarray, wholes: np.ndarray, trainings: Sequence[float], ends: tuple[float, float] | None
) -> Check:
    """The columns of an estimate: t interval of cases and trainings, Satterthwaite's degrees of freedom."""
    estimate, of_cases = jackknife(parts, wholes, None)
    variance = sum(trainings)

    def df(squared: float) -> float:
        return (squared + variance) ** 2 / (squared**2 / (N - 1) + sum(v**2 / (K - 1) for v in trainings))

    bounds = []
    for sign, end in zip((-1, 1), ends or (None, None), strict=True):
        middle, squared = jackknife(parts, wholes, end)
        bound = middle + sign * stats.t.ppf(0.975, df(squared)) * np.sqrt(squared + variance)
        bounds.append(bound if end is None else max(bound, end) if sign < 0 else min(bound, end))
    return {
        "estimate": estimate, "low": bounds[0], "high": bounds[1], "se_cases": np.sqrt(of_cases),
        "se_trainings": np.sqrt(variance), "df": df(of_cases), "n_cases": N, "n_groups": N, "n_trainings": K,
        "scope": "networks",
    }  # fmt: skip


def ends_of(metric: str) -> tuple[float, float]:
    """Of the DSC 0 and 1; of a distance 0 and the longest that any network has of any case, over seeds."""
    return (0.0, 1.0) if metric == "dsc" else (0.0, float(VALUES[metric].mean(axis=1).max()))


def holm(p_values: Sequence[float]) -> list[float]:
    order = np.argsort(p_values)
    corrected, highest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = highest
    return corrected


def signed_rank(differences: np.ndarray) -> float:
    """Wilcoxon's two-sided p-value from all ways to sign the ranks."""
    assert (differences.round(12) != 0).all()
    ranks = stats.rankdata(abs(differences.round(12)))
    observed = ranks[differences > 0].sum()
    sums = np.array([ranks[list(signs)].sum() for signs in itertools.product((False, True), repeat=len(ranks))])
    return min(1.0, 2 * float(min((sums <= observed).mean(), (sums >= observed).mean())))


def check(row: pd.Series | dict[str, Any], expected: Check) -> None:
    for name, value in expected.items():
        if isinstance(value, str):
            assert row[name] == value, name
        elif value is None:
            assert pd.isna(row[name]), name
        else:
            assert row[name] == pytest.approx(value, rel=1e-9, abs=1e-12), name


def one(table: pd.DataFrame, **place: str) -> dict[str, Any]:
    for name, value in place.items():
        table = table[table[name] == value]
    (row,) = table.to_dict("records")
    return row


# The tables ---------------------------------------------------------------------------------------------------------

METRIC = pytest.mark.parametrize("metric", VALUES)
EVERYWHERE = pytest.mark.parametrize("level", [*LEVELS, ALL_LEVELS])


@METRIC
@EVERYWHERE
def test_means(found: Statistics, metric: str, level: str) -> None:
    values = at(metric, level)
    trainings = of_trainings(values.mean(axis=2))
    for index, name in enumerate(NETWORKS):
        expected = student(values[index].mean(axis=0), np.ones(N), [trainings[index]], ends_of(metric))
        check(
            one(found.table, metric=metric, level=level, quantity="mean", architecture=name),
            expected | {"n_replicates": K, "p_value": None, "verdict": ""},
        )


@METRIC
@pytest.mark.parametrize("level", ["hardest", ALL_LEVELS])
def test_changes_and_relative_changes(found: Statistics, metric: str, level: str) -> None:
    changes, before = at(metric, level, "change"), at(metric, level, "before")
    trainings, (least, most) = of_trainings(changes.mean(axis=2)), ends_of(metric)
    moved, start = changes.mean(axis=(1, 2)), before.mean(axis=(1, 2))
    linear = (changes.mean(axis=2) - (moved / start)[:, None] * before.mean(axis=2)) / start[:, None]
    relative = of_trainings(linear)
    for index, name in enumerate(NETWORKS):
        own, first = changes[index].mean(axis=0), before[index].mean(axis=0)
        expected = student(own, np.ones(N), [trainings[index]], (least - start[index], most - start[index]))
        check(one(found.table, metric=metric, level=level, quantity="change", architecture=name), expected)
        ends = ((least - start[index]) / start[index], (most - start[index]) / start[index])
        expected = student(own, first, [relative[index]], ends)
        check(one(found.table, metric=metric, level=level, quantity="relative_change", architecture=name), expected)
    quantities = found.table.loc[found.table["level"] == "unperturbed", "quantity"]
    assert not quantities.isin(["change", "relative_change", "difference_of_change"]).any()


@METRIC
@EVERYWHERE
@pytest.mark.parametrize(("quantity", "what"), [("difference", "value"), ("difference_of_change", "change")])
@pytest.mark.parametrize("of_groups", [False, True])
def test_differences(found: Statistics, metric: str, level: str, quantity: str, what: str, of_groups: bool) -> None:
    """Networks, and the study's groups of networks: a group is the mean of its networks, each with a part."""
    if what == "change" and level == "unperturbed":
        return
    values = at(metric, level, what)
    trainings = of_trainings(values.mean(axis=2))
    by_case = values.mean(axis=1)
    if of_groups:
        sides: dict[str, tuple[np.ndarray, list[float]]] = {
            "No-Skip": (by_case[0], [trainings[0]]),
            "Standard": (by_case[1:].mean(axis=0), [trainings[1] / 4, trainings[2] / 4]),
        }
    else:
        sides = {name: (by_case[i], [trainings[i]]) for i, name in enumerate(NETWORKS)}
    pairs = list(itertools.combinations(sides, 2))
    expected, ranks = [], []
    for first, other in pairs:
        difference = sides[first][0] - sides[other][0]
        row = student(difference, np.ones(N), [*sides[first][1], *sides[other][1]], None)
        row["statistic"] = row["estimate"] / np.hypot(row["se_cases"], row["se_trainings"])
        row["p_value"] = 2 * stats.t.sf(abs(row["statistic"]), row["df"])
        expected.append(row)
        ranks.append(signed_rank(difference))
        signed = stats.rankdata(abs(difference.round(12))) * np.sign(difference)
        row["effect"] = signed.sum() / abs(signed).sum()
    least = 0.01 if metric == "dsc" else 1.0
    corrected, of_ranks = holm([row["p_value"] for row in expected]), holm(ranks)
    for (first, other), row, p, rank, p_rank in zip(pairs, expected, corrected, ranks, of_ranks, strict=True):
        verdict = "undecided"
        if -least < row["low"] and row["high"] < least:
            verdict = "equivalent"
        elif p < 0.05:
            verdict = "better" if (row["estimate"] > 0) == (metric == "dsc") else "worse"
        column = "group" if of_groups else "architecture"
        place = {column: first, f"other_{column}": other, "quantity": f"group_{quantity}" if of_groups else quantity}
        check(
            one(found.table, metric=metric, level=level, **place),
            row
            | {"p_holm": p, "n_tests": len(pairs), "p_false": row["p_value"] / 2, "smallest_difference": least}
            | {"verdict": verdict, "p_ranks": rank, "p_ranks_holm": p_rank},
        )


def spread(values: np.ndarray) -> float:
    return float(values.std() / values.mean())


@METRIC
def test_spreads(found: Statistics, metric: str) -> None:
    """Of six cases a CV has no interval."""
    for index, name in enumerate(NETWORKS):
        by_level = VALUES[metric][index].mean(axis=0)  # level, case
        places = {("cv", level): spread(at(metric, level)[index].mean(axis=0)) for level in (*LEVELS, ALL_LEVELS)}
        places["cv_across_levels", ALL_LEVELS] = np.mean([spread(case) for case in by_level.T])
        places["cv_of_level_means", ALL_LEVELS] = spread(by_level.mean(axis=1))
        for (quantity, level), value in places.items():
            row = one(found.table, metric=metric, level=level, quantity=quantity, architecture=name)
            check(row, {"estimate": value, "low": None, "high": None, "scope": "trainings", "n_replicates": K})
            assert row["test"] == "no interval: 6 groups of cases are too few"


@METRIC
@EVERYWHERE
def test_ranks(found: Statistics, metric: str, level: str) -> None:
    """Within cases and of means, in each of the seeded resamples; no Friedman test of six cases."""
    values = at(metric, level).mean(axis=1).round(12)
    signed = values if metric == "hd" else -values
    in_case = stats.rankdata(signed, axis=0).mean(axis=1)
    drawn = np.random.default_rng(SEED).multinomial(N, np.full(N, 1 / N), size=N_RESAMPLES)
    ranks = np.array([stats.rankdata(np.round(signed @ weights / N, 12)) for weights in drawn])
    best = ranks == ranks.min(axis=1, keepdims=True)
    shares = (best / best.sum(axis=1, keepdims=True)).mean(axis=0)
    of_means = stats.rankdata(signed.mean(axis=1).round(12))
    for index, name in enumerate(NETWORKS):
        rows = {
            quantity: one(found.table, metric=metric, level=level, quantity=quantity, architecture=name)
            for quantity in ("mean_rank", "rank_of_mean", "share_first")
        }
        low, high = np.quantile(ranks[:, index], [0.025, 0.975])
        check(rows["mean_rank"], {"estimate": in_case[index], "n_groups": N, "n_networks": 3, "scope": "trainings"})
        check(rows["rank_of_mean"], {"estimate": of_means[index], "low": low, "high": high})
        check(rows["share_first"], {"estimate": shares[index]})
    pairs = list(itertools.combinations(range(3), 2))
    agreement = [stats.kendalltau(of_means, row).statistic for row in ranks if any(row[a] != row[b] for a, b in pairs)]
    check(
        one(found.table, metric=metric, level=level, quantity="rank_agreement"), {"estimate": float(np.mean(agreement))}
    )
    friedman = one(found.table, metric=metric, level=level, quantity="friedman")
    check(friedman, {"test": "none: 6 blocks are too few", "statistic": None, "p_value": None})
    chance = found.table["quantity"].str.endswith("_by_chance") & (found.table["level"] == level)
    assert set(found.table.loc[chance, "metric"]) == {"dsc"}
    assert found.table.loc[chance, "estimate"].between(0, 1).all()


@METRIC
def test_contests(found: Statistics, metric: str) -> None:
    """The best mean, alone the best in most cases, the smallest spreads."""
    lower = metric == "hd"
    contests: dict[tuple[str, str], tuple[np.ndarray, bool]] = {}
    for level in LEVELS:
        values = at(metric, level).mean(axis=1)
        signed = np.round(-values if lower else values, 12)
        alone = (signed == signed.max(axis=0)) & ((signed == signed.max(axis=0)).sum(axis=0) == 1)
        contests["mean", level] = values.mean(axis=1), lower
        contests["most_cases", level] = alone.mean(axis=1), False
        contests["cv", level] = np.array([spread(row) for row in values]), True
    by_level = VALUES[metric].mean(axis=1)
    contests["cv_across_levels", ALL_LEVELS] = (by_level.std(axis=1) / by_level.mean(axis=1)).mean(axis=1), True
    contests["cv_of_level_means", ALL_LEVELS] = np.array([spread(m) for m in by_level.mean(axis=2)]), True
    for (quantity, level), (values, smallest) in contests.items():
        best = values.min() if smallest else values.max()
        for index, name in enumerate(NETWORKS):
            row = one(found.wins, metric=metric, level=level, quantity=quantity, architecture=name)
            check(row, {"value": values[index], "group": GROUPS[name], "reason": "", "n_cases": N, "n_groups": N})
            assert row["best"] == (abs(values[index] - best) <= 5e-5)
            assert row["eligible"]
    kinds = found.wins[found.wins["metric"] == metric]
    assert set(zip(kinds["quantity"], kinds["level"], strict=True)) == set(contests)
    first = at(metric, "hardest").mean(axis=1)
    shares = (np.round(first, 12).argmin(axis=0) if lower else np.round(first, 12).argmax(axis=0)) == np.arange(3)[
        :, None
    ]
    rows = found.wins.query("metric == @metric and level == 'hardest' and quantity == 'mean'")
    assert rows["share_of_cases_best"].tolist() == pytest.approx(shares.mean(axis=1).tolist())


@METRIC
@pytest.mark.parametrize("level", LEVELS)
def test_robustness(robustness: pd.DataFrame, metric: str, level: str) -> None:
    for index, name in enumerate(NETWORKS):
        values, before = at(metric, level), at(metric, level, "before")
        own, moved = values[index].mean(axis=0), at(metric, level, "change")[index].mean()
        by_level = VALUES[metric][index].mean(axis=0)
        worst = by_level.mean(axis=1)
        place = int(worst.argmax() if metric == "hd" else worst.argmin())
        missed = int((values[index] == (10 if metric == "hd" else 0)).sum())
        check(
            one(robustness, metric=metric, level=level, architecture=name),
            {
                "n": N, "n_seeds": K, "mean": own.mean(), "sd": own.std(), "cv": spread(own),
                "reference_level": "unperturbed", "change": moved, "relative_change": moved / before[index].mean(),
                "n_both": N * K - missed, "n_missed": missed, "n_spurious": 0, "n_absent": 0, "n_both_empty": 0,
                "sd_replicates": values[index].mean(axis=1).std(ddof=1), "failure_rate": missed / (N * K),
                "missed_rate": missed / (N * K), "spurious_rate": 0, "absent_rate": 0, "n_levels": 2,
                "cv_across_levels": np.mean([spread(case) for case in by_level.T]), "n_cv_across_levels": N,
                "cv_of_level_means": spread(worst), "worst_level": LEVELS[place], "worst_mean": worst[place],
                "disparity_area": None, "disparity_slope": None, "n_disparity": 0,
            },
        )  # fmt: skip


def test_no_row_of_these_metrics_is_left_out(found: Statistics) -> None:
    """The quantities that were computed above are all that there are."""
    known = {
        *("mean", "change", "relative_change", "cv", "cv_across_levels", "cv_of_level_means"),
        *("difference", "difference_of_change", "group_difference", "group_difference_of_change"),
        *("friedman", "mean_rank", "rank_of_mean", "share_first", "rank_agreement"),
        *("rank_agreement_by_chance", "share_first_by_chance"),
    }
    assert set(found.table["quantity"]) == known
