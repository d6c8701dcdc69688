"""What the intervals and tests say, in words: which differences hold, and which may be chance."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.figures.looks import Looks
from nnunet_skipstudy.analysis.report.words import capital, count, interval, joined, number, p_value
from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS
from nnunet_skipstudy.analysis.statistics.estimates import NETWORKS, TRAININGS
from nnunet_skipstudy.analysis.statistics.hardest import hardest_level
from nnunet_skipstudy.analysis.statistics.setting import ALL_LABELS, ALL_LEVELS, ALL_TRAININGS, Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.tallies import ALL, ALL_DATASETS, HARDER, PERTURBED
from nnunet_skipstudy.analysis.statistics.verdict import (
    BETTER,
    EQUIVALENT,
    SIGNIFICANT,
    WORSE,
    share_of_trainings,
    trainings_needed,
)
from nnunet_skipstudy.analysis.statistics.wins import TIE
from nnunet_skipstudy.registry import SKIP_PAIRS

OWN_LEVEL = "the level trained on"
Row = dict[str, Any]
ONE_TRAINING = (
    "Where networks were trained once, a verdict is on these trainings: how much another seed would change isn't "
    "known, and it may turn a difference round."
)


def evidence(statistics: Statistics, datasets: list[str], looks: Looks) -> list[str]:
    """Sentences on each data set's overall setting (the mean over labels, and over synthetic training sets)."""
    found = []
    for dataset in datasets:
        overall = statistics.overall(dataset)
        if overall and len(overall[0].networks) > 1:
            where = f"{dataset}: " if len(datasets) > 1 else ""
            found += [capital(where + sentence) for sentence in _of_setting(statistics, overall[0], looks)]
    return [*found, *map(capital, _tally(statistics, datasets))]


def _of_setting(statistics: Statistics, setting: Setting, looks: Looks) -> Iterator[str]:
    n_groups = len(set(setting.groups))
    if n_groups < MIN_GROUPS:
        yield (
            f"{count(len(setting.cases), 'case')} in {count(n_groups, 'independent group')}: too few cases for "
            f"intervals and tests (fewer than {MIN_GROUPS} groups); none is printed."
        )
        return
    means = {level: _mean_of_networks(statistics, setting, level) for level in setting.levels}
    hardest = hardest_level(means)
    yield from _skips(statistics, setting, looks, hardest, _reference(setting, means))
    yield from _first_and_second(statistics, setting, looks, hardest)
    yield from _groups(statistics, setting, hardest)
    yield from _ranking(statistics, setting, looks)
    if any(row["scope"] == TRAININGS for row in statistics.rows(setting, "difference", level=hardest)):
        yield ONE_TRAINING


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


def _first_and_second(statistics: Statistics, setting: Setting, looks: Looks, level: str) -> Iterator[str]:
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
    found = statistics.difference(setting, "difference", level, first["key"], second["key"])
    if found is None:
        return
    told = with_verdict(found)
    before = looks[second["key"]].title
    if found["estimate"] > 0:
        false = (
            f" The claim that it leads is false with probability {found['p_false']:.2f}." if found["verdict"] else ""
        )
        yield f"at {level}, {title} leads in {value}, before {before} by {told}.{false}{_sources(found)}"
    else:  # their own cases differ
        yield f"at {level}, {title} leads in {value}; on the cases that {before} has, too, it differs by {told}."


def _sources(row: dict[str, Any]) -> str:
    """Where a difference's uncertainty comes from, and how many trainings would settle it; empty where not known."""
    if row["scope"] != NETWORKS or not row["verdict"]:
        return ""
    k, n_groups = int(row["n_trainings"]), int(row["n_groups"])
    share = share_of_trainings(row["se_cases"], row["se_trainings"])
    if np.isnan(share):  # all cases and trainings tell the same
        return ""
    needed = trainings_needed(row["estimate"], row["se_cases"], row["se_trainings"], k, n_groups)
    settle = (
        "no number of trainings would settle it on these cases"
        if needed is None
        else f"{needed} trainings of each network would settle it (80 % power); there are {k}"
    )
    return f" {share:.0%} of its variance comes from the trainings, the rest from the cases; {settle}."


def _skips(statistics: Statistics, setting: Setting, looks: Looks, level: str, reference: str) -> Iterator[str]:
    """First what is asked, whether a network without skips loses less; then how the two stand at each level."""
    for without, with_skips in SKIP_PAIRS:
        for key in setting.networks:
            if key.architecture != without:
                continue
            other = key.trained_alike(with_skips)
            pair = f"{looks[key].title} minus {looks[other].title}" if other in looks else ""
            lost = statistics.difference(setting, "difference_of_change", level, key, other)
            if lost is not None:
                yield f"change of mean DSC from {reference} to {level}, {pair}: {with_verdict(lost)}.{_sources(lost)}"
            parts = []
            for place in dict.fromkeys([level, *([reference] if reference in setting.levels else [])]):
                row = statistics.difference(setting, "difference", place, key, other)
                parts += [] if row is None else [f"at {place} {with_verdict(row)}"]
            if parts:
                yield f"mean DSC, {pair}: {'; '.join(parts)}."


