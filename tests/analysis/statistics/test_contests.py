"""Who may win a contest for steadiness, and from how many cases a number is."""

import numpy as np
import pandas as pd
import pytest

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.across_levels import across_levels
from nnunet_skipstudy.analysis.statistics.bootstrap import ClusterBootstrap
from nnunet_skipstudy.analysis.statistics.setting import settings
from nnunet_skipstudy.analysis.statistics.summary import summarize
from nnunet_skipstudy.analysis.statistics.table import Statistics, make_statistics

LEVELS = ("hardest", "unperturbed", "easiest")
N = 10


def table(values: dict[str, np.ndarray], missing: float = 50.0) -> pd.DataFrame:
    """Cases of networks from (case, level) DSC: 0 is a failure, at the distance ``missing``."""
    rows = []
    for network, array in values.items():
        for (case, level), dsc in np.ndenumerate(array):
            distance = missing if dsc == 0 else 10 * (1 - dsc)
            rows.append(
                {
                    "dataset": "D", "architecture": network, "trainer": network, "network": network, "plans": "p",
                    "configuration": "2d", "fold": "0", "seed": pd.NA, "level": LEVELS[level], "case": f"c{case}",
                    "group": f"g{case // 2}", "label": "a", "disparity": np.nan, "dsc": dsc,
                    **dict.fromkeys(("hd", "hd95", "assd"), distance), "nsd": dsc, "reference_size": 100,
                    "predicted_size": 100, "outcome": "both" if dsc else "missed", "image_size": 4000,
                    "trained_on": "", "training": "", "reference_level": "unperturbed", "degenerate": False,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def statistics(cases: pd.DataFrame) -> Statistics:
    keys = [NetworkKey(name, name, "p", "2d") for name in dict.fromkeys(cases["architecture"])]
    return make_statistics(settings(cases.reset_index(drop=True), keys))


def contest(found: Statistics, quantity: str, metric: str, level: str = "(mean of levels)") -> pd.DataFrame:
    wins = found.wins
    chosen = (wins["quantity"] == quantity) & (wins["metric"] == metric) & (wins["level"] == level)
    return wins[chosen].set_index("architecture")


@pytest.fixture
def values() -> dict[str, np.ndarray]:
    """V-Net fails in 8 of 10 cases at every level, and is as steady as can be in the others."""
    rng = np.random.default_rng(0)
    found = {name: np.array([0.6, 0.9, 0.8]) + rng.uniform(-0.05, 0.05, (N, 3)) for name in ("NoSkip", "UNet")}
    found["VNet"] = np.zeros((N, 3))
    found["VNet"][:2] = rng.uniform(0.50, 0.505, (2, 3))
    return found


@pytest.mark.parametrize("metric", ["dsc", "hd"])
def test_a_network_that_fails_in_most_cases_does_not_win_on_the_few_it_can(
    values: dict[str, np.ndarray], metric: str
) -> None:
    found = statistics(table(values))
    rows = contest(found, "cv_across_levels", metric)
    own = values["VNet"][:2] if metric == "dsc" else 10 * (1 - values["VNet"][:2])
    assert rows.loc["VNet", "value"] == pytest.approx((own.std(axis=1) / own.mean(axis=1)).mean())
    assert not rows.loc["VNet", "eligible"]
    assert rows.loc["VNet", "reason"].startswith("no CV in 8 of 10 cases")
    assert rows["n_cases"].to_dict() == {"NoSkip": 10, "UNet": 10, "VNet": 2}
    assert rows["n_groups"].to_dict() == {"NoSkip": 5, "UNet": 5, "VNet": 1}
    assert rows["best"].sum() == 1
    assert not rows.loc["VNet", "best"]
    assert rows["share_of_resamples_best"].sum() == pytest.approx(1)
    assert (rows.loc[["NoSkip", "UNet"], "reason"] == "").all()
    assert found.contestants(found.settings[0], "cv_across_levels") == {(n, n, "p", "2d") for n in ("NoSkip", "UNet")}
    row = across_levels(table(values), ["architecture"]).set_index(["architecture", "metric"]).loc[("VNet", metric)]
    assert (row["n_cv_across_levels"], row["cv_across_levels"]) == (2, pytest.approx(rows.loc["VNet", "value"]))


@pytest.mark.parametrize("metric", ["dsc", "hd", "nsd"])
def test_failing_everywhere_at_a_level_is_no_steadiness(values: dict[str, np.ndarray], metric: str) -> None:
    """Each failure has the same distance, the image's diagonal: a CV of 0."""
    values["VNet"] = values["UNet"] * np.array([0, 1, 1])
    cases = table(values)
    rows = contest(statistics(cases), "cv", metric, "hardest")
    assert np.isnan(rows.loc["VNet", "value"])
    assert (rows.loc["VNet", "eligible"], rows.loc["VNet", "best"]) == (False, False)
    assert rows.loc["VNet", "reason"] == "every prediction fails"
    summary = summarize(cases, ("training",)).query("metric == @metric and architecture == 'VNet'")
    assert summary.set_index("level")["cv"].isna().to_dict() == {
        "hardest": True,
        "unperturbed": False,
        "easiest": False,
    }


def test_a_network_without_some_cases_does_not_win_on_the_others(values: dict[str, np.ndarray]) -> None:
    cases = table({name: array for name, array in values.items() if name != "VNet"})
    cases = cases[(cases["architecture"] != "UNet") | cases["case"].isin(["c0", "c1", "c2"])]
    rows = contest(statistics(cases), "cv", "dsc", "hardest")
    assert rows["eligible"].to_dict() == {"NoSkip": True, "UNet": False}
    assert rows.loc["UNet", "reason"] == "7 of 10 cases were not predicted"
    assert rows["n_cases"].to_dict() == {"NoSkip": 10, "UNet": 3}


def test_a_resample_without_a_value_is_not_won() -> None:
    """Both networks have a CV in the same two cases only; where neither is drawn nobody wins, not the NaN as 0."""
    rng = np.random.default_rng(1)
    steady, other = np.zeros((N, 3)), np.zeros((N, 3))
    steady[[0, 4]] = 0.5 + 0.001 * rng.uniform(size=(2, 3))
    other[[0, 4]] = np.array([0.2, 0.9, 0.5])
    rows = contest(statistics(table({"UNet": steady, "VNet": other})), "cv_across_levels", "dsc")
    assert rows["share_of_resamples_best"].to_dict() == {"UNet": 1, "VNet": 0}
    assert rows["best"].to_dict() == {"UNet": True, "VNet": False}


def test_intervals_count_the_groups_that_have_a_value(values: dict[str, np.ndarray]) -> None:
    """Of 12 groups 4 hold the label: no interval, of means or of spreads."""
    rng = np.random.default_rng(2)
    array = rng.uniform(0.4, 0.9, (24, 3))
    cases = table({"UNet": array, "VNet": array + 0.05})
    cases.loc[~cases["case"].isin([f"c{i}" for i in range(8)]), ["dsc", "hd", "hd95", "assd", "nsd"]] = np.nan
    rows = statistics(cases).table.query("metric == 'dsc' and quantity != 'rank_of_mean'")
    few = rows[rows["quantity"].isin(["mean", "cv", "cv_across_levels", "cv_of_level_means", "change", "difference"])]
    assert (few["n_groups"] == 4).all()
    assert few["low"].isna().all()
    assert few["high"].isna().all()


def test_groups_without_a_value_leave_a_spread_s_interval_alone() -> None:
    """Jackknife and Student's t over the 22 groups that count, whether or not 13 others are there."""
    rng = np.random.default_rng(3)
    values = np.full(35, np.nan)
    values[:22] = rng.uniform(0.4, 0.9, 22)
    alone, among = (ClusterBootstrap([str(100 + i) for i in range(n)]) for n in (22, 35))
    rows = [b.spreads(v) / b.means(v) for b, v in ((alone, values[:22]), (among, values))]
    one, two = alone.spread_interval(rows[0]), among.spread_interval(rows[1], among.known(values))
    assert (float(two.low), float(two.high)) == (pytest.approx(float(one.low)), pytest.approx(float(one.high)))


def test_ranks_count_the_cases_of_their_own_level_and_metric(values: dict[str, np.ndarray]) -> None:
    """One network lacks the hardest level in two cases of two groups: 8 cases there, 10 elsewhere."""
    cases = table({name: array for name, array in values.items() if name != "VNet"})
    gone = (cases["architecture"] == "UNet") & (cases["level"] == "hardest") & cases["case"].isin(["c0", "c2"])
    rows = statistics(cases[~gone]).table.query("quantity == 'rank_of_mean'")
    counted = rows.groupby("level")[["n_cases", "n_groups"]].agg(["min", "max"])
    assert counted.loc["hardest"].tolist() == [8, 8, 5, 5]
    assert counted.loc["easiest"].tolist() == [10, 10, 5, 5]


def test_a_few_hard_cases_put_no_network_out(values: dict[str, np.ndarray]) -> None:
    """Each network fails in another case: the CVs are compared, over each one's own cases, whose number is given."""
    del values["VNet"]
    values["NoSkip"][3] = 0
    values["UNet"][7] = 0
    rows = contest(statistics(table(values)), "cv_across_levels", "dsc")
    assert rows["eligible"].all()
    assert rows["best"].sum() == 1
    assert rows["n_cases"].to_dict() == {"NoSkip": 9, "UNet": 9}


def test_many_failures_at_one_distance_are_no_steadiness(values: dict[str, np.ndarray]) -> None:
    values["VNet"] = values["UNet"] * (np.arange(N) < 1)[:, None]
    rows = contest(statistics(table(values)), "cv", "hd", "hardest")
    assert rows["eligible"].to_dict() == {"NoSkip": True, "UNet": True, "VNet": False}
    assert rows.loc["VNet", "reason"] == "90% of its predictions fail, all at the same distance"
