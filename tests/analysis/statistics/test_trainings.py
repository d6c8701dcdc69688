"""Trainings of one network (seeds, folds) are replicates; what is set against each other is of one training.

Expected numbers are worked out anew, with plain pandas.
"""

import itertools
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from made_up_cases import table

from nnunet_skipstudy.analysis.measuring.columns import network_keys
from nnunet_skipstudy.analysis.measuring.degenerate import degenerate_trainings, mark_degenerate
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, ALL_TRAININGS, Setting, settings
from nnunet_skipstudy.analysis.statistics.summary import reference_levels, robustness_table, summarize
from nnunet_skipstudy.analysis.statistics.table import make_statistics

LEVELS = ("hardest", "harder", "unperturbed")
N = 8


def grid(
    shifts: dict[tuple[str, int], float],
    architecture: str = "UNet",
    levels: Sequence[str] = LEVELS,
    training: str = "",
    seed: int = 0,
    **columns: object,
) -> pd.DataFrame:
    """Random values of one network's trainings, (fold, seed): shift; no trainer's name says the seed."""
    rng = np.random.default_rng(seed)
    parts = []
    for (fold, number), shift in shifts.items():
        values = {f"c{i}": tuple(rng.uniform(0.3, 0.5, len(levels)) + shift) for i in range(N)}
        place: dict[str, object] = {"fold": fold, "seed": number, "trainer": "", "network": "", "training": training}
        parts.append(table({architecture: values}, tuple(range(len(levels))), levels, **{**place, **columns}))
    return pd.concat(parts, ignore_index=True)


def lacking(cases: pd.DataFrame, fold: str, seed: int, level: str) -> pd.DataFrame:
    gone = (cases["fold"] == fold) & (cases["seed"] == seed) & (cases["level"] == level)
    return cases[~gone].reset_index(drop=True)


def setting_of(cases: pd.DataFrame) -> list[Setting]:
    return settings(cases, list(dict.fromkeys(network_keys(cases))))


def paired_change(cases: pd.DataFrame, level: str, reference: str = "unperturbed") -> tuple[float, float]:
    """Mean change and the mean that it is counted from: within each training, over trainings, over cases."""
    wide = cases.pivot(index=["fold", "seed", "case"], columns="level", values="dsc")
    both = wide[[level, reference]].dropna()
    return (
        float((both[level] - both[reference]).groupby("case").mean().mean()),
        float(both[reference].groupby("case").mean().mean()),
    )


@pytest.mark.parametrize("gone", [("2", 1, "unperturbed"), ("1", 1, "hardest")])
def test_a_training_that_lacks_a_level_takes_no_part_in_the_change(gone: tuple[str, int, str]) -> None:
    """Half a grid: the mean counts every case once, and the change compares no training with another."""
    cases = lacking(grid({("0", 1): 0.0, ("1", 1): 0.1, ("2", 1): 0.45}), *gone)
    cases["reference_level"] = reference_levels(cases)
    found = summarize(cases, ("training",)).query("metric == 'dsc' and level == 'hardest'").iloc[0]
    at_level = cases[cases["level"] == "hardest"]
    change, before = paired_change(cases, "hardest")
    assert found["n"] == N
    assert found["n_seeds"] == at_level["fold"].nunique()
    assert found["mean"] == pytest.approx(at_level.groupby("case")["dsc"].mean().mean())
    assert found["sd"] == pytest.approx(at_level.groupby("case")["dsc"].mean().std(ddof=0))
    assert found["change"] == pytest.approx(change)
    assert found["relative_change"] == pytest.approx(change / before)
    assert found["reference_level"] == "unperturbed"
    rows = make_statistics(setting_of(cases)).table.query("metric == 'dsc' and level == 'hardest'")
    by_quantity = rows.set_index("quantity")
    assert by_quantity.loc["change", "estimate"] == pytest.approx(change)
    assert by_quantity.loc["relative_change", "estimate"] == pytest.approx(change / before)
    assert by_quantity.loc["change", "n_replicates"] == 2
    assert by_quantity.loc["mean", "n_replicates"] == at_level["fold"].nunique()


def test_spread_over_levels_leaves_out_a_training_that_lacks_one() -> None:
    """Seed 2, weak throughout, has no hardest level: joined with seed 1's, the levels would seem alike."""
    cases = lacking(grid({("0", 1): 0.3, ("0", 2): -0.2}), "0", 2, "hardest")
    wide = cases[cases["seed"] == 1].pivot(index="case", columns="level", values="dsc")
    across = (wide.std(axis=1, ddof=0) / wide.mean(axis=1)).mean()
    of_means = wide.mean().std(ddof=0) / wide.mean().mean()
    row = robustness_table(cases).query("metric == 'dsc' and level == 'hardest'").iloc[0]
    assert row["cv_across_levels"] == pytest.approx(across)
    assert row["cv_of_level_means"] == pytest.approx(of_means)
    assert row["n_cv_across_levels"] == N
    rows = make_statistics(setting_of(cases)).table.query("metric == 'dsc'").set_index("quantity")
    assert rows.loc["cv_across_levels", "estimate"] == pytest.approx(across)
    assert rows.loc["cv_of_level_means", "estimate"] == pytest.approx(of_means)


