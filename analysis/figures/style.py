"""What all figures share: colours of paper, files, names."""

import re
import warnings
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnunet_skipstudy.analysis.figures.looks import Look, training_title
from nnunet_skipstudy.analysis.statistics.setting import ALL_TRAININGS, Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics

# matplotlib takes a quarter of a second to import: an analysis whose figures are unchanged needs none of it
if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Figure
    from matplotlib.lines import Line2D

STYLE: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "figure.facecolor": "white",
    "svg.fonttype": "path",
    "text.parse_math": False,  # a $ in somebody's label is a $
}
WIDE_FONTS: tuple[str, ...] = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Zen Hei"),
    *("WenQuanYi Micro Hei", "PingFang SC", "Hiragino Sans", "Microsoft YaHei", "SimHei", "Malgun Gothic"),
    *("Arial Unicode MS", "Noto Sans Arabic", "Noto Sans Devanagari"),
)
"""Fonts with letters that matplotlib's own lacks."""
MAX_COLUMNS = 3
LEGEND_SIZE = 9.0


@contextmanager
def style(**settings: Any) -> Iterator[None]:
    """Matplotlib's defaults with ``STYLE`` and ``settings``.

    Whatever the process has set before must not show: nnU-Net's logger, for one, scales all fonts up.
    """
    import matplotlib as mpl

    with mpl.rc_context(), _boxes_for_letters():
        mpl.rcdefaults()
        chosen: Any = {**STYLE, "font.family": _fonts(), **settings}
        mpl.rcParams.update(chosen)
        yield


@contextmanager
def _boxes_for_letters() -> Iterator[None]:
    """For a letter that no font has a box is drawn, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from (current )?font", UserWarning)
        yield


@cache
def _fonts() -> list[str]:
    """Matplotlib's own font, then those on this machine that have what it lacks."""
    from matplotlib import font_manager

    own, there = "DejaVu Sans", set(font_manager.get_font_names())
    return [own, *(name for name in WIDE_FONTS if name in there)]


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure, in inches, whose parts make room for each other."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


@cache
def width_of(words: str, size: float) -> float:
    """How wide a line of text is, in inches, in letters of ``size`` points."""
    if not words:
        return 0.0
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextToPath

    font = FontProperties(family="DejaVu Sans", size=size)  # matplotlib's own, whatever the process has set before
    with _boxes_for_letters():
        return float(TextToPath().get_text_width_height_descent(words, font, ismath=False)[0]) / 72


def fitted(words: str, inches: float, size: float) -> str:
    """The words broken into lines no wider than ``inches``; a word that is wider by itself is broken, too."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer, size) <= inches:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for sign in word:
            if lines[-1] and width_of(lines[-1] + sign, size) > inches:
                lines.append("")
            lines[-1] += sign
    return "\n".join(lines)


def share_limits(values: Sequence[float]) -> tuple[float, float]:
    """From where to where an axis of shares runs: 0 to 1, or, where all lie within less than half of that, around them.

    The page's own charts do alike.
    """
    known = [value for value in values if np.isfinite(value)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    if high - low > 0.5:
        return min(0.0, low), 1.02
    room = 0.08 * (high - low) or 0.02
    return (low - room if low - room >= 0.02 else min(0.0, low)), min(1.0, high) + room / 2


def said_limits(axis: "Axes") -> str:
    """Where an axis of shares begins, for its title; empty where at 0."""
    low = axis.get_ylim()[0]
    return f"; axis from {low:.2f}" if low > 0.01 else ""


def title_above(figure: "Figure", title: str) -> None:
    """The figure's title, in as many lines as its width asks for."""
    figure.suptitle(fitted(title, figure.get_figwidth() - 0.2, 10), fontsize=10)


def legend_below(figure: "Figure", handles: Sequence["Artist"], titles: Sequence[str]) -> None:
    """A legend under the axes in as many columns, three at most, as fit; more than two rows make the figure higher."""
    room = figure.get_figwidth() - 0.2
    em = LEGEND_SIZE / 72
    names = [fitted(title, room - 3 * em, LEGEND_SIZE) for title in titles]
    widths = [max(width_of(line, LEGEND_SIZE) for line in name.split("\n")) for name in names]
    columns = 1
    for number in range(min(3, len(names)), 1, -1):
        # matplotlib fills column after column, the first ones with one more
        parts = np.array_split(np.array(widths), number)
        if sum(part.max() for part in parts) + (3 * number + 2 * (number - 1)) * em <= room:
            columns = number
            break
    lines = [name.count("\n") + 1 for name in names]
    rows = max(sum(part) for part in np.array_split(np.array(lines), columns))
    figure.set_figheight(figure.get_figheight() + max(0, int(rows) - 2) * 1.5 * em)
    figure.legend(handles, names, loc="outside lower center", ncols=columns, frameon=False, fontsize=LEGEND_SIZE)


def network_handle(look: Look, line: bool = False) -> "Line2D":
    """A network's mark for a legend, with its line where ``line``."""
    from matplotlib.lines import Line2D

    dashes: Any = look.dashes if line else "none"
    return Line2D([], [], color=look.colour, linestyle=dashes, marker=look.marker, markersize=4.5 if line else 8)


class Named(NamedTuple):
    """A setting that has a figure. ``words`` tell it from others: data set, training, and the label among several."""

    setting: Setting
    words: list[str]
    first: bool


def named_settings(statistics: Statistics, datasets: Sequence[str]) -> Iterator[Named]:
    """The settings that speak for each data set, one per label; the ``first`` is the mean of labels."""
    for dataset in datasets:
        overall = statistics.overall(dataset)
        for setting in overall:
            title = "" if setting.training == ALL_TRAININGS else training_title(setting.training)
            label = setting.label if len(overall) > 1 else ""
            yield Named(setting, [word for word in (dataset, title, label) if word], setting is overall[0])


def slug(*words: str) -> str:
    """A file name's stem from words that anybody may have written."""
    return "_".join(re.sub(r"[^A-Za-z0-9_.+-]+", "-", word).strip("-.") or "x" for word in words if word)


def unique(name: str, taken: Container[str]) -> str:
    """The name, with a number where it is taken: two labels may differ only in signs that a file name can't hold."""
    while name in taken:
        name += "-2"
    return name


def save(figure: "Figure", folder: Path, name: str) -> Path:
    """Write ``name``.svg and ``name``.png; equal figures give equal bytes. Returns the SVG's path."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    with style(**{"svg.hashsalt": name}):
        if layout := figure.get_layout_engine():
            layout.execute(figure)  # once for both files, each of which savefig would draw twice
        figure.set_layout_engine("none")
        canvas: Any = FigureCanvasSVG(figure)
        canvas.print_svg(svg, metadata={"Date": None, "Creator": None})
        figure.set_dpi(160)
        canvas = FigureCanvasAgg(figure)
        quickly = {"compress_level": 1}  # the demo's files are 3 to 22 % larger than by 6
        canvas.print_png(png, metadata={"Software": None}, pil_kwargs=quickly)
    return svg
