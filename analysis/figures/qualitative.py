"""Chosen cases as a sheet: a network a row, a level a column."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from nnunet_skipstudy.analysis.figures.case_views import CaseView, LabelPixels, outlines, telling
from nnunet_skipstudy.analysis.figures.looks import Look, level_title, training_title
from nnunet_skipstudy.analysis.figures.style import Picture, fitted, save, slug, style
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.registry import in_order

REFERENCE_COLOUR = "#F0E442"
"""Yellow of Okabe and Ito: seen on dark and light, and no network's colour."""
GAP = 0.08
"""Between tiles, as a share of a tile."""


def qualitative_sheets(views: Sequence[CaseView], looks: dict[NetworkKey, Look], folder: Path) -> Iterator[Picture]:
    """Draw the cases of each data set that were chosen for a reason."""
    for view in views:
        if not view.choice.why:
            continue
        training = next(iter(dict.fromkeys(place[0] for place in view.predictions)), None)
        if training is None:
            continue
        title = f"{view.dataset}, case {view.choice.case} ({view.choice.why})"
        where = "" if view.slice_index is None else f", slice {view.slice_index}"
        trained = f", {training_title(training)}" if training else ""
        caption = (
            f"Rows: networks{trained}; columns: levels{where}. Yellow: reference; the network's colour: prediction. "
            "Numbers: the case's DSC, mean over labels, of the run shown (the first seed and fold)."
        )
        figure = _sheet(view, training, looks, title)
        name = slug("cases", view.dataset, view.choice.case, view.choice.why.split(",")[0].replace(" ", "-"))
        yield Picture(title, caption, save(figure, folder, name), telling(view.choice), raster=True)


def _sheet(view: CaseView, training: str, looks: dict[NetworkKey, Look], title: str) -> Figure:
    """All tiles lie on one axis: thirty axes would take seconds to arrange."""
    levels = in_order(view.images)
    present = {key for place, key, _ in view.predictions if place == training}
    networks = [key for key in looks if key in present]
    rows, columns = view.reference.shape
    across, down = columns * (1 + GAP), rows * (1 + 2.2 * GAP)
    tile = min(1.35, 2.6 * columns / rows)  # inches
    width, height = across * len(levels), down * len(networks)
    with style(**{"axes.grid": False}):
        size = (0.3 + tile * width / columns, 0.7 + tile * height / columns)
        figure = Figure(figsize=size, layout="constrained")
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
                place = (training, key, level)
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
        figure.suptitle(fitted(title, size[0] - 0.1, 9), fontsize=9)
    return figure


def _tile(
    axis: Any, view: CaseView, level: str, predicted: LabelPixels | None, colour: str, corner: tuple[float, float]
) -> None:
    left, top = corner
    rows, columns = view.reference.shape
    axis.imshow(
        view.images[level],
        cmap="gray",
        vmin=0,
        vmax=255,
        interpolation="nearest",
        extent=(left, left + columns, top + rows, top),
    )
    for labels, drawn in ((view.reference, REFERENCE_COLOUR), (predicted, colour)):
        if labels is not None:
            lines = [line[:, ::-1] + corner for line in outlines(labels)]
            axis.add_collection(LineCollection(lines, colors=drawn, linewidths=0.9))
