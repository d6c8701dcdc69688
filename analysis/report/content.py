"""The report's words and tables, from a study's numbers."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from nnunet_skipstudy.analysis.figures.drawing import Picture
from nnunet_skipstudy.analysis.figures.forest import forest_caption
from nnunet_skipstudy.analysis.figures.looks import Looks, training_title
from nnunet_skipstudy.analysis.inputs.level_effects import leak_words
from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.inputs.runs import fold_order, trained_and_tested
from nnunet_skipstudy.analysis.measuring.case_views import CaseView
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey, groups, network_keys
from nnunet_skipstudy.analysis.report import texts
from nnunet_skipstudy.analysis.report.answer import answer
from nnunet_skipstudy.analysis.report.charts import charts
from nnunet_skipstudy.analysis.report.evidence import evidence
from nnunet_skipstudy.analysis.report.findings import best_networks, findings, standings
from nnunet_skipstudy.analysis.report.page import NOTES, Answer, Cell, Report, Table, Warnings
from nnunet_skipstudy.analysis.report.real_shift import real_shift_tables
from nnunet_skipstudy.analysis.report.statistic_tables import factorial_tables, level_tables, statistic_tables
from nnunet_skipstudy.analysis.report.sweep import sweep
from nnunet_skipstudy.analysis.report.threats import threat_tables
from nnunet_skipstudy.analysis.report.words import capital, count, joined, number
from nnunet_skipstudy.analysis.results import Study, warnings_of
from nnunet_skipstudy.analysis.statistics.contrasts import contrasts
from nnunet_skipstudy.analysis.statistics.real_shift import RealShift, real_shifts
from nnunet_skipstudy.analysis.statistics.summary import OUTCOMES
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.registry import METRICS, BothEmpty, in_order, known_order, level_order


def build_report(study: Study, pictures: Sequence[Picture], views: Sequence[CaseView]) -> Report:
    """Everything that the page says about a study."""
    table = standings(study.summary, study.statistics, study.include_degenerate)
    overview = _level_tables(table, study)
    main, more = findings(study, table)
    datasets = [comparison.reference.dataset for comparison in study.comparisons]
    statistics = study.statistics
    means = statistics.table[statistics.table["quantity"] == "mean"]
    intervals = bool(means["low"].notna().any())
    slider = sweep(views, study.looks)
    answers, forest_note = _answers(study, table, datasets)
    return Report(
        title=f"Robustness of {count(len(study.looks), 'network')} on {', '.join(datasets)}",
        summary=_summary(study),
        answers=answers,
        forest_note=forest_note,
        findings=main,
        more_findings=more,
        evidence=evidence(statistics, datasets, study.looks),
        honesty=NOTES["honesty"] if intervals else "",
        warnings=_warnings(warnings_of(study)),
        overview=overview,
        tables=[
            *overview,
            *real_shift_tables(_real_shifts(statistics, datasets), study.looks),
            *factorial_tables(statistics, datasets, study.looks),
            *threat_tables(study),
            *level_tables(study.comparisons),
            *statistic_tables(statistics, study.cases, datasets, study.looks, study.include_degenerate),
            *_robustness_tables(study),
        ],
        pictures=list(pictures),
        charts=charts(statistics, study.looks, {c.reference.dataset: c.unit for c in study.comparisons}),
        sweep=slider,
        sweep_note=_sweep_note(slider, views, study.comparisons),
        facts=[*_facts(study), ("Computed by", texts.versions())],
        methods=texts.methods(study.comparisons, study.both_empty, study.include_degenerate),
        caveats=list(texts.caveats(statistics, study.comparisons, study.cases)),
        intervals=intervals,
        networks=texts.study_networks(key.architecture for key in study.looks),
    )


def _real_shifts(statistics: Statistics, datasets: Sequence[str]) -> list[RealShift]:
    """Those of the settings that speak for each data set as a whole."""
    overall = [setting for dataset in datasets for setting in statistics.overall(dataset)[:1]]
    return [shift for shift in real_shifts(statistics) if any(shift.away is setting for setting in overall)]


def _answers(study: Study, table: pd.DataFrame, datasets: list[str]) -> tuple[list[Answer], str]:
    """A sentence for each data set, and what the first one's forest plot shows."""
    sentences, note = [], ""
    for dataset in datasets:
        for setting in study.statistics.overall(dataset)[:1]:
            found = contrasts(study.statistics, setting)
            own = table[table["dataset"] == dataset]
            told = answer(found, setting, own, study.looks)
            sentences.append(told._replace(text=f"{dataset}: {told.text}") if len(datasets) > 1 else told)
            note = note or forest_caption(found)
    return sentences, note


def _summary(study: Study) -> str:
    """How much was compared, in a line."""
    cases = study.cases
    n_cases = len(cases[["dataset", "case"]].drop_duplicates())
    seeds = cases["seed"].dropna().nunique()
    labels = {(trained_and_tested(place)[0], label) for (place, label), _ in groups(cases, "dataset", "label")}
    numbers = {"network": len(study.looks), "case": n_cases, "test level": cases["level"].nunique()}
    numbers["label"] = len(labels)  # elsewhere they are the same
    parts = [count(n, what) for what, n in numbers.items()]
    return " · ".join([*parts, count(seeds, "seed") if seeds else "no seed named"])


