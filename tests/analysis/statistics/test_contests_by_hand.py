"""Contests and rankings of a whole study, counted again with pandas from its table of cases."""

import numpy as np
import pandas as pd
import pytest
from made_up_cases import LEVELS, table
from scipy import stats

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.pairwise import holm
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, settings
from nnunet_skipstudy.analysis.statistics.table import Statistics, make_statistics

NETWORKS = ("NoSkip", "UNet", "VNet", "AttentionUNet")
N_CASES = 24


@pytest.fixture(scope="module")
def cases() -> pd.DataFrame:
    """24 cases of 12 patients; DSC in hundredths, so that networks tie in many cases."""
    rng = np.random.default_rng(0)
    base = np.round(rng.uniform(0.4, 0.9, N_CASES), 2)
    dsc = {
        network: {
            f"c{case:02d}": tuple(np.clip(np.round(base[case] + rng.integers(-2, 3, 3) / 100 + offset, 2), 0.01, 1))
            for case in range(N_CASES)
        }
        for network, offset in zip(NETWORKS, (0, 0, 0.01, -0.05), strict=True)
    }
    made = table(dsc)
    return made.assign(group=["g" + str(int(case[1:]) // 2) for case in made["case"]])


@pytest.fixture(scope="module")
def found(cases: pd.DataFrame) -> Statistics:
    return make_statistics(settings(cases, [NetworkKey(name, name, "p", "2d") for name in NETWORKS]))


def by_case(cases: pd.DataFrame, metric: str, level: str) -> pd.DataFrame:
    """(case, network); of all levels their mean."""
    chosen = cases if level == ALL_LEVELS else cases[cases["level"] == level]
    return chosen.pivot_table(index="case", columns="architecture", values=metric)[list(NETWORKS)]


def won(found: Statistics, metric: str, level: str, quantity: str) -> pd.DataFrame:
    wins = found.wins
    chosen = (wins["metric"] == metric) & (wins["level"] == level) & (wins["quantity"] == quantity)
    return wins[chosen].set_index("architecture").loc[list(NETWORKS)]


def numbers(found: Statistics, metric: str, level: str, quantity: str) -> pd.DataFrame:
    rows = found.table
    return rows[(rows["metric"] == metric) & (rows["level"] == level) & (rows["quantity"] == quantity)]


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("metric", ["dsc", "hd", "nsd"])
def test_means_are_won_by_the_best_and_cases_are_shared_by_ties(
    cases: pd.DataFrame, found: Statistics, metric: str, level: str
) -> None:
    """A distance's contest is won by the shortest one."""
    rows, values = won(found, metric, level, "mean"), by_case(cases, metric, level)
    assert rows["value"].to_numpy() == pytest.approx(values.mean().to_numpy())
    signed = (values if metric != "hd" else -values).round(9)
    assert rows["best"].tolist() == (signed.mean() >= signed.mean().max() - 1e-9).tolist()
    first = signed.eq(signed.max(axis=1), axis=0)
    assert first.sum(axis=1).max() > 1  # ties there are
    shares = first.div(first.sum(axis=1), axis=0).mean()
    assert rows["share_of_cases_best"].to_numpy() == pytest.approx(shares.to_numpy())
    assert rows["share_of_resamples_best"].sum() == pytest.approx(1)
    assert rows["share_of_resamples_best"].idxmax() == signed.mean().idxmax()
    assert set(zip(rows["n_cases"], rows["n_groups"], strict=True)) == {(N_CASES, N_CASES // 2)}


@pytest.mark.parametrize("level", LEVELS)
def test_steadiness_is_the_smallest_spread_for_its_mean(cases: pd.DataFrame, found: Statistics, level: str) -> None:
    rows, values = won(found, "dsc", level, "cv"), by_case(cases, "dsc", level)
    spreads = values.std(ddof=0) / values.mean()
    assert rows["value"].to_numpy() == pytest.approx(spreads.to_numpy())
    assert rows["best"].tolist() == (spreads == spreads.min()).tolist()
    assert rows["share_of_cases_best"].isna().all()  # a case has no spread over cases


def test_steadiness_across_levels_is_each_case_s_own(cases: pd.DataFrame, found: Statistics) -> None:
    rows = won(found, "dsc", ALL_LEVELS, "cv_across_levels")
    by_network = cases.groupby(["case", "architecture"])["dsc"]
    spreads = (by_network.std(ddof=0) / by_network.mean()).unstack()[list(NETWORKS)]
    assert rows["value"].to_numpy() == pytest.approx(spreads.mean().to_numpy())
    assert rows["best"].tolist() == (spreads.mean() == spreads.mean().min()).tolist()
    first = spreads.round(12).eq(spreads.round(12).min(axis=1), axis=0)
    shares = first.div(first.sum(axis=1), axis=0).mean()
    assert rows["share_of_cases_best"].to_numpy() == pytest.approx(shares.to_numpy())


def test_what_reads_alike_in_a_table_is_best_together() -> None:
    """0.70004 and 0.70000 both print as 0.700; 0.70010 doesn't tie with the latter."""
    values = {"NoSkip": 0.70004, "UNet": 0.70000, "VNet": 0.6999, "AttentionUNet": 0.5}
    dsc = {name: {f"c{i}": (value,) * 3 for i in range(8)} for name, value in values.items()}
    statistics = make_statistics(settings(table(dsc), [NetworkKey(name, name, "p", "2d") for name in NETWORKS]))
    assert won(statistics, "dsc", "hardest", "mean")["best"].tolist() == [True, True, False, False]
    assert won(statistics, "dsc", "hardest", "mean")["share_of_resamples_best"].tolist() == [1, 0, 0, 0]


@pytest.mark.parametrize("level", [*LEVELS, ALL_LEVELS])
@pytest.mark.parametrize("metric", ["dsc", "assd"])
def test_networks_are_ranked_within_patients(cases: pd.DataFrame, found: Statistics, metric: str, level: str) -> None:
    """Blocks of Friedman's test are the patients' means, and the shortest distance has rank 1."""
    values = by_case(cases, metric, level)
    groups = values.groupby(cases.groupby("case")["group"].first()).mean()
    expected = stats.friedmanchisquare(*groups.to_numpy().round(12).T)
    (row,) = numbers(found, metric, level, "friedman").to_dict("records")
    assert (row["statistic"], row["p_value"]) == (pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    assert (row["n_groups"], row["n_networks"]) == (N_CASES // 2, len(NETWORKS))
    ranks = groups.round(12).rank(axis=1, ascending=metric == "assd").mean()
    rows = numbers(found, metric, level, "mean_rank").set_index("architecture")
    assert rows.loc[list(NETWORKS), "estimate"].to_numpy() == pytest.approx(ranks.to_numpy())
    of_means = numbers(found, metric, level, "rank_of_mean").set_index("architecture").loc[list(NETWORKS)]
    assert of_means["estimate"].tolist() == values.mean().round(12).rank(ascending=metric == "assd").tolist()
    assert (of_means["low"] <= of_means["estimate"]).all()
    assert (of_means["estimate"] <= of_means["high"]).all()


def test_one_network_is_not_ranked_and_wins_its_contests(cases: pd.DataFrame) -> None:
    alone = cases[cases["architecture"] == "UNet"].reset_index(drop=True)
    statistics = make_statistics(settings(alone, [NetworkKey("UNet", "UNet", "p", "2d")]))
    assert not statistics.rankings
    assert not statistics.table["quantity"].isin(["friedman", "mean_rank"]).any()
    assert statistics.wins[statistics.wins["quantity"] == "mean"]["best"].all()


def test_corrected_p_values_are_holm_s_over_one_level_and_metric(found: Statistics) -> None:
    tests = found.table[found.table["p_holm"].notna()]
    families = [family for _, family in tests.groupby(["quantity", "metric", "level"])]
    assert {len(family) for family in families} == {3, 6}  # pairs of the study's groups, and of networks
    for family in families:
        assert (family["n_tests"] == len(family)).all()
        assert family["p_holm"].to_numpy() == pytest.approx(holm(family["p_value"].to_numpy()))
