"""From prediction folders to a published analysis, in one call."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
from nnunet_skipstudy.analysis.figures.tradeoff import accuracy_against_the_hardest, performance_against_robustness
from nnunet_skipstudy.analysis.figures.uncertainty import sources_of_uncertainty
from nnunet_skipstudy.analysis.inputs.find import find_runs
from nnunet_skipstudy.analysis.inputs.matching import Comparison, Extra, prepare
from nnunet_skipstudy.analysis.inputs.references import find_references, grouped
from nnunet_skipstudy.analysis.inputs.runs import Run
from nnunet_skipstudy.analysis.inputs.score_table import is_score_table, known_columns, names_of, read_scores, uneven
from nnunet_skipstudy.analysis.measuring import case_metrics, dictionary
from nnunet_skipstudy.analysis.measuring.cache import PLACE, Measurements
from nnunet_skipstudy.analysis.measuring.case_views import CaseView, Gates, case_views
from nnunet_skipstudy.analysis.measuring.degenerate import without_degenerate
from nnunet_skipstudy.analysis.measuring.scores import (
    common_cases,
    diagonals,
    lacking_scores,
    score_cases,
    score_comparisons,
)
from nnunet_skipstudy.analysis.report import content
from nnunet_skipstudy.analysis.report.latex import write_latex
from nnunet_skipstudy.analysis.report.markdown import markdown
from nnunet_skipstudy.analysis.report.page import Finding, Table, Why, render
from nnunet_skipstudy.analysis.results import Study, make_study, warnings_of
from nnunet_skipstudy.analysis.statistics import summary
from nnunet_skipstudy.analysis.statistics.alphas import alpha_matrices
from nnunet_skipstudy.analysis.statistics.real_shift import real_shift_table, real_shifts
from nnunet_skipstudy.analysis.statistics.telling_cases import choose_cases
from nnunet_skipstudy.errors import UserError, nearest
from nnunet_skipstudy.registry import SMALLEST_DIFFERENCE, BothEmpty, Surface
from nnunet_skipstudy.support.files import led_to, write_text
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
    ``figures``: draw those whose numbers have changed; without, none is left from an earlier run. ``details``: those
    of recall, precision and relative volume error, too.
    ``workers``: threads (``None``: as many as speed up measuring, up to four).
    ``notes``: what else a reader has to know; put first among the warnings.
    ``groups``: a table or a regular expression that tells which cases belong together (``None``: as cases.csv says).
    ``smallest_difference``: of the DSC and other shares, what smaller differences are as good as none.
    ``levels``: the order of levels whose names don't tell it (default: by mean TD, else by name).
    ``predictions`` may be a table of scores, with more ``tables``; ``columns``, ``level_names`` and
    ``architecture_names`` are their names (``ours=theirs``), ``diagonal`` what the distance of a failure counts as.
    ``by``: the measure of TD that slopes go by (``None``: each data set's own, else the excess).
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
    details: bool = False
    latex: bool = False
    workers: int | None = None
    progress: bool = True
    notes: tuple[str, ...] = ()
    groups: str | None = None
    levels: tuple[str, ...] = ()
    smallest_difference: float = SMALLEST_DIFFERENCE
    tables: tuple[Path, ...] = ()
    columns: tuple[str, ...] = ()
    level_names: tuple[str, ...] = ()
    architecture_names: tuple[str, ...] = ()
    diagonal: str | None = None
    by: str | None = None


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


@dataclass(frozen=True)
class Addition:
    """What a caller adds.

    ``findings`` and ``tables`` before all others of the report, ``drawings`` behind all others, ``csv`` files by name;
    ``why``: the report's section of that name; ``gates``: where attention gates look, shown beside predictions.
    """

    findings: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    csv: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    drawings: tuple[Drawing, ...] = ()
    why: Why | None = None
    gates: Gates = field(default_factory=dict)


def analyze(options: AnalyzeOptions, add: Callable[[Study], Addition] = lambda study: Addition()) -> AnalysisResult:
    r"""Measure predictions and publish tables, figures and the report; ``add`` makes more of what was found.

    Raises:
        UserError: predictions and labels don't fit together or can't be read; nothing is written then.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from nnunet_skipstudy import AnalyzeOptions, analyze
        >>> folder = Path(tempfile.mkdtemp())
        >>> rows = [f"c{case},{net},{0.7 + case / 100}" for case in range(8) for net in ("UNet", "NoSkip")]
        >>> _ = (folder / "scores.csv").write_text("\n".join(["case,architecture,dsc", *rows]))
        >>> analyze(AnalyzeOptions(folder / "scores.csv", None, folder / "out", progress=False)).report.name
        'report.html'
    """
    _check(options)
    comparisons, cases = _scores(options) if _given_scores(options) else _measured(options)
    study = make_study(
        comparisons,
        cases,
        options.both_empty,
        options.reference_level,
        options.include_degenerate,
        options.notes,
        options.smallest_difference,
        options.by,
    )
    table = summary.robustness_table(
        study.cases if study.include_degenerate else without_degenerate(study.cases, "fold", "trained_on")
    )
    added = add(study)
    with published(options.output) as folder:
        for name, content_of in {**_tables(study), "robustness.csv": table, **added.csv}.items():
            write_csv(content_of, folder / name)
        views = _case_views(study, added.gates)
        drawings = [*_drawings(study, views, options.details), *added.drawings] if options.figures else []
        pictures = draw_changed(drawings, folder, options.output) if options.figures else []
        report = content.build_report(study, pictures, views)
        findings, tables = [*map(Finding, added.findings), *report.findings], [*added.tables, *report.tables]
        report = replace(report, findings=findings, tables=tables, why=added.why)
        write_text(folder / "report.html", render(report))
        write_text(folder / "report.md", markdown(report))
        if options.latex:
            write_latex(report.tables, folder / "tables")
    return AnalysisResult(
        options.output / "report.html", study.cases, table, tuple(report.overview), tuple(warnings_of(study))
    )


def _tables(study: Study) -> dict[str, pd.DataFrame]:
    """What is published as CSV of any study, by file."""
    columns = [name for name in case_metrics.published_columns() if name in study.cases]
    shifts = list(real_shifts(study.statistics))
    return {
        "case_metrics.csv": study.cases[columns],
        "statistics.csv": study.statistics.table,
        "wins.csv": study.statistics.wins,
        "tallies.csv": study.statistics.tallies,
        "columns.csv": pd.DataFrame(dictionary.rows()),
        **({"real_shift.csv": real_shift_table(shifts)} if shifts else {}),
    }


def _check(options: AnalyzeOptions) -> None:
    check_output(options.output)
    if options.tolerance is not None and not (options.tolerance >= 0 and math.isfinite(options.tolerance)):
        raise UserError(
            f"tolerance {options.tolerance}: not a distance; give a number of at least 0 in the images' unit"
        )
    if not 0 <= options.smallest_difference < 1:
        raise UserError(
            f"--smallest-difference {options.smallest_difference}: no difference of the DSC; give a number from 0 to 1"
        )
    if options.workers is not None and options.workers < 1:
        raise UserError(f"-np {options.workers}: no workers; give a number of at least 1")


def _comparisons(options: AnalyzeOptions) -> tuple[Comparison, ...]:
    given = options.predictions
    root = given.parent if given.is_file() else given
    runs = _named(find_runs(given, options.architecture, options.level), options.architecture_names)
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
    check_reference_level(options, {run.level for run in runs})
    return comparisons


def _named(runs: list[Run], names: Collection[str]) -> list[Run]:
    """The runs, with other people's networks under the names that they are to be compared under."""
    ours = {theirs: name for name, theirs in names_of(names, (), "--architectures").items()}
    there = {run.architecture for run in runs}
    if unknown := next((theirs for theirs in ours if theirs not in there), None):
        raise UserError(f"--architectures: no predictions of {unknown!r}; {nearest(unknown, there)}")
    return [replace(run, architecture=ours.get(run.architecture, run.architecture)) for run in runs]


