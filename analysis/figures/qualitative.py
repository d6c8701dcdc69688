"""Chosen cases as a sheet: a network a row, a level a column."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Look, level_title, training_title
from nnunet_skipstudy.analysis.figures.style import fitted, new_figure, slug, style
from nnunet_skipstudy.analysis.measuring.case_views import CaseView, Place
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.measuring.outlines import Outlines
from nnunet_skipstudy.registry import in_order

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.path import Path

REFERENCE_COLOUR = "#F0E442"
"""Yellow of Okabe and Ito: seen on dark and light, and no network's colour."""
GAP = 0.08
"""Between tiles, as a share of a tile."""


def qualitative_sheets(views: Sequence[CaseView], looks: dict[NetworkKey, Look]) -> Iterator[Drawing]:
    """Draw the cases of each data set that were chosen for a reason."""
    for view in views:
        training = next((place.training for place in view.predictions), None)
        if not view.choice.why or training is None:
            continue
        title = f"{view.dataset}, case {view.choice.case} ({view.choice.why})"
        where = "" if view.slice_index is None else f", slice {view.slice_index}"
        trained = f", {training_title(training)}" if training else ""
        caption = (
            f"Rows: networks{trained}; columns: levels{where}. Yellow: reference; the network's colour: prediction. "
            "Numbers: the case's DSC, mean over labels, of the run shown (the first seed and fold)."
        )
        name = slug("cases", view.dataset, view.choice.case, view.choice.why.split(",")[0].replace(" ", "-"))
        draw = partial(_sheet, view, training, looks, title)
        yield Drawing(title, caption, name, draw, view.choice.telling, raster=True)


def _sheet(view: CaseView, training: str, looks: dict[NetworkKey, Look], title: str) -> "Figure":
    """All tiles lie on one axis: thirty axes would take seconds to arrange."""
    levels = in_order(view.images)
    present = {place.network for place in view.predictions if place.training == training}
    networks = [key for key in looks if key in present]
    rows, columns = view.shape
    across, down = columns * (1 + GAP), rows * (1 + 2.2 * GAP)
    tile = min(1.35, 2.6 * columns / rows)  # inches
    width, height = across * len(levels), down * len(networks)
    with style(**{"axes.grid": False}):
        figure = new_figure(0.3 + tile * width / columns, 0.7 + tile * height / columns)
        axis = figure.subplots()
        axis.set_axis_off()
        axis.set_xlim(-0.25 * across, width)
        axis.set_ylim(height + GAP * rows, -2 * GAP * rows)
        axis.set_aspect("equal")
        for row, key in enumerate(networks):
            look = looks[key]
            middle = row * down + rows / 2
            words = fitted(look.title, tile * rows / columns, 7)
            axis.text(-GAP * columns, middle, words, rotation=90, ha="right", va="center", multialignment="center",
                      fontsize=7, color=look.colour)  # fmt: skip
            for column, level in enumerate(levels):
                place = Place(training, key, level)
                left, top = column * across, row * down
                _tile(axis, view, level, view.predictions.get(place), look.colour, (left, top))
                if place not in view.predictions:
                    axis.text(left + columns / 2, top - 0.02 * rows, "no prediction", ha="center", va="bottom",
                              fontsize=7)  # fmt: skip
                elif place in view.dsc:
                    axis.text(left + columns / 2, top - 0.02 * rows, f"{view.dsc[place]:.3f}", ha="center", va="bottom",
                              fontsize=7)  # fmt: skip
        for column, level in enumerate(levels):
            axis.text(column * across + columns / 2, height - GAP * rows, level_title(level), ha="center", va="top",
                      fontsize=8)  # fmt: skip
        figure.suptitle(fitted(title, figure.get_figwidth() - 0.1, 9), fontsize=9)
    return figure


def _tile(
    axis: Any, view: CaseView, level: str, predicted: Outlines | None, colour: str, corner: tuple[float, float]
) -> None:
    from matplotlib.patches import PathPatch

    left, top = corner
    rows, columns = view.shape
    extent = (left, left + columns, top + rows, top)
    axis.imshow(view.images[level], cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=extent)
    for outlines, drawn in ((view.reference, REFERENCE_COLOUR), (predicted, colour)):
        if outlines is not None and len(outlines.starts):
            axis.add_artist(PathPatch(_path(outlines, corner), fill=False, edgecolor=drawn, linewidth=0.9))


def _path(outlines: Outlines, corner: tuple[float, float]) -> "Path":
    """All lines as one path, each back to its first corner."""
    from matplotlib.path import Path

    ends = np.append(outlines.starts[1:], len(outlines.corners))
    closed = np.insert(outlines.corners, ends, outlines.corners[outlines.starts], axis=0)
    codes = np.full(len(closed), Path.LINETO)
    codes[outlines.starts + np.arange(len(ends))] = Path.MOVETO
    return Path(closed[:, ::-1] + corner, codes)
