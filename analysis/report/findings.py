"""What came out, in words made from the numbers."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.figures.looks import Looks, training_title
from nnunet_skipstudy.analysis.measuring.columns import NETWORK, NetworkKey, groups, network_keys
from nnunet_skipstudy.analysis.report.page import Finding
from nnunet_skipstudy.analysis.report.words import capital, count, interval, joined, number
from nnunet_skipstudy.analysis.results import Study
from nnunet_skipstudy.analysis.statistics.bootstrap import nanmean
from nnunet_skipstudy.analysis.statistics.hardest import AS_FOUND, hardest_level, hardest_words
from nnunet_skipstudy.analysis.statistics.setting import Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.wins import TIE
from nnunet_skipstudy.registry import METRICS, in_order, known_order, level_order

MAX_FINDINGS = 5
EVEN = 0.01
"""Recall and precision closer than this are alike."""
SOME_FAILURES = 0.005

_Place = tuple[str, str, NetworkKey, str]


def standings(summary: pd.DataFrame, statistics: Statistics, include_degenerate: bool = False) -> pd.DataFrame:
    """Mean DSC of each network at each level, over cases; with several labels of a case's mean over them.

    ``summary`` is the one by ``training``; means and changes are those of ``statistics``, so that they lie in the
    intervals. ``include_degenerate``: whether degenerate networks are eligible.

    Returns:
        One row per data set, training, network and level with ``key`` (the network), ``dsc``, ``change``
        (against ``reference_level``) and ``eligible``: not degenerate for any label (unless included), and not
        without predictions.
    """
    dsc = summary[summary["metric"] == "dsc"].copy()
    predictions = dsc[[name for name in dsc.columns if name.startswith("n_") and name != "n_seeds"]].sum(axis=1)
    sound = ~dsc["degenerate"] | include_degenerate
    dsc["eligible"] = sound & (dsc["n_absent"] < predictions) & dsc["mean"].notna()
    keys = ["dataset", "training", *NETWORK[1:], "level"]
    table = (
        dsc.groupby(keys, sort=False)
        .agg(reference_level=("reference_level", "first"), eligible=("eligible", "all"))
        .reset_index()
    )
    table["key"] = network_keys(table)
    means, changes = _dsc(statistics)
    places = list(table[["dataset", "training", "key", "level"]].itertuples(index=False, name=None))
    return table.assign(dsc=[means[place] for place in places], change=[changes[place] for place in places])


def _dsc(statistics: Statistics) -> tuple[dict[_Place, float], dict[_Place, float]]:
    """Mean DSC and its mean change, of the mean over labels where there are several."""
    means: dict[_Place, float] = {}
    changes: dict[_Place, float] = {}
    for setting in statistics.settings:  # the mean over labels comes first
        for (network, key), (level, name) in product(enumerate(setting.networks), enumerate(setting.levels)):
            place, at = (setting.dataset, setting.training, key, name), (slice(None), network, level)
            means.setdefault(place, float(nanmean(setting.dsc[at])))
            changes.setdefault(place, float(nanmean(setting.dsc_changes[at])))
    return means, changes


def best_networks(rows: pd.DataFrame) -> tuple[NetworkKey, ...]:
    """The networks with the highest mean DSC among the eligible of one level; several where they tie, none at 0."""
    eligible = rows[rows["eligible"] & (rows["dsc"] > TIE)]
    if eligible.empty:
        return ()
    return tuple(eligible.loc[eligible["dsc"] >= eligible["dsc"].max() - TIE, "key"])


def findings(study: Study, table: pd.DataFrame) -> tuple[list[Finding], list[Finding]]:
    """What came out, a line each: how much is lost, who is best where, which way networks fail; ``table``: standings.

    Returns:
        The first five, taken in turn from each data set, and all others, among them those on each training set of a
        data set that has several.
    """
    main: list[tuple[int, Finding]] = []
    more: list[Finding] = []
    several = table["dataset"].nunique() > 1
    for (dataset,), rows in groups(table, "dataset"):
        where = f"{dataset}: " if several else ""
        trainings = sorted(rows["training"].unique(), key=level_order)
        own: list[Finding] = []
        for training in trainings:
            part = rows[rows["training"] == training]
            title = training_title(training, len(trainings) > 1)
            start = f"{where}{title}: " if title else where
            setting = next(s for s in study.statistics.settings if (s.dataset, s.training) == (dataset, training))
            own += [f._replace(text=capital(start + f.text)) for f in _of_training(part, setting, study)]
        if len(trainings) > 1 and rows["key"].nunique() > 1:
            more += own
            overall = study.statistics.overall(dataset)[0]
            own = [f._replace(text=capital(where + f.text)) for f in _over_trainings(rows, overall, study)]
        main += enumerate(own)
    ordered = [finding for _, finding in sorted(main, key=lambda pair: pair[0])]
    return ordered[:MAX_FINDINGS], [*ordered[MAX_FINDINGS:], *more]


def _over_trainings(rows: pd.DataFrame, setting: Setting, study: Study) -> Iterator[Finding]:
    looks = study.looks
    cells = [best_networks(cell) for _, cell in groups(rows, "training", "level")]
    wins = Counter(key for cell in cells if len(cell) == 1 for key in cell)
    ties = sum(len(cell) > 1 for cell in cells)
    order = sorted((key for key in looks if wins[key]), key=lambda key: -wins[key])
    parts = [f"{looks[key].title}'s in {wins[key]}" for key in order] + ([f"shared in {ties}"] if ties else [])
    levels = _level_means(rows)
    hardest = hardest_level(levels)
    shifted = rows[(rows["level"] == hardest) & (rows["reference_level"] != hardest) & rows["change"].notna()]
    able = _able(rows)
    able = able[able.index.isin(shifted.index)]
    complete = able.groupby("key").filter(lambda part: bool(part["eligible"].all()))
    means = complete.groupby("key", sort=False)["change"].mean().sort_values(ascending=False, kind="stable")
    if len(means) > 1:
        n = complete["training"].nunique()
        averaged = f" (averaged over {n} training sets)" if n > 1 else ""
        yield Finding(
            f"on the way to {hardest}, {hardest_words(levels)}, mean DSC{averaged} changes most "
            f"favourably for {looks[means.index[0]].title} ({number(means.iloc[0], True)}) and least favourably for "
            f"{looks[means.index[-1]].title} ({number(means.iloc[-1], True)}).",
            _behind(study, setting, "change", hardest),
        )
    yield Finding(
        f"of {len(cells)} pairs of training and test set, the highest mean DSC is {joined(parts)}.",
        _behind(study, setting, "mean", hardest),
    )


def _of_training(rows: pd.DataFrame, setting: Setting, study: Study) -> Iterator[Finding]:
    levels = in_order(rows["level"].unique())
    looks, hardest = study.looks, hardest_level(_level_means(rows))
    first, *notes = _losses(rows, looks) or ["", ""]
    behind = _behind(study, setting, "change", hardest)
    if first:
        yield Finding(first, behind)
    if rows["key"].nunique() == 1:
        title = looks[rows["key"].iloc[0]].title
        means = rows.set_index("level")["dsc"]
        listed = ", ".join(f"{number(means[level])} at {level}" for level in levels)
        best = f"one network only, {title}, so there is nothing to rank: mean DSC {listed}."
    else:
        best = _best_per_level(rows, levels, looks)
    yield Finding(best, _behind(study, setting, "mean", hardest))
    yield from _direction(study, setting, hardest)
    yield from _failures(study, setting, hardest)
    yield from (Finding(note) for note in notes if note)


def _behind(study: Study, setting: Setting, quantity: str, level: str, metric: str = "dsc") -> tuple[str, ...]:
    """Each network's number at a level, with its interval."""
    words = {"change": "change of mean {}", "mean": "mean {}"}[quantity].format(METRICS[metric].title)
    return tuple(
        f"{study.looks[row['key']].title}, {words} at {level}: "
        f"{interval(row['estimate'], row['low'], row['high'], quantity == 'change')}, "
        f"{count(int(row['n_groups']), 'group')} of cases"
        for row in study.statistics.rows(setting, quantity, metric, level)
        if row["key"] in study.looks
    )


