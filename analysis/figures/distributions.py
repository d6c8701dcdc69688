"""How the cases spread at each level: a box per network."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Look, Looks, level_title
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats
from nnunet_skipstudy.analysis.statistics.hardest import axis_title
from nnunet_skipstudy.analysis.statistics.table import Statistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MIN_CASES = 5
"""A box of fewer says nothing."""


def dsc_distributions(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Drawing]:
    """Draw the DSC of all cases in the overall settings of each data set."""
    for setting, words, first in paper.named_settings(statistics, datasets):
        if len(setting.cases) >= MIN_CASES:
            title = f"DSC of all cases by level, {', '.join(words)}"
            caption = (
                "Boxes: quartiles and median over cases, replicates averaged; whiskers: the farthest case within 1.5 "
                "box lengths; dots: every case."
            )
            drawn = [looks[key] for key in setting.networks]
            draw = partial(_boxes, setting.dsc, drawn, setting.levels, title)
            yield Drawing(title, caption, paper.slug("cases_dsc", *words), draw, first)


def _boxes(values: Floats, looks: Sequence[Look], levels: Sequence[str], title: str) -> "paper.Figure":
    """``values``: (case, network, level)."""
    from matplotlib.patches import Patch

    rng = np.random.default_rng(0)
    with paper.style():
        figure = paper.new_figure(max(4.5, min(11.0, 1.6 + len(levels) * (0.35 + 0.2 * len(looks)))), 3.9)
        axis = figure.subplots()
        step = 0.84 / len(looks)
        for index, look in enumerate(looks):
            for level in range(len(levels)):
                known = values[:, index, level][~np.isnan(values[:, index, level])]
                if len(known):
                    place = level + (index - (len(looks) - 1) / 2) * step
                    _box(axis, known, place, step, look)
                    spread = rng.uniform(-0.25, 0.25, len(known)) * step
                    axis.plot(place + spread, known, ".", color=look.colour, markersize=1.8, alpha=0.6, rasterized=True)
        axis.set_xticks(range(len(levels)), [level_title(level) for level in levels])
        axis.set_xlim(-0.6, len(levels) - 0.4)
        axis.set_ylim(*paper.share_limits(values.ravel().tolist()))
        axis.set_ylabel(f"DSC (higher is better{paper.said_limits(axis)})")
        axis.set_xlabel(axis_title(levels))
        axis.grid(axis="x", visible=False)
        paper.title_above(figure, title)
        boxes = [Patch(facecolor=look.colour + "55", edgecolor=look.colour, hatch=look.hatch) for look in looks]
        paper.legend_below(figure, boxes, [look.title for look in looks])
    return figure


def _box(axis: "Axes", values: Floats, place: float, step: float, look: Look) -> None:
    line = {"color": look.colour, "linewidth": 0.8}
    axis.boxplot(
        values,
        positions=[place],
        widths=step * 0.8,
        showfliers=False,
        manage_ticks=False,
        patch_artist=True,
        boxprops={"facecolor": look.colour + "55", "edgecolor": look.colour, "linewidth": 0.8, "hatch": look.hatch},
        whiskerprops=line,
        capprops=line,
        medianprops={"color": "black", "linewidth": 1.2},
    )