def check_reference_level(options: AnalyzeOptions, levels: Collection[str]) -> None:
    """Refuse a reference level that nobody predicted. Raises UserError."""
    asked = options.reference_level
    if asked is not None and asked not in levels:
        raise UserError(f"reference level {asked!r} was not predicted; choose one of {', '.join(sorted(levels))}")


def _given_scores(options: AnalyzeOptions) -> bool:
    """Whether tables of scores were given; what only they or only predictions can have is refused for the other."""
    given = options.predictions
    scores = bool(options.columns or options.tables) or (given.is_file() and is_score_table(given))
    of_scores = {"--columns": options.columns, "--diagonal": options.diagonal, "--levels": options.level_names}
    of_images = {"--labels": options.labels, "--surface": options.surface is not Surface.VOXEL}
    for option, value in (of_images if scores else of_scores).items():
        if value:
            what = "a table of scores" if scores else "predictions"
            raise UserError(
                f"{option} is not for {what}; leave it out, or give {'predictions' if scores else 'a table'}"
            )
    return scores


def _scores(options: AnalyzeOptions) -> tuple[tuple[Comparison, ...], pd.DataFrame]:
    paths = (options.predictions, *options.tables)
    given = {"architecture": options.architecture, "level": options.level}
    table = read_scores(
        paths,
        names_of(options.columns, known_columns(), "--columns"),
        {
            "level": names_of(options.level_names, (), "--levels"),
            "architecture": names_of(options.architecture_names, (), "--architectures"),
        },
        {name: value for name, value in given.items() if value},
    )
    check_reference_level(options, set(table["level"]))
    table, remarks = common_cases(table, options.extra)
    cases = score_cases(table, options.both_empty, diagonals(table, options.diagonal))
    comparisons, cases = score_comparisons(cases, paths, options.tolerance, options.levels)
    if options.groups is not None:
        asked = options.groups
        comparisons = tuple(replace(c, reference=grouped(c.reference, asked)) for c in comparisons)
        groups = {(c.reference.dataset, case): group for c in comparisons for case, group in c.reference.groups.items()}
        cases = cases.assign(group=[groups[place] for place in zip(cases["dataset"], cases["case"], strict=True)])
    comparisons[0].reference.remarks.extend([*remarks, *uneven(table), *lacking_scores(cases)])
    return comparisons, cases


