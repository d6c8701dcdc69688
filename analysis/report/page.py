"""The report's page: plain data in, one self-contained HTML file out."""

import base64
import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup
from PIL import Image

from nnunet_skipstudy import __version__
from nnunet_skipstudy.analysis.figures.drawing import Picture

TEMPLATES = Path(__file__).parent / "templates"
MAX_FIGURE_BYTES = 7_000_000
"""Of the figures on the page; further ones lie beside it, and the page lists them."""
MAX_WIDTH = 900
"""Pixels, of photographs on the page."""
SCRIPTS = ("core.js", "charts.js", "sweep.js", "tables.js")


@dataclass(frozen=True)
class Cell:
    """A table's cell; ``best`` ones stand out. ``note``: its interval, set small."""

    text: str
    best: bool = False
    note: str = ""

    @property
    def whole(self) -> str:
        """Text and note."""
        return f"{self.text} {self.note}".strip()


@dataclass(frozen=True)
class Table:
    """A table; its first ``n_words`` columns hold words, the others numbers. Folded away unless ``open``."""

    title: str
    columns: list[str]
    rows: list[list[Cell]]
    n_words: int = 1
    note: str = ""
    open: bool = True


@dataclass(frozen=True)
class Report:
    """All that the page says, in its order.

    ``charts`` and ``sweep`` are the numbers and pictures for the page's script, as JSON can hold them;
    ``sweep_note`` says what was taken and what left out.
    """

    title: str
    lead: list[str]
    findings: list[str]
    evidence: list[str]
    details: list[str]
    honesty: str
    warnings: list[str]
    tables: list[Table]
    pictures: list[Picture]
    charts: dict[str, Any]
    sweep: dict[str, Any]
    sweep_note: str
    facts: list[tuple[str, str]]
    methods: list[tuple[str, str]]
    caveats: list[str]
    version: str = field(default=__version__)


def data_uri(picture: Picture) -> str:
    """A figure's file as a ``data:`` address, so that a page holds it without its ids meeting another's.

    Photographs come smaller than beside the page, in few colours.
    """
    if not picture.raster:
        return "data:image/svg+xml;base64," + base64.b64encode(picture.svg.read_bytes()).decode("ascii")
    stream = io.BytesIO()
    with Image.open(picture.svg.with_suffix(".png")) as image:
        small = image.convert("RGB")
    small.thumbnail((MAX_WIDTH, 2 * MAX_WIDTH))
    small.quantize(64).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def _held(pictures: Sequence[Picture]) -> tuple[dict[Picture, str], list[Picture]]:
    """The main pictures with their addresses, as far as the page has room, and all others."""
    held: dict[Picture, str] = {}
    others: list[Picture] = []
    size = 0
    for picture in pictures:
        address = data_uri(picture) if picture.main else ""
        if address and size + len(address) <= MAX_FIGURE_BYTES:
            size += len(address)
            held[picture] = address
        else:
            others.append(picture)
    return held, others


def json_in_script(content: object) -> Markup:
    """JSON that may stand in a ``script`` element: no string in it can end the element or open a comment."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)  # ASCII, so U+2028 is escaped, too
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def render(report: Report) -> str:
    """The page. Every string is escaped; nothing is fetched from the network, and only our own script may run."""
    script = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    script = f"(() => {{\n{script}}})();\n"
    shown, others = _held(report.pictures)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        report=report,
        data=json_in_script({"charts": report.charts, "sweep": report.sweep}),
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        digest=digest,
        shown=shown,
        others=others,
    )
