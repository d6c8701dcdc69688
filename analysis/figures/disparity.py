"""DSC against texture disparity (TD), image by image, with a robust line per network."""

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from nnunet_skipstudy.analysis.figures.looks import Look
from nnunet_skipstudy.analysis.figures.style import (
    MAX_COLUMNS,
    Picture,
    fitted,
    named_after,
    save,
    slug,
    style,
    title_above,
)
from nnunet_skipstudy.analysis.measuring.case_metrics import METRICS
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.disparity_slope import theil_sen
from nnunet_skipstudy.analysis.statistics.setting import Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics


def dsc_over_disparity(
    statistics: Statistics, datasets: list[str], looks: dict[NetworkKey, Look], folder: Path
) -> Iterator[Picture]:
    """Draw the overall settings of each data set whose TD is known and varies."""
    for dataset in datasets:
        overall = statistics.overall(dataset)
        for setting in overall[:1]:
            if np.isnan(setting.disparities).all() or np.nanmax(setting.disparities) == np.nanmin(setting.disparities):
                continue
            words = named_after(setting, several=len(overall) > 1)
            title = f"DSC against texture disparity, {', '.join(words)}"
            caption = (
                "Each mark: one image (a case at a level), replicates averaged. Further right: object and surroundings "
                "further apart in texture. Lines: Theil-Sen, the median slope over all pairs of images."
            )
            yield Picture(
                title, caption, save(_panels(setting, looks, title), folder, slug("disparity_dsc", *words)), True
            )


def _panels(setting: Setting, looks: dict[NetworkKey, Look], title: str) -> Figure:
    columns = min(MAX_COLUMNS, len(setting.networks))
    lines = math.ceil(len(setting.networks) / columns)
    disparity = setting.disparities.ravel()
    with style():
        figure = Figure(figsize=(max(4.5, 1 + 2.4 * columns), 1.1 + 2.0 * lines), layout="constrained")
        axes = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        ends = np.array([np.nanmin(disparity), np.nanmax(disparity)])
        for index, key in enumerate(setting.networks):
            axis, look = axes[index], looks[key]
            values = setting.values[:, index, :, METRICS.index("dsc")].ravel()
            axis.plot(
                disparity,
                values,
                linestyle="none",
                marker=look.marker,
                color=look.colour,
                markersize=2.6,
                markeredgewidth=0,
                alpha=0.5,
                rasterized=True,
            )
            line = theil_sen(disparity, values)
            axis.plot(ends, line.intercept + line.slope * ends, color="black", linewidth=1.2)
            axis.set_title(fitted(look.title, figure.get_figwidth() / columns - 0.5, 9))
            axis.text(0.97, 0.04, f"slope {line.slope:+.3f}", transform=axis.transAxes, ha="right", fontsize=7.5)
        for index in range(len(setting.networks), len(axes)):
            axes[index].set_visible(False)
            axes[index - columns].tick_params(labelbottom=True)
        axes[0].set_ylim(-0.02, 1.02)
        figure.supxlabel("texture disparity (TD): larger is easier", fontsize=9)
        figure.supylabel("DSC (higher is better)", fontsize=9)
        title_above(figure, title)
    return figure
