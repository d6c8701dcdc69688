"""From prediction folders to a published analysis, in one call."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nnunet_skipstudy.analysis.figures.disparity import dsc_over_disparity
from nnunet_skipstudy.analysis.figures.distributions import dsc_distributions
from nnunet_skipstudy.analysis.figures.drawing import Drawing, draw_changed
from nnunet_skipstudy.analysis.figures.forest import forests
from nnunet_skipstudy.analysis.figures.heatmaps import alpha_heatmaps, label_heatmaps
from nnunet_skipstudy.analysis.figures.levels import metric_over_levels
from nnunet_skipstudy.analysis.figures.qualitative import qualitative_sheets
from nnunet_skipstudy.analysis.figures.ranks import rank_diagrams
from nnunet_skipstudy.analysis.figures.tradeoff import performance_against_robustness
from nnunet_skipstudy.analysis.inputs.find import find_runs
from nnunet_skipstudy.analysis.inputs.groups import grouped
from nnunet_skipstudy.analysis.inputs.matching import Comparison, Extra, prepare
from nnunet_skipstudy.analysis.inputs.references import find_references
from nnunet_skipstudy.analysis.measuring import case_metrics
from nnunet_skipstudy.analysis.measuring.cache import PLACE, Measurements
from nnunet_skipstudy.analysis.measuring.case_views import CaseView, case_views
from nnunet_skipstudy.analysis.report import content
from nnunet_skipstudy.analysis.report.latex import write_latex
from nnunet_skipstudy.analysis.report.markdown import markdown
from nnunet_skipstudy.analysis.report.page import Table, render
from nnunet_skipstudy.analysis.results import Study, make_study, warnings_of
from nnunet_skipstudy.analysis.statistics import summary
from nnunet_skipstudy.analysis.statistics.alphas import alpha_matrices
from nnunet_skipstudy.analysis.statistics.telling_cases import choose_cases
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.metrics import BothEmpty, Surface
from nnunet_skipstudy.support.files import led_to
from nnunet_skipstudy.support.published import check_output, published

MAX_CASES = 12
"""Of one data set among the report's pictures; fewer where there are many data sets."""
MAX_CASES_IN_ALL = 40


@dataclass(frozen=True)
class AnalyzeOptions:
    """What to analyze and how; the fields are the command's arguments.

    ``labels``: ``None`` where a table names them or nnU-Net's environment variables lead to them.
    ``tolerance``: of the NSD, in the images' unit (``None``: 5 pixels, or 2 mm where images have a spacing).
    ``include_degenerate``: let networks that ignore their input be named best. ``latex``: write ``tables/*.tex`` too.
    ``figures``: draw those whose numbers have changed; without, none is left from an earlier run.
    ``workers``: threads (``None``: as many as speed up measuring, up to four).
    ``notes``: what else a reader has to know; put first among the warnings.
    ``groups``: a table or a regular expression that tells which cases belong together (``None``: as cases.csv says).
    ``levels``: the order of levels whose names don't tell it (default: by mean TD, else by name).
    """

    predictions: Path
    labels: Path | None
    output: Path
    architecture: str | None = None
    level: str | None = None
    reference_level: str | None = None
    tolerance: float | None = None
    both_empty: BothEmpty = BothEmpty.COUNT
    surface: Surface = Surface.VOXEL
    extra: Extra = Extra.REFUSE
    include_degenerate: bool = False
    figures: bool = True
    latex: bool = False
    workers: int | None = None
    progress: bool = True
    notes: tuple[str, ...] = ()
    groups: str | None = None
    levels: tuple[str, ...] = ()


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
    workers = options.workers or case_metrics.useful_workers(comparisons)
    known = Measurements(options.output / PLACE)
    cases = case_metrics.measure_all(comparisons, options.both_empty, workers, options.progress, known)
    study = make_study(
        comparisons,
        cases,
        options.both_empty,
        options.reference_level,
        options.include_degenerate,
        options.notes,
    )
    table = summary.robustness_table(study.cases)
    with published(options.output) as folder:
        _write_csv(study.cases[case_metrics.published_columns()], folder / "case_metrics.csv")
        _write_csv(table, folder / "robustness.csv")
        _write_csv(study.statistics.table, folder / "statistics.csv")
        _write_csv(study.statistics.wins, folder / "wins.csv")
        _write_csv(study.statistics.tallies, folder / "tallies.csv")
        views = _case_views(study)
        pictures = draw_changed(_drawings(study, views), folder, options.output) if options.figures else []
        report = content.build_report(study, pictures, views)
        _write(folder / "report.html", render(report))
        _write(folder / "report.md", markdown(report))
        if options.latex:
            write_latex(report.tables, folder / "tables")
    return AnalysisResult(
        options.output / "report.html",
        study.cases,
        table,
        tuple(report.overview),
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
    given = options.predictions
    root = given.parent if given.is_file() else given
    runs = find_runs(given, options.architecture, options.level)
    references = find_references(options.labels, runs, fallback=led_to(root)[0].name)
    if options.groups is not None:
        references = {name: grouped(reference, options.groups) for name, reference in references.items()}
    comparisons = tuple(
        prepare(
            reference,
            [run for run in runs if run.dataset == name],
            root,
            options.tolerance,
            options.surface,
            options.extra,
            options.levels,
        )
        for name, reference in references.items()
    )
    levels = sorted({run.level for run in runs})
    asked = options.reference_level
    if asked is not None and asked not in levels:
        raise UserError(f"reference level {asked!r} was not predicted; choose one of {', '.join(levels)}")
    return comparisons


def _case_views(study: Study) -> list[CaseView]:
    """The cases that the report shows, as far as their images lie beside the labels."""
    views: list[CaseView] = []
    n = min(MAX_CASES, max(3, MAX_CASES_IN_ALL // max(1, len(study.comparisons))))
    for comparison in study.comparisons:
        for setting in study.statistics.overall(comparison.reference.dataset)[:1]:
            views += case_views(comparison, study.cases, choose_cases(setting, n))
    return views


def _drawings(study: Study, views: Sequence[CaseView]) -> Iterator[Drawing]:
    units = {c.reference.dataset: c.unit for c in study.comparisons}
    tolerances = {c.reference.dataset: c.tolerance for c in study.comparisons}
    datasets, statistics, looks = list(units), study.statistics, study.looks
    yield from forests(statistics, datasets, looks)
    yield from metric_over_levels(study.summary, looks, units, tolerances, statistics)
    yield from alpha_heatmaps(alpha_matrices(study.summary, list(looks)), looks)
    yield from label_heatmaps(statistics, datasets, looks)
    yield from performance_against_robustness(statistics, datasets, looks)
    yield from rank_diagrams(statistics, datasets, looks)
    yield from dsc_distributions(statistics, datasets, looks)
    yield from dsc_over_disparity(statistics, datasets, looks)
    yield from qualitative_sheets(views, looks)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
