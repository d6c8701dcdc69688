"""Performance against robustness: who can't be beaten in both at once."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from nnunet_skipstudy.analysis.figures.looks import Look
from nnunet_skipstudy.analysis.figures.style import (
    Picture,
    legend_below,
    named_after,
    network_handle,
    save,
    slug,
    style,
    title_above,
)
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics


@dataclass(frozen=True)
class Point:
    """One network: mean DSC and the CV of the DSC across levels, each with its interval (low, high)."""

    key: NetworkKey
    performance: float
    performance_bounds: tuple[float, float]
    spread: float
    spread_bounds: tuple[float, float]
    eligible: bool
    on_front: bool


NOT_RANKED = (
    "Hollow, not ranked and never on it: degenerate networks, and those without a CV in many more cases than others. "
)


def tradeoff_points(statistics: Statistics, setting: Setting) -> tuple[str, list[Point]]:
    """The level that performance is taken at, and the points.

    The level is the reference level that all networks share, else the mean of all levels. On the Pareto front is
    whom no eligible network beats in one of the two without losing in the other.
    """
    shared = set(setting.references)
    level = next(iter(shared)) if len(shared) == 1 and "" not in shared else ALL_LEVELS
    means = statistics.by_network(setting, "mean", level)
    spreads = statistics.by_network(setting, "cv_across_levels")
    steady = statistics.contestants(setting, "cv_across_levels")
    both: dict[NetworkKey, bool] = {}
    for key, eligible in zip(setting.networks, [key in steady for key in setting.networks], strict=True):
        if key in means and key in spreads and np.isfinite([means[key]["estimate"], spreads[key]["estimate"]]).all():
            both[key] = bool(eligible)
    places = {key: (float(means[key]["estimate"]), float(spreads[key]["estimate"])) for key in both}
    rivals = [places[key] for key, eligible in both.items() if eligible]
    return level, [
        Point(
            key,
            places[key][0],
            (means[key]["low"], means[key]["high"]),
            places[key][1],
            (spreads[key]["low"], spreads[key]["high"]),
            eligible,
            eligible and not any(_beats(rival, places[key]) for rival in rivals),
        )
        for key, eligible in both.items()
    ]


def _beats(rival: tuple[float, float], own: tuple[float, float]) -> bool:
    return rival[0] >= own[0] and rival[1] <= own[1] and rival != own


def performance_against_robustness(
    statistics: Statistics, datasets: list[str], looks: dict[NetworkKey, Look], folder: Path
) -> Iterator[Picture]:
    """Draw the overall setting of each data set with several networks and levels."""
    for dataset in datasets:
        overall = statistics.overall(dataset)
        for setting in overall[:1]:
            level, points = tradeoff_points(statistics, setting)
            if len(points) < 2:
                continue
            words = named_after(setting, several=len(overall) > 1)
            title = f"Performance against robustness, {', '.join(words)}"
            caption = (
                "Right is better, down is steadier; lines through the marks are 95 % intervals. A black edge "
                "and the grey line mark the Pareto front: networks that none beats in both. "
                + ("" if all(point.eligible for point in points) else NOT_RANKED)
                + "A small CV alone is no merit."
            )
            figure = _scatter(points, looks, level, title)
            yield Picture(title, caption, save(figure, folder, slug("tradeoff_dsc", *words)), True)


def _scatter(points: list[Point], looks: dict[NetworkKey, Look], level: str, title: str) -> Figure:
    with style():
        figure = Figure(figsize=(6.2, 4.4), layout="constrained")
        axis = figure.subplots()
        front = sorted((point for point in points if point.on_front), key=lambda point: point.performance)
        axis.plot([p.performance for p in front], [p.spread for p in front], color="#999999", linewidth=4, alpha=0.5)
        for point in points:
            look = looks[point.key]
            axis.plot(point.performance_bounds, [point.spread] * 2, color=look.colour, linewidth=1, alpha=0.7)
            axis.plot([point.performance] * 2, point.spread_bounds, color=look.colour, linewidth=1, alpha=0.7)
            axis.plot(
                [point.performance],
                [point.spread],
                marker=look.marker,
                linestyle="none",
                color=look.colour,
                markerfacecolor=look.colour if point.eligible else "white",
                markeredgecolor="black" if point.on_front else look.colour,
                markeredgewidth=1.4,
                markersize=8,
            )
        axis.set_xlabel(f"mean DSC {'over all levels' if level == ALL_LEVELS else 'at ' + level} →")
        axis.set_ylabel("← CV of the DSC across levels (per case, averaged)")
        title_above(figure, title)
        titles = [looks[point.key].title + ("" if point.eligible else " (not ranked)") for point in points]
        handles = [network_handle(looks[point.key]) for point in points]
        for handle, point in zip(handles, points, strict=True):
            handle.set_markerfacecolor(looks[point.key].colour if point.eligible else "white")
        legend_below(figure, handles, titles)
    return figure
