"""Which part of a loss each skip carries: ratios of sums over cases, with intervals.

The share of a place is the sum over cases of (DSC patched - DSC perturbed), by the sum of (DSC reference - DSC
perturbed); the reverse puts the perturbed features into the reference pass. Shares don't add up to 1: where one of two
skips would do, each alone restores the loss and neither alone brings it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.explained.read import MEASURES, PLACE
from nnunet_skipstudy.analysis.inputs.references import Reference
from nnunet_skipstudy.analysis.inputs.runs import architecture_order
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey, groups
from nnunet_skipstudy.analysis.statistics.between_trainings import Between, replicate_numbers
from nnunet_skipstudy.analysis.statistics.bootstrap import Counts as Codes
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, divide
from nnunet_skipstudy.analysis.statistics.estimates import NETWORKS, TRAININGS
from nnunet_skipstudy.analysis.statistics.intervals import Estimates, ratios
from nnunet_skipstudy.analysis.statistics.paired import training_numbers
from nnunet_skipstudy.registry import in_order

SMALLEST_DROP = 0.05
"""Of the mean DSC; a smaller loss is not shared out, nor one whose interval reaches 0: its shares could be anything."""
MODEL = ["dataset", *NetworkKey._fields, "training"]
"""What trainings that are joined share."""
STAGES = {"skip": "skip", "bottleneck": "encoder", "decoder": "decoder"}
"""Of susceptibility.csv, the part whose activations a place hands on."""


@dataclass(frozen=True)
class Loss:
    """What one network loses at one level, shared out.

    ``drop``: mean DSC at the reference level minus that at the level, and its interval, of so many cases, groups and
    trainings. ``rows``: of shares.csv, one a place and way, empty where the loss is too small to be shared out.
    ``effects``: mean change of the DSC by other interventions, (intervention, strength, part, depth) to value.
    """

    key: NetworkKey
    dataset: str
    training: str
    level: str
    reference: str
    drop: tuple[float, float, float]
    n_cases: int
    n_groups: int
    n_trainings: int
    rows: list[dict[str, Any]]
    effects: dict[tuple[str, float, str, float], float] = field(default_factory=dict)

    def share(self, kind: str, part: str, depth: float = -1) -> dict[str, Any] | None:
        """One row; ``depth`` -1 for places without one."""
        wanted = (kind, part, depth)
        return next((row for row in self.rows if (row["intervention"], row["part"], row["depth"]) == wanted), None)

    @property
    def skips(self) -> list[dict[str, Any]]:
        """The rows of single skips, patched, full resolution first."""
        return [row for row in self.rows if (row["intervention"], row["part"]) == ("patch", "skip")]


def losses(scores: pd.DataFrame, moved: pd.DataFrame, references: dict[str, Reference]) -> list[Loss]:
    """Every network's loss at every level but its reference, of the rows of explain.csv and susceptibility.csv."""
    scores = scores.assign(**{name: scores[name].fillna(-1) for name in ("depth", "strength")})
    scores = scores[scores["level"] != scores["reference_level"]]
    unit = [*MODEL, "trainer", "fold", "seed", "level", "reference_level", "case", "intervention", *PLACE, "strength"]
    scores = scores.groupby(unit, sort=False, dropna=False)[["dsc", "dsc_level", "dsc_reference"]].mean().reset_index()
    found = []
    for place, rows in groups(scores, *MODEL, "level"):
        dataset, *key, training, level = place
        own = moved[(moved[[*MODEL, "level"]] == list(place)).all(axis=1)]
        found.append(_loss(NetworkKey(*key), (dataset, training, level), rows, own, references[dataset]))
    order = in_order(dict.fromkeys(one.level for one in found))

    def row(one: Loss) -> tuple[Any, ...]:
        return one.dataset, one.training, order.index(one.level), architecture_order(one.key.architecture), one.key

    return sorted(found, key=row)


