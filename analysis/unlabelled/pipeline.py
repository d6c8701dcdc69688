"""Predictions without labels: what they say about each other, published as tables and a page."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pandas as pd
from markupsafe import Markup

from nnunet_skipstudy.analysis.figures.looks import looks
from nnunet_skipstudy.analysis.inputs.find import find_runs
from nnunet_skipstudy.analysis.inputs.references import NoLabelsError
from nnunet_skipstudy.analysis.inputs.warnings import listed
from nnunet_skipstudy.analysis.measuring import dictionary
from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED, network_keys
from nnunet_skipstudy.analysis.pipeline import AnalysisResult, AnalyzeOptions, check_reference_level, write_csv
from nnunet_skipstudy.analysis.report.page import NOTES, TEMPLATES, Cell, Table, template
from nnunet_skipstudy.analysis.report.words import capital, number
from nnunet_skipstudy.analysis.unlabelled.measuring import (
    CASE_COLUMNS,
    Predicted,
    agreement_table,
    find_predicted,
    measure_agreement,
)
from nnunet_skipstudy.registry import BothEmpty, in_order, level_alpha
from nnunet_skipstudy.support.files import led_to, write_text
from nnunet_skipstudy.support.published import published
from nnunet_skipstudy.support.version import __version__

TITLES = {
    "agreement": "Agreement (DSC) with the prediction at {level}",
    "seed_agreement": "Agreement (DSC) between seeds",
    "volume_change": "Change of the predicted volume against {level}",
}


def analyze_unlabelled(options: AnalyzeOptions, lacking: NoLabelsError) -> AnalysisResult:
    """Compare predictions with each other, where no labels were found; ``lacking`` is what was said then.

    Raises:
        UserError: no two predictions of a case can be held against each other, or one can't be read.
    """
    given = options.predictions
    root = given.parent if given.is_file() else given
    runs = find_runs(given, options.architecture, options.level)
    check_reference_level(options, {run.level for run in runs})
    sets = [
        find_predicted(
            *(name or led_to(root)[0].name, [run for run in runs if run.dataset == name], root), options.reference_level
        )
        for name in dict.fromkeys(run.dataset for run in runs)
    ]
    if not any(data.comparable for data in sets):
        raise lacking
    counts = options.both_empty is BothEmpty.COUNT
    cases = pd.concat([measure_agreement(data, counts, options.progress) for data in sets], ignore_index=True)
    table = agreement_table(cases)
    empty = bool((cases["predicted_size"] == 0).any())
    warnings = [
        *options.notes,
        f"{capital(str(lacking))}.",
        *(sentence for data in sets for sentence in _odd(data, counts, empty)),
    ]
    report = agreement_report(table, warnings)
    with published(options.output) as folder:
        write_csv(cases[list(CASE_COLUMNS)], folder / "case_agreement.csv")
        write_csv(table, folder / "agreement.csv")
        write_csv(pd.DataFrame(dictionary.rows()), folder / "columns.csv")
        write_text(folder / "report.html", render_agreement(report))
    return AnalysisResult(options.output / "report.html", cases, table, tuple(report.tables), tuple(report.warnings))


def _odd(data: Predicted, counts: bool, empty: bool) -> Iterator[str]:
    """What a reader has to know of one data set."""
    cases = data.cases
    for run, files in data.files.items():
        absent = [case for case in cases if case not in files]
        if absent:
            yield (
                f"{run.place}: {len(absent)} of {len(cases)} cases that others predicted are absent "
                f"({listed(absent)}); nothing is said of them."
            )
    if not any(data.reference_levels.values()):
        yield (
            f"{data.dataset}: no level 'unperturbed' was predicted, so only seeds are compared. Name the level that "
            "others are held against with --reference-level."
        )
    alphas = {level for level in data.reference_levels.values() if level_alpha(level) is not None}
    if alphas:
        yield (
            f"{data.dataset}: predictions are held against those at {', '.join(alphas)}; which alpha a network was "
            "trained on is not known without the labels' tables."
        )
    if empty:
        words = "agree perfectly" if counts else "count as nothing"
        yield f"{data.dataset}: two predictions that are both empty {words}."


@dataclass(frozen=True)
class AgreementReport:
    """What the page says, in its order."""

    title: str
    warnings: list[str]
    tables: list[Table]
    version: str = field(default=__version__)


def agreement_report(table: pd.DataFrame, warnings: Sequence[str]) -> AgreementReport:
    """The page of :func:`~nnunet_skipstudy.analysis.unlabelled.measuring.agreement_table`."""
    titles = {key: look.title for key, look in looks(network_keys(table, PUBLISHED)).items()}
    tables = []
    for (dataset, label, quantity), rows in table.groupby(["dataset", "label", "quantity"], sort=False):
        levels = in_order(rows["level"])
        cells = {
            (key, row["level"]): Cell(number(row["mean"], quantity == "volume_change"), note=f"sd {number(row['sd'])}")
            for key, row in zip(network_keys(rows, PUBLISHED), rows.to_dict("records"), strict=True)
        }
        present = set(network_keys(rows, PUBLISHED))
        body = [
            [Cell(title), *(cells.get((key, level), Cell("–")) for level in levels)]
            for key, title in titles.items()
            if key in present
        ]
        words = TITLES[str(quantity)].format(level=rows["reference_level"].max())
        several = table.loc[table["dataset"] == dataset, "label"].nunique() > 1
        name = f"{dataset}, {label}" if several else str(dataset)
        tables.append(Table(f"{words}: {name}", ["network", *levels], body, note=NOTES[str(quantity)]))
    datasets = ", ".join(table["dataset"].unique())
    return AgreementReport(f"Predictions without a reference: {datasets}", [NOTES["no reference"], *warnings], tables)


def render_agreement(report: AgreementReport) -> str:
    """The page: one self-contained file without a script."""
    style = Markup((TEMPLATES / "report.css").read_text(encoding="utf-8"))
    return template("agreement.html").render(report=report, style=style)
