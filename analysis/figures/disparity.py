"""DSC against texture disparity (TD), image by image, with a robust line per network."""

import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Look, Looks
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.td_axis import TD_WORDS, TdLine
from nnunet_skipstudy.registry import EXCESS


def dsc_over_disparity(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Drawing]:
    """Draw the overall settings of each data set whose TD is known and varies."""
    for setting, words, first in paper.named_settings(statistics, datasets):
        if first and setting.dsc_lines:
            title = f"DSC against texture disparity, {', '.join(words)}"
            caption = (
                "Each mark: one image (a case at a level), replicates averaged. Further right: object and surroundings "
                "further apart in texture. Lines: Theil-Sen, the median slope over all pairs of images."
            )
            if setting.measure == EXCESS:
                caption += f" {TD_WORDS[EXCESS]}: the texture disparity beyond what the object's size alone scores."
            lines = {looks[key]: line for key, line in setting.dsc_lines.items()}
            draw = partial(_panels, lines, title, TD_WORDS[setting.measure])
            yield Drawing(title, caption, paper.slug("disparity_dsc", *words), draw, chart="chart-disparity")


def _panels(lines: dict[Look, TdLine], title: str, measure: str) -> "paper.Figure":
    columns = min(paper.MAX_COLUMNS, len(lines))
    rows = math.ceil(len(lines) / columns)
    with paper.style():
        figure = paper.new_figure(max(4.5, 1 + 2.4 * columns), 1.1 + 2.0 * rows)
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for axis, (look, line) in zip(axes, lines.items(), strict=False):
            axis.plot(
                *(line.disparity.ravel(), line.values.ravel()),
                linestyle="none",
                marker=look.marker,
                color=look.colour,
                markersize=2.6,
                markeredgewidth=0,
                alpha=0.5,
                rasterized=True,
            )
            ends = np.array([np.nanmin(line.disparity), np.nanmax(line.disparity)])
            axis.plot(ends, line.fit.intercept + line.fit.slope * ends, color="black", linewidth=1.2)
            axis.set_title(paper.fitted(look.title, figure.get_figwidth() / columns - 0.5, 9))
            axis.text(0.97, 0.04, f"slope {line.fit.slope:+.3f}", transform=axis.transAxes, ha="right", fontsize=7.5)
        for index in range(len(lines), len(axes)):
            axes[index].set_visible(False)
            axes[index - columns].tick_params(labelbottom=True)
        axes[0].set_ylim(*paper.share_limits([value for line in lines.values() for value in line.values.ravel()]))
        named = measure.replace("TD", "texture disparity (TD)")
        figure.supxlabel(f"{named}: larger is easier", fontsize=9)
        figure.supylabel(f"DSC (higher is better{paper.said_limits(axes[0])})", fontsize=9)
        paper.title_above(figure, title)
    return figure
