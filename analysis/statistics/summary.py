"""From cases to networks: how good each one is at each level, and how much it loses against a reference level."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.inputs.references import level_name
from nnunet_skipstudy.analysis.measuring.columns import NETWORK, TRAINING, groups, metrics_of
from nnunet_skipstudy.analysis.statistics.across_levels import ACROSS_COLUMNS, across_levels
from nnunet_skipstudy.analysis.statistics.paired import FAILURES, before, failed, training_numbers
from nnunet_skipstudy.metrics import Outcome
from nnunet_skipstudy.registry import METRICS, UNPERTURBED, level_alpha

OUTCOMES: tuple[str, ...] = tuple(f"n_{outcome.value}" for outcome in Outcome)

COLUMNS: tuple[str, ...] = (
    *("dataset", "architecture", "trainer", "plans", "configuration", "fold", "trained_on", "level", "label"),
    *("metric", "n", "n_seeds", "mean", "sd", "cv", "reference_level", "change", "relative_change"),
    *OUTCOMES,
    "degenerate",
    *("sd_replicates", "failure_rate", "missed_rate", "spurious_rate", "absent_rate"),
    *ACROSS_COLUMNS,
    "volume_change",
)
"""The columns of robustness.csv; ``trainer`` is without its seed there.

``ACROSS_COLUMNS`` join the levels, so they repeat on each of a network's levels.
"""


def reference_levels(cases: pd.DataFrame, asked: str | None = None) -> pd.Series:
    """The level that each row is held against, decided for each training.

    ``asked`` where it was predicted; else the unperturbed level; else, for synthetic data, the level that the
    fold was trained on; else empty. Level names, aligned with ``cases``.
    """
    chosen = pd.Series("", index=cases.index, dtype=object)
    for _, rows in groups(cases, *TRAINING):
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
    that ``n`` counts cases. A change is taken within one training, then averaged likewise. Outcomes count predictions.

    The table of cases has ``reference_level``, ``degenerate`` and ``volume_change``.

    Returns:
        One row per network, ``unit``, level, label and metric: ``n`` (cases with a value), ``n_seeds``
        (trainings that took part), ``mean``, ``sd`` (population, over cases), ``cv`` (sd / mean; NaN where the mean
        is 0, and where every prediction failed: a constant penalty is no steadiness), ``change`` (mean over cases of
        the value minus the same case's at the reference level), ``relative_change`` (change / mean at the reference
        level of what has a change; NaN, as ``cv``, for signed metrics), ``reference_level`` (empty where no training
        has one), outcomes, ``degenerate`` (every training of the network is) and ``volume_change`` (mean over cases,
        the same on every metric's row).
    """
    keys = [*NETWORK, *unit, "level", "label"]
    per_case = (
        _long(cases, keys)
        .groupby([*keys, "metric", "case"], sort=False)[["value", "change", "before"]]
        .mean()
        .reset_index()
    )
    of_metric = per_case.groupby([*keys, "metric"], sort=False)
    table = pd.DataFrame(
        {
            "n": of_metric["value"].count(),
            "mean": of_metric["value"].mean(),
            "sd": of_metric["value"].std(ddof=0),
            "change": of_metric["change"].mean(),
            "before": of_metric["before"].mean(),
        }
    ).reset_index()
    of_signed = table["metric"].map(lambda name: METRICS[name].signed)
    table["relative_change"] = _ratio(table["change"], table["before"]).mask(of_signed)
    table = table.drop(columns="before").merge(_counts(cases, keys), on=keys, validate="many_to_one")
    table["cv"] = _ratio(table["sd"], table["mean"]).mask(table["all_failed"] | of_signed)
    volumes = cases.reindex(columns=[*keys, "case", "volume_change"])
    by_case = volumes.groupby([*keys, "case"], sort=False)["volume_change"].mean()  # replicates are averaged first
    volume = by_case.groupby(keys, sort=False).mean().reset_index()
    return table.drop(columns="all_failed").merge(volume, on=keys, validate="many_to_one")


def _long(cases: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """A row a case and metric: its value, what that was before, and the change."""
    rows, metrics = cases[[*keys, "case"]], metrics_of(cases)
    reference, values = before(cases, metrics), cases[metrics].astype(float)
    parts = [
        rows.assign(
            metric=metric, value=values[metric], change=values[metric] - reference[metric], before=reference[metric]
        )
        for metric in metrics
    ]
    return pd.concat(parts, ignore_index=True)


def _counts(cases: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    counted = cases[keys].copy()
    for outcome, column in zip(Outcome, OUTCOMES, strict=True):
        counted[column] = cases["outcome"] == outcome.value
    counted["degenerate"] = cases["degenerate"]
    counted["reference_level"] = cases["reference_level"]
    counted["training_number"] = training_numbers(cases)
    counted["all_failed"] = failed(cases)
    by_key = counted.groupby(keys, sort=False)
    counts = by_key[list(OUTCOMES)].sum()
    counts["degenerate"] = by_key["degenerate"].all()
    counts["reference_level"] = by_key["reference_level"].max()  # they differ only in that some are empty
    counts["n_seeds"] = by_key["training_number"].nunique()
    counts["all_failed"] = by_key["all_failed"].min() == 1
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
    for name in FAILURES:
        table[f"{name}_rate"] = table[f"n_{name}"] / n_predictions
    table["failure_rate"] = sum(table[f"n_{name}"] for name in FAILURES) / n_predictions
    table = table.merge(
        _replicate_spread(cases, unit), on=[*NETWORK, *unit, "level", "label", "metric"], validate="one_to_one"
    )
    keys = [*NETWORK, *unit, "label"]
    table = table.merge(across_levels(cases, keys), on=[*keys, "metric"], validate="many_to_one")
    return table.rename(columns={"network": "trainer"})[list(COLUMNS)]


def _replicate_spread(cases: pd.DataFrame, unit: Sequence[str]) -> pd.DataFrame:
    keys = [*NETWORK, *unit, "level", "label"]
    trainings = list(dict.fromkeys([*keys, *TRAINING]))
    means = cases.groupby(trainings, sort=False, dropna=False)[metrics_of(cases)].mean().reset_index()
    long = means.melt(id_vars=keys, value_vars=metrics_of(cases), var_name="metric", value_name="value")
    spread = long.groupby([*keys, "metric"], sort=False)["value"].std(ddof=1)
    return spread.rename("sd_replicates").reset_index()
