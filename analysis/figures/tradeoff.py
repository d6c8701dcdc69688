"""Accuracy against robustness: who can't be beaten in both at once."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Look, Looks, training_title
from nnunet_skipstudy.analysis.statistics.hardest import hardest_words
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.tradeoff import Point, comparable_settings, hardest_points, tradeoff_points

if TYPE_CHECKING:
    from matplotlib.axes import Axes


NOT_RANKED = (
    "Hollow, not ranked and never on it: degenerate networks, and those without a CV in many more cases than others. "
)


def performance_against_robustness(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Drawing]:
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
            where = "over all levels" if level == ALL_LEVELS else f"at {level}"
            axes = (f"mean DSC {where} →", "← CV of the DSC across levels (per case, averaged)")
            draw = partial(_scatter, points, looks, axes, title)
            yield Drawing(title, caption, paper.slug("tradeoff_dsc", *words), draw, chart="chart-tradeoff")


def accuracy_against_the_hardest(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Drawing]:
    """Draw each data set's settings whose networks share a reference level that is not the hardest one."""
    for dataset in datasets:
        for setting in comparable_settings(statistics, dataset):
            found = hardest_points(statistics, setting)
            if found is None or len(found[2]) < 2:
                continue
            reference, hardest, points = found
            words = [word for word in (dataset, training_title(setting.training)) if word]
            title = f"Accuracy in domain against robustness, {', '.join(words)}"
            caption = (
                f"Mean DSC at {reference}, the reference level, and at {hardest}, {hardest_words(setting.levels)}: "
                "right and up is better; lines through the marks are 95 % intervals. Numbered, edged and joined: "
                "the Pareto front, networks that none beats in both. The more networks, the more of their lead "
                "is luck; whether two of them differ is the tables' to say."
            )
            axes = (f"mean DSC at {reference} →", f"mean DSC at {hardest} ↑")
            draw = partial(_scatter, points, looks, axes, title, numbered=True)
            yield Drawing(title, caption, paper.slug("tradeoff_hardest", *words), draw)


def _scatter(
    points: list[Point], looks: Looks, axes: tuple[str, str], title: str, numbered: bool = False
) -> "paper.Figure":
    with paper.style():
        figure = paper.new_figure(6.2, 4.4)
        axis = figure.subplots()
        front = sorted((point for point in points if point.on_front), key=lambda point: point.x)
        axis.plot([p.x for p in front], [p.y for p in front], color="#999999", linewidth=4, alpha=0.5)
        for point in points:
            _mark(axis, point, looks[point.key])
        numbers = {point.key: str(number) for number, point in enumerate(front, 1)} if numbered else {}
        for point in front:
            number = numbers.get(point.key, "")
            axis.annotate(number, (point.x, point.y), (6, 6), textcoords="offset points", fontsize=8, weight="bold")
        axis.set_xlabel(axes[0])
        axis.set_ylabel(axes[1])
        paper.title_above(figure, title)
        titles = [
            f"{numbers.get(point.key, '')} {looks[point.key].title}{'' if point.eligible else ' (not ranked)'}".strip()
            for point in points
        ]
        handles = [paper.network_handle(looks[point.key]) for point in points]
        for handle, point in zip(handles, points, strict=True):
            handle.set_markerfacecolor(looks[point.key].colour if point.eligible else "white")
        paper.legend_below(figure, handles, titles)
    return figure


def _mark(axis: "Axes", point: Point, look: Look) -> None:
    axis.plot(point.x_bounds, [point.y] * 2, color=look.colour, linewidth=1, alpha=0.7)
    axis.plot([point.x] * 2, point.y_bounds, color=look.colour, linewidth=1, alpha=0.7)
    axis.plot(
        [point.x],
        [point.y],
        marker=look.marker,
        linestyle="none",
        color=look.colour,
        markerfacecolor=look.colour if point.eligible else "white",
        markeredgecolor="black" if point.on_front else look.colour,
        markeredgewidth=1.4,
        markersize=8,
    )
