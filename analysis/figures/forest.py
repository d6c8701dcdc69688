"""The study's question as a forest plot: with skips minus without, pair by pair and level by level."""

import math
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import Any

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Looks, level_title
from nnunet_skipstudy.analysis.statistics.contrasts import Contrast, Contrasts, contrasts
from nnunet_skipstudy.analysis.statistics.table import Statistics

SIZE = 8


def forests(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Drawing]:
    """Draw the overall setting of each data set that has anything to set against each other."""
    for setting, words, first in paper.named_settings(statistics, datasets):
        found = contrasts(statistics, setting)
        if first and (found.changes or found.differences):
            title = f"{'With skips minus without' if found.skips else 'Networks compared'}, {', '.join(words)}"
            draw = partial(_panels, found, {key: looks[key] for key in setting.networks}, title)
            yield Drawing(title, forest_caption(found), paper.slug("forest_dsc", *words), draw, chart="answer")


def forest_caption(found: Contrasts) -> str:
    """What a forest plot shows, in words."""
    every = (*found.changes, *found.differences)
    known = any(not math.isnan(one.low) for one in every)
    bars = "Bars: 95 % intervals." if known else "No intervals: too few cases."
    if any(one.other is None for one in every):
        return f"Each mark: the network's change of mean DSC at a level. {bars}"
    zone = " Grey: differences too small to matter. Verdicts: corrected for all pairs of a level." if known else ""
    return f"Each mark: a pair of networks at a level. {bars}{zone}"


def pair_title(one: Contrast, looks: Looks) -> str:
    """Who is set against whom."""
    first = looks[one.first].title
    return first if one.other is None else f"{first} minus {looks[one.other].title}"


def _panels(found: Contrasts, looks: Looks, title: str) -> "paper.Figure":
    panels = [
        (words, rows)
        for words, rows in (("change of mean DSC", found.changes), ("mean DSC at the level", found.differences))
        if rows
    ]
    lines = [_lines(rows, looks) for _, rows in panels]
    with paper.style():
        figure = paper.new_figure(3.4 * len(panels) + 1.2, 1.2 + 0.19 * max(map(len, lines)))
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, (words, _), own in zip(axes, panels, lines, strict=True):
            _forest(axis, own, looks)
            axis.set_xlabel(f"{words} (further right is better)", fontsize=SIZE)
        paper.title_above(figure, title)
    return figure


def _lines(rows: Sequence[Contrast], looks: Looks) -> list[str | Contrast]:
    """A heading for each pair, then its levels."""
    found: list[str | Contrast] = []
    for heading, own in groupby(rows, key=lambda one: pair_title(one, looks)):
        found += [heading, *own]
    return found


def _forest(axis: Any, lines: Sequence[str | Contrast], looks: Looks) -> None:
    zones = [line.zone for line in lines if not isinstance(line, str) and not math.isnan(line.zone)]
    if zones:  # of one network there is none
        axis.axvspan(-zones[0], zones[0], color="#dddddd", zorder=0)
    axis.axvline(0, color="#555555", linewidth=1)
    for row, line in enumerate(lines):
        if isinstance(line, str):
            axis.text(0.01, row, line, transform=axis.get_yaxis_transform(), va="center", fontsize=SIZE, weight="bold")
            continue
        look = looks[line.first]
        axis.plot([line.low, line.high], [row, row], color=look.colour, linewidth=1.5)
        axis.plot([line.estimate], [row], marker=look.marker, color=look.colour, markersize=5)
    titles = ["" if isinstance(line, str) else level_title(line.level) for line in lines]
    axis.set_yticks(range(len(lines)), titles, fontsize=SIZE)
    axis.set_ylim(len(lines) - 0.4, -0.7)
    axis.grid(axis="y", visible=False)
    axis.tick_params(axis="y", length=0)
    axis.margins(x=0.08)