def _warnings(sentences: Sequence[str]) -> list[Warnings]:
    """Sentences that differ only in what stands before their colon become one."""
    by_rest: dict[str, list[str]] = {}
    for sentence in sentences:
        place, colon, rest = sentence.partition(": ")
        by_rest.setdefault(rest if colon else sentence, []).append(place)
    return [
        Warnings(": ".join(dict.fromkeys((*places, rest))))
        if len(places) == 1
        else Warnings(capital(rest), tuple(places))
        for rest, places in by_rest.items()
    ]


def _sweep_note(slider: dict[str, Any], views: Sequence[CaseView], comparisons: Sequence[Comparison]) -> str:
    n = len(slider["cases"])
    datasets = [comparison.reference.dataset for comparison in comparisons]
    without = [name for name in datasets if all(case["dataset"] != name for case in slider["cases"])]
    parts = []
    if n:
        chosen = f"{count(n, 'case')} chosen by {joined(_choices(views))}"
        if slider["left_out"]:
            chosen += f"; {count(slider['left_out'], 'more')} left out to keep the page small"
        shown = "Of several seeds and like folds the first is shown"
        if any(case["slices"][0] is not None for case in slider["cases"]):
            shown += "; of volumes, slices with reference foreground, first the one with the most"
        parts.append(f"{chosen}. {shown}.")
    if any(any(view.gates.values()) for view in views):
        parts.append(NOTES["gates"])
    if any(comparison.tables for comparison in comparisons):
        parts.append(NOTES["no pictures of scores"])
    elif without:
        parts.append(NOTES["no pictures"].format(datasets=joined(without)))
    return " ".join(parts)


def _choices(views: Sequence[CaseView]) -> list[str]:
    """By what the cases were chosen, and which they are, in words; data sets chosen alike share them."""
    reasons: dict[str, dict[str, None]] = {}
    for view in views:
        whys = [why for why in view.choice.why.split(", ") if why]
        reasons.setdefault(view.choice.by, {}).update(dict.fromkeys(whys))
    return [f"{by} ({', '.join(whys)}, and evenly between)" for by, whys in reasons.items()]


def _compared(study: Study, comparison: Comparison, rows: pd.DataFrame) -> str:
    keys = set(network_keys(rows))
    titles = [look.title for key, look in study.looks.items() if key in keys]
    levels = in_order(rows["level"].unique())
    folds = sorted((fold for fold in rows["fold"].unique() if fold), key=fold_order)
    seeds = sorted(int(seed) for seed in rows["seed"].dropna().unique())
    parts = [
        f"{count(len(titles), 'network')} ({', '.join(titles)}) on {comparison.reference.dataset}",
        count(rows["case"].nunique(), "case"),
        f"{count(len(comparison.labels.regions), 'label')} ({', '.join(comparison.labels.regions)})",
        f"{count(len(levels), 'test level')} ({', '.join(levels)})",
        f"{count(len(folds), 'fold')} ({', '.join(folds)})" if folds else "fold not known",
        f"{count(len(seeds), 'seed')} ({', '.join(map(str, seeds))})" if seeds else "no seed named",
        f"training: {texts.schedules(rows['trainer'].unique())}",
    ]
    unit = texts.UNITS.get(comparison.unit, comparison.unit)
    counted = study.both_empty is BothEmpty.COUNT
    empties = "correct empty ones count as perfect" if counted else "cases without the label are left out"
    return (
        f"{'; '.join(parts)}. Distances are in {unit}, NSD at a tolerance of {comparison.nsd_tolerance}; "
        f"failed and absent predictions count as the worst value, {empties}."
    )


def _level_tables(table: pd.DataFrame, study: Study) -> list[Table]:
    """Mean DSC, network x level, for each data set and training; the best eligible of a level stand out.

    ``table``: of :func:`~nnunet_skipstudy.analysis.report.findings.standings`.
    """
    bounds, made, looks = _bounds(study.statistics), [], study.looks
    references = {comparison.reference.dataset: comparison.reference for comparison in study.comparisons}
    trainings = table[["dataset", "training"]].drop_duplicates().itertuples(index=False, name=None)
    for dataset, training in sorted(trainings, key=lambda pair: (pair[0], level_order(pair[1]))):
        rows = table[(table["dataset"] == dataset) & (table["training"] == training)]
        levels = in_order(rows["level"].unique())
        best = {level: best_networks(rows[rows["level"] == level]) for level in levels}
        values = {(row.key, row.level): row for row in rows.itertuples()}
        body = []
        for key in [key for key in looks if key in set(rows["key"])]:
            cells = [Cell(looks[key].title)]
            for level in levels:
                value = values.get((key, level))
                low, high = bounds.get((dataset, training, key, level), (math.nan, math.nan))
                note = "" if math.isnan(low) else f"[{number(low)}, {number(high)}]"
                cells.append(Cell(number(value.dsc if value else None), key in best[level], note))
            body.append(cells)
        title = training_title(training, table.loc[table["dataset"] == dataset, "training"].nunique() > 1)
        name = f"{dataset}, {title}" if title else dataset
        first = "Hardest level first. " if len(levels) > 1 and known_order(levels) else ""
        brackets = " In brackets: 95 % intervals." if any(cell.note for cells in body for cell in cells) else ""
        note = f"{first}Bold: highest at its level.{brackets} {leak_words(references[dataset], levels)}".rstrip()
        made.append(Table(f"Mean DSC by test level: {name}", ["network", *levels], body, note=note))
    return made


