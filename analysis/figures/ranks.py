"""Rank diagrams: mean ranks on a line (Demšar 2006), bars over networks that Wilcoxon and Holm don't tell apart."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Looks
from nnunet_skipstudy.analysis.statistics.ranks import LevelRanking
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS
from nnunet_skipstudy.analysis.statistics.table import Statistics

MAX_PANELS = 6
_TOP = 1.5  # a panel's height above the axis, in rows of names
SIZE = 8.0
"""Of letters, in points; the following in inches."""
MIN_WIDTH, MIN_LINE = 6.5, 2.6
"""Of a figure, and of its line of ranks."""
STUB, GAP, MARGIN = 0.2, 0.06, 0.05
"""From the line's end to a name's line's end, from there to the name, and around all."""


def rank_diagrams(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Drawing]:
    """Draw the ranks by DSC of each data set, where Friedman's test could be made."""
    for setting, words, first in paper.named_settings(statistics, datasets):
        place = (setting.dataset, setting.training, setting.label, "dsc")
        found = [
            ranking
            for ranking in statistics.rankings
            if (ranking.dataset, ranking.training, ranking.label, ranking.metric) == place
            and np.isfinite(ranking.ranking.p_value)
        ]
        found.sort(key=lambda ranking: ranking.level != ALL_LEVELS)
        if first and found:
            title = f"Ranks by DSC, {', '.join(words)}"
            caption = (
                "Mean rank over groups of cases, 1 the best. A bar joins neighbours that Wilcoxon's signed-rank test "
                "doesn't tell apart at 5 %, after Holm's correction over all pairs. It speaks of these trainings: "
                "others of the same networks may rank otherwise."
            )
            own = {key: looks[key] for key in setting.networks}
            draw = partial(_diagrams, found[:MAX_PANELS], own, title)
            yield Drawing(title, caption, paper.slug("ranks_dsc", *words), draw)


@dataclass(frozen=True)
class _Frame:
    """Where a panel's words and its line of ranks lie, alike in all panels of a figure, in inches."""

    width: float
    left: float
    right: float


def _frame(rankings: Sequence[LevelRanking], looks: Looks) -> _Frame:
    """Room for the widest name on each side of the line, and for the widest heading."""
    left = right = 0.0
    for found in rankings:
        order = found.ranking.order
        for place, index in enumerate(order):
            width = paper.width_of(_name(found, index, looks), SIZE) + STUB + GAP
            if place < _half(order):
                left = max(left, width)
            else:
                right = max(right, width)
    heading = max(paper.width_of(_heading(found), SIZE) for found in rankings)
    return _Frame(max(MIN_WIDTH, left + MIN_LINE + right, heading + GAP) + 2 * MARGIN, left + MARGIN, right + MARGIN)


def _diagrams(rankings: Sequence[LevelRanking], looks: Looks, title: str) -> "paper.Figure":
    rows = [_TOP + 1 + (len(ranking.networks) + 1) // 2 + 0.35 * len(ranking.ranking.cliques) for ranking in rankings]
    frame = _frame(rankings, looks)
    with paper.style(**{"axes.grid": False}):
        figure = paper.new_figure(frame.width, 0.5 + 0.215 * sum(rows) + 0.08 * len(rows))
        axes = figure.subplots(len(rankings), 1, squeeze=False, gridspec_kw={"height_ratios": rows}).ravel()
        for axis, ranking, height in zip(axes, rankings, rows, strict=True):
            _diagram(axis, ranking, looks, height, frame)
        paper.title_above(figure, title)
    return figure


def _half(order: Sequence[int]) -> int:
    """How many names stand on the left."""
    return (len(order) + 1) // 2


def _name(found: LevelRanking, index: int, looks: Looks) -> str:
    return f"{looks[found.networks[index]].title} ({found.ranking.mean_ranks[index]:.2f})"


def _heading(found: LevelRanking) -> str:
    where = "mean of all levels" if found.level == ALL_LEVELS else found.level
    ranking = found.ranking
    p = "< 0.001" if ranking.p_value < 0.001 else f"= {ranking.p_value:.3f}"
    return f"{where}: n = {ranking.n_blocks}, Friedman p {p}"


def _diagram(axis: Any, found: LevelRanking, looks: Looks, height: float, frame: _Frame) -> None:
    ranks = found.ranking.mean_ranks
    n = len(ranks)
    inch = (n - 1) / (frame.width - frame.left - frame.right)  # in ranks
    start = 1 - frame.left * inch
    axis.set_axis_off()
    axis.set_xlim(start, n + frame.right * inch)
    axis.set_ylim(height - _TOP, -_TOP)
    axis.plot([1, n], [0, 0], color="black", linewidth=1)
    for rank in range(1, n + 1):
        axis.plot([rank, rank], [0, -0.15], color="black", linewidth=1)
        axis.text(rank, -0.25, str(rank), ha="center", va="bottom", fontsize=7)
    axis.text(start + MARGIN * inch, -1.15, _heading(found), fontsize=SIZE, va="center")
    joined = found.ranking.cliques
    for row, members in enumerate(joined):
        y = 0.35 * (row + 1)
        axis.plot([ranks[members[0]] - 0.04, ranks[members[-1]] + 0.04], [y, y], color="#444444", linewidth=3,
                  solid_capstyle="butt")  # fmt: skip
    base = 0.35 * len(joined) + 0.75
    order = found.ranking.order
    for place, index in enumerate(order):
        left = place < _half(order)
        y = base + (place if left else n - 1 - place)
        end = 1 - STUB * inch if left else n + STUB * inch
        look = looks[found.networks[index]]
        axis.plot([ranks[index], ranks[index], end], [0, y, y], color=look.colour, linewidth=1.1)
        axis.plot([ranks[index]], [0], marker=look.marker, color=look.colour, markersize=4.5)
        beside = end + (-GAP if left else GAP) * inch
        axis.text(beside, y, _name(found, index, looks), ha="right" if left else "left", va="center", fontsize=SIZE)
