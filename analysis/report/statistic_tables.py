"""The page's tables of test levels, tests, ranks and wins; all others lie in statistics.csv and wins.csv."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from nnunet_skipstudy.analysis.figures.looks import Looks, training_title
from nnunet_skipstudy.analysis.inputs.level_effects import LevelFacts, level_facts
from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.measuring.columns import NETWORK, PUBLISHED, NetworkKey, network_keys
from nnunet_skipstudy.analysis.report.charts import setting_title
from nnunet_skipstudy.analysis.report.evidence import verdict
from nnunet_skipstudy.analysis.report.page import NOTES, Cell, Table
from nnunet_skipstudy.analysis.report.words import interval, number
from nnunet_skipstudy.analysis.statistics.across_levels import across_levels
from nnunet_skipstudy.analysis.statistics.factorial import EFFECTS
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.td_axis import TD_WORDS, axis_measure, size_rows
from nnunet_skipstudy.registry import METRICS, UNPERTURBED, in_order
from nnunet_skipstudy.texture.disparity import TOLD_APART


def statistic_tables(
    statistics: Statistics, cases: pd.DataFrame, datasets: list[str], looks: Looks, include_degenerate: bool = False
) -> Iterator[Table]:
    """For each data set: what joins the levels, wins, and of its overall setting the differences and ranks by DSC.

    ``include_degenerate``: whether degenerate networks took part in ``statistics``.
    """
    for dataset in datasets:
        overall = statistics.overall(dataset)
        yield from _across(statistics, cases[cases["dataset"] == dataset], dataset, looks)
        yield from _texture_and_size(cases[cases["dataset"] == dataset], dataset)
        if overall and len(overall[0].networks) > 1:
            yield _wins(statistics, dataset, looks, include_degenerate)
            yield from _differences(statistics, overall[0], looks)
            yield from _ranks(statistics, overall[0], looks)


def _across(statistics: Statistics, cases: pd.DataFrame, dataset: str, looks: Looks) -> Iterator[Table]:
    if cases["level"].nunique() < 2:
        return
    found = across_levels(cases, [*NETWORK, "training", "label"])
    found = found[found["metric"] == "dsc"]
    keyed = zip(network_keys(found), found.to_dict("records"), strict=True)
    by_place = {(row["training"], row["label"], key): row for key, row in keyed}
    rates = cases.assign(failed=cases["outcome"].isin(["missed", "spurious", "absent"]))
    failures = rates.groupby(["training", "label", *NETWORK[1:]], sort=False)["failed"].mean()
    rows = []
    for setting in statistics.settings:
        if setting.dataset != dataset:
            continue
        spreads = statistics.by_network(setting, "cv_across_levels")
        slopes = statistics.by_network(setting, "slope_on_disparity")
        for index, key in enumerate(setting.networks):
            row = by_place.get((setting.training, setting.label, key))
            if row is None:
                continue
            title = looks[key].title + ("" if setting.eligible[index] else " (degenerate)")
            words = [title, setting_title(setting, statistics) or "all cases"]
            numbers = [
                _interval_of(spreads.get(key)),
                f"{spreads[key]['n_cases']} of {len(setting.cases)}" if key in spreads else "–",
                number(row["cv_of_level_means"]),
                f"{row['worst_level']} ({number(row['worst_mean'])})",
                number(row["disparity_area"]),
                _interval_of(slopes.get(key), sign=True),
                f"{failures.get((setting.training, setting.label, *key), 0):.1%}",
            ]
            rows.append([Cell(text) for text in (*words, *numbers)])
    measure = TD_WORDS[axis_measure(cases)]
    columns = ["network", "compared in", "CV across levels", "cases with one", "CV of level means", "worst level"]
    yield Table(
        f"DSC over all levels: {dataset}",
        [*columns, "area over TD", "slope on TD", "failures"],
        rows,
        n_words=2,
        note=NOTES["DSC over all levels"].format(measure=measure),
    )


def _texture_and_size(cases: pd.DataFrame, dataset: str) -> Iterator[Table]:
    """Where texture disparity lies and how it goes with object size, level by level."""
    rows = [
        [
            *(row.level, str(row.n_cases), number(row.value), number(row.excess)),
            *(f"{share:.0%}" if share == share else "–" for share in (row.told_apart, row.as_named)),
            *(number(row.value_with_size, sign=True), number(row.excess_with_size, sign=True)),
        ]
        for row in size_rows(cases)
    ]
    if rows:
        yield Table(
            f"Texture disparity by level: {dataset}",
            ["level", "cases", "TD", "TD excess", "told apart", "as named", "TD ~ size", "excess ~ size"],
            [[Cell(text) for text in row] for row in rows],
            note=NOTES["Texture disparity by level"].format(
                told_apart=TOLD_APART, measure=TD_WORDS[axis_measure(cases)]
            ),
            open=False,
        )


def _interval_of(row: dict[str, Any] | None, sign: bool = False) -> str:
    return "–" if row is None else interval(row["estimate"], row["low"], row["high"], sign)


def _wins(statistics: Statistics, dataset: str, looks: Looks, include_degenerate: bool) -> Table:
    """In how many levels (of all training sets and labels) each network is best, by metric."""
    wins = statistics.wins[(statistics.wins["dataset"] == dataset) & ~statistics.wins["trained_on"].str.startswith("(")]
    wins = wins[~wins["label"].str.startswith("(") | (wins["label"].nunique() == 1)]
    contests = [("mean", metric, row.title) for metric, row in METRICS.items() if not row.detail]
    contests += [("most_cases", "dsc", "DSC in most cases"), ("most_cases", "hd", "HD in most cases")]
    contests += [("cv", "dsc", "CV of DSC"), ("cv_across_levels", "dsc", "CV of DSC across levels")]
    contests += [("cv_of_level_means", "dsc", "CV of DSC's level means")]
    columns = ["network", "group"]
    cells: dict[NetworkKey, list[Cell]] = {}
    for quantity, metric, title in contests:
        rows = wins[(wins["quantity"] == quantity) & (wins["metric"] == metric)]
        if rows.empty:
            continue
        columns.append(f"{title} (of {len(rows[['trained_on', 'label', 'level']].drop_duplicates())})")
        keys = network_keys(rows, PUBLISHED)
        won = rows["best"].groupby(pd.Series(keys, index=rows.index), sort=False).sum()
        for key in looks:
            if key in won.index:
                count = int(won[key])
                cells.setdefault(key, []).append(Cell(str(count), best=count == won.max() and count > 0))
    shares = [
        METRICS[metric] for quantity, metric, _ in contests if quantity == "mean" and metric in set(wins["metric"])
    ]
    highest = " or ".join(row.title for row in shares if not row.lower_is_better)
    body = [[Cell(looks[key].title), Cell(looks[key].group), *row] for key, row in cells.items()]
    return Table(
        f"Wins: {dataset}",
        columns,
        body,
        n_words=2,
        note=f"How often a network is best: highest mean {highest}, shortest mean distance, alone the best in the "
        f"most cases, smallest CV. Ties count "
        f"for each. Degenerate networks {'take part, too' if include_degenerate else 'take no part'}. "
        f"{_left_out(wins, looks)}All contests, with shares of cases and of bootstrap samples: wins.csv.",
    )


def _left_out(wins: pd.DataFrame, looks: Looks) -> str:
    """Who takes no part in the table's contests for the smallest CV, although not degenerate, where and why."""
    rows = wins[(wins["metric"] == "dsc") & wins["quantity"].isin(["cv", "cv_across_levels", "cv_of_level_means"])]
    rows = rows[~rows["eligible"].astype(bool)]
    overall = wins[(wins["quantity"] == "mean") & ~wins["eligible"].astype(bool)]
    degenerate = set(_places(overall))
    words: dict[tuple[str, str], list[str]] = {}
    for row, place in zip(rows.to_dict("records"), _places(rows), strict=True):
        if place not in degenerate:
            key = NetworkKey(*(row[name] for name in PUBLISHED))
            where = "across levels" if row["level"] == ALL_LEVELS else f"at {row['level']}"
            labels = [row["label"]] if wins["label"].nunique() > 1 else []
            trained = [training_title(row["trained_on"])] if row["trained_on"] else []
            words.setdefault((looks[key].title, row["reason"]), []).append(", ".join([where, *labels, *trained]))
    if not words:
        return ""
    listed = [f"{title} {'; '.join(places)} ({reason})" for (title, reason), places in words.items()]
    return f"Not ranked by CV: {'; '.join(listed)}. "


