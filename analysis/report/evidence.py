"""What the intervals and tests say, in words: which differences hold, and which may be chance."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.looks import Look, NetworkKey
from nnunet_skipstudy.analysis.report.words import capital, count, interval, joined, number, p_value
from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS
from nnunet_skipstudy.analysis.statistics.pairwise import MIN_PAIRS
from nnunet_skipstudy.analysis.statistics.setting import ALL_LABELS, ALL_LEVELS, ALL_TRAININGS, Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.registry import level_order

SIGNIFICANT = 0.05
SKIP_PAIRS = (("NoSkip", "UNet"), ("NoSkipVNet", "VNet"), ("NoTopSkip", "UNet"))
"""Networks that differ in their skips alone: the one without first."""


def evidence(statistics: Statistics, datasets: list[str], looks: dict[NetworkKey, Look]) -> list[str]:
    """Sentences on each data set's overall setting (the mean over labels, and over synthetic training sets)."""
    found = []
    for dataset in datasets:
        overall = statistics.overall(dataset)
        if overall and len(overall[0].networks) > 1:
            where = f"{dataset}: " if len(datasets) > 1 else ""
            found += [capital(where + sentence) for sentence in _of_setting(statistics, overall[0], looks)]
    return [*found, *_tally(statistics, datasets)]


def _of_setting(statistics: Statistics, setting: Setting, looks: dict[NetworkKey, Look]) -> Iterator[str]:
    n_groups = len(set(setting.groups))
    if n_groups < MIN_GROUPS:
        yield (
            f"{count(len(setting.cases), 'case')} in {count(n_groups, 'independent group')}: too few cases for "
            f"intervals (fewer than {MIN_GROUPS} groups) and tests (fewer than {MIN_PAIRS}); none is printed."
        )
        return
    hardest = setting.levels[0]
    yield from _first_and_second(statistics, setting, looks, hardest)
    yield from _skips(statistics, setting, looks, hardest)
    yield from _groups(statistics, setting, hardest)
    yield from _ranking(statistics, setting, looks)


def scope(setting: Setting) -> str:
    """What a setting averages over, in words; empty for nothing."""
    parts = []
    if setting.training == ALL_TRAININGS:
        parts.append("training sets")
    if setting.label == ALL_LABELS:
        parts.append("labels")
    return f" (mean over {joined(parts)})" if parts else ""


def _first_and_second(
    statistics: Statistics, setting: Setting, looks: dict[NetworkKey, Look], level: str
) -> Iterator[str]:
    means = statistics.by_network(setting, "mean", level)
    ranked = sorted((means[setting.networks[i]] for i in setting.ranked), key=lambda row: -row["estimate"])
    if len(ranked) < 2:
        return
    first, second = ranked[:2]
    found = _difference(statistics, setting, "difference", level, first["key"], second["key"])
    if found is None:
        return
    yield (
        f"at {level}, {looks[first['key']].title} leads in mean DSC{scope(setting)}: "
        f"{interval(first['estimate'], first['low'], first['high'])}, before {looks[second['key']].title} by "
        f"{_tested(found)}."
    )


def _skips(statistics: Statistics, setting: Setting, looks: dict[NetworkKey, Look], level: str) -> Iterator[str]:
    for without, with_skips in SKIP_PAIRS:
        for key in setting.networks:
            if key[0] != without:
                continue
            suffix = key[1].removeprefix(f"nnUNetTrainer{without}")
            other = (with_skips, f"nnUNetTrainer{with_skips}{suffix}", *key[2:])
            here = _difference(statistics, setting, "difference", level, key, other)
            if here is None:
                continue
            easiest = _reference(setting, level)
            sentence = (
                f"skips left out or not: {looks[key].title} minus {looks[other].title} in mean DSC at {level}: "
                f"{_tested(here)}"
            )
            there = _difference(statistics, setting, "difference", easiest, key, other) if easiest else None
            yield sentence + (f"; at {easiest}: {_tested(there)}." if there is not None else ".")


def _reference(setting: Setting, hardest: str) -> str:
    """The level that the hardest is set against: the one changes are counted from, else the easiest."""
    shared = set(setting.references) - {""}
    level = shared.pop() if len(shared) == 1 else min(setting.levels, key=lambda name: _easy(name))
    return level if level != hardest else ""


