"""Measuring: one row per prediction and label."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from tqdm import tqdm

from nnunet_skipstudy.analysis.inputs.labels import region_mask
from nnunet_skipstudy.analysis.inputs.matching import Comparison, check_pair, check_values, flatten
from nnunet_skipstudy.analysis.inputs.references import BEYOND_SIZE
from nnunet_skipstudy.analysis.inputs.runs import Run
from nnunet_skipstudy.analysis.measuring.cache import Labels, Measured, Measurements, content_hash, key_of
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.metrics import measure_case
from nnunet_skipstudy.metrics.overlap import Mask
from nnunet_skipstudy.nnunet.images import Image, read_label_map
from nnunet_skipstudy.registry import METRICS, BothEmpty

MANY = 4
WORTH_A_THREAD = 2**17
"""Voxels of an image from which on threads gain time; 256 x 256 pixels are half of it."""


def published_columns() -> list[str]:
    """The columns of case_metrics.csv, all that an analysis of it needs; ``volume_change`` comes after measuring."""
    return [
        *("dataset", "architecture", "trainer", "plans", "configuration", "fold", "seed", "level"),
        *("case", "group", "label", "disparity", *BEYOND_SIZE),
        *METRICS,
        *("reference_size", "predicted_size", "outcome"),
        *("volume_change", "image_size", "trained_on", "training"),
    ]


class _Task(NamedTuple):
    """One case of one data set, with all the predictions of it: its label is read once."""

    comparison: Comparison
    case: str
    runs: tuple[Run, ...]
    both_empty: BothEmpty


@dataclass(frozen=True)
class _Reference:
    """A label map that was read: its masks by label, without the voxels that don't count."""

    image: Image
    masks: dict[str, Mask]
    spacing: tuple[float, ...] | None
    counted: Mask | None


def measure_all(
    comparisons: Sequence[Comparison],
    both_empty: BothEmpty,
    workers: int = 1,
    progress: bool = True,
    known: Measurements | None = None,
) -> pd.DataFrame:
    """Measure every prediction.

    Args:
        comparisons: one per data set.
        both_empty: what an empty reference counts as.
        workers: threads; each holds one case in memory.
        progress: whether to draw a progress bar on stderr.
        known: what earlier runs measured; new measurements are added and saved, also when interrupted.

    Returns:
        One row per data set, run, case and label, in that order, with ``network`` and :func:`published_columns`
        but for ``volume_change``.

    Raises:
        UserError: a file can't be read or compared.
    """
    known = known or Measurements(None)
    tasks = [task for comparison in comparisons for task in _tasks(comparison, both_empty)]
    measured: dict[tuple[Run, str], Labels] = {}
    with (
        ThreadPoolExecutor(max_workers=workers) as pool,
        tqdm(
            total=sum(len(task.runs) for task in tasks), desc="measuring", unit="prediction", disable=not progress
        ) as bar,
    ):
        try:
            for task, labels in zip(tasks, pool.map(lambda task: _measure(task, known), tasks), strict=True):
                measured.update(zip([(run, task.case) for run in task.runs], labels, strict=True))
                bar.update(len(task.runs))
                known.save_now_and_then()
        except UserError:
            pool.shutdown(cancel_futures=True)
            raise
        except BaseException:
            pool.shutdown(cancel_futures=True)
            known.save(finished=False)
            raise
    known.save(finished=True)
    return _table(comparisons, measured)


def useful_workers(comparisons: Sequence[Comparison]) -> int:
    """As many threads as speed up measuring: up to four, but one for images that are done before a hand-over is."""
    sizes = [read_label_map(next(iter(c.reference.cases.values()))).array.size for c in comparisons]
    return min(MANY, os.cpu_count() or 1) if max(sizes) >= WORTH_A_THREAD else 1


def _tasks(comparison: Comparison, both_empty: BothEmpty) -> list[_Task]:
    runs: dict[str, list[Run]] = {case: [] for case in comparison.reference.cases}
    for run in comparison.runs:
        for case in comparison.cases(run):
            runs[case].append(run)
    return [_Task(comparison, case, tuple(of_case), both_empty) for case, of_case in runs.items() if of_case]


