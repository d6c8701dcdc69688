"""Sentences and tables of why networks fail, made from the numbers."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from nnunet_skipstudy.analysis.explained.picture import bounded
from nnunet_skipstudy.analysis.explained.read import FIELDS, MASSES
from nnunet_skipstudy.analysis.explained.shares import SMALLEST_DROP, Loss
from nnunet_skipstudy.analysis.figures.looks import Looks, training_title
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey, groups
from nnunet_skipstudy.analysis.report.page import NOTES, Cell, Finding, Table
from nnunet_skipstudy.analysis.report.words import count, interval, joined, number, percent
from nnunet_skipstudy.analysis.statistics.estimates import NETWORKS
from nnunet_skipstudy.explain import SUSCEPTIBILITY

PLACED = ("network", "dataset", "trained on", "level", "place")
"""The first columns of tables."""
SPARE = 1.2
"""A sum of shares of single skips above it says that they can stand in for each other."""
NOISE = 0.1
"""Of a Hellinger distance: two standard deviations of what it varies by over samples of ten cases (simulated)."""
LITTLE = 0.1
"""Of the loss: a share whose whole interval lies below it is called none to speak of."""
TITLES = {"skip": "skip {}", "all": "all skips", "all_but": "all skips but {}", "decoder": "below {}"}


def place_title(part: str, depth: float) -> str:
    """A place in words: ``skip 0``, ``bottleneck``."""
    return TITLES.get(part, part).format(int(depth))


def sentences(found: Sequence[Loss], looks: Looks) -> list[Finding]:
    """One finding a network and training set, of the level with the largest loss; what else there is stands behind."""
    told = []
    for place in dict.fromkeys((one.dataset, one.training, one.key) for one in found):
        own = [one for one in found if (one.dataset, one.training, one.key) == place]
        own.sort(key=lambda one: -one.drop[0])
        words = [_sentence(one, looks[one.key].title) for one in own]
        of_data_set = f"{place[0]}: " if len({one.dataset for one in found}) > 1 else ""
        told.append(Finding(of_data_set + words[0], (*_behind(own[0]), *words[1:])))
    return told


def _sentence(loss: Loss, title: str) -> str:
    trained = f" ({training_title(loss.training)})" if loss.training else ""
    there = f"DSC from {loss.reference} to {loss.level}"
    if loss.drop[0] <= 0:
        gain = interval(-loss.drop[0], -loss.drop[2], -loss.drop[1])
        return f"{title}{trained} gains {gain} {there}: there is no loss to be shared out."
    start = f"{title}{trained} loses {interval(*loss.drop)} {there}"
    if math.isnan(loss.drop[1]):
        start += f" in {count(loss.n_groups, 'group')} of cases, too few for an interval"
    if not loss.rows:
        why = "that is too little" if loss.drop[0] < SMALLEST_DROP else "which may be chance, too unsure"
        return f"{start}: {why} to say where it passes."
    if not loss.skips:
        return f"{start}; it has no skip that could carry it."
    first = max(loss.skips, key=lambda row: row["estimate"])
    together = _of(loss.share("patch", "all"))
    top = " (full resolution)" if first["depth"] == 0 else ""
    return (
        f"{start}: {_of(first)} of it comes back by {place_title('skip', first['depth'])}{top} alone"
        f"{f', {together} by all skips together' if together else ''}, "
        f"{_of(loss.share('patch', 'bottleneck'))} by the bottleneck."
    )


def _of(row: dict[str, Any] | None) -> str:
    return bounded(row["estimate"], row["low"], row["high"]) if row else ""


def _behind(loss: Loss) -> Iterator[str]:
    """What stands behind a sentence: whom it speaks of, the reverse, and where susceptibility says otherwise."""
    if not loss.rows:
        return
    yield f"{count(loss.n_cases, 'case')} in {count(loss.n_groups, 'group')}, {_trainings(loss)}."
    if not loss.skips:
        return
    restored = [f"{place_title('skip', row['depth'])} {_of(row)}" for row in loss.skips]
    back = [(row["depth"], loss.share("reverse", "skip", row["depth"])) for row in loss.skips]
    brought = [f"{place_title('skip', depth)} {_of(row)}" for depth, row in back if row]
    spare = sum(row["estimate"] for row in loss.skips) > SPARE
    yield (
        f"What comes back by one skip alone: {joined(restored)}. What its perturbed features alone bring into the pass "
        f"of the {loss.reference} image: {joined(brought) or 'not tried'}."
        + (" One skip can stand in for another, so these don't add up to 100 %." if spare else "")
    )
    yield from _disagreements(loss)


def _trainings(loss: Loss) -> str:
    if math.isnan(loss.drop[1]):
        return f"{count(loss.n_trainings, 'training')}: nothing is known of how sure this is"
    if loss.rows[0]["scope"] == NETWORKS:
        return f"{loss.n_trainings} trainings, whose variance is counted"
    if loss.n_trainings == 1:
        return "one training: another seed may fail elsewhere"
    return (
        f"{loss.n_trainings} trainings on different cases, whose variance is not known: another seed may fail elsewhere"
    )


def _disagreements(loss: Loss) -> Iterator[str]:
    """Skips whose activations move far, by chance left aside, and that carry next to nothing."""
    excess = {row["depth"]: row["hellinger"] - row["hellinger_chance"] for row in loss.skips}
    if any(math.isnan(value) for value in excess.values()):
        yield f"How far activations move at {loss.level} is not known: {SUSCEPTIBILITY} doesn't tell."
        return
    most = max(excess.values())
    still = [row for row in loss.skips if excess[row["depth"]] > max(most / 2, NOISE) and row["high"] < LITTLE]
    for row in still:
        yield (
            f"Susceptibility misleads at {place_title('skip', row['depth'])}: its activations move (Hellinger "
            f"{number(row['hellinger'])}, by chance {number(row['hellinger_chance'])}), but it carries {_of(row)}."
        )
    moved = max(loss.skips, key=lambda row: excess[row["depth"]])
    carrier = max(loss.skips, key=lambda row: row["estimate"])
    farther = excess[moved["depth"]] - excess[carrier["depth"]] > NOISE
    if farther and moved["high"] < carrier["low"] and moved not in still:
        yield (
            f"Susceptibility misleads: it is largest at {place_title('skip', moved['depth'])}, which carries "
            f"{_of(moved)}; {place_title('skip', carrier['depth'])} carries {_of(carrier)}."
        )
    elif not still:
        yield "Susceptibility and share name the same skip, or skips whose shares or movements may be equal."


def tables(found: Sequence[Loss], looks: Looks) -> Iterator[Table]:
    """Shares of every place, and what other interventions do."""
    columns = [*PLACED, "restored", "brought", "Hellinger", "by chance", "Wasserstein"]
    rows = []
    for loss in found:
        for row in loss.rows:
            if row["intervention"] == "patch":
                back = loss.share("reverse", row["part"], row["depth"])
                moved = [number(row[name]) for name in ("hellinger", "hellinger_chance", "wasserstein")]
                texts = [*_words(loss, looks), place_title(row["part"], row["depth"]), _of(row), _of(back), *moved]
                rows.append([Cell(text) for text in texts])
    if rows:
        yield Table(
            "Shares of the loss by place",
            columns,
            rows,
            n_words=5,
            note=NOTES["Shares of the loss by place"],
            open=False,
        )
    effects = [
        [*map(Cell, (*_words(loss, looks), place_title(part, depth), kind, "" if strength < 0 else f"{strength:g}")),
         Cell(number(value, sign=True))]
        for loss in found for (kind, strength, part, depth), value in loss.effects.items()
    ]  # fmt: skip
    if effects:
        yield Table(
            "Other interventions on skips",
            [*PLACED, "intervention", "strength", "change of DSC"],
            effects,
            n_words=7,
            note=NOTES["Other interventions on skips"],
            open=False,
        )


def field_table(fields: pd.DataFrame, looks: Looks) -> Iterator[Table]:
    """Effective receptive fields, mean over trainings."""
    unit = ["dataset", *NetworkKey._fields, "training", "level"]
    rows = []
    for (dataset, *key, training, level), own in groups(fields, *unit):
        seen, possible, share = own[FIELDS].mean()
        words = (looks[NetworkKey(*key)].title, dataset, training or "all", level)
        rows.append([Cell(text) for text in (*words, f"{seen:.0f}", f"{possible:.0f}", percent(share))])
    yield Table(
        "Effective receptive field of the centre voxel",
        [*PLACED[:4], "voxels seen", "within reach", "share"],
        rows,
        open=False,
        n_words=4,
        note=NOTES["Effective receptive field"],
    )


def attention_table(looked: pd.DataFrame, looks: Looks) -> Iterator[Table]:
    """How much of the gates' weight lies in the object, mean over cases and trainings; nothing without gates."""
    unit = ["dataset", *NetworkKey._fields, "training", "level", "depth"]
    rows = []
    for (dataset, *key, training, level, depth), own in groups(looked, *unit):
        place = [looks[NetworkKey(*key)].title, dataset, training or "all", level, place_title("skip", float(depth))]
        rows.append([Cell(text) for text in (*place, *(percent(share) for share in own[MASSES].mean()))])
    if rows:
        yield Table(
            "Attention in the object",
            [*PLACED, "of the gate's weight", "of the image"],
            rows,
            n_words=5,
            note="Equal: the gate looks everywhere alike. The maps stand beside the predictions of the cases above.",
            open=False,
        )