def _easy(level: str) -> tuple[float, ...]:
    first, second, _ = level_order(level)
    return (-first, -second)


def _difference(
    statistics: Statistics, setting: Setting, quantity: str, level: str, first: NetworkKey, other: NetworkKey
) -> dict[str, Any] | None:
    """The row of first minus other, turned round where the table has it the other way."""
    for row in statistics.rows(setting, quantity, level=level):
        if (row["key"], row["other"]) == (first, other):
            return row
        if (row["key"], row["other"]) == (other, first):
            turned = {"estimate": -row["estimate"], "low": -row["high"], "high": -row["low"], "effect": -row["effect"]}
            return row | turned
    return None


def _tested(row: dict[str, Any]) -> str:
    text = interval(row["estimate"], row["low"], row["high"], sign=True)
    n = f"n = {int(row['n_groups'])}"
    if pd.isna(row["p_holm"]):
        return f"{text} ({n}; no test{row['test'].split(';')[0].removeprefix('none')})"
    verdict = "they differ" if row["p_holm"] < SIGNIFICANT else "may be chance"
    return f"{text} ({p_value(row['p_holm'])}, effect {number(row['effect'], sign=True)}, {n}: {verdict})"


def _groups(statistics: Statistics, setting: Setting, level: str) -> Iterator[str]:
    rows = statistics.rows(setting, "group_difference", level=level)
    if rows:
        parts = [f"{row['group']} minus {row['other_group']} {_tested(row)}" for row in rows]
        yield f"groups of networks, mean DSC at {level}: {'; '.join(parts)}."


def _ranking(statistics: Statistics, setting: Setting, looks: dict[NetworkKey, Look]) -> Iterator[str]:
    level = ALL_LEVELS if len(setting.levels) > 1 else setting.levels[0]
    shares = statistics.rows(setting, "share_first", level=level)
    friedman = statistics.rows(setting, "friedman", level=level)
    if not shares or not friedman:
        return
    best = max(shares, key=lambda row: row["estimate"])
    where = "averaged over all levels" if level == ALL_LEVELS else f"at {level}"
    test = friedman[0]
    told = (
        f"Friedman chi-squared {test['statistic']:.1f}, {p_value(test['p_value'])}, n = {int(test['n_groups'])} groups"
        if np.isfinite(test["p_value"])
        else f"no Friedman test ({str(test['test']).removeprefix('none: ')})"
    )
    agreement = statistics.rows(setting, "rank_agreement", level=level)[0]["estimate"]
    yield (
        f"ranking by mean DSC {where}: {looks[best['key']].title} comes first in {best['estimate']:.0%} of bootstrap "
        f"samples; {told}; agreement of rankings under resampling (Kendall tau) {number(agreement)}."
    )


def _tally(statistics: Statistics, datasets: list[str]) -> Iterator[str]:
    """The study's own form of claim: contests won by each group of networks, over all data sets."""
    wins = statistics.wins
    if wins.empty or wins["architecture"].nunique() < 2:
        return
    parts = []
    for metric, quantity, words in (
        ("dsc", "mean", "by mean DSC"),
        ("hd", "mean", "by mean Hausdorff distance"),
        ("dsc", "cv", "by the CV of the DSC over cases"),
    ):
        rows = wins[(wins["metric"] == metric) & (wins["quantity"] == quantity) & ~wins["trained_on"].eq(ALL_TRAININGS)]
        several = rows.groupby("dataset")["label"].transform("nunique") > 1
        rows = rows[~several | (rows["label"] == ALL_LABELS)]
        best = rows[rows["best"]]
        places = ["dataset", "trained_on", "level"]
        n = len(best[places].drop_duplicates())
        if not n:
            continue
        won = best.drop_duplicates([*places, "group"]).groupby(places)["group"].agg(list)
        single = pd.Series([groups[0] for groups in won if len(groups) == 1], dtype=object).value_counts()
        tied = int(sum(len(groups) > 1 for groups in won))
        listed = [f"{group} in {number_won}" for group, number_won in single.items()]
        parts.append(f"{words} {joined([*listed, *([f'shared in {tied}'] if tied else [])])} of {n}")
    if parts:
        where = "data set, training set and level" if wins["trained_on"].nunique() > 1 else "data set and level"
        yield (
            f"Which group has the best network, for each {where}: {'; '.join(parts)}. Counts of wins hold no test: "
            "see the intervals."
        )
