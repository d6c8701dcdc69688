"""The U of each network: its skips as wide as the share of the loss that they carry, coloured by how far they move."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from nnunet_skipstudy.analysis.explained.shares import Loss
from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Look, training_title
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.report.page import NOTES
from nnunet_skipstudy.analysis.report.words import PER_CENT, percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHART = "why"
WIDEST = 16.0
"""Points, of a skip that carries all of the loss."""


def pictures(found: Sequence[Loss], looks: dict[NetworkKey, Look]) -> Iterator[Drawing]:
    """One figure a data set, training set and level; networks side by side in the order of ``looks``."""
    order = list(looks)
    for (dataset, training, level), group in groupby(found, key=lambda one: (one.dataset, one.training, one.level)):
        panels = sorted((one for one in group if one.rows and one.key in looks), key=lambda one: order.index(one.key))
        if panels:
            trained = training_title(training)
            title = f"Where the loss at {level} passes, {', '.join(filter(None, (dataset, trained)))}"
            draw = partial(_figure, [(looks[one.key].title, _drawn(one)) for one in panels], title)
            yield Drawing(title, NOTES["the U"], paper.slug("why", dataset, training, level), draw, chart=CHART)


def _drawn(loss: Loss) -> dict[str, Any]:
    """What a panel draws of a loss, as plain numbers: the loss, and the bars from full resolution down."""
    bars = [(row, loss.share("reverse", row["part"], row["depth"])) for row in loss.skips]
    bottleneck = loss.share("patch", "bottleneck")
    if bottleneck:
        bars.append((bottleneck, loss.share("reverse", "bottleneck")))
    below = [row["depth"] for row in loss.rows if row["part"] == "decoder"]
    depth = int(max(below, default=-1)) + 2  # of the bottleneck
    return {
        "drop": loss.drop[0],
        "depth": depth,
        "bars": [
            {
                "depth": depth if row["part"] == "bottleneck" else int(row["depth"]),
                "share": float(row["estimate"]),
                "bounds": (float(row["low"]), float(row["high"])),
                "reverse": float(back["estimate"]) if back else np.nan,
                "moved": float(row["hellinger"]),
            }
            for row, back in bars
        ],
    }


def bounded(share: float, low: float, high: float) -> str:
    """A share with its interval, where there is one."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return percent(share)
    ends = ", ".join(percent(end).removesuffix(PER_CENT) for end in (low, high))
    return f"{percent(share)} [{ends}]"


def _figure(panels: list[tuple[str, dict[str, Any]]], title: str) -> "Figure":
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable

    columns = min(paper.MAX_COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    deepest = max(panel["depth"] for _, panel in panels)
    with paper.style(**{"axes.grid": False}):
        figure = paper.new_figure(max(4.2, 2.9 * columns + 0.6), 0.9 + lines * (0.55 * deepest + 0.9))
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        colours = ScalarMappable(cmap=colormaps["viridis_r"])
        colours.set_clim(0, 1)
        for axis, (name, panel) in zip(axes, panels, strict=False):
            _draw_u(axis, panel, colours)
            axis.set_title(paper.fitted(f"{name}: −{panel['drop']:.2f} DSC", 2.7, 9))
        for axis in axes:
            axis.set_axis_off()
        figure.colorbar(colours, ax=list(axes), label="Hellinger distance", shrink=0.7, aspect=30)
        paper.title_above(figure, title)
    return figure


def _draw_u(axis: Any, panel: dict[str, Any], colours: Any) -> None:
    depth = panel["depth"]
    for level in range(depth):
        for side in (-1, 1):
            ends = [side * _reach(level, depth), side * _reach(level + 1, depth)]
            axis.plot(ends, [-level, -level - 1], color="#999999", linewidth=1, zorder=1)
            axis.plot(ends[0], -level, marker="s", markersize=7, color="#999999", zorder=3)
    axis.plot(0, -depth, marker="s", markersize=9, color="#999999", zorder=1)
    for bar in panel["bars"]:
        reach = _reach(bar["depth"], depth) - 0.07 if bar["depth"] < depth else 0.12
        width = max(0.8, WIDEST * min(1.0, max(0.0, bar["share"])))
        colour = colours.to_rgba(bar["moved"]) if np.isfinite(bar["moved"]) else "#999999"
        axis.plot([-reach, reach], [-bar["depth"]] * 2, color=colour, linewidth=width, solid_capstyle="butt", zorder=2)
        above, below = (0.24, -0.24) if bar["depth"] < depth else (-0.48, -0.56)  # the U's legs meet at the bottleneck
        words = bounded(bar["share"], *bar["bounds"])
        axis.text(0, above - bar["depth"], words, ha="center", va="bottom", fontsize=7.5)
        if np.isfinite(bar["reverse"]):
            back = percent(bar["reverse"])
            axis.text(0, below - bar["depth"], back, ha="center", va="top", fontsize=7, style="italic")
    axis.set_xlim(-1.15, 1.15)
    axis.set_ylim(-depth - 0.8, 0.7)


def _reach(level: int, depth: int) -> float:
    """How far from the middle a level's stages stand."""
    return 1.0 - 0.75 * level / depth if level < depth else 0.0
