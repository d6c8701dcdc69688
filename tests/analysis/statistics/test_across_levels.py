"""What joins the levels, and who is degenerate, on tables small enough to check by hand."""

import itertools

import numpy as np
import pandas as pd
import pytest
from made_up_cases import table

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.measuring.degenerate import degenerate_trainings
from nnunet_skipstudy.analysis.statistics.across_levels import across_levels
from nnunet_skipstudy.analysis.statistics.setting import ALL_LABELS, ALL_LEVELS, ALL_TRAININGS, settings
from nnunet_skipstudy.analysis.statistics.summary import robustness_table
from nnunet_skipstudy.analysis.statistics.table import Statistics, make_statistics

ONE = {"UNet": {"x": (0.5, 1.0, 0.75), "y": (0.0, 0.5, 0.25)}}


def across(cases: pd.DataFrame, metric: str = "dsc") -> pd.Series:
    found = across_levels(cases, ["architecture", "label"])
    return found[found["metric"] == metric].iloc[0]


def test_cv_across_levels_is_per_case_then_averaged() -> None:
    """x: sd 0.204 / mean 0.75; y: 0.204 / 0.25; level means 0.25, 0.75, 0.5: 0.204 / 0.5."""
    row = across(table(ONE))
    spread = np.std([0.5, 1.0, 0.75])
    assert row["cv_across_levels"] == pytest.approx((spread / 0.75 + spread / 0.25) / 2)
    assert row["cv_of_level_means"] == pytest.approx(spread / 0.5)
    assert row["n_levels"] == 3


def test_the_worst_level_follows_the_metric_s_direction() -> None:
    for metric, worst in (("dsc", 0.25), ("hd", 7.5)):
        row = across(table(ONE), metric)
        assert (row["worst_level"], row["worst_mean"]) == ("hardest", pytest.approx(worst))


def test_the_area_over_disparity_is_a_mean_height() -> None:
    """Trapezoids between TD 1, 2 and 4: (0.25 + 0.75) / 2 · 1 + (0.75 + 0.5) / 2 · 2, over a range of 3."""
    assert across(table(ONE))["disparity_area"] == pytest.approx((0.5 + 1.25) / 3)
    assert np.isnan(across(table(ONE, disparity=(1, 1, 1)))["disparity_area"])


def test_the_slope_is_the_median_of_all_pairs() -> None:
    """Both cases rise by 0.1 per unit of TD, at different heights."""
    row = across(table({"UNet": {"x": (0.1, 0.2, 0.4), "y": (0.5, 0.6, 0.8)}}))
    assert row["disparity_slope"] == pytest.approx(0.1)
    assert row["n_disparity"] == 6


def test_one_level_has_no_spread() -> None:
    row = across(table({"UNet": {"x": (0.5,)}}, levels=("easier",)))
    assert np.isnan([row["cv_across_levels"], row["cv_of_level_means"], row["disparity_area"]]).all()


def test_failure_rates_and_the_spread_of_seeds() -> None:
    """One of two cases is missed; two seeds' means 0.25 and 0.45 differ by sd 0.141."""
    first = table(ONE, trainer="UNet_seed1")
    second = table({"UNet": {"x": (0.7, 1.0, 0.75), "y": (0.2, 0.5, 0.25)}}, trainer="UNet_seed2")
    found = robustness_table(pd.concat([first, second], ignore_index=True))
    row = found[(found["metric"] == "dsc") & (found["level"] == "hardest")].iloc[0]
    assert (row["failure_rate"], row["missed_rate"], row["absent_rate"]) == (0.25, 0.25, 0)
    assert row["sd_replicates"] == pytest.approx(np.std([0.25, 0.45], ddof=1))
    assert row["cv_across_levels"] > 0


def reasons(cases: pd.DataFrame) -> list[str]:
    return list(degenerate_trainings(cases)["reason"])


def test_nearly_constant_predictions_are_degenerate() -> None:
    """Sizes within 1 % of each other while the references differ by half."""
    assert reasons(table(ONE)) == []
    assert reasons(table(ONE).assign(predicted_size=[400, 402, 401, 403, 400, 401])) == [
        "every prediction has the same size, whatever the image"
    ]
    assert reasons(table(ONE).assign(predicted_size=3990)) == ["every prediction is foreground all over"]
    assert reasons(table(ONE).assign(predicted_size=0)) == ["every prediction is empty"]


def test_the_same_prediction_at_all_of_three_levels_is_degenerate() -> None:
    same = table({"UNet": {"x": (0.5, 0.5, 0.5), "y": (0.8, 0.8, 0.8)}})
    assert reasons(same) == ["every prediction is the same at all levels, whatever was done to the image"]
    assert reasons(same[same["level"] != "easiest"]) == []
    perfect = table({"UNet": {"x": (1.0, 1.0, 1.0), "y": (1.0, 1.0, 1.0)}})
    assert reasons(perfect.assign(predicted_size=perfect["reference_size"])) == []


