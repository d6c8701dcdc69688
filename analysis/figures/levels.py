"""Metric over levels, one line per network."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Looks, level_title, training_title
from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED, by_network, groups, network_keys
from nnunet_skipstudy.analysis.statistics.hardest import axis_title
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.registry import METRICS, in_order, known_order, level_alpha, level_order

Bounds = dict[tuple[str, ...], tuple[float, float]]


def metric_over_levels(
    summary: pd.DataFrame,
    looks: Looks,
    units: dict[str, str],
    tolerances: dict[str, str],
    statistics: Statistics,
    details: bool = False,
) -> Iterator[Drawing]:
    """Draw every metric of every data set and label over the levels.

    Args:
        summary: of :func:`~nnunet_skipstudy.analysis.statistics.summary.summarize` by ``training``.
        looks: of every network in it.
        units: of distances, by data set.
        tolerances: of the NSD, in words, by data set.
        statistics: the intervals of the means.
        details: draw the details' metrics, too.
    """
    intervals = _intervals(statistics)
    several = summary.groupby("dataset")["label"].nunique()
    for (dataset, label, metric), rows in groups(summary, "dataset", "label", "metric"):
        unit = units[dataset]
        row = METRICS[metric]
        if row.detail and not details:
            continue
        title = f"{row.title} over test levels, {dataset}"
        words = [f"levels_{metric}", dataset]
        if several[dataset] > 1:
            title, words = f"{title}, {label}", [*words, label]
        ylabel = f"mean {row.title}"
        if not row.unit:
            ylabel += f" at {tolerances[dataset]}" if "{tolerances}" in row.definition else ""
        else:
            ylabel += f" in {unit}"
        ylabel += f" ({row.direction})"
        own = {key[3:]: bounds for key, bounds in intervals.items() if key[:3] == (dataset, label, metric)}
        yield Drawing(
            title,
            f"{ylabel[0].upper()}{ylabel[1:]} at each level, means over cases"
            + (" with 95 % intervals" if own else "")
            + ". The dotted line marks the level that changes are counted from."
            + (" Hollow: degenerate." if rows["degenerate"].any() else ""),
            paper.slug(*words),
            partial(_lines, rows, looks, own, ylabel, row.bounded, title),
            metric == "dsc" and label == next(iter(summary.loc[summary["dataset"] == dataset, "label"])),
            chart="chart-levels",
        )


def _intervals(statistics: Statistics) -> Bounds:
    """The interval of each mean, by data set, label, metric, training, network and level."""
    table = statistics.table
    means = table[(table["quantity"] == "mean") & table["low"].notna()]
    columns = ["dataset", "label", "metric", "trained_on", *PUBLISHED, "level"]
    places = means[columns].itertuples(index=False, name=None)
    return dict(zip(places, means[["low", "high"]].itertuples(index=False, name=None), strict=True))


def _lines(
    rows: pd.DataFrame, looks: Looks, intervals: Bounds, ylabel: str, bounded: bool, title: str
) -> "paper.Figure":
    trainings = sorted(rows["training"].unique(), key=level_order)
    levels = in_order(rows["level"].unique())
    columns = min(paper.MAX_COLUMNS, len(trainings))
    lines = math.ceil(len(trainings) / columns)
    width = 6.2 if columns == 1 else 1.2 + 2.6 * columns
    with paper.style():
        figure = paper.new_figure(width, 1.5 + 2.5 * lines if lines > 1 else 4.2)
        axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axis, training in zip(axes, trainings, strict=False):
            own = {place[1:]: bounds for place, bounds in intervals.items() if place[0] == training}
            _panel(axis, rows[rows["training"] == training], looks, own, levels)
            axis.set_title(training_title(training, len(trainings) > 1))
        for axis in axes[max(0, len(trainings) - columns) : len(trainings)]:
            what = "test alpha" if all(level_alpha(level) is not None for level in levels) else "test level"
            words = axis_title(levels, what, gap=6 if columns == 1 else 2)
            axis.set_xlabel(words, fontsize=9 if columns == 1 else 8)
        for axis in axes[len(trainings) :]:
            axis.set_visible(False)
            above = axes[list(axes).index(axis) - columns]
            above.tick_params(labelbottom=True)
        values = [*rows["mean"].dropna(), *(value for bounds in intervals.values() for value in bounds)]
        lowest, highest = min(0.0, *values) * 1.08, max(values, default=1.0) * 1.08
        axes[0].set_ylim(*paper.share_limits(values) if bounded else (lowest, highest if highest > lowest else 1))
        axes[0].set_xlim(-0.4, len(levels) - 0.6)
        said = paper.said_limits(axes[0]) if bounded else ""
        figure.supylabel(ylabel.removesuffix(")") + f"{said})", fontsize=9)
        paper.title_above(figure, title)
        present = set(network_keys(rows))
        drawn = [look for key, look in looks.items() if key in present]
        handles = [paper.network_handle(look, known_order(levels)) for look in drawn]
        paper.legend_below(figure, handles, [look.title for look in drawn])
    return figure


def _panel(axis: Any, rows: pd.DataFrame, looks: Looks, intervals: Bounds, levels: Sequence[str]) -> None:
    of_network = dict(by_network(rows))
    drawn = [key for key in looks if key in of_network]
    for index, key in enumerate(drawn):
        look, values = looks[key], of_network[key].set_index("level")["mean"]
        hollow = bool(of_network[key]["degenerate"].any())
        step = min(0.08 if intervals else 0.03, 0.7 / len(drawn))
        shift = step * (index - (len(drawn) - 1) / 2)  # so that equal values don't hide each other
        axis.plot(
            [position + shift for position in range(len(levels))],
            [values.get(level, math.nan) for level in levels],
            color=look.colour,
            linestyle=look.dashes if known_order(levels) else "none",
            marker=look.marker,
            markersize=4.5,
            markerfacecolor="white" if hollow else look.colour,
            linewidth=1.5,
        )
        for position, level in enumerate(levels):
            if bounds := intervals.get((*key, level)):
                axis.plot([position + shift] * 2, bounds, color=look.colour, linewidth=1, alpha=0.8)
    reference = rows["reference_level"].iloc[0]
    if reference in levels:
        axis.axvline(levels.index(reference), color="#888888", linestyle=":", linewidth=1, zorder=0)
    rotation = 45 if len(levels) > 6 else 0
    axis.set_xticks(range(len(levels)), [level_title(level) for level in levels], rotation=rotation)
    if rotation == 0 and len(levels) > 3:
        axis.tick_params(axis="x", labelsize=7.5)
    axis.grid(axis="x", visible=False)
