"""The pictures behind the page's level slider: one case through all levels, all networks side by side."""

import base64
import io
import json
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from PIL import Image

from nnunet_skipstudy.analysis.figures.looks import Looks, level_title, training_title
from nnunet_skipstudy.analysis.measuring.case_views import CaseView, Gate, Pixels, Place
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.measuring.outlines import Outlines
from nnunet_skipstudy.analysis.report.words import percent

MAX_SIDE = 256
"""Pixels; larger images are made smaller for the page."""
MAX_GATE_SIDE = 96
"""Of where a gate looks: it is made on a coarser grid."""
MAX_BYTES = 6_500_000
"""Of all the pictures on the page. Further cases are left out, and the page says how many."""
Json = dict[str, Any]


def sweep(views: Sequence[CaseView], looks: Looks, max_bytes: int = MAX_BYTES) -> Json:
    """The slider's cases.

    Returns:
        ``cases``: each with ``images`` (by slice and level, a data address), ``reference`` (by slice and label, an SVG
        path), ``notes`` (by level), and ``trainings``, each with ``tiles``: by network (numbered as in ``looks``) and
        level, or null: ``paths`` (by slice and label), ``dsc`` (mean, then by label) and ``gates`` of attention
        networks. Cases are taken in turn from each data set until ``max_bytes`` are full; ``left_out`` counts the
        others.
    """
    order = {key: index for index, key in enumerate(looks)}
    made: list[tuple[int, Json]] = []
    size = left_out = 0
    for index, view in _in_turn(views):
        case = _case(view, order)
        own = len(json.dumps(case))
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


def _case(view: CaseView, order: dict[NetworkKey, int]) -> Json:
    levels = view.levels
    trainings = list(dict.fromkeys(place.training for place in view.planes[0].predictions))
    rows, columns = view.shape
    return {
        "dataset": view.dataset,
        "case": view.choice.case,
        "why": view.choice.why,
        "size": [columns, rows],
        "levels": [level_title(level) for level in levels],
        "notes": [view.notes.get(level, "") for level in levels],
        "labels": list(view.labels),
        "slices": [plane.index for plane in view.planes],
        "first": view.fullest,
        "images": [[data_uri(plane.images[level]) for level in levels] for plane in view.planes],
        "reference": [[path_of(one) for one in plane.reference] for plane in view.planes],
        "trainings": [
            {
                "title": training_title(training),
                "tiles": [
                    {"network": order[key], "levels": [_tile(view, Place(training, key, level)) for level in levels]}
                    for key in order
                    if any(Place(training, key, level) in view.dsc for level in levels)
                ],
            }
            for training in trainings
        ],
    }


def _tile(view: CaseView, place: Place) -> Json | None:
    if place not in view.dsc:
        return None
    return {
        "paths": [[path_of(one) for one in plane.predictions[place]] for plane in view.planes],
        "dsc": [value if math.isfinite(value) else None for value in view.dsc[place]],
        "empty": place in view.empty,
        "gates": [_gate(view, gate, weights) for gate, weights in view.gates.get(place, [])],
    }


def _gate(view: CaseView, gate: Gate, weights: Pixels) -> Json:
    """``slice``: the place of the one shown among the view's, -1 where it has others; no finer than the gate's grid."""
    indices = [plane.index or 0 for plane in view.planes]
    whole = "image" if view.planes[0].index is None else "volume"
    return {
        "title": f"gate of skip {gate.depth}",
        "slice": indices.index(gate.index) if gate.index in indices else -1,
        "image": data_uri(weights, min(MAX_GATE_SIDE, max(1, max(view.shape) >> gate.depth))),
        "words": f"{percent(gate.mass)} of its weight in the reference, which is {percent(gate.inside)} of the {whole}",
    }


def path_of(outlines: Outlines) -> str:
    """The outlines as an SVG path in pixels, x to the right and y down: steps to the right and down in turn."""
    right, down = np.diff(outlines.corners, axis=0, append=0).sum(axis=1).reshape(-1, 2).T.tolist()
    words = [f"h{one}v{other}" for one, other in zip(right, down, strict=True)]
    starts = [n // 2 for n in (*outlines.starts.tolist(), len(outlines.corners))]
    firsts = outlines.corners[outlines.starts].tolist()
    return "".join(
        f"M{x} {y}{''.join(words[start : end - 1])}h{right[end - 1]}z"
        for (y, x), (start, end) in zip(firsts, pairwise(starts), strict=True)
    )


def data_uri(pixels: Pixels, side: int = MAX_SIDE) -> str:
    """A PNG as a ``data:`` address, at most ``side`` pixels high and wide."""
    image = Image.fromarray(pixels)
    longest = max(image.size)
    if longest > side:
        width, height = (max(1, round(n * side / longest)) for n in image.size)
        image = image.resize((width, height), Image.Resampling.BOX)
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