def study(include_degenerate: bool = False, n: int = 8) -> Statistics:
    """A good network that loses, and a constant one that is lower but as steady as can be."""
    rng = np.random.default_rng(0)
    good = {str(i): tuple(np.array([0.6, 0.9, 0.8]) + rng.uniform(-0.05, 0.05, 3)) for i in range(n)}
    second = {case: tuple(np.array(values) - 0.02 - 0.01 * rng.uniform()) for case, values in good.items()}
    constant = {str(i): (0.5, 0.5, 0.5) for i in range(n)}
    cases = table({"UNet": good, "VNet": second, "NoSkip": constant})
    cases["degenerate"] = cases["architecture"] == "NoSkip"
    keys = [NetworkKey(name, name, "p", "2d") for name in ("NoSkip", "UNet", "VNet")]
    return make_statistics(settings(cases, keys, include_degenerate))


def best(statistics: Statistics, quantity: str) -> set[str]:
    wins = statistics.wins
    return set(wins.loc[(wins["quantity"] == quantity) & (wins["metric"] == "dsc") & wins["best"], "architecture"])


def test_a_constant_network_does_not_win_on_cv() -> None:
    """It has CV 0 across levels, and wins only where it is asked for."""
    assert best(study(), "mean") == {"UNet"}
    assert best(study(), "cv_across_levels") == {"UNet"}
    assert best(study(include_degenerate=True), "cv_across_levels") == {"NoSkip"}
    listed = study().wins.groupby("architecture")["eligible"].all()
    assert listed.to_dict() == {"NoSkip": False, "UNet": True, "VNet": True}
    assert "NoSkip" not in set(study().table.query("quantity == 'difference'")["architecture"])


def test_statistics_say_n_and_test_and_print_no_p_value_for_few_groups() -> None:
    enough = study().table.query("quantity == 'difference' and metric == 'dsc' and level == 'hardest'").iloc[0]
    assert (enough["n_cases"], enough["n_groups"], enough["architecture"]) == (8, 8, "UNet")
    assert enough["p_ranks"] == pytest.approx(2 / 2**8)
    assert enough["rank_test"] == "Wilcoxon signed-rank, exact"
    assert enough["test"] == "t, cluster jackknife, 95 %"
    assert enough["scope"] == "trainings"
    assert enough["p_value"] < 0.001
    assert enough["low"] < enough["estimate"] < enough["high"]
    few = study(n=4).table
    assert few["p_value"].isna().all()
    assert few["p_holm"].isna().all()
    assert few.loc[few["quantity"] != "rank_of_mean", "low"].isna().all()
    assert few.query("quantity == 'difference'")["rank_test"].str.contains("are too few").all()


def test_shares_of_cases_and_resamples() -> None:
    wins = study().wins.query("quantity == 'mean' and metric == 'dsc' and level == 'easiest'")
    by_network = wins.set_index("architecture")
    assert by_network.loc["UNet", "share_of_cases_best"] == 1
    assert by_network.loc["UNet", "share_of_resamples_best"] == 1
    assert np.isnan(by_network.loc["NoSkip", "share_of_cases_best"])


def test_settings_average_labels_and_synthetic_trainings() -> None:
    """Two labels: their mean comes too. Two alphas: a mean over trainings, whose change leaves each own level out."""
    alphas = ("alpha0.50", "alpha0.30", "alpha0.10")
    parts = []
    for training, label, shift in itertools.product(alphas[1:], ("a", "b"), (0.0,)):
        values = {"x": (0.2, 0.6, 0.8) if label == "a" else (0.4, 0.8, 1.0)}
        parts.append(
            table({"UNet": values}, levels=alphas, label=label, training=training, trained_on=training,
                  reference_level=training, fold=training, shift=shift)
        )  # fmt: skip
    found = settings(pd.concat(parts, ignore_index=True), [NetworkKey("UNet", "UNet", "p", "2d")])
    assert [(s.training, s.label) for s in found][:3] == [
        (ALL_TRAININGS, ALL_LABELS), (ALL_TRAININGS, "a"), (ALL_TRAININGS, "b"),
    ]  # fmt: skip
    assert len(found) == 9
    mean = found[0]
    assert mean.values[0, 0, :, 0] == pytest.approx([0.3, 0.7, 0.9])
    assert mean.changes[0, 0, :, 0] == pytest.approx([-0.5, -0.2, 0.2])  # trained on 0.3: +0.2 at 0.1; on 0.1: -0.2
    assert mean.replicates.tolist() == [[1, 1, 1]]  # of each alpha one training
    rows = make_statistics(found).table
    assert ALL_LEVELS in set(rows["level"])
