"""Predictions measured as the analysis does, without statistics, figures and the report."""

from pathlib import Path

import pandas as pd

from nnunet_skipstudy.analysis.inputs.find import find_runs
from nnunet_skipstudy.analysis.inputs.matching import Comparison, Extra, prepare
from nnunet_skipstudy.analysis.inputs.references import find_references
from nnunet_skipstudy.analysis.inputs.warnings import input_warnings
from nnunet_skipstudy.analysis.measuring.cache import Measurements
from nnunet_skipstudy.analysis.measuring.case_metrics import measure_all
from nnunet_skipstudy.registry import BothEmpty, Surface


def compare(
    predictions: Path,
    labels: Path | None = None,
    *,
    tolerance: float | None = None,
    surface: Surface = Surface.VOXEL,
    extra: Extra = Extra.REFUSE,
) -> list[Comparison]:
    """The comparisons of an input, files paired and checked by name."""
    runs = find_runs(predictions)
    root = predictions.parent if predictions.is_file() else predictions
    references = find_references(labels, runs, fallback=root.name)
    return [
        prepare(reference, [run for run in runs if run.dataset == name], root, tolerance, surface, extra)
        for name, reference in references.items()
    ]


def measure(
    comparisons: list[Comparison], known: Measurements | None = None, workers: int = 1
) -> tuple[pd.DataFrame, list[str]]:
    """The table of cases, and what was odd about the input."""
    cases = measure_all(comparisons, BothEmpty.COUNT, workers, progress=False, known=known)
    return cases, input_warnings(comparisons, cases)