def _loss(
    key: NetworkKey, place: tuple[str, str, str], rows: pd.DataFrame, moved: pd.DataFrame, reference: Reference
) -> Loss:
    rows = rows.assign(replicate=replicate_numbers(rows))
    plain = rows[rows["intervention"] == "none"]
    drops = _by_case(plain.assign(value=plain["dsc_reference"] - plain["dsc_level"]))
    clusters = pd.factorize(np.array([reference.groups.get(case) or f"case {case}" for case in drops.index]))[0]
    drop = _estimated(drops.to_numpy()[..., None], np.ones((*drops.shape, 1)), clusters)
    bounds = (float(drop.estimate[0]), float(drop.low[0]), float(drop.high[0]))
    effects: dict[tuple[str, float, str, float], float] = {}
    others = rows[~rows["intervention"].isin(["none", "patch", "reverse"])]
    for (kind, strength, part, depth), made in groups(others, "intervention", "strength", *PLACE):
        effects[kind, float(strength), part, float(depth)] = float((made["dsc"] - made["dsc_level"]).mean())
    tells = bounds[0] >= SMALLEST_DROP and not bounds[1] <= 0  # without an interval, NaN
    shared = list(_shares(rows, drops, clusters, moved)) if tells else []
    counts = len(drops), int(clusters.max()) + 1, int(training_numbers(rows).nunique())
    return Loss(key, *place, str(rows["reference_level"].iloc[0]), bounds, *counts, shared, effects)


def _by_case(rows: pd.DataFrame) -> pd.DataFrame:
    """``value`` by case and replicate."""
    return rows.pivot_table("value", "case", "replicate", sort=True)


def _shares(rows: pd.DataFrame, drops: pd.DataFrame, clusters: Codes, moved: pd.DataFrame) -> Iterator[dict[str, Any]]:
    gains: dict[tuple[str, ...], Floats] = {}
    for at, made in groups(rows[rows["intervention"].isin(["patch", "reverse"])], "intervention", *PLACE):
        gain = made["dsc"] - made["dsc_level"] if at[0] == "patch" else made["dsc_reference"] - made["dsc"]
        gains[at] = _by_case(made.assign(value=gain)).reindex_like(drops).to_numpy(dtype=float)
    if not gains:
        return
    whole = np.repeat(drops.to_numpy(dtype=float)[..., None], len(gains), axis=2)
    found = _estimated(np.stack(list(gains.values()), axis=2), whole, clusters)
    for number, ((kind, part, depth), gained) in enumerate(gains.items()):
        tried = ~np.isnan(gained).all(axis=1)
        several = int(found.k[number]) > 1
        yield {
            **{"intervention": kind, "part": part, "depth": float(depth)},
            **{"estimate": found.estimate[number], "low": found.low[number], "high": found.high[number]},
            **{"n_cases": int(tried.sum()), "n_groups": len(set(clusters[tried])), "n_trainings": int(found.k[number])},
            "scope": NETWORKS if several else TRAININGS,
            **_moved(moved, part, float(depth)),
        }


def _moved(moved: pd.DataFrame, part: str, depth: float) -> dict[str, float]:
    """The susceptibility of what a place hands on, mean over trainings; what comes up from below is the stage there."""
    own = moved[moved["part"] == STAGES.get(part)]
    depths = {"bottleneck": own["depth"].max(), "decoder": depth + 1}
    own = own[own["depth"] == depths.get(part, depth)]
    return {name: float(own[name].mean()) for name in MEASURES}


def _estimated(parts: Floats, wholes: Floats, clusters: Codes) -> Estimates:
    """Ratios over (case, replicate, place), NaN where a replicate lacks the case; ``clusters``: cases' groups."""
    known = ~np.isnan(parts) & ~np.isnan(wholes)
    there = np.zeros((int(clusters.max()) + 1, parts.shape[2]), bool)
    np.logical_or.at(there, clusters, known.any(axis=1))

    def by_group(values: Floats) -> Floats:
        sums = np.zeros(there.shape)
        np.add.at(sums, clusters, np.where(known, values, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1))
        return sums

    k = np.full(parts.shape[2], parts.shape[1])
    of_each = divide(np.where(known, parts, 0).sum(axis=0), np.where(known, wholes, 0).sum(axis=0))
    spread = of_each.var(axis=0, ddof=1) / k if len(of_each) > 1 else np.full(len(k), np.nan)
    sums = by_group(parts), by_group(wholes)
    return ratios(*sums, there, Between(spread, k - 1.0, k), None)
