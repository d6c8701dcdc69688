"""What the intervals and tests say, in words: which differences hold, and which may be chance."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.figures.looks import Look
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.report.words import capital, count, interval, joined, number, p_value
from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS, Floats, nanmean
from nnunet_skipstudy.analysis.statistics.hardest import easiest_level, hardest_level
from nnunet_skipstudy.analysis.statistics.pairwise import MIN_PAIRS
from nnunet_skipstudy.analysis.statistics.setting import ALL_LABELS, ALL_LEVELS, ALL_TRAININGS, Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.wins import TIE
from nnunet_skipstudy.registry import ARCHITECTURES, SKIP_PAIRS

SIGNIFICANT = 0.05


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
    means = {level: _mean_of_networks(statistics, setting, level) for level in setting.levels}
    hardest = hardest_level(means)
    yield from _first_and_second(statistics, setting, looks, hardest)
    yield from _skips(statistics, setting, looks, hardest, _reference(setting, means))
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


def _mean_of_networks(statistics: Statistics, setting: Setting, level: str) -> float:
    means = statistics.by_network(setting, "mean", level)
    known = [means[setting.networks[i]]["estimate"] for i in setting.ranked]
    known = [value for value in known if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")


def _first_and_second(
    statistics: Statistics, setting: Setting, looks: dict[NetworkKey, Look], level: str
) -> Iterator[str]:
    means = statistics.by_network(setting, "mean", level)
    known = [means[setting.networks[i]] for i in setting.ranked]
    ranked = sorted((row for row in known if np.isfinite(row["estimate"])), key=lambda row: -row["estimate"])
    if not ranked:
        return
    first = ranked[0]
    title = looks[first["key"]].title
    value = f"mean DSC{scope(setting)}: {interval(first['estimate'], first['low'], first['high'])}"
    if len(ranked) == 1:
        if len(known) > 1:
            yield f"at {level}, only {title} has a {value}; it leads nobody."
        return
    tied = [row for row in ranked if row["estimate"] >= first["estimate"] - TIE]
    if len(tied) > 1:
        titles = [look.title for key, look in looks.items() if key in {row["key"] for row in tied}]
        yield f"at {level}, {joined(titles)} share the highest mean DSC{scope(setting)}: {number(first['estimate'])}."
        return
    second = ranked[1]
    found = _difference(statistics, setting, "difference", level, first["key"], second["key"])
    if found is None:
        return
    told = _tested(found, setting, *(_side(setting, looks, row["key"], level) for row in (first, second)))
    before = looks[second["key"]].title
    if found["estimate"] > 0:
        yield f"at {level}, {title} leads in {value}, before {before} by {told}."
    else:  # their own cases differ
        yield f"at {level}, {title} leads in {value}; on the cases that {before} has, too, it differs by {told}."


def _skips(
    statistics: Statistics, setting: Setting, looks: dict[NetworkKey, Look], level: str, reference: str
) -> Iterator[str]:
    for without, with_skips in SKIP_PAIRS:
        for key in setting.networks:
            if key.architecture != without:
                continue
            other = key.trained_alike(with_skips)
            here = _difference(statistics, setting, "difference", level, key, other)
            if here is None:
                continue
            at_level = [_side(setting, looks, network, level) for network in (key, other)]
            sentence = (
                f"skips left out or not: {looks[key].title} minus {looks[other].title} in mean DSC at {level}: "
                f"{_tested(here, setting, *at_level)}"
            )
            there = None
            if reference not in ("", level):
                there = _difference(statistics, setting, "difference", reference, key, other)
            if there is None:
                yield f"{sentence}."
            else:
                at_reference = [_side(setting, looks, network, reference) for network in (key, other)]
                yield f"{sentence}; at {reference}: {_tested(there, setting, *at_reference)}."


def _reference(setting: Setting, means: dict[str, float]) -> str:
    """The level that the hardest is set against: the one changes are counted from, else the easiest."""
    shared = set(setting.references) - {""}
    return shared.pop() if len(shared) == 1 else easiest_level(means)


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


@dataclass(frozen=True)
class _Side:
    """One side of a difference: its name, and the cases' values at one level."""

    title: str
    values: Floats