def _direction(study: Study, setting: Setting, level: str) -> Iterator[Finding]:
    """Whether what is lost is missed or spilled, where both are measured."""
    ranked = {setting.networks[i] for i in setting.ranked}
    recall, precision = (
        nanmean(np.array([row["estimate"] for row in study.statistics.rows(setting, "mean", metric, level)
                          if row["key"] in ranked] or [math.nan]))
        for metric in ("recall", "precision")
    )  # fmt: skip
    if not np.isfinite([recall, precision]).all():
        return
    way = "too small rather than too large" if recall < precision else "too large rather than too small"
    if abs(recall - precision) < EVEN:
        way = "as often too large as too small"
    yield Finding(
        f"predictions at {level} are {way}: recall {number(float(recall))}, precision {number(float(precision))}, "
        "mean of networks.",
        (*_behind(study, setting, "mean", level, "recall"), *_behind(study, setting, "mean", level, "precision")),
    )


def _failures(study: Study, setting: Setting, level: str) -> Iterator[Finding]:
    """Who fails wholly at a level, and how often."""
    shares = nanmean(setting.failures[:, :, setting.levels.index(level)], 0)
    order = [int(i) for i in np.argsort(-shares, kind="stable") if shares[i] >= SOME_FAILURES]
    if order:
        named = [f"{study.looks[setting.networks[i]].title} {shares[i]:.0%}" for i in order[:3]]
        others = [f"{count(len(order) - 3, 'other')} less often"] if len(order) > 3 else []
        yield Finding(f"predictions missed, spurious or absent at {level}: {joined([*named, *others])} (of cases).")


