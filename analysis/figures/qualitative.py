"""Chosen cases as a sheet: a network a row, a level a column."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.looks import Looks, is_dark, level_title, training_title
from nnunet_skipstudy.analysis.measuring.case_views import CaseView, Place, Plane
from nnunet_skipstudy.analysis.measuring.outlines import Outlines

if TYPE_CHECKING:
    from matplotlib.path import Path

REFERENCE_COLOUR = "#F0E442"
"""Yellow of Okabe and Ito: seen on dark and light, and no network's colour."""
GAP = 0.08
"""Between tiles, as a share of a tile."""


def qualitative_sheets(views: Sequence[CaseView], looks: Looks) -> Iterator[Drawing]:
    """Draw the cases of each data set that were chosen for a reason."""
    for view in views:
        plane = view.planes[view.fullest]
        training = next((place.training for place in plane.predictions), None)
        if not view.choice.why or training is None:
            continue
        title = f"{view.dataset}, case {view.choice.case} ({view.choice.why})"
        where = "" if plane.index is None else f", slice {plane.index}"
        trained = f", {training_title(training)}" if training else ""
        caption = (
            f"Rows: networks{trained}; columns: levels{where}. Yellow: reference; the network's colour: prediction. "
            "Numbers: the case's DSC, mean over labels, of the run shown (the first seed and fold)."
        )
        name = paper.slug("cases", view.dataset, view.choice.case, view.choice.why.split(",")[0].replace(" ", "-"))
        draw = partial(_sheet, view, training, looks, title)
        yield Drawing(title, caption, name, draw, main=False)


def _sheet(view: CaseView, training: str, looks: Looks, title: str) -> "paper.Figure":
    """All tiles lie on one axis: thirty axes would take seconds to arrange."""
    levels, plane = view.levels, view.planes[view.fullest]
    present = {place.network for place in plane.predictions if place.training == training}
    networks = [key for key in looks if key in present]
    rows, columns = view.shape
    across, down = columns * (1 + GAP), rows * (1 + 2.2 * GAP)
    tile = min(1.35, 2.6 * columns / rows)  # inches
    width, height = across * len(levels), down * len(networks)
    with paper.style(**{"axes.grid": False}):
        figure = paper.new_figure(0.3 + tile * width / columns, 0.7 + tile * height / columns)
        axis = figure.subplots()
        axis.set_axis_off()
        axis.set_xlim(-0.25 * across, width)
        axis.set_ylim(height + GAP * rows, -2 * GAP * rows)
        axis.set_aspect("equal")
        for row, key in enumerate(networks):
            look = looks[key]
            centre = row * down + rows / 2
            words = paper.fitted(look.title, tile * rows / columns, 7)
            axis.text(-GAP * columns, centre, words, rotation=90, ha="right", va="center", multialignment="center",
                      fontsize=7, color=look.colour)  # fmt: skip
            for column, level in enumerate(levels):
                place = Place(training, key, level)
                left, top = column * across, row * down
                _tile(axis, view.shape, plane, place, look.colour, (left, top))
                words = f"{view.dsc[place][0]:.3f}" if place in view.dsc else "no prediction"
                middle = left + columns / 2
                axis.text(middle, top - 0.02 * rows, words, ha="center", va="bottom", fontsize=7)
        for column, level in enumerate(levels):
            axis.text(column * across + columns / 2, height - GAP * rows, level_title(level), ha="center", va="top",
                      fontsize=8)  # fmt: skip
        figure.suptitle(paper.fitted(title, figure.get_figwidth() - 0.1, 9), fontsize=9)
    return figure


def _tile(
    axis: Any, shape: tuple[int, int], plane: Plane, place: Place, colour: str, corner: tuple[float, float]
) -> None:
    """The image, and the outlines with a halo: dark ones would vanish in dark images, and light ones in light."""
    from matplotlib.patches import PathPatch
    from matplotlib.patheffects import withStroke

    left, top = corner
    rows, columns = shape
    extent = (left, left + columns, top + rows, top)
    axis.imshow(plane.images[place.level], cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=extent)
    halo = [withStroke(linewidth=1.8, foreground="white" if is_dark(colour) else "black", alpha=0.7)]
    predicted = plane.predictions.get(place, ())
    for outlines, drawn, effects in (
        *((one, REFERENCE_COLOUR, None) for one in plane.reference),
        *((one, colour, halo) for one in predicted),
    ):
        if len(outlines.starts):
            axis.add_artist(
                PathPatch(_path(outlines, corner), fill=False, edgecolor=drawn, linewidth=0.9, path_effects=effects)
            )


def _path(outlines: Outlines, corner: tuple[float, float]) -> "Path":
    """All lines as one path, each back to its first corner."""
    from matplotlib.path import Path

    ends = np.append(outlines.starts[1:], len(outlines.corners))
    closed = np.insert(outlines.corners, ends, outlines.corners[outlines.starts], axis=0)
    codes = np.full(len(closed), Path.LINETO)
    codes[outlines.starts + np.arange(len(ends))] = Path.MOVETO
    return Path(closed[:, ::-1] + corner, codes)
