"""The numbers behind the page's interactive charts, as plain lists for its script."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nnunet_skipstudy.analysis.figures.looks import Looks, level_title, training_title
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.contrasts import Contrast, Contrasts, contrasts
from nnunet_skipstudy.analysis.statistics.estimates import NETWORKS, TRAININGS
from nnunet_skipstudy.analysis.statistics.hardest import axis_title
from nnunet_skipstudy.analysis.statistics.setting import ALL_LABELS, ALL_LEVELS, ALL_TRAININGS, Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.td_axis import TD_WORDS
from nnunet_skipstudy.analysis.statistics.tradeoff import tradeoff_points
from nnunet_skipstudy.analysis.statistics.verdict import BETTER, EQUIVALENT, UNDECIDED, WORSE
from nnunet_skipstudy.registry import METRICS, known_order

MAX_POINTS = 400
"""Points of one network in the chart of TD; more are thinned evenly."""
Json = dict[str, Any]


def charts(statistics: Statistics, looks: Looks, units: dict[str, str]) -> Json:
    """Everything that the charts show.

    Returns:
        ``networks``: title, group, colour, dashes, marker, in order; ``metrics``: name, title; ``settings``: those of
        :meth:`Statistics.overall` first, each with its ``means`` by metric and its ``forest``, the overall ones with
        ``disparity`` and ``tradeoff``. Networks and levels are numbered; what isn't known is null.
    """
    order = {key: index for index, key in enumerate(looks)}
    overall = {id(s): s for dataset in units for s in statistics.overall(dataset)}
    settings = [*overall.values(), *(s for s in statistics.settings if id(s) not in overall)]
    return {
        "networks": [
            {name: getattr(look, name) for name in ("title", "group", "colour", "dashes", "marker")}
            for look in looks.values()
        ],
        "metrics": [
            {"name": row.name, "title": row.title, "bounded": row.bounded, "lower": row.lower_is_better}
            | ({"signed": True} if row.signed else {})
            for row in METRICS.values()
            if any(row.name in setting.metrics for setting in statistics.settings)
        ],
        "settings": [
            _setting(setting, statistics, order, units[setting.dataset], id(setting) in overall) for setting in settings
        ],
    }


def _setting(setting: Setting, statistics: Statistics, order: dict[NetworkKey, int], unit: str, overall: bool) -> Json:
    return {
        "dataset": setting.dataset,
        "title": setting_title(setting, statistics),
        "training": _training(setting),
        "label": None if setting.label == ALL_LABELS else setting.label,
        "unit": unit,
        "levels": [level_title(level) for level in setting.levels],
        "axis": axis_title(setting.levels, gap=2).replace("  ", " \u00a0"),
        "joined": known_order(setting.levels),
        "reference": setting.levels.index(level) if (level := setting.shared_reference) in setting.levels else None,
        "means": _means(statistics, setting, order),
        "forest": _forest(contrasts(statistics, setting), setting, order),
        "disparity": _disparity(setting, order) if overall else None,
        "tradeoff": _tradeoff(statistics, setting, order) if overall else None,
    }


def setting_title(setting: Setting, statistics: Statistics) -> str:
    """A setting's name in a menu, without its data set's; empty where there is nothing to tell it from."""
    training = _training(setting)
    label = "mean of labels" if setting.label == ALL_LABELS else f"label {setting.label}"
    if len({other.label for other in statistics.settings if other.dataset == setting.dataset}) == 1:
        label = ""
    return ", ".join(word for word in (training, label) if word)


def _training(setting: Setting) -> str:
    return "mean of training sets" if setting.training == ALL_TRAININGS else training_title(setting.training)


def _means(statistics: Statistics, setting: Setting, order: dict[NetworkKey, int]) -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = {}
    for metric in setting.metrics:
        rows = {(row["key"], row["level"]): row for row in statistics.rows(setting, "mean", metric)}
        found[metric] = [
            {
                "network": order[key],
                "degenerate": not bool(setting.eligible[index]),
                **{
                    name: _numbers([rows[key, level][column] for level in setting.levels])
                    for name, column in (("mean", "estimate"), ("low", "low"), ("high", "high"))
                },
                "n": [[int(rows[key, level][name]) for name in ("n_cases", "n_groups")] for level in setting.levels],
            }
            for index, key in enumerate(setting.networks)
        ]
    return found


SKIP_WORDS = {BETTER: "help", WORSE: "hurt"}
VERDICT_WORDS = {EQUIVALENT: "equivalent", UNDECIDED: "undecided", "": "no interval"}
SCOPES = {
    NETWORKS: "of the networks: variance between trainings counted",
    TRAININGS: "of these trainings: another seed may differ",
}


def _forest(found: Contrasts, setting: Setting, order: dict[NetworkKey, int]) -> Json | None:
    if not found.changes and not found.differences:
        return None

    def rows(contrasts: Sequence[Contrast]) -> list[Json]:
        return [
            {
                "first": order[one.first],
                "other": None if one.other is None else order[one.other],
                "level": setting.levels.index(one.level),
                **{name: _numbers([getattr(one, name)])[0] for name in ("estimate", "low", "high", "zone")},
                "verdict": one.verdict,
                "scope": SCOPES.get(one.scope, one.scope),
            }
            for one in contrasts
        ]

    alone = any(one.other is None for one in found.changes)
    words = SKIP_WORDS if found.skips else {BETTER: "gain", WORSE: "loss"} if alone else {}
    return {
        "skips": found.skips,
        "hardest": setting.levels.index(found.hardest),
        "words": {BETTER: "better", WORSE: "worse"} | VERDICT_WORDS | words,
        "changes": rows(found.changes),
        "differences": rows(found.differences),
    }


def _disparity(setting: Setting, order: dict[NetworkKey, int]) -> Json | None:
    series = []
    for key, (disparity, values, line) in setting.dsc_lines.items():
        places = np.argwhere(~np.isnan(disparity) & ~np.isnan(values))
        if len(places) > MAX_POINTS:
            places = places[np.linspace(0, len(places) - 1, MAX_POINTS).round().astype(int)]
        points = [
            [int(case), int(level), *_numbers([disparity[case, level], values[case, level]])] for case, level in places
        ]
        slope, intercept = _numbers([line.slope, line.intercept])
        series.append({"network": order[key], "points": points, "slope": slope, "intercept": intercept})
    return {"cases": list(setting.cases), "measure": TD_WORDS[setting.measure], "series": series} if series else None


def _tradeoff(statistics: Statistics, setting: Setting, order: dict[NetworkKey, int]) -> Json | None:
    level, points = tradeoff_points(statistics, setting)
    if len(points) < 2:
        return None
    return {
        "level": "over all levels" if level == ALL_LEVELS else f"at {level}",
        "points": [
            {
                "network": order[point.key],
                "x": _numbers([point.x, *point.x_bounds]),
                "y": _numbers([point.y, *point.y_bounds]),
                "front": point.on_front,
                "degenerate": not point.eligible,
            }
            for point in points
        ],
    }


def _numbers(values: Sequence[float]) -> list[float | None]:
    """In full, so that the page rounds as the tables do; null for what isn't finite, which JSON has no word for."""
    return [float(value) if math.isfinite(value) else None for value in values]