def _places(rows: pd.DataFrame) -> list[tuple[str, ...]]:
    names = ["trained_on", "label", *PUBLISHED]
    return list(rows[names].itertuples(index=False, name=None))


def _differences(statistics: Statistics, setting: Setting, looks: Looks) -> Iterator[Table]:
    rows = []
    for quantity, what in (("difference", "DSC"), ("difference_of_change", "change of DSC")):
        for row in statistics.rows(setting, quantity):
            words = [looks[row["key"]].title, looks[row["other"]].title, row["level"], what]
            numbers = [
                interval(row["estimate"], row["low"], row["high"], sign=True),
                str(row["n_cases"]),
                str(row["n_groups"]),
                _p(row["p_value"]),
                _p(row["p_holm"]),
                verdict(row) if row["verdict"] else "–",
                _p(row["p_ranks_holm"]),
                number(row["effect"], sign=True),
            ]
            rows.append([Cell(text) for text in (*words, *numbers)])
    if rows:
        yield Table(
            f"Pairs of networks by DSC: {_name(setting, statistics)}",
            [
                *("network", "minus", "level", "of", "difference [95 %]", "cases", "groups", "p", "p (Holm)"),
                *("verdict", "p of ranks (Holm)", "effect"),
            ],
            rows,
            n_words=4,
            note=NOTES["Pairs of networks by DSC"],
            open=False,
        )


