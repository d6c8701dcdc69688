"""From prediction folders to a published analysis, in one call."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nnunet_skipstudy.analysis import case_metrics, content, robustness
from nnunet_skipstudy.analysis.figures import Picture, metric_over_levels
from nnunet_skipstudy.analysis.findings import standings
from nnunet_skipstudy.analysis.heatmaps import alpha_matrices
from nnunet_skipstudy.analysis.matching import Comparison, prepare
from nnunet_skipstudy.analysis.predictions import find_runs
from nnunet_skipstudy.analysis.publish import check_output, published
from nnunet_skipstudy.analysis.references import find_references
from nnunet_skipstudy.analysis.report import Table, render
from nnunet_skipstudy.analysis.study import Study, make_study, warnings_of
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.metrics import BothEmpty


@dataclass(frozen=True)
class AnalyzeOptions:
    """What to analyze and how; the fields are the command's arguments.

    ``tolerance``: of the NSD, in the images' unit (``None``: 5 pixels, or 2 mm where images have a spacing).
    ``workers``: threads (``None``: up to four).
    ``notes``: what else a reader has to know; put first among the warnings.
    """

    predictions: Path
    labels: Path
    output: Path
    architecture: str | None = None
    level: str | None = None
    reference_level: str | None = None
    tolerance: float | None = None
    both_empty: BothEmpty = BothEmpty.COUNT
    workers: int | None = None
    progress: bool = True
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class AnalysisResult:
    """What was published, and the numbers in it.

    ``cases`` and ``robustness`` are the two CSV files' tables (``cases`` with a few more columns), ``overview``
    the report's mean-DSC tables, ``warnings`` what a reader has to know.
    """

    report: Path
    cases: pd.DataFrame
    robustness: pd.DataFrame
    overview: tuple[Table, ...]
    warnings: tuple[str, ...]


def analyze(options: AnalyzeOptions) -> AnalysisResult:
    """Measure predictions and publish tables, figures and the report.

    Raises:
        UserError: predictions and labels don't fit together or can't be read; nothing is written then.
    """
    _check(options)
    comparisons = _comparisons(options)
    workers = options.workers or min(4, os.cpu_count() or 1)
    cases = case_metrics.measure_all(comparisons, options.both_empty, workers, options.progress)
    study = make_study(comparisons, cases, options.both_empty, options.reference_level, options.notes)
    table = robustness.robustness_table(study.cases)
    with published(options.output) as folder:
        _write_csv(study.cases[list(case_metrics.COLUMNS)], folder / "case_metrics.csv")
        _write_csv(table, folder / "robustness.csv")
        page = render(content.build_report(study, _pictures(study, folder / "figures")))
        (folder / "report.html").write_text(page, encoding="utf-8", newline="\n")
    return AnalysisResult(
        options.output / "report.html",
        study.cases,
        table,
        tuple(content.level_tables(standings(study.summary), study.looks)),
        tuple(warnings_of(study)),
    )


def _check(options: AnalyzeOptions) -> None:
    check_output(options.output)
    if options.tolerance is not None and not (options.tolerance >= 0 and math.isfinite(options.tolerance)):
        raise UserError(
            f"tolerance {options.tolerance}: not a distance; give a number of at least 0 in the images' unit"
        )
    if options.workers is not None and options.workers < 1:
        raise UserError(f"-np {options.workers}: no workers; give a number of at least 1")


def _comparisons(options: AnalyzeOptions) -> tuple[Comparison, ...]:
    root = options.predictions
    runs = find_runs(root, options.architecture, options.level)
    names = list(dict.fromkeys(run.dataset for run in runs))
    references = find_references(options.labels, names, fallback=root.resolve().name)
    comparisons = tuple(
        prepare(references[name], [run for run in runs if run.dataset == name], root, options.tolerance)
        for name in names
    )
    levels = sorted({run.level for run in runs})
    asked = options.reference_level
    if asked is not None and asked not in levels:
        raise UserError(f"reference level {asked!r} was not predicted; choose one of {', '.join(levels)}")
    return comparisons


def _pictures(study: Study, folder: Path) -> Sequence[Picture]:
    folder.mkdir()
    units = {c.reference.dataset: c.unit for c in study.comparisons}
    tolerances = {c.reference.dataset: c.tolerance for c in study.comparisons}
    lines = metric_over_levels(study.summary, study.looks, units, tolerances, folder)
    pictures = [*lines, *alpha_matrices(study.summary, study.looks, folder)]
    return sorted(pictures, key=lambda picture: not picture.main)


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
