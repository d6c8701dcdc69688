"""Synthetic data: the alpha trained on against the alpha tested on."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Looks, level_title
from nnunet_skipstudy.analysis.statistics.alphas import AlphaMatrices
from nnunet_skipstudy.analysis.statistics.hardest import axis_title
from nnunet_skipstudy.analysis.statistics.setting import ALL_LABELS
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.registry import level_alpha

MANY_LABELS = 3
INK = "#111111"
"""Of numbers on light colours; pure black is turned light on a dark page."""
DOWN = "alpha trained on (hardest at the top)"


@dataclass(frozen=True)
class _Scale:
    """A colour scale that all panels of a figure share."""

    colours: str
    low: float
    high: float
    title: str
    pattern: str
    extend: str = "neither"


def alpha_heatmaps(found: Iterable[AlphaMatrices], looks: Looks) -> Iterator[Drawing]:
    """Draw mean DSC, alpha trained on x alpha tested on, per network; and the same minus No-Skip U-Net's."""
    for one in found:
        words = [one.dataset, *([one.label] if one.label else [])]
        names = ", ".join(looks[key].title for key in one.alone)
        left_out = f" Not compared with No-Skip U-Net, of which none was trained alike: {names}." if names else ""
        caption = (
            "Rows: alpha trained on; columns: level tested on; a larger alpha is harder. One colour scale for all."
        )
        title = f"Mean DSC, trained x tested, {', '.join(words)}"
        scale = _Scale("viridis", 0, 1, "mean DSC", "{:.2f}")
        means = {looks[key].title: matrix for key, matrix in one.means.items()}
        draw = partial(_grid, means, scale, title)
        yield Drawing(title, caption + ("" if one.differences else left_out), paper.slug("alpha_dsc", *words), draw)
        if one.differences:
            title = f"Mean DSC minus No-Skip U-Net's, {', '.join(words)}"
            scale = _Scale("PuOr", -one.reach, one.reach, "difference of mean DSC", "{:+.2f}", "both")
            caption = (
                "Above 0 (purple): better than No-Skip U-Net trained (as far as the trainers' names tell) and tested "
                "alike; below 0 (orange): worse. Degenerate networks may lie beyond the colour scale." + left_out
            )
            differences = {looks[key].title: matrix for key, matrix in one.differences.items()}
            draw = partial(_grid, differences, scale, title)
            yield Drawing(title, caption, paper.slug("alpha_dsc_minus_noskip", *words), draw)


def label_heatmaps(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Drawing]:
    """Draw mean DSC, network x label, a panel a level, of data sets with too many labels for a chart of each."""
    for dataset in datasets:
        settings = [setting for setting in statistics.overall(dataset) if setting.label != ALL_LABELS]
        if len(settings) < MANY_LABELS:
            continue
        found = {
            level: pd.DataFrame(
                {
                    setting.label: {
                        looks[key].title: row["estimate"]
                        for key, row in statistics.by_network(setting, "mean", level).items()
                    }
                    for setting in settings
                }
            ).T
            for level in settings[0].levels
        }
        title = f"Mean DSC by label, {dataset}"
        lowest = min(float(matrix.min().min()) for matrix in found.values())
        scale = _Scale("viridis", lowest, 1, "mean DSC", "{:.2f}")
        draw = partial(_grid, found, scale, title, "", "")
        caption = "Rows: labels; columns: networks; a panel a level. One colour scale for all."
        yield Drawing(title, caption, paper.slug("labels_dsc", dataset), draw, chart="labels")


def _grid(
    matrices: dict[str, pd.DataFrame], scale: _Scale, title: str, across: str | None = None, down: str = DOWN
) -> "paper.Figure":
    columns = min(paper.MAX_COLUMNS, len(matrices))
    lines = math.ceil(len(matrices) / columns)
    n_trained, n_tested = next(iter(matrices.values())).shape
    width, height = max(1.9, 0.36 * n_tested + 0.5), max(1.3, 0.3 * n_trained + 0.6)
    with paper.style(**{"axes.grid": False}):
        figure = paper.new_figure(max(5.0, 1.6 + width * columns), 1.2 + height * lines)
        axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        image: Any = None
        for axis, (name, matrix) in zip(axes, matrices.items(), strict=False):
            image = _heat_map(axis, matrix, scale)
            axis.set_title(paper.fitted(name, figure.get_figwidth() / columns - 0.4, 9))
        for index in range(len(matrices), len(axes)):
            axes[index].set_visible(False)
            axes[index - columns].tick_params(labelbottom=True)
        figure.colorbar(image, ax=list(axes), label=scale.title, extend=scale.extend, shrink=0.8, aspect=30)
        figure.supxlabel(_tested(list(next(iter(matrices.values())).columns)) if across is None else across, fontsize=9)
        figure.supylabel(down, fontsize=9)
        paper.title_above(figure, title)
    return figure


def _tested(levels: Sequence[str]) -> str:
    what = "alpha" if all(level_alpha(level) is not None for level in levels) else "level"
    return axis_title(levels, f"{what} tested on")


def _heat_map(axis: Any, matrix: pd.DataFrame, scale: _Scale) -> Any:
    values = matrix.to_numpy(dtype=float)
    image = axis.imshow(values, cmap=scale.colours, vmin=scale.low, vmax=scale.high, aspect="auto")
    axis.set_xticks(range(values.shape[1]), [level_title(c) for c in matrix.columns], fontsize=7, rotation=90)
    axis.set_yticks(range(values.shape[0]), [level_title(r) for r in matrix.index], fontsize=7)
    axis.tick_params(length=0)
    for (row, column), value in np.ndenumerate(values):
        if math.isnan(value):
            continue
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.5
        text = scale.pattern.format(round(value, 2) + 0.0)
        axis.text(column, row, text, ha="center", va="center", fontsize=6.5, color="white" if dark else INK)
    return image