def _bounds(statistics: Statistics) -> dict[tuple[str, str, NetworkKey, str], tuple[float, float]]:
    """The intervals of mean DSC, of the mean over labels where there are several."""
    found: dict[tuple[str, str, NetworkKey, str], tuple[float, float]] = {}
    for setting in statistics.settings:
        for row in statistics.rows(setting, "mean"):
            found.setdefault((setting.dataset, setting.training, row["key"], row["level"]), (row["low"], row["high"]))
    return found


def _robustness_tables(study: Study) -> Iterator[Table]:
    for comparison in study.comparisons:
        dataset = comparison.reference.dataset
        rows = study.summary[study.summary["dataset"] == dataset]
        several = rows["training"].nunique() > 1 or bool(rows["training"].iloc[0])
        unit = texts.UNITS.get(comparison.unit, comparison.unit)
        for detail, title, note in (
            (False, "Robustness by level", NOTES["Robustness by level"].format(unit=unit)),
            (True, "Which way predictions err", NOTES["Which way predictions err"]),
        ):
            if detail in {METRICS[name].detail for name in rows["metric"].unique()}:
                body = [_robustness_row(by, several, study.looks, detail) for by in _by_row(rows, study.looks)]
                columns, cells = [name for name, _ in body[0]], [[Cell(text) for _, text in row] for row in body]
                yield Table(f"{title}: {dataset}", columns, cells, n_words=3 + several, note=note, open=False)


def _by_row(rows: pd.DataFrame, looks: Looks) -> list[dict[str, pd.Series]]:
    order, levels = list(looks), in_order(rows["level"].unique())
    keys = ["training", *NetworkKey._fields, "level", "label"]
    grouped = [{str(row["metric"]): row for _, row in part.iterrows()} for _, part in rows.groupby(keys, sort=False)]

    def place(by: dict[str, pd.Series]) -> tuple[Any, ...]:
        dsc = by["dsc"]
        return level_order(dsc["training"]), order.index(_key(dsc)), levels.index(dsc["level"])

    return sorted(grouped, key=place)


def _key(row: pd.Series) -> NetworkKey:
    return NetworkKey(*row[list(NetworkKey._fields)])


def _robustness_row(by: dict[str, pd.Series], several: bool, looks: Looks, detail: bool) -> list[tuple[str, str]]:
    """Column and text: what a network is, then its metrics that have, or don't have, the table of details."""
    dsc = by["dsc"]
    title = looks[_key(dsc)].title + (" (degenerate)" if dsc["degenerate"] else "")
    trained = [("trained on", dsc["training"] or "all")] if several else []
    words = [("network", title), *trained, ("level", dsc["level"]), ("label", dsc["label"])]
    numbers = [] if detail else [("n", str(dsc["n"])), ("seeds x folds", str(dsc["n_seeds"]))]
    for metric in (metric for name, metric in METRICS.items() if name in by and metric.detail == detail):
        row = by[metric.name]
        numbers += [(f"{metric.title} mean", number(row["mean"], sign=metric.signed)), ("sd", number(row["sd"]))]
        numbers += [("CV", number(row["cv"]))] if metric.name == "dsc" else []
        numbers += [("change", number(row["change"], sign=True))]
        numbers += [("relative", number(row["relative_change"], sign=True))] if metric.name == "dsc" else []
    if detail:
        return [*words, *numbers, ("volume change", number(dsc["volume_change"], sign=True))]
    return [*words, *numbers, *((name.removeprefix("n_").replace("_", " "), str(dsc[name])) for name in OUTCOMES)]


def _facts(study: Study) -> list[tuple[str, str]]:
    facts = []
    for comparison in study.comparisons:
        dataset = comparison.reference.dataset
        rows = study.cases[study.cases["dataset"] == dataset]
        told = {"compared": _compared(study, comparison, rows)}
        for what, column in (("trainers", "trainer"), ("plans", "plans"), ("configurations", "configuration")):
            told[what] = ", ".join(filter(None, rows[column].unique())) or "not known"
        told["changes are counted from"] = _reference_levels(rows)
        told["labels from"] = comparison.labels.origin
        told["mirroring at prediction"] = texts.mirroring_words(comparison.runs) or "not known"
        facts += [(f"{dataset}: {what}", words) for what, words in told.items()]
    return facts


def _reference_levels(rows: pd.DataFrame) -> str:
    levels = in_order(rows["reference_level"].unique())
    if len(levels) > 1 and (rows["reference_level"] == rows["trained_on"]).all():
        return "the level that each network was trained on"
    return ", ".join(level or "none" for level in levels)
