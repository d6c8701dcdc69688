"""Histograms of texture disparity, one figure a split and level."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.levels.disparity import TEST, TRAIN, DisparityRow
from nnunet_skipstudy.registry import UNPERTURBED
from nnunet_skipstudy.texture.categories import CATEGORIES, category_borders

N_BINS = 30
COLOUR = "#0072B2"
TITLES = {TRAIN: "training pool", TEST: "test set"}


def disparity_histograms(rows: Sequence[DisparityRow], folder: Path, title: str) -> Iterator[Path]:
    """Draw one figure a split and level into an empty folder, a panel a label, and give each SVG's path.

    A perturbed level has the unperturbed test set behind it, as an outline. The borders between the categories
    are dotted. Each figure has its own axis: a blur multiplies the disparity many times, and would leave nothing
    to be seen of the other levels on a common one.

    Args:
        rows: of :func:`~nnunet_skipstudy.levels.disparity.disparity_table`.
        folder: where ``disparity_<set>_<level>.svg`` and ``.png`` go.
        title: of the data set.
    """
    taken: set[str] = set()
    ranked = [row for row in rows if row.level == UNPERTURBED] or rows
    for split, level in dict.fromkeys((row.set, row.level) for row in rows):
        shown = [row for row in rows if (row.set, row.level) == (split, level)]
        behind = [] if level == UNPERTURBED else [r for r in rows if (r.set, r.level) == (TEST, UNPERTURBED)]
        heading = ", ".join(filter(None, [title, TITLES.get(split, split), level if split == TEST else ""]))
        figure = _figure(shown, behind, ranked, heading)
        name = paper.unique(paper.slug("disparity", split, level if split == TEST else ""), taken)
        taken.add(name)
        yield paper.save(figure, folder, name)


def _figure(
    rows: Sequence[DisparityRow], behind: Sequence[DisparityRow], ranked: Sequence[DisparityRow], heading: str
) -> "paper.Figure":
    labels = list(dict.fromkeys(row.label for row in rows))
    edges = np.linspace(*_limits([*_known(rows), *_known(behind)]), N_BINS + 1)
    with paper.style():
        figure = paper.new_figure(6.2, 1.1 + 2.2 * len(labels))
        axes = figure.subplots(len(labels), 1, sharex=True, squeeze=False).ravel()
        for axis, label in zip(axes, labels, strict=True):
            values = [row.disparity for row in rows if row.label == label]
            _bars(axis, values, _known(behind, label), edges)
            _borders(axis, category_borders(_known(ranked, label)), edges)
            axis.set_title(_title(values, label if len(labels) > 1 else ""), loc="left")
        axes[-1].set_xlabel("← harder      texture disparity in bits      easier →")
        axes[-1].set_xlim(edges[0], edges[-1])
        figure.supylabel("cases", fontsize=9)
        figure.suptitle(heading, fontsize=10)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _known(rows: Sequence[DisparityRow], label: str | None = None) -> list[float]:
    return [row.disparity for row in rows if isfinite(row.disparity) and label in (None, row.label)]


def _limits(values: Sequence[float]) -> tuple[float, float]:
    low, high = min([*values, 0.0]), max([*values, 0.0])
    return (low, high) if high > low else (low, low + 1.0)


def _title(values: Sequence[float], label: str) -> str:
    known = [value for value in values if isfinite(value)]
    words = [f"{len(known)} cases"]
    if known:
        words.append(f"median {median(known):.3f}")
    if len(known) < len(values):
        words.append(f"{len(values) - len(known)} without a disparity")
    return (f"{label}: " if label else "") + ", ".join(words)


def _bars(axis: Any, values: Sequence[float], behind: Sequence[float], edges: Any) -> None:
    known = [value for value in values if isfinite(value)]
    axis.hist(known, bins=edges, color=COLOUR, alpha=0.8, label="cases")
    if behind:
        axis.hist(behind, bins=edges, histtype="step", color="#000000", linewidth=1, label="unperturbed")
    if known:
        axis.axvline(median(known), color="#D55E00", linewidth=1.5, label="median")
    axis.yaxis.get_major_locator().set_params(integer=True)
    axis.grid(axis="x", visible=False)
    axis.margins(y=0.15)


def _borders(axis: Any, borders: Sequence[float], edges: Any) -> None:
    """Dotted lines between the categories, and the names of those that have room for one."""
    for border in borders:
        axis.axvline(border, color="#888888", linestyle=":", linewidth=1)
    if borders:
        room = (edges[-1] - edges[0]) / 10
        limits = np.clip([edges[0], *borders, edges[-1]], edges[0], edges[-1])
        for category, (left, right) in zip(CATEGORIES, pairwise(limits), strict=True):
            if right - left > room:
                place = {"x": (left + right) / 2, "y": 0.97, "transform": axis.get_xaxis_transform()}
                axis.text(s=category, ha="center", va="top", fontsize=7, color="#666666", **place)
