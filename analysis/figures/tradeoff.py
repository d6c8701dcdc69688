"""Performance against robustness: who can't be beaten in both at once."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Look
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.tradeoff import Point, tradeoff_points

if TYPE_CHECKING:
    from matplotlib.figure import Figure


NOT_RANKED = (
    "Hollow, not ranked and never on it: degenerate networks, and those without a CV in many more cases than others. "
)


def performance_against_robustness(
    statistics: Statistics, datasets: Sequence[str], looks: dict[NetworkKey, Look]
) -> Iterator[Drawing]:
    """Draw the overall setting of each data set with several networks and levels."""
    for setting, words, first in paper.named_settings(statistics, datasets):
        level, points = tradeoff_points(statistics, setting)
        if first and len(points) > 1:
            title = f"Performance against robustness, {', '.join(words)}"
            caption = (
                "Right is better, down is steadier; lines through the marks are 95 % intervals. A black edge "
                "and the grey line mark the Pareto front: networks that none beats in both. "
                + ("" if all(point.eligible for point in points) else NOT_RANKED)
                + "A small CV alone is no merit."
            )
            draw = partial(_scatter, points, looks, level, title)
            yield Drawing(title, caption, paper.slug("tradeoff_dsc", *words), draw, chart="chart-tradeoff")


def _scatter(points: list[Point], looks: dict[NetworkKey, Look], level: str, title: str) -> "Figure":
    with paper.style():
        figure = paper.new_figure(6.2, 4.4)
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
        paper.title_above(figure, title)
        titles = [looks[point.key].title + ("" if point.eligible else " (not ranked)") for point in points]
        handles = [paper.network_handle(looks[point.key]) for point in points]
        for handle, point in zip(handles, points, strict=True):
            handle.set_markerfacecolor(looks[point.key].colour if point.eligible else "white")
        paper.legend_below(figure, handles, titles)
    return figure