def _ranks(statistics: Statistics, setting: Setting, looks: Looks) -> Iterator[Table]:
    levels = (*setting.levels, ALL_LEVELS) if len(setting.levels) > 1 else setting.levels
    rows = []
    for level in levels:
        means, ranks, shares = (
            statistics.by_network(setting, quantity, level) for quantity in ("mean_rank", "rank_of_mean", "share_first")
        )
        for key in means:
            numbers = [
                number(means[key]["estimate"]),
                f"{ranks[key]['estimate']:g} [{ranks[key]['low']:g}, {ranks[key]['high']:g}]",
                f"{shares[key]['estimate']:.0%}",
                str(means[key]["n_groups"]),
            ]
            rows.append([Cell(text) for text in (looks[key].title, level, *numbers)])
    if rows:
        yield Table(
            f"Ranks by DSC: {_name(setting, statistics)}",
            ["network", "level", "mean rank", "rank of mean [95 %]", "first in", "groups"],
            rows,
            n_words=2,
            note=NOTES["Ranks by DSC"],
            open=False,
        )


def _name(setting: Setting, statistics: Statistics) -> str:
    title = setting_title(setting, statistics)
    return f"{setting.dataset}, {title}" if title else setting.dataset


def _p(value: float) -> str:
    if pd.isna(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def level_tables(comparisons: Sequence[Comparison]) -> Iterator[Table]:
    """For each data set with a perturbations.csv: its levels, how they were made, and their side effects."""
    for comparison in comparisons:
        facts = level_facts(comparison.reference, in_order(run.level for run in comparison.runs))
        unperturbed = next(
            (fact.effects.leak_unperturbed for fact in facts if fact.effects and fact.effects.n_cases), None
        )
        if unperturbed is None:
            continue
        yield Table(
            f"Test levels: {comparison.reference.dataset}",
            ["level", "perturbation", "cases", "median TD", "PSNR, dB", "leak probe"],
            [_level_row(fact, unperturbed) for fact in facts],
            n_words=2,
            note=NOTES["Test levels"],
        )


def _level_row(fact: LevelFacts, unperturbed: float) -> list[Cell]:
    effects = fact.effects
    psnr = f"{effects.psnr_db:.1f}" if effects and effects.n_cases else "–"
    leak = unperturbed if fact.level == UNPERTURBED else effects.leak if effects else None
    words = [fact.level, effects.parameters if effects else "–", str(effects.n_cases) if effects else "–"]
    return [Cell(text) for text in (*words, number(fact.disparity), psnr, number(leak))]


def factorial_tables(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Table]:
    """For each data set tested at the 2 x 2: what each network loses, and of it to texture, distortion and both."""
    for dataset in datasets:
        for setting in statistics.overall(dataset)[:1]:
            found = {quantity: statistics.by_network(setting, quantity) for quantity in EFFECTS}
            rows = [
                [
                    Cell(look.title),
                    *(
                        Cell(interval(row["estimate"], row["low"], row["high"], sign=True))
                        for row in (found[quantity][key] for quantity in EFFECTS)
                    ),
                    *(Cell(str(found["joint_effect"][key][name])) for name in ("n_cases", "n_groups", "n_trainings")),
                ]
                for key, look in looks.items()
                if key in found["joint_effect"]
            ]
            if rows:
                yield Table(
                    f"Texture or distortion: {dataset}",
                    ["network", "both [95 %]", "texture", "distortion", "interaction", "cases", "groups", "trainings"],
                    rows,
                    note=NOTES["Texture or distortion"],
                )