def _words(loss: Loss, looks: Looks) -> list[str]:
    return [looks[loss.key].title, loss.dataset, loss.training or "all", loss.level]


def shares_table(found: Sequence[Loss]) -> pd.DataFrame:
    """shares.csv: a row a place and way; of a loss that is not shared out one row without an estimate."""
    rows = []
    for loss in found:
        architecture, network, plans, configuration = loss.key
        own = {
            **{"dataset": loss.dataset, "architecture": architecture, "trainer": network, "plans": plans},
            **{"configuration": configuration, "trained_on": loss.training, "level": loss.level},
            **{"reference_level": loss.reference},
            **dict(zip(("drop", "drop_low", "drop_high"), loss.drop, strict=True)),
        }
        rows += [
            {**own, **row, "depth": None if row["depth"] < 0 else int(row["depth"])} for row in loss.rows or [_NONE]
        ]
    return pd.DataFrame(rows, columns=None if rows else ["level"]).astype({"depth": "Int64"} if rows else {})


_NONE: dict[str, Any] = {
    **{"intervention": "", "part": "", "depth": -1, "estimate": math.nan, "low": math.nan, "high": math.nan},
    **{"n_cases": 0, "n_groups": 0, "n_trainings": 0, "scope": ""},
    **dict.fromkeys(("hellinger", "hellinger_chance", "wasserstein"), math.nan),
}