def _measured(options: AnalyzeOptions) -> tuple[tuple[Comparison, ...], pd.DataFrame]:
    comparisons = _comparisons(options)
    workers = options.workers or case_metrics.useful_workers(comparisons)
    known = Measurements(options.output / PLACE)
    return comparisons, case_metrics.measure_all(comparisons, options.both_empty, workers, options.progress, known)


def _case_views(study: Study, gates: Gates) -> list[CaseView]:
    """The cases that the report shows, as far as their images lie beside the labels."""
    views: list[CaseView] = []
    n = min(MAX_CASES, max(3, MAX_CASES_IN_ALL // max(1, len(study.comparisons))))
    for comparison in study.comparisons:
        dataset = comparison.reference.dataset
        looked_at = {case for of, *_, case in gates if of == dataset}
        for setting in study.statistics.overall(dataset)[:1]:
            views += case_views(comparison, study.cases, choose_cases(setting, n, looked_at), gates)
    return views


def _drawings(study: Study, views: Sequence[CaseView], details: bool) -> Iterator[Drawing]:
    units = {c.reference.dataset: c.unit for c in study.comparisons}
    tolerances = {c.reference.dataset: c.nsd_tolerance for c in study.comparisons}
    datasets, statistics, looks = list(units), study.statistics, study.looks
    yield from forests(statistics, datasets, looks)
    yield from sources_of_uncertainty(statistics, datasets, looks)
    yield from metric_over_levels(study.summary, looks, units, tolerances, statistics, details)
    yield from alpha_heatmaps(alpha_matrices(study.summary, list(looks)), looks)
    yield from label_heatmaps(statistics, datasets, looks)
    yield from performance_against_robustness(statistics, datasets, looks)
    yield from accuracy_against_the_hardest(statistics, datasets, looks)
    yield from rank_diagrams(statistics, datasets, looks)
    yield from dsc_distributions(statistics, datasets, looks)
    yield from dsc_over_disparity(statistics, datasets, looks)
    yield from qualitative_sheets(views, looks)


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table as it is on every system."""
    table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
