"""Synthetic data: the alpha trained on against the alpha tested on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from nnunet_skipstudy.analysis.figures.looks import Look, level_title, trained_alike
from nnunet_skipstudy.analysis.figures.style import MAX_COLUMNS, Picture, fitted, save, slug, style, title_above
from nnunet_skipstudy.analysis.measuring.columns import NETWORK, NetworkKey, groups
from nnunet_skipstudy.analysis.statistics.hardest import axis_title
from nnunet_skipstudy.registry import in_order, level_alpha, level_order

BASELINE = "NoSkip"
"""The network that the others are compared with, as in the study."""


@dataclass(frozen=True)
class _Scale:
    """A colour scale that all panels of a figure share."""

    colours: str
    low: float
    high: float
    title: str
    pattern: str
    extend: str = "neither"


def alpha_matrices(summary: pd.DataFrame, looks: dict[NetworkKey, Look], folder: Path) -> Iterator[Picture]:
    """Draw mean DSC, alpha trained on x alpha tested on, per network; and the same minus No-Skip U-Net's.

    Only for data sets with at least two training alphas. Arguments as in
    :func:`~nnunet_skipstudy.analysis.figures.metric_over_levels`.
    """
    dsc = summary[summary["metric"] == "dsc"]
    synthetic = dsc[dsc["training"].map(lambda name: level_alpha(name) is not None)]
    for (dataset, label), rows in groups(synthetic, "dataset", "label"):
        if rows["training"].nunique() < 2:
            continue
        words = [dataset, label] if synthetic.loc[synthetic["dataset"] == dataset, "label"].nunique() > 1 else [dataset]
        matrices = _matrices(rows, looks)
        name, title = slug("alpha_dsc", *words), f"Mean DSC, trained x tested, {', '.join(words)}"
        figure = _grid(matrices, looks, _Scale("viridis", 0, 1, "mean DSC", "{:.2f}"), title)
        differences = _differences(matrices)
        caption = (
            "Rows: alpha trained on; columns: level tested on; a larger alpha is harder. One colour scale for all."
        )
        alone = [looks[key].title for key in matrices if key[0] != BASELINE and key not in differences]
        left_out = ""
        if alone and any(key[0] == BASELINE for key in matrices):
            left_out = f" Not compared with No-Skip U-Net, of which none was trained alike: {', '.join(alone)}."
        caption += "" if differences else left_out
        yield Picture(title, caption, save(figure, folder, name), True)
        if differences:
            sound = _differences(_matrices(rows[~rows["degenerate"]], looks))
            reach = max([0.05, *(float(np.nanmax(m.abs().to_numpy())) for m in sound.values())])
            name = slug("alpha_dsc_minus_noskip", *words)
            title = f"Mean DSC minus No-Skip U-Net's, {', '.join(words)}"
            scale = _Scale("PuOr", -reach, reach, "difference of mean DSC", "{:+.2f}", "both")
            figure = _grid(differences, looks, scale, title)
            caption = (
                "Above 0 (purple): better than No-Skip U-Net trained (as far as the trainers' names tell) and tested "
                "alike; below 0 (orange): worse. Degenerate networks may lie beyond the colour scale." + left_out
            )
            yield Picture(title, caption, save(figure, folder, name), True)


def _matrices(rows: pd.DataFrame, looks: dict[NetworkKey, Look]) -> dict[NetworkKey, pd.DataFrame]:
    by_network = dict(list(rows.groupby(list(NETWORK[1:]), sort=False)))
    trained = sorted(rows["training"].unique(), key=level_order)
    tested = in_order(rows["level"].unique())
    return {
        key: by_network[key]
        .pivot(index="training", columns="level", values="mean")
        .reindex(index=trained, columns=tested)
        for key in looks
        if key in by_network
    }


def _differences(matrices: dict[NetworkKey, pd.DataFrame]) -> dict[NetworkKey, pd.DataFrame]:
    """Each network minus the No-Skip U-Net that was trained alike; without those that have none."""
    found = {}
    for key, matrix in matrices.items():
        baseline = matrices.get(trained_alike(key, BASELINE))
        if baseline is not None and key[0] != BASELINE:
            difference = matrix - baseline
            if difference.notna().to_numpy().any():
                found[key] = difference
    return found


def _grid(matrices: dict[NetworkKey, pd.DataFrame], looks: dict[NetworkKey, Look], scale: _Scale, title: str) -> Figure:
    columns = min(MAX_COLUMNS, len(matrices))
    lines = math.ceil(len(matrices) / columns)
    n_trained, n_tested = next(iter(matrices.values())).shape
    width, height = max(1.9, 0.36 * n_tested + 0.5), max(1.3, 0.3 * n_trained + 0.6)
    with style(**{"axes.grid": False}):
        size = (max(5.0, 1.6 + width * columns), 1.2 + height * lines)
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        image: Any = None
        for axis, (key, matrix) in zip(axes, matrices.items(), strict=False):
            image = _heat_map(axis, matrix, scale)
            axis.set_title(fitted(looks[key].title, size[0] / columns - 0.4, 9))
        for index in range(len(matrices), len(axes)):
            axes[index].set_visible(False)
            axes[index - columns].tick_params(labelbottom=True)
        figure.colorbar(image, ax=list(axes), label=scale.title, extend=scale.extend, shrink=0.8, aspect=30)
        tested = list(next(iter(matrices.values())).columns)
        what = "alpha" if all(level_alpha(level) is not None for level in tested) else "level"
        figure.supxlabel(axis_title(tested, f"{what} tested on"), fontsize=9)
        figure.supylabel("alpha trained on (hardest at the top)", fontsize=9)
        title_above(figure, title)
    return figure


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
        axis.text(column, row, text, ha="center", va="center", fontsize=6.5, color="white" if dark else "black")
    return image
