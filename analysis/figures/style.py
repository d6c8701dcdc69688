"""What all figures share: colours of paper, files, names."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from nnunet_skipstudy.analysis.looks import training_title
from nnunet_skipstudy.analysis.statistics.setting import ALL_TRAININGS, Setting

METRIC_TITLES: dict[str, str] = {"dsc": "DSC", "hd": "HD", "hd95": "HD95", "assd": "ASSD", "nsd": "NSD"}
BOUNDED: tuple[str, ...] = ("dsc", "nsd")
"""Metrics between 0 and 1, of which larger is better; the others are distances."""

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
MAX_COLUMNS = 3


@contextmanager
def style(**settings: Any) -> Iterator[None]:
    """Matplotlib's defaults with ``STYLE`` and ``settings``.

    Whatever the process has set before must not show: nnU-Net's logger, for one, scales all fonts up.
    """
    with mpl.rc_context():
        mpl.rcdefaults()
        chosen: Any = {**STYLE, **settings}
        mpl.rcParams.update(chosen)
        yield


@dataclass(frozen=True)
class Picture:
    """A figure on disk, as ``svg`` and as PNG of the same name.

    ``main`` ones are on the page, the others beside it; ``raster``: the page holds the PNG (of photographs).
    """

    title: str
    caption: str
    svg: Path
    main: bool
    raster: bool = False


def named_after(setting: Setting, several: bool) -> list[str]:
    """The words that tell a setting's figure from others: data set, training, and the label among several."""
    title = "" if setting.training == ALL_TRAININGS else training_title(setting.training)
    return [word for word in (setting.dataset, title, setting.label if several else "") if word]


def slug(*words: str) -> str:
    """A file name's stem from words that anybody may have written."""
    return "_".join(re.sub(r"[^A-Za-z0-9_.+-]+", "-", word).strip("-.") or "x" for word in words if word)


def save(figure: Figure, folder: Path, name: str) -> Path:
    """Write ``name``.svg and ``name``.png; equal figures give equal bytes. Returns the SVG's path.

    Where two labels' names differ only in signs that a file name can't hold, the later one gets a number.
    """
    while (folder / f"{name}.svg").exists():
        name += "-2"
    svg, png = folder / f"{name}.svg", folder / f"{name}.png"
    with style(**{"svg.hashsalt": name}):
        figure.draw_without_rendering()  # arranges the figure, once for both files
        figure.set_layout_engine("none")
        figure.savefig(svg, metadata={"Date": None, "Creator": None})
        figure.savefig(png, dpi=160, metadata={"Software": None})
    return svg
