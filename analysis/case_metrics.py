"""Measuring: one row per prediction and label."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from nnunet_skipstudy.analysis.labels import region_mask
from nnunet_skipstudy.analysis.matching import (
    Comparison,
    check_pair,
    check_values,
    flatten,
    read_label_map,
)
from nnunet_skipstudy.analysis.predictions import Run
from nnunet_skipstudy.metrics import BothEmpty, measure_case

METRICS: tuple[str, ...] = ("dsc", "hd", "hd95", "assd", "nsd")

COLUMNS: tuple[str, ...] = (
    *("dataset", "architecture", "trainer", "plans", "configuration", "fold", "seed", "level"),
    *("case", "group", "label", "disparity"),
    *METRICS,
    *("reference_size", "predicted_size", "outcome"),
)
"""The columns of case_metrics.csv. The table in memory has more, which the file's reader can derive."""

Row = dict[str, Any]


@dataclass(frozen=True)
class _Task:
    """One case of one data set, with all the predictions of it: its label is read once."""

    comparison: Comparison
    case: str
    both_empty: BothEmpty


def measure_all(
    comparisons: Sequence[Comparison], both_empty: BothEmpty, workers: int = 1, progress: bool = True
) -> pd.DataFrame:
    """Measure every prediction.

    Args:
        comparisons: one per data set.
        both_empty: what a correct empty prediction counts as.
        workers: threads; each holds one case in memory.
        progress: whether to draw a progress bar on stderr.

    Returns:
        One row per data set, run, case and label, in that order, with :data:`COLUMNS` and ``network``,
        ``image_size`` (voxels), ``training``, ``trained_on`` and ``reference_level`` (empty here).

    Raises:
        UserError: a file can't be read or compared.
    """
    tasks = [_Task(comparison, case, both_empty) for comparison in comparisons for case in comparison.reference.cases]
    total = sum(len(c.runs) * len(c.reference.cases) for c in comparisons)
    by_pair: dict[tuple[Run, str], list[Row]] = {}
    with (
        ThreadPoolExecutor(max_workers=workers) as pool,
        tqdm(total=total, desc="measuring", unit="prediction", disable=not progress) as bar,
    ):
        try:
            for measured in pool.map(_measure, tasks):
                by_pair.update(measured)
                bar.update(len(measured))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    rows = [
        row
        for comparison in comparisons
        for run in comparison.runs
        for case in comparison.reference.cases
        for row in by_pair[run, case]
    ]
    table = pd.DataFrame(rows)
    return table.astype({"seed": "Int64", "predicted_size": "Int64", "disparity": float})


def _measure(task: _Task) -> dict[tuple[Run, str], list[Row]]:
    comparison, case = task.comparison, task.case
    labels, path = comparison.labels, comparison.reference.cases[case]
    reference = read_label_map(path)
    check_values(path, reference, labels)
    values, spacing = flatten(reference)
    counted = None if labels.ignore is None else values != labels.ignore
    masks = {name: region_mask(values, region) for name, region in labels.regions.items()}
    if counted is not None:
        masks = {name: mask & counted for name, mask in masks.items()}
    measured: dict[tuple[Run, str], list[Row]] = {}
    for run in comparison.runs:
        file = comparison.predictions[run].get(case)
        predicted = None
        if file is not None:
            prediction = read_label_map(file)
            check_pair(path, reference, file, prediction)
            check_values(file, prediction, labels)
            predicted = flatten(prediction)[0]
        rows: list[Row] = []
        measured[run, case] = rows
        for name, mask in masks.items():
            candidate = None
            if predicted is not None:
                candidate = region_mask(predicted, labels.regions[name])
                candidate = candidate if counted is None else candidate & counted
            metrics = measure_case(mask, candidate, spacing, tolerance=comparison.tolerance, both_empty=task.both_empty)
            size = int(mask.size if counted is None else np.count_nonzero(counted))
            rows.append(
                {
                    **dict(_facts(comparison, run, case)),
                    "label": name,
                    **{field: getattr(metrics, field) for field in METRICS},
                    "reference_size": metrics.reference_size,
                    "predicted_size": metrics.predicted_size,
                    "outcome": metrics.outcome.value,
                    "image_size": size,
                }
            )
    return measured


def _facts(comparison: Comparison, run: Run, case: str) -> Iterator[tuple[str, Any]]:
    reference = comparison.reference
    fold = reference.folds.get(run.fold)
    yield "dataset", reference.dataset
    for name in ("architecture", "trainer", "network", "plans", "configuration", "fold", "seed", "level"):
        yield name, getattr(run, name)
    yield "case", case
    yield "group", reference.groups.get(case, "")
    yield "disparity", reference.disparities.get((case, run.level))
    yield "trained_on", fold.name if fold else ""
    yield "training", fold.training if fold else ""
