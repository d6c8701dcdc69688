"""The pictures behind the page's level slider: one case through all levels, all networks side by side."""

import base64
import io
from collections.abc import Sequence
from itertools import cycle, pairwise
from typing import Any

import numpy as np
from PIL import Image

from nnunet_skipstudy.analysis.figures.looks import Look, level_title, training_title
from nnunet_skipstudy.analysis.measuring.case_views import CaseView, Pixels, Place
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.measuring.outlines import Outlines
from nnunet_skipstudy.registry import in_order

MAX_SIDE = 192
"""Pixels; larger images are made smaller for the page."""
MAX_BYTES = 9_000_000
"""Of all the pictures on the page. Further cases are left out, and the page says how many."""

Json = dict[str, Any]


def sweep(views: Sequence[CaseView], looks: dict[NetworkKey, Look], max_bytes: int = MAX_BYTES) -> Json:
    """The slider's cases.

    Returns:
        ``cases``: each with ``images`` (by level, a data address), ``reference`` (an SVG path), and ``trainings``,
        each with ``tiles``: by network (numbered as in ``looks``) and level a path and a DSC, or null. Cases are
        taken in turn from each data set until ``max_bytes`` are full; ``left_out`` counts the others.
    """
    order = {key: index for index, key in enumerate(looks)}
    made: list[tuple[int, Json]] = []
    size = left_out = 0
    for index, view in _in_turn(views):
        case = _case(view, order)
        own = _size(case)
        if size + own > max_bytes:
            left_out += 1
            continue
        size += own
        made.append((index, case))
    return {"cases": [case for _, case in sorted(made, key=lambda pair: pair[0])], "left_out": left_out}


def _in_turn(views: Sequence[CaseView]) -> list[tuple[int, CaseView]]:
    """The first case of every data set, then the second of every one, …"""
    seen: dict[str, int] = {}
    turns = []
    for index, view in enumerate(views):
        turn = seen[view.dataset] = seen.get(view.dataset, -1) + 1
        turns.append((turn, index, view))
    return [(index, view) for _, index, view in sorted(turns, key=lambda item: item[:2])]


def _size(case: Json) -> int:
    pictures = sum(len(image) for image in case["images"])
    paths = sum(
        len(tile[0])
        for training in case["trainings"]
        for tiles in training["tiles"]
        for tile in tiles["levels"]
        if tile
    )
    return pictures + paths + len(case["reference"])


def _case(view: CaseView, order: dict[NetworkKey, int]) -> Json:
    levels = in_order(view.images)
    trainings = list(dict.fromkeys(place.training for place in view.predictions))
    rows, columns = view.shape
    return {
        "dataset": view.dataset,
        "case": view.choice.case,
        "why": view.choice.why,
        "slice": view.slice_index,
        "size": [columns, rows],
        "levels": [level_title(level) for level in levels],
        "images": [data_uri(view.images[level]) for level in levels],
        "reference": path_of(view.reference),
        "trainings": [
            {
                "title": training_title(training),
                "tiles": [
                    {"network": order[key], "levels": [_tile(view, Place(training, key, level)) for level in levels]}
                    for key in order
                    if any(Place(training, key, level) in view.predictions for level in levels)
                ],
            }
            for training in trainings
        ],
    }


def _tile(view: CaseView, place: Place) -> list[Any] | None:
    if place not in view.predictions:
        return None
    score = view.dsc.get(place, float("nan"))
    return [path_of(view.predictions[place]), round(score, 4) if np.isfinite(score) else None]


def path_of(outlines: Outlines) -> str:
    """The outlines as an SVG path in pixels, x to the right and y down: steps to the right and down in turn."""
    steps = np.diff(outlines.corners, axis=0).sum(axis=1).tolist()
    words = [f"{axis}{step}" for axis, step in zip(cycle("hv"), steps, strict=False)]
    starts = [*outlines.starts.tolist(), len(outlines.corners)]
    firsts = outlines.corners[outlines.starts].tolist()
    return "".join(
        f"M{x} {y}{''.join(words[start : end - 1])}z"
        for (y, x), (start, end) in zip(firsts, pairwise(starts), strict=True)
    )


def data_uri(pixels: Pixels) -> str:
    """A PNG as a ``data:`` address, at most :data:`MAX_SIDE` pixels high and wide."""
    image = Image.fromarray(pixels)
    longest = max(image.size)
    if longest > MAX_SIDE:
        width, height = (max(1, round(side * MAX_SIDE / longest)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BOX)
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
