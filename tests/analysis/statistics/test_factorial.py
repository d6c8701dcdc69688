"""Texture, distortion and their interaction, against effects that were put in."""

import numpy as np
import pandas as pd
import pytest
from simulated_studies import cases_table

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.factorial import EFFECTS, factorial
from nnunet_skipstudy.analysis.statistics.resampled import Resampled
from nnunet_skipstudy.analysis.statistics.setting import settings
from nnunet_skipstudy.registry import FACTORIAL_LEVELS

LEVELS = ("unperturbed", "texture", "distortion", "texture_distortion")


def rows_of(dsc, table=None):
    """The effects' rows of (case, network, seed, level)."""
    keys = [NetworkKey(f"N{i}", f"N{i}", "p", "2d") for i in range(dsc.shape[1])]
    (found,) = settings(cases_table(dsc, levels=LEVELS) if table is None else table, keys)
    return [row for row in factorial(Resampled(found)) if row["metric"] == "dsc"]


def of(rows, quantity):
    (row,) = (row for row in rows if row["quantity"] == quantity)
    return row


def drawn(rng, n_cases, n_seeds, failures=0.0):
    """One network's DSC at the four levels, with what varies by case, level and training, and predictions that fail."""
    effects = np.array([0, -0.5, -0.3, -1.2])
    case, own = rng.normal(0, 0.8, (n_cases, 1, 1, 1)), rng.normal(0, 0.3, (n_cases, 1, 1, 4))
    training, both = rng.normal(0, 0.2, (1, 1, n_seeds, 4)), rng.normal(0, 0.3, (n_cases, 1, n_seeds, 4))
    dsc = 1 / (1 + np.exp(-(1.4 + effects + case + own + training + both)))
    return np.where(rng.random(dsc.shape) < failures * np.array([0.2, 1, 1, 2]), 0, dsc)


def test_effects_by_hand():
    """0.9 unperturbed, 0.8 and 0.7 at either, 0.5 at both: -0.4 = texture -0.1, distortion -0.2, the rest -0.1."""
    case = np.linspace(-0.05, 0.05, 8)[:, None, None, None]
    rows = rows_of(np.array([0.9, 0.8, 0.7, 0.5]) + case)
    values = {row["quantity"]: row["estimate"] for row in rows}
    assert values == pytest.approx(
        {"joint_effect": -0.4, "texture_effect": -0.1, "distortion_effect": -0.2, "interaction": -0.1}
    )
    assert {row["level"] for row in rows} == {"texture_distortion"}
    assert list(values) == list(EFFECTS)
    assert set(LEVELS) == set(FACTORIAL_LEVELS)


def test_the_three_add_up_to_the_joint_effect_also_where_cases_lack_a_level():
    """A case without one of the four takes no part in any."""
    rng = np.random.default_rng(0)
    table = cases_table(drawn(rng, 12, 2), levels=LEVELS)
    gone = (table["case"] == "c3") & (table["level"] == "texture")
    table.loc[gone, "dsc"] = np.nan
    rows = rows_of(np.zeros((12, 1, 2, 4)), table)
    parts = sum(of(rows, quantity)["estimate"] for quantity in list(EFFECTS)[1:])
    assert of(rows, "joint_effect")["estimate"] == pytest.approx(parts)
    assert {row["n_cases"] for row in rows} == {11}
    assert {row["n_groups"] for row in rows} == {11}


def test_without_the_four_levels_there_are_no_effects():
    table = cases_table(drawn(np.random.default_rng(0), 8, 1), levels=LEVELS)
    assert rows_of(np.zeros((8, 1, 1, 3)), table[table["level"] != "distortion"]) == []


def test_too_few_groups_have_no_interval():
    row = of(rows_of(drawn(np.random.default_rng(0), 4, 1)), "interaction")
    assert np.isnan(row["low"])
    assert row["test"].startswith("no interval")


def test_a_training_that_lacks_a_level_is_left_out():
    """Effects are of trainings that were tested at all levels: what another one would do there isn't known."""
    rng = np.random.default_rng(1)
    dsc = drawn(rng, 10, 2)
    table = cases_table(dsc, levels=LEVELS)
    without = pd.DataFrame(table[~((table["seed"] == 1) & (table["level"] == "texture_distortion"))])
    expected = (dsc[:, 0, 0] @ [1, -1, -1, 1]).mean()
    assert of(rows_of(dsc, without), "interaction")["estimate"] == pytest.approx(expected)


@pytest.mark.parametrize(("n_seeds", "failures"), [(1, 0.05), (3, 0.05)])
def test_intervals_hold_the_truth(n_seeds, failures):
    """Of 100 studies at least 90 % hold each effect (two standard errors below 95 %), of one training its own truth."""
    rng = np.random.default_rng(5)
    n_studies, n_cases = 100, 30
    everything = np.mean([drawn(rng, 2000, 1, failures).mean(axis=(0, 1, 2)) for _ in range(300)], axis=0)
    hits = dict.fromkeys(EFFECTS, 0)
    for _ in range(n_studies):
        if n_seeds == 1:
            population = drawn(rng, 20_000, 1, failures)
            truth, sample = population.mean(axis=(0, 1, 2)), population[:n_cases]
        else:
            truth, sample = everything, drawn(rng, n_cases, n_seeds, failures)
        by_level = dict(zip(LEVELS, truth, strict=True))
        rows = rows_of(sample)
        for quantity, signs in EFFECTS.items():
            row = of(rows, quantity)
            assert row["n_trainings"] == n_seeds
            expected = sum(sign * by_level[level] for level, sign in signs.items())
            hits[quantity] += row["low"] <= expected <= row["high"]
    assert min(hits.values()) / n_studies >= 0.9, hits