def _side(setting: Setting, looks: dict[NetworkKey, Look], key: NetworkKey, level: str) -> _Side:
    return _Side(looks[key].title, _values(setting, [setting.networks.index(key)], level))


def _values(setting: Setting, networks: list[int], level: str) -> Floats:
    """Each case's DSC at a level, the mean over networks."""
    return nanmean(setting.dsc[:, networks, setting.levels.index(level)], 1)


def _tested(row: dict[str, Any], setting: Setting, first: _Side, other: _Side) -> str:
    text = interval(row["estimate"], row["low"], row["high"], sign=True)
    if not int(row["n_groups"]):
        return f"{text} (no common cases)"
    n = f"n = {int(row['n_groups'])}"
    if pd.isna(row["p_holm"]):
        return f"{text} ({n}; no test{row['test'].split(';')[0].removeprefix('none')})"
    verdict = "may be chance"
    if row["p_holm"] < SIGNIFICANT:
        agree = np.sign(row["effect"]) == np.sign(row["estimate"])
        verdict = "they differ" if agree else _disagreement(row["effect"], first, other, setting)
    return f"{text} ({p_value(row['p_holm'])}, effect {number(row['effect'], sign=True)}, {n}: {verdict})"


def _disagreement(effect: float, first: _Side, other: _Side, setting: Setting) -> str:
    """Few large differences one way, many small ones the other: the mean follows the few, the test the many."""
    by_group = setting.group_means(np.sign(effect) * (first.values - other.values))
    better, n = int((by_group > 0).sum()), int(np.isfinite(by_group).sum())
    title = first.title if effect > 0 else other.title
    if 2 * better > n:
        return f"mean and ranks disagree: {title} is better in most groups of cases, {better} of {n}"
    return f"mean and ranks disagree: by ranks {title} is better"


def _groups(statistics: Statistics, setting: Setting, level: str) -> Iterator[str]:
    rows = statistics.rows(setting, "group_difference", level=level)
    if rows:
        parts = [
            f"{row['group']} minus {row['other_group']} "
            f"{_tested(row, setting, *(_group_side(setting, row[name], level) for name in ('group', 'other_group')))}"
            for row in rows
        ]
        yield f"groups of networks, mean DSC at {level}: {'; '.join(parts)}."


def _group_side(setting: Setting, group: str, level: str) -> _Side:
    members = [
        i
        for i in setting.ranked
        if (known := ARCHITECTURES.get(setting.networks[i].architecture)) and known.group == group
    ]
    return _Side(group, _values(setting, members, level))


def _ranking(statistics: Statistics, setting: Setting, looks: dict[NetworkKey, Look]) -> Iterator[str]:
    level = ALL_LEVELS if len(setting.levels) > 1 else setting.levels[0]
    shares = statistics.rows(setting, "share_first", level=level)
    friedman = statistics.rows(setting, "friedman", level=level)
    if not shares or not friedman:
        return
    best = max(row["estimate"] for row in shares)
    first = [looks[row["key"]].title for row in shares if row["estimate"] >= best - TIE]
    comes = f"{first[0]} comes first" if len(first) == 1 else f"{joined(first)} each come first"
    where = "averaged over all levels" if level == ALL_LEVELS else f"at {level}"
    test = friedman[0]
    told = (
        f"Friedman chi-squared {test['statistic']:.1f}, {p_value(test['p_value'])}, n = {int(test['n_groups'])} groups"
        if np.isfinite(test["p_value"])
        else f"no Friedman test ({str(test['test']).removeprefix('none: ')})"
    )
    agreement = statistics.rows(setting, "rank_agreement", level=level)[0]["estimate"]
    yield (
        f"ranking by mean DSC {where}: {comes} in {best:.0%} of bootstrap samples; "
        f"{told}; agreement of rankings under resampling (Kendall tau) {number(agreement)}."
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
