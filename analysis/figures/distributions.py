"""How the cases spread at each level: a box per network."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from nnunet_skipstudy.analysis.figures.looks import Look, level_title
from nnunet_skipstudy.analysis.figures.style import Picture, legend_below, named_after, save, slug, style, title_above
from nnunet_skipstudy.analysis.measuring.case_metrics import METRICS
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.hardest import axis_title
from nnunet_skipstudy.analysis.statistics.setting import Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics

MIN_CASES = 5
"""A box of fewer says nothing."""


def dsc_distributions(
    statistics: Statistics, datasets: list[str], looks: dict[NetworkKey, Look], folder: Path
) -> Iterator[Picture]:
    """Draw the DSC of all cases in the overall settings of each data set."""
    for dataset in datasets:
        overall = statistics.overall(dataset)
        for setting in overall:
            if len(setting.cases) < MIN_CASES:
                continue
            words = named_after(setting, several=len(overall) > 1)
            title = f"DSC of all cases by level, {', '.join(words)}"
            caption = (
                "Boxes: quartiles and median over cases, replicates averaged; whiskers: the farthest case within 1.5 "
                "box lengths; dots: every case."
            )
            figure = _boxes(setting, looks, title)
            yield Picture(title, caption, save(figure, folder, slug("cases_dsc", *words)), setting is overall[0])


def _boxes(setting: Setting, looks: dict[NetworkKey, Look], title: str) -> Figure:
    n_networks, n_levels = len(setting.networks), len(setting.levels)
    rng = np.random.default_rng(0)
    with style():
        width = min(11.0, 1.6 + n_levels * (0.35 + 0.2 * n_networks))
        figure = Figure(figsize=(max(4.5, width), 3.9), layout="constrained")
        axis = figure.subplots()
        step = 0.84 / n_networks
        for index, key in enumerate(setting.networks):
            look = looks[key]
            for level in range(n_levels):
                values = setting.values[:, index, level, METRICS.index("dsc")]
                values = values[~np.isnan(values)]
                if not len(values):
                    continue
                place = level + (index - (n_networks - 1) / 2) * step
                axis.boxplot(
                    values,
                    positions=[place],
                    widths=step * 0.8,
                    showfliers=False,
                    manage_ticks=False,
                    patch_artist=True,
                    boxprops={"facecolor": look.colour + "55", "edgecolor": look.colour, "linewidth": 0.8}
                    | {"hatch": look.hatch},
                    whiskerprops={"color": look.colour, "linewidth": 0.8},
                    capprops={"color": look.colour, "linewidth": 0.8},
                    medianprops={"color": "black", "linewidth": 1.2},
                )
                spread = rng.uniform(-0.25, 0.25, len(values)) * step
                axis.plot(place + spread, values, ".", color=look.colour, markersize=1.8, alpha=0.6, rasterized=True)
        axis.set_xticks(range(n_levels), [level_title(level) for level in setting.levels])
        axis.set_xlim(-0.6, n_levels - 0.4)
        axis.set_ylim(-0.02, 1.02)
        axis.set_ylabel("DSC (higher is better)")
        axis.set_xlabel(axis_title(setting.levels))
        axis.grid(axis="x", visible=False)
        title_above(figure, title)
        drawn = [looks[key] for key in setting.networks]
        boxes = [Patch(facecolor=look.colour + "55", edgecolor=look.colour, hatch=look.hatch) for look in drawn]
        legend_below(figure, boxes, [look.title for look in drawn])
    return figure
