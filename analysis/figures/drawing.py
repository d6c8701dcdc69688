"""Figures as files: drawn where their numbers have changed, taken over from the last run where they haven't."""

import hashlib
import io
import pickle
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnunet_skipstudy.analysis.figures.style import save, unique
from nnunet_skipstudy.support.files import read_record, sha256_of_file, write_json

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "figures"
RECORD = Path(".cache") / "figures.json"
"""In the output folder: what each figure was drawn from, and the digests of its files."""


@dataclass(frozen=True)
class Drawing:
    """A figure before it is drawn. ``draw`` is a function with all the numbers that it takes; see :class:`Picture`."""

    title: str
    caption: str
    name: str
    draw: "partial[Figure]"
    main: bool = True
    chart: str = ""


@dataclass(frozen=True)
class Picture:
    """A figure on disk, as ``svg`` and as PNG of the same name.

    ``main`` ones are on the page, the others beside it. ``chart``: the page's own chart that shows the same, which the
    figure stands for where no script may run.
    """

    title: str
    caption: str
    svg: Path
    main: bool
    chart: str


def draw_changed(drawings: Iterable[Drawing], folder: Path, former: Path) -> list[Picture]:
    """Write all figures to ``folder`` / ``figures``, main ones first in the list.

    Args:
        drawings: where two have one name (labels that differ in signs that no file name can hold), the later one gets
            a number.
        folder: of the run's results; the record goes there, too.
        former: the results of an earlier run: a figure whose numbers are the same, and whose files nobody has changed
            since, is copied.
    """
    known = read_record(former / RECORD)
    record: dict[str, Any] = {}
    pictures = []
    (folder / FOLDER).mkdir()
    for drawing in drawings:
        name = unique(drawing.name, record)
        svg = folder / FOLDER / f"{name}.svg"
        files = (svg, svg.with_suffix(".png"))
        numbers = _digest(drawing.draw)
        if not _take_over(files, former, numbers, known.get(name)):
            save(drawing.draw(), folder / FOLDER, name)
        record[name] = {"numbers": numbers} | {path.suffix: sha256_of_file(path) for path in files}
        pictures.append(Picture(drawing.title, drawing.caption, svg, drawing.main, drawing.chart))
    write_json(folder / RECORD, record)
    return sorted(pictures, key=lambda picture: not picture.main)


def _take_over(files: Iterable[Path], former: Path, numbers: str, known: Any) -> bool:
    """Copy a figure's files, where both are as they were written, and of the same numbers."""
    if not isinstance(known, dict) or known.get("numbers") != numbers:
        return False
    for path in files:
        source = former / FOLDER / path.name
        if not source.is_file() or sha256_of_file(source) != known.get(path.suffix):
            return False
        shutil.copyfile(source, path)
    return True


def _digest(draw: "partial[Figure]") -> str:
    """Of the function's name and its numbers, and of all that draws."""
    stream = io.BytesIO()
    pickler = pickle.Pickler(stream)
    pickler.fast = True  # equal numbers, equal bytes: no hints that two of them are one object
    pickler.dump(draw)
    return hashlib.sha256(_code() + stream.getvalue()).hexdigest()


@cache
def _code() -> bytes:
    sources = [path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))]
    versions = [f"{name} {metadata.version(name)}".encode() for name in ("matplotlib", "numpy", "pillow")]
    return b"\0".join([*sources, *versions])
