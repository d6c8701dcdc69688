"""Scores that others measured, as a table of cases: failures count as they do where we measure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.inputs.labels import LabelSet
from nnunet_skipstudy.analysis.inputs.matching import Comparison, Extra, ordered_levels
from nnunet_skipstudy.analysis.inputs.references import BEYOND_SIZE, Reference
from nnunet_skipstudy.analysis.inputs.runs import architecture_order, fold_order, trained
from nnunet_skipstudy.analysis.inputs.score_table import differing_cases, refuse
from nnunet_skipstudy.analysis.inputs.warnings import listed
from nnunet_skipstudy.analysis.measuring.case_metrics import published_columns
from nnunet_skipstudy.analysis.measuring.columns import metrics_of
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.metrics import Outcome
from nnunet_skipstudy.metrics.case import failed_values
from nnunet_skipstudy.registry import METRICS, BothEmpty

UNIT = "the table's unit"
SIZES = ("reference_size", "predicted_size", "image_size")
FAILURES = (Outcome.MISSED.value, Outcome.SPURIOUS.value, Outcome.ABSENT.value)


def diagonals(table: pd.DataFrame, asked: str | None) -> pd.Series:
    """What a distance without value counts as in each row: a number for all, a column's number, or NaN.

    Args:
        table: of scores.
        asked: ``--diagonal``: a number; ``None``: the column ``diagonal``, where there is one.

    Raises:
        UserError: it is no positive number, or a distance is longer.
    """
    found = table["diagonal"] if "diagonal" in table else pd.Series(np.nan, index=table.index)
    if asked is not None:
        try:
            number = float(asked)
        except ValueError:
            number = np.nan
        if not (0 < number < np.inf):
            raise UserError(f"--diagonal {asked!r}: give a number above 0 in the unit of the distances")
        found = pd.Series(number, index=table.index)
    for metric in _distances(table):
        finite = table[metric].where(np.isfinite(table[metric]))
        refuse(
            table, finite > found * (1 + 1e-4), metric, "it is longer than the diagonal given: give both in one unit"
        )
    return found


def score_cases(table: pd.DataFrame, both_empty: BothEmpty, diagonal: pd.Series) -> pd.DataFrame:
    """The table of cases from a table of scores.

    A row is a failure by its ``outcome``, else by its sizes, else where a distance is infinite, or the DSC is 0 and
    distances lack. Its infinite and lacking distances count as the diagonal, other lacking metrics as their worst. A
    correct empty prediction counts as ``both_empty`` says. Whatever else lacks stays unknown.

    Args:
        table: of :func:`~nnunet_skipstudy.analysis.inputs.score_table.read_scores`.
        both_empty: what an empty reference counts as.
        diagonal: of :func:`diagonals`.

    Returns:
        As :func:`~nnunet_skipstudy.analysis.measuring.case_metrics.measure_all`, with the metrics that there are.

    Raises:
        UserError: a diagonal is needed and not known, or a score contradicts its outcome.
    """
    outcome = _outcomes(table)
    failures = outcome.isin(FAILURES)
    refuse(
        table, failures & (table["dsc"] > 0), "dsc", "its outcome, sizes or distances say that it failed: mend the row"
    )
    cases = table.copy()
    empty_reference = outcome.isin([Outcome.SPURIOUS.value, Outcome.BOTH_EMPTY.value])
    if "reference_size" in table:
        empty_reference |= table["reference_size"] == 0
    for metric in metrics_of(table):
        values = _with_policy(table, metric, outcome, empty_reference, diagonal)
        cases[metric] = values.where(~empty_reference) if both_empty is BothEmpty.EXCLUDE else values
    known = table.reindex(columns=[*SIZES, "disparity", *BEYOND_SIZE]).astype(float)
    cases = cases.assign(
        **{name: known[name] for name in ("disparity", *BEYOND_SIZE)},
        **{size: known[size].astype("Int64") for size in SIZES},
        outcome=outcome,
        network=[trained(trainer)["network"] if trainer else "" for trainer in table["trainer"]],
    )
    return cases[["network", *(name for name in published_columns() if name in cases)]]


def _with_policy(
    table: pd.DataFrame, metric: str, outcome: pd.Series, empty_reference: pd.Series, diagonal: pd.Series
) -> pd.Series:
    """A metric's values, where failures without one have the worst, and correct empty predictions the perfect one."""
    row, values = METRICS[metric], table[metric]
    lacking = outcome.isin(FAILURES) & (values.isna() | np.isinf(values))
    if row.unit:
        refuse(
            *(table, lacking & diagonal.isna(), metric),
            "a failed prediction has no distance: say what it counts as with --diagonal (the image's, in the unit of "
            "the distances)",
        )
    worst = diagonal if row.unit else pd.Series(failed_values(np.nan, True)[metric], index=table.index)
    values = values.where(~lacking, worst.where(~empty_reference) if row.signed else worst)
    return values.where((outcome != Outcome.BOTH_EMPTY.value) | values.notna(), row.perfect)