def _measure(task: _Task, known: Measurements) -> list[Labels]:
    """The measurements of each run's prediction; files that are known are hashed, not read."""
    comparison, case = task.comparison, task.case
    label_hash = content_hash(comparison.reference.cases[case])
    settings = _settings(comparison, task.both_empty)
    reference: _Reference | None = None
    measured = []
    for run in task.runs:
        key = key_of(settings, label_hash, content_hash(comparison.predictions[run].get(case)))
        labels = known.get(key)
        if labels is None:
            reference = reference or _read_reference(comparison, case)
            labels = _measure_prediction(task, run, reference)
            known.add(key, labels)
        measured.append(labels)
    return measured


def _settings(comparison: Comparison, both_empty: BothEmpty) -> dict[str, Any]:
    return {
        "labels": {name: sorted(region) for name, region in comparison.labels.regions.items()},
        "ignore": comparison.labels.ignore,
        "tolerance": comparison.tolerance,
        "surface": comparison.surface.value,
        "both_empty": both_empty.value,
    }


def _read_reference(comparison: Comparison, case: str) -> _Reference:
    labels, path = comparison.labels, comparison.reference.cases[case]
    image = read_label_map(path)
    check_values(path, image, labels)
    values, spacing = flatten(image)
    counted = None if labels.ignore is None else np.asarray(values != labels.ignore)
    masks = {name: region_mask(values, region) for name, region in labels.regions.items()}
    if counted is not None:
        masks = {name: mask & counted for name, mask in masks.items()}
    return _Reference(image, masks, spacing, counted)


def _measure_prediction(task: _Task, run: Run, reference: _Reference) -> Labels:
    comparison, case = task.comparison, task.case
    file, counted = comparison.predictions[run].get(case), reference.counted
    values = None
    if file is not None:
        prediction = read_label_map(file)
        check_pair(comparison.reference.cases[case], reference.image, file, prediction)
        check_values(file, prediction, comparison.labels)
        values = flatten(prediction)[0]
    measured = []
    for name, mask in reference.masks.items():
        candidate = None
        if values is not None:
            candidate = region_mask(values, comparison.labels.regions[name])
            candidate = candidate if counted is None else candidate & counted
        metrics = measure_case(
            mask,
            candidate,
            reference.spacing,
            tolerance=comparison.tolerance,
            both_empty=task.both_empty,
            surface=comparison.surface,
        )
        size = int(mask.size if counted is None else np.count_nonzero(counted))
        measured.append(
            Measured(
                tuple(metrics.values.values()),
                metrics.reference_size,
                metrics.predicted_size,
                metrics.outcome.value,
                size,
            )
        )
    return tuple(measured)


def _table(comparisons: Sequence[Comparison], measured: Mapping[tuple[Run, str], Labels]) -> pd.DataFrame:
    """Column by column: a dictionary a row would take most of a large study's memory."""
    columns: dict[str, list[Any]] = {}
    for comparison in comparisons:
        for run in comparison.runs:
            for case in comparison.cases(run):
                facts = _facts(comparison, run, case)
                for label, numbers in zip(comparison.labels.regions, measured[run, case], strict=True):
                    row = facts | {"label": label} | dict(zip(METRICS, numbers.metrics, strict=True))
                    row |= zip(Measured._fields[1:], numbers[1:], strict=True)
                    for name, value in row.items():
                        columns.setdefault(name, []).append(value)
    table = pd.DataFrame(columns).astype({"seed": "Int64", "predicted_size": "Int64"})
    return table.astype(dict.fromkeys(("disparity", *BEYOND_SIZE), float))


def _facts(comparison: Comparison, run: Run, case: str) -> dict[str, Any]:
    reference = comparison.reference
    fold = reference.folds.get(run.fold)
    names = ("architecture", "trainer", "network", "plans", "configuration", "fold", "seed", "level")
    return {
        "dataset": reference.dataset,
        **{name: getattr(run, name) for name in names},
        "case": case,
        "group": reference.groups.get(case, ""),
        "disparity": reference.disparities.get((case, run.level)),
        **dict(zip(BEYOND_SIZE, reference.beyond_size.get((case, run.level), (None, None)), strict=True)),
        "trained_on": fold.name if fold else "",
        "training": fold.training if fold else "",
    }