def test_seeds_of_a_table_without_trainers_are_replicates() -> None:
    """They differ in the seed's column alone."""
    cases = grid({("0", 1): 0.0, ("0", 2): 0.1, ("0", 3): 0.2})
    row = robustness_table(cases).query("metric == 'dsc' and level == 'hardest'").iloc[0]
    means = cases[cases["level"] == "hardest"].groupby("seed")["dsc"].mean()
    assert row["n_seeds"] == 3
    assert row["sd_replicates"] == pytest.approx(means.std(ddof=1))
    assert setting_of(cases)[0].replicates.tolist() == [[3, 3, 3]]


def test_a_constant_network_s_seeds_are_each_found_constant() -> None:
    """Each predicts one size of its own; together they would seem to vary."""
    cases = grid({("0", 1): 0.0, ("0", 2): 0.1})
    cases["predicted_size"] = cases["seed"] * 100
    found = degenerate_trainings(cases)
    assert found["seed"].tolist() == ["1", "2"]
    assert mark_degenerate(cases, found).all()
    assert mark_degenerate(cases, found[found["seed"] == "2"]).tolist() == (cases["seed"] == 2).tolist()


def test_replicates_are_the_fewest_trainings_of_a_case() -> None:
    """Three folds that each predict a part of the cases are one training to a case."""
    cases = grid({(str(fold), 1): 0.0 for fold in range(3)})
    number = cases["case"].str[1:].astype(int) % 3
    validated = cases[number.astype(str) == cases["fold"]].reset_index(drop=True)
    found = setting_of(validated)[0]
    assert found.replicates.tolist() == [[1, 1, 1]]
    means = make_statistics([found]).table.query("quantity == 'mean'")
    assert set(means["n_replicates"]) == {1}
    assert ALL_LEVELS in set(means["level"])
    assert setting_of(cases)[0].replicates.tolist() == [[3, 3, 3]]


def test_the_mean_over_trainings_has_the_replicates_of_each_and_its_changes_their_denominator() -> None:
    """Two alphas, one with two seeds: at least one training. Relative change leaves each own alpha out."""
    alphas = ("alpha0.90", "alpha0.50", "alpha0.10")
    parts = [
        grid(dict.fromkeys([("0", 1), ("0", 2)], 0.1), levels=alphas, training="alpha0.50", seed=1),
        grid({("1", 1): 0.3}, levels=alphas, training="alpha0.10", seed=2),
    ]
    cases = pd.concat(parts, ignore_index=True)
    cases["reference_level"] = cases["trained_on"] = cases["training"]
    found = setting_of(cases)[0]
    assert (found.training, found.replicates.tolist()) == (ALL_TRAININGS, [[1, 1, 1]])
    rows = make_statistics([found]).table.query("metric == 'dsc'").set_index(["quantity", "level"])
    every: list[tuple[float, float]] = []
    for level in alphas:
        pairs = [
            paired_change(part, level, part["training"].iloc[0])
            for part in parts
            if level != part["training"].iloc[0]
        ]  # fmt: skip
        every.append(tuple(np.mean(pairs, axis=0)))
        assert rows.loc[("change", level), "estimate"] == pytest.approx(every[-1][0])
        assert rows.loc[("relative_change", level), "estimate"] == pytest.approx(every[-1][0] / every[-1][1])
    change, before = np.mean(every, axis=0)
    assert rows.loc[("relative_change", ALL_LEVELS), "estimate"] == pytest.approx(change / before)


def test_the_mean_of_levels_counts_its_relative_change_from_the_reference_level() -> None:
    cases = grid({("0", 1): 0.1})
    wide = cases.pivot(index="case", columns="level", values="dsc")
    moved = wide[["hardest", "harder"]].mean(axis=1) - wide["unperturbed"]
    rows = make_statistics(setting_of(cases)).table
    row = rows.query("metric == 'dsc' and quantity == 'relative_change' and level == @ALL_LEVELS").iloc[0]
    assert row["estimate"] == pytest.approx(moved.mean() / wide["unperturbed"].mean())


def test_one_network_with_a_second_seed_doesn_t_speak_for_the_others() -> None:
    cases = pd.concat([grid({("0", 1): 0.0, ("0", 2): 0.0}), grid({("0", 1): 0.0}, "VNet")], ignore_index=True)
    by_network = dict(itertools.chain(zip("uv", setting_of(cases)[0].replicates.tolist(), strict=True)))
    assert by_network == {"u": [2, 2, 2], "v": [1, 1, 1]}