def _distances(table: pd.DataFrame) -> list[str]:
    return [name for name in metrics_of(table) if METRICS[name].unit]


def _outcomes(table: pd.DataFrame) -> pd.Series:
    distances = table[_distances(table)]
    failed = (distances == np.inf).any(axis=1)
    if len(distances.columns):
        failed |= (table["dsc"] == 0) & distances.isna().all(axis=1)
    found = pd.Series(np.where(failed, Outcome.MISSED.value, Outcome.BOTH.value), index=table.index, dtype=object)
    if {"reference_size", "predicted_size"} <= set(table):
        reference, predicted = table["reference_size"], table["predicted_size"]
        known = reference.notna() & predicted.notna()
        found = found.mask(known & (reference > 0) & (predicted == 0), Outcome.MISSED.value)
        found = found.mask(known & (reference == 0) & (predicted > 0), Outcome.SPURIOUS.value)
        found = found.mask(known & (reference == 0) & (predicted == 0), Outcome.BOTH_EMPTY.value)
    return table["outcome"].where(table["outcome"] != "", found)


def common_cases(table: pd.DataFrame, extra: Extra) -> tuple[pd.DataFrame, list[str]]:
    """The rows of cases that all trainings of a fold have, and what was left out, in words.

    Raises:
        UserError: some lack a case, and none is to be left out.
    """
    lacking = differing_cases(table)
    if lacking.empty:
        return table, []
    first = lacking.iloc[0]
    if extra is Extra.REFUSE:
        raise UserError(
            f"{first['dataset']}: {first['words']} has no row for the case {first['case']!r}, which others have "
            f"({len(lacking)} rows lack); add them (outcome absent for a prediction that failed), or leave such cases "
            "out for all with --extra list"
        )
    out = set(lacking[["dataset", "case"]].itertuples(index=False, name=None))
    kept = [place not in out for place in table[["dataset", "case"]].itertuples(index=False, name=None)]
    if not any(kept):
        raise UserError(f"{first['dataset']}: no case is common to all networks; give tables of the same cases")
    remarks = [
        f"{len(names)} cases without a row for some network or seed were left out for all ({listed(names)}), "
        f"first of all {words}."
        for dataset in lacking["dataset"].unique()
        for names, words in [
            (list(dict.fromkeys(lacking.loc[lacking["dataset"] == dataset, "case"])),
             lacking.loc[lacking["dataset"] == dataset, "words"].iloc[0])
        ]
    ]  # fmt: skip
    return table[kept].reset_index(drop=True), remarks


def score_comparisons(
    cases: pd.DataFrame, paths: Sequence[Path], tolerance: float | None, levels: Sequence[str]
) -> tuple[tuple[Comparison, ...], pd.DataFrame]:
    """What stands for labels and predictions of each data set, and the cases in the order of measured ones."""
    comparisons, ordered = [], []
    for dataset, rows in cases.groupby("dataset", sort=True):
        known = rows[rows["disparity"].notna()]
        places = zip(known["case"], known["level"], strict=True)
        reference = Reference(
            str(dataset),
            paths[0].parent,
            dict.fromkeys(rows["case"], paths[0]),
            groups=dict(zip(rows["case"], rows["group"], strict=True)),
            disparities=dict(zip(places, known["disparity"], strict=True)),
        )
        labels = {str(label): (index,) for index, label in enumerate(rows["label"].unique(), start=1)}
        comparisons.append(
            Comparison(
                reference,
                LabelSet({**labels}, source=paths[0]),
                UNIT,
                np.nan if tolerance is None else tolerance,
                predictions={},
                tables=tuple(path.name for path in paths),
            )
        )
        order = ordered_levels(set(rows["level"]), reference, levels)
        places_of_cases = {case: index for index, case in enumerate(reference.cases)}
        ordered.append(
            rows.assign(
                _1=rows["architecture"].map(architecture_order),
                _2=rows["fold"].map(fold_order),
                _3=rows["level"].map(order.index),
                _4=rows["case"].map(places_of_cases),
            ).sort_values(["_1", "trainer", "plans", "configuration", "_2", "seed", "_3", "_4"], kind="stable")
        )
    table = pd.concat(ordered, ignore_index=True)
    return tuple(comparisons), table.drop(columns=["_1", "_2", "_3", "_4"])


def lacking_scores(cases: pd.DataFrame) -> list[str]:
    """A sentence for each metric that some rows lack without a policy that says what they count as."""
    found = []
    counted = cases[cases["outcome"] != Outcome.BOTH_EMPTY.value]
    for dataset, rows in counted.groupby("dataset", sort=False):
        for metric in metrics_of(rows):
            n = int(rows[metric].isna().sum())
            if n and not METRICS[metric].signed:
                found.append(
                    f"{n} of {len(rows)} rows of {dataset} have no {METRICS[metric].title}, so its means go without; "
                    "where a prediction failed or was rightly empty, say so in a column outcome."
                )
    return found
