"""The report's page: plain data in, one self-contained HTML file out."""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup

from nnunet_skipstudy.analysis.figures.drawing import Picture
from nnunet_skipstudy.analysis.figures.looks import on_dark
from nnunet_skipstudy.analysis.measuring.dictionary import meaning
from nnunet_skipstudy.support.version import __version__

TEMPLATES = Path(__file__).parent / "templates"
MAX_FIGURE_BYTES = 3_000_000
"""Of the figures on the page; further ones lie beside it, and the page lists them."""
SCRIPTS = ("core.js", "charts.js", "sweep.js", "why.js", "tables.js")


def told(name: str) -> dict[str, str]:
    """What stands in one of the templates, a line a sentence or some, by its name: ``**name**: sentence``."""
    lines = (TEMPLATES / name).read_text(encoding="utf-8").splitlines()
    return {key: words for key, _, words in (line.removeprefix("**").partition("**: ") for line in lines)}


NOTES = told("notes.md")
"""Notes of tables, and other fixed words, by what they belong to."""


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


class Answer(NamedTuple):
    """The sentence that answers the study's question, and whom its interval speaks of; empty without one."""

    text: str
    scope: str = ""


class Finding(NamedTuple):
    """One line of what came out, and the numbers behind it, which are folded away."""

    text: str
    behind: tuple[str, ...] = ()


class Why(NamedTuple):
    """Why networks fail: a finding a network, and the tables behind; pictures of the chart ``why`` stand beside.

    ``more``: of further training sets and data sets, folded away.
    """

    findings: list[Finding]
    more: list[Finding]
    tables: list[Table]


class Warnings(NamedTuple):
    """What a reader has to know: one sentence, and what it holds for, where it holds for several."""

    text: str
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Report:
    """All that the page says, in its order. ``overview``: those of its tables that a terminal shows.

    ``answers``: one sentence a data set, to the study's question; ``forest_note``: how to read the picture below it.
    ``charts`` and ``sweep`` are the numbers and pictures for the page's script, as JSON can hold them; ``sweep_note``
    says what was taken and what left out. ``intervals``: whether there are any. ``networks``: of the methods.
    """

    title: str
    summary: str
    answers: list[Answer]
    forest_note: str
    findings: list[Finding]
    more_findings: list[Finding]
    evidence: list[str]
    honesty: str
    warnings: list[Warnings]
    overview: list[Table]
    tables: list[Table]
    pictures: list[Picture]
    charts: dict[str, Any]
    sweep: dict[str, Any]
    sweep_note: str
    facts: list[tuple[str, str]]
    methods: list[tuple[str, str]]
    caveats: list[str]
    intervals: bool
    networks: Table | None = None
    why: Why | None = None
    version: str = field(default=__version__)


class Held(NamedTuple):
    """A figure within the page: its file as a ``data:`` address, so that its ids meet no other's; size in pixels."""

    picture: Picture
    address: str
    width: int
    height: int


def held(picture: Picture) -> Held:
    """Read a figure, and let it be dark on a dark page. Its root element names its size in points."""
    start, root, rest = re.split(r"(<svg[^>]*>)", picture.svg.read_text(encoding="utf-8"), maxsplit=1)
    width, height = (float(found) * 4 / 3 for found in re.findall(r' (?:width|height)="([\d.]+)pt"', root))
    style = (TEMPLATES / "figure.css").read_text(encoding="utf-8")
    content = f"{start}{root}<style>{style}</style>{rest}".encode()
    address = "data:image/svg+xml;base64," + base64.b64encode(content).decode("ascii")
    return Held(picture, address, round(width), round(height))


def _within(pictures: Sequence[Picture]) -> tuple[list[Held], list[Picture]]:
    """The main pictures, as far as the page has room, and all others."""
    within: list[Held] = []
    others: list[Picture] = []
    size = 0
    for picture in pictures:
        found = held(picture) if picture.main else None
        if found and size + len(found.address) <= MAX_FIGURE_BYTES:
            size += len(found.address)
            within.append(found)
        else:
            others.append(picture)
    return within, others


COLUMNS = {
    "network": "architecture", "minus": "other_architecture", "slope on TD": "slope_on_disparity",
    "area over TD": "disparity_area", "p": "p_value", "p (Holm)": "p_holm", "groups": "n_groups", "cases": "n_cases",
    "difference [95 %]": "difference", "rank of mean [95 %]": "rank_of_mean", "first in": "share_first",
    "seeds x folds": "n_seeds", "relative": "relative_change",
}  # fmt: skip
"""What a table's column is called in the data dictionary, where that isn't its title in small letters."""


def tip(title: str) -> str:
    """What a column is, by the data dictionary; empty for one that isn't in it."""
    try:
        return meaning(COLUMNS.get(title, title.lower().replace(" ", "_")))
    except KeyError:
        return ""


def json_in_script(content: object) -> Markup:
    """JSON that may stand in a ``script`` element: no string in it can end the element or open a comment."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)  # ASCII, so U+2028 is escaped, too
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def known_caveats() -> list[str]:
    """What is known to be wrong or weak whatever the data are, a sentence or some each; the site shows the same."""
    text = re.sub(r"\*\*|`", "", (TEMPLATES / "caveats.md").read_text(encoding="utf-8"))
    return [line.removeprefix("- ") for line in text.splitlines()]


def template(name: str) -> jinja2.Template:
    """One of the page's templates; it escapes every string, and refuses what it isn't given."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def render(report: Report) -> str:
    """The page. Every string is escaped; nothing is fetched from the network, and only our own script may run."""
    script = "\n".join((TEMPLATES / name).read_text(encoding="utf-8") for name in SCRIPTS)
    script = f"(() => {{\n{script}}})();\n"
    within, others = _within(report.pictures)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return template("report.html").render(
        report=report,
        data=json_in_script({"charts": report.charts, "sweep": report.sweep}),
        style=Markup((TEMPLATES / "report.css").read_text(encoding="utf-8")),
        script=Markup(script),
        digest=digest,
        tip=tip,
        twins={found.picture.chart: found for found in reversed(within) if found.picture.chart},
        why=[found for found in within if found.picture.chart == "why"],
        figures=[found for found in within if not found.picture.chart],
        beside=[*(found.picture for found in within if found.picture.chart), *others],
        known_caveats=known_caveats(),
        colours=[(network["colour"], on_dark(network["colour"])) for network in report.charts["networks"]],
    )
