"""From cases to networks: how good each one is at each level, and how much it loses against a reference level."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.across_levels import ACROSS_COLUMNS, across_levels
from nnunet_skipstudy.analysis.case_metrics import METRICS
from nnunet_skipstudy.analysis.references import level_name
from nnunet_skipstudy.analysis.tables import NETWORK, groups
from nnunet_skipstudy.metrics import Outcome
from nnunet_skipstudy.registry import UNPERTURBED, level_alpha

OUTCOMES: tuple[str, ...] = tuple(f"n_{outcome.value}" for outcome in Outcome)

COLUMNS: tuple[str, ...] = (
    *("dataset", "architecture", "trainer", "plans", "configuration", "fold", "trained_on", "level", "label"),
    *("metric", "n", "n_seeds", "mean", "sd", "cv", "reference_level", "change", "relative_change"),
    *OUTCOMES,
    "degenerate",
    *("sd_replicates", "failure_rate", "missed_rate", "spurious_rate", "absent_rate"),
    *ACROSS_COLUMNS,
)
"""The columns of robustness.csv; ``trainer`` is without its seed there.

``ACROSS_COLUMNS`` join the levels, so they repeat on each of a network's levels.
"""


def reference_levels(cases: pd.DataFrame, asked: str | None = None) -> pd.Series:
    """The level that each row is held against.

    ``asked`` where it was predicted; else the unperturbed level; else, for synthetic data, the level that the
    fold was trained on; else empty.

    Returns:
        Level names, aligned with ``cases``; empty where there is none.
    """
    chosen = pd.Series("", index=cases.index, dtype=object)
    for _, rows in groups(cases, *NETWORK, "fold"):
        present = {level_name(level): level for level in rows["level"].unique()}
        if asked is not None:
            wanted = [level_name(asked)]
        else:
            trained_on = rows["trained_on"].iloc[0]
            wanted = [UNPERTURBED, *([trained_on] if level_alpha(trained_on) is not None else [])]
        found = next((present[level] for level in wanted if level in present), "")
        chosen.loc[rows.index] = found
    return chosen


def summarize(cases: pd.DataFrame, unit: Sequence[str] = ("fold",)) -> pd.DataFrame:
    """Means, spread and change of every metric.

    Seeds (and folds, where ``unit`` doesn't hold them) are replicates: each case is averaged over them first, so
    that ``n`` counts cases. Outcomes count predictions.

    Args:
        cases: the table of cases, with ``reference_level`` and ``degenerate``.
        unit: what, besides the network, keeps rows apart.

    Returns:
        One row per network, ``unit``, level, label and metric: ``n`` (cases with a value), ``n_seeds``
        (trainings averaged), ``mean``, ``sd`` (population, over cases), ``cv`` (sd / mean; NaN where the mean
        is 0), ``change`` (mean over cases of the value minus the same case's at the reference level),
        ``relative_change`` (change / mean at the reference level), outcomes, and ``degenerate`` (every training
        of the network is).
    """
    keys = [*NETWORK, *unit, "level", "label"]
    values = cases.melt(
        id_vars=[*keys, "case", "reference_level"],
        value_vars=list(METRICS),
        var_name="metric",
        value_name="value",
    )
    per_case = values.groupby([*keys, "metric", "case", "reference_level"], sort=False)["value"].mean().reset_index()
    merge_keys = [key for key in (*keys, "metric", "case", "reference_level") if key != "level"]
    at_reference = per_case.loc[per_case["level"] == per_case["reference_level"], [*merge_keys, "value"]]
    per_case = per_case.merge(
        at_reference.rename(columns={"value": "before"}), on=merge_keys, how="left", validate="many_to_one"
    )
    per_case["change"] = per_case["value"] - per_case["before"]
    per_case["before"] = per_case["before"].where(per_case["change"].notna())
    groups = per_case.groupby([*keys, "metric"], sort=False)
    table = pd.DataFrame(
        {
            "n": groups["value"].count(),
            "mean": groups["value"].mean(),
            "sd": groups["value"].std(ddof=0),
            "reference_level": groups["reference_level"].first(),
            "change": groups["change"].mean(),
            "before": groups["before"].mean(),
        }
    ).reset_index()
    table["cv"] = _ratio(table["sd"], table["mean"])
    table["relative_change"] = _ratio(table["change"], table["before"])
    return table.drop(columns="before").merge(_counts(cases, keys), on=keys, validate="many_to_one")


def _counts(cases: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    counted = cases[keys].copy()
    for outcome, column in zip(Outcome, OUTCOMES, strict=True):
        counted[column] = cases["outcome"] == outcome.value
    counted["degenerate"] = cases["degenerate"]
    groups = counted.groupby(keys, sort=False)
    counts = groups[list(OUTCOMES)].sum()
    counts["degenerate"] = groups["degenerate"].all()
    trainings = cases.assign(training_run=cases["trainer"] + " " + cases["fold"])
    counts["n_seeds"] = trainings.groupby(keys, sort=False)["training_run"].nunique()
    return counts.reset_index()


def _ratio(part: pd.Series, whole: pd.Series) -> pd.Series:
    return part / whole.where(whole != 0, np.nan)


def robustness_table(cases: pd.DataFrame) -> pd.DataFrame:
    """The rows of robustness.csv: :func:`summarize` for each fold, and what joins the levels.

    Rates are shares of predictions; ``failure_rate`` is that of missed, spurious and absent ones together.
    ``sd_replicates`` is the standard deviation (n - 1) of the mean over the seeds, NaN for one.
    """
    unit = ("fold", "trained_on")
    table = summarize(cases, unit)
    n_predictions = table[list(OUTCOMES)].sum(axis=1)
    failures = ("missed", "spurious", "absent")
    for name in failures:
        table[f"{name}_rate"] = table[f"n_{name}"] / n_predictions
    table["failure_rate"] = sum(table[f"n_{name}"] for name in failures) / n_predictions
    table = table.merge(
        _replicate_spread(cases, unit), on=[*NETWORK, *unit, "level", "label", "metric"], validate="one_to_one"
    )
    keys = [*NETWORK, *unit, "label"]
    table = table.merge(across_levels(cases, keys), on=[*keys, "metric"], validate="many_to_one")
    return table.rename(columns={"network": "trainer"})[list(COLUMNS)]


def _replicate_spread(cases: pd.DataFrame, unit: Sequence[str]) -> pd.DataFrame:
    keys = [*NETWORK, *unit, "level", "label"]
    means = cases.groupby([*keys, "trainer"], sort=False)[list(METRICS)].mean().reset_index()
    long = means.melt(id_vars=keys, value_vars=list(METRICS), var_name="metric", value_name="value")
    spread = long.groupby([*keys, "metric"], sort=False)["value"].std(ddof=1)
    return spread.rename("sd_replicates").reset_index()