def _reference(setting: Setting, means: dict[str, float]) -> str:
    """The level that the hardest is set against: the one changes are counted from, else the easiest."""
    if setting.training == ALL_TRAININGS:
        return OWN_LEVEL
    shared = set(setting.references) - {""}
    return shared.pop() if len(shared) == 1 else hardest_level(means, easiest=True)


def _groups(statistics: Statistics, setting: Setting, level: str) -> Iterator[str]:
    rows = statistics.rows(setting, "group_difference", level=level)
    if rows:
        parts = [f"{row['group']} minus {row['other_group']} {with_verdict(row, 'trainings')}" for row in rows]
        yield f"groups of networks, mean DSC at {level}: {'; '.join(parts)}."


def _ranking(statistics: Statistics, setting: Setting, looks: Looks) -> Iterator[str]:
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
    chance = {
        name: row["estimate"]
        for name in ("share_first_by_chance", "rank_agreement_by_chance")
        for row in statistics.rows(setting, name, level=level)
    }
    yield (
        f"ranking of these trainings by mean DSC {where}: {comes} in {best:.0%} of bootstrap samples (equal networks: "
        f"{chance['share_first_by_chance']:.0%}); {told}; agreement of rankings under resampling (Kendall tau) "
        f"{number(agreement)} (equal networks: {number(chance['rank_agreement_by_chance'])})."
    )


def _tally(statistics: Statistics, datasets: list[str]) -> Iterator[str]:
    """The study's own form of claim: contests won by each group of networks, over all data sets."""
    rows = statistics.tallies
    rows = rows[rows["dataset"] == (ALL_DATASETS if len(datasets) > 1 else datasets[0])] if datasets else rows
    if rows["architecture"].nunique() < 3:  # the groups' own rows have none
        return
    parts = []
    for levels, metric, quantity, words in (
        (HARDER, "dsc", "mean", "by mean DSC at the harder levels"),
        (HARDER, "dsc", "most_cases", "by DSC in most cases there"),
        (PERTURBED, "dsc", "mean", "by mean DSC at all perturbed levels"),
        (ALL, "dsc", "mean", "by mean DSC at all levels"),
        (ALL, "dsc", "cv", "by the CV of the DSC over cases at all levels"),
    ):
        chosen = (rows["levels"] == levels) & (rows["metric"] == metric) & (rows["quantity"] == quantity)
        found = rows[chosen & (rows["architecture"] == "") & (rows["group"] != "")]
        if found.empty or not (n := int(found["n_contests"].max())):
            continue
        won = found[found["won"] > 0].sort_values("won", ascending=False, kind="stable")
        listed = [f"{row['group']} in {row['won']}" for row in won.to_dict("records")]
        shared = n - int(found["won"].sum())
        parts.append(f"{words} {joined([*listed, *([f'shared in {shared}'] if shared else [])])} of {n}")
    if parts:
        yield (
            f"which group has the best network: {'; '.join(parts)}. Counts hold no test: see the intervals. All of "
            "them: tallies.csv."
        )


def with_verdict(row: Row, unit: str = "two trainings") -> str:
    """A difference with its interval, test and verdict; ``unit`` is what differs where trainings are judged."""
    text = interval(row["estimate"], row["low"], row["high"], sign=True)
    if not int(row["n_groups"]):
        return f"{text} (no common cases)"
    n = f"n = {int(row['n_groups'])}"
    if not row["verdict"]:
        return f"{text} ({n}: too few for a test)"
    p = f"{p_value(row['p_holm'])}, " if np.isfinite(row["p_holm"]) else ""
    return f"{text} ({p}{n}: {verdict(row, unit)})"


def verdict(row: Row, unit: str = "two trainings") -> str:
    """The verdict's words; where the rank test says otherwise, that too."""
    whom = "the networks" if row["scope"] == NETWORKS else f"these {unit}"
    found = row["verdict"]
    if found == EQUIVALENT:
        return f"{whom} are equivalent within {number(row['smallest_difference'])}"
    ranks = _ranks(row)
    if found in (BETTER, WORSE):
        return f"{whom} differ" + (f"; {ranks}" if ranks else "")
    alone = not row["low"] <= 0 <= row["high"]
    chance = f"may be chance among {int(row['n_tests'])} comparisons" if alone else "may be chance"
    return chance + (f"; {ranks}" if ranks else "")


def _ranks(row: Row) -> str:
    """Few large differences one way, many small ones the other: the mean follows the few, the rank test the many."""
    differ = row["verdict"] in (BETTER, WORSE)
    if pd.isna(row["p_ranks_holm"]):
        return ""
    by_ranks = row["p_ranks_holm"] < SIGNIFICANT
    if by_ranks and not differ:
        return "ranks differ, means may not"
    if by_ranks and np.sign(row["effect"]) != np.sign(row["estimate"]):
        return "ranks differ the other way: many small differences against few large ones"
    return "means differ, ranks may not" if differ and not by_ranks else ""