def _level_means(rows: pd.DataFrame) -> dict[str, float]:
    """Each level's mean DSC over the eligible networks (all, where none is)."""
    eligible = rows[rows["eligible"]] if rows["eligible"].any() else rows
    levels = in_order(rows["level"].unique())
    means = eligible.groupby("level")["dsc"].mean()
    return {level: float(means.get(level, math.nan)) for level in levels}


def _able(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of networks with half of the best one's mean DSC or more where changes are counted from.

    The others have little to lose, so that to lose little is no merit of theirs.
    """
    start = rows[rows["level"] == rows["reference_level"]].groupby("key")["dsc"].mean()
    return rows[~rows["key"].isin(list(start.index[start < start.max() / 2]))]


def _best_per_level(rows: pd.DataFrame, levels: Sequence[str], looks: Looks) -> str:
    winners: dict[tuple[NetworkKey, ...], list[str]] = {}
    for level in levels:
        at_level = rows[rows["level"] == level]
        best = best_networks(at_level)
        value = f"{level} ({number(at_level.set_index('key')['dsc'][best[0]])})" if best else level
        winners.setdefault(best, []).append(value)
    parts = []
    for best, where in winners.items():
        names = joined([looks[key].title for key in best]) or "no network that predicts anything useful"
        parts.append(f"{names} at {joined(where)}")
    return f"highest mean DSC by level: {'; '.join(parts)}."


def _losses(rows: pd.DataFrame, looks: Looks) -> list[str]:
    """Who loses most and least on the way to the hardest level, then who had little to lose; empty without changes."""
    reference = rows["reference_level"].iloc[0]
    levels = _level_means(rows)
    hardest = hardest_level(levels)
    if not reference or (hardest == reference and len(levels) == 1):
        return []
    if hardest == reference:
        harder = "is harder" if known_order(levels) else "has a lower mean DSC"
        return [f"no level {harder} than {reference}, the level it is counted from, so no loss is stated."]
    sound = rows[rows["eligible"]]
    able = _able(sound)
    changes = able[(able["level"] == hardest) & able["change"].notna()]
    weak = joined([looks[key].title for key in dict.fromkeys(sound["key"]) if key not in set(able["key"])])
    told = (
        f"{weak} had less than half of the best network's mean DSC at {reference}, so little to lose." if weak else ""
    )
    ordered = changes.sort_values("change", ascending=False, kind="stable")
    if ordered.empty:
        return ["", told]
    said = [
        f"{looks[row.key].title} ({number(row.change, True)}, to {number(row.dsc)})"
        for row in (ordered.iloc[0], ordered.iloc[-1])
    ]
    where = hardest if known_order(levels) else f"{hardest}, {AS_FOUND}"
    start = f"from {reference} to {where}, mean DSC changes"
    if len(ordered) == 1:
        return [f"{start} for {said[0]}.", told]
    if ordered["change"].iloc[0] - ordered["change"].iloc[-1] <= TIE:
        titles = joined([looks[key].title for key in ordered["key"]])
        return [f"{start} alike for {titles} ({number(ordered['change'].iloc[0], True)}).", told]
    return [f"{start} most favourably for {said[0]} and least favourably for {said[1]}.", told]
