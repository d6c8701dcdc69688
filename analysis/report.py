"""The report's page: plain data in, one self-contained HTML file out."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

import jinja2

from nnunet_skipstudy import __version__
from nnunet_skipstudy.analysis.figures import Picture

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Cell:
    """A table's cell; ``best`` ones stand out."""

    text: str
    best: bool = False


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
    """All that the page says, in its order."""

    title: str
    lead: list[str]
    findings: list[str]
    details: list[str]
    honesty: str
    warnings: list[str]
    tables: list[Table]
    pictures: list[Picture]
    facts: list[tuple[str, str]]
    methods: list[tuple[str, str]]
    caveats: list[str]
    version: str = field(default=__version__)


def data_uri(svg: Path) -> str:
    """An SVG file as a ``data:`` address, so that a page holds it without its ids meeting another's."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg.read_bytes()).decode("ascii")


def render(report: Report) -> str:
    """The page. Every string is escaped; nothing is fetched from the network."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        report=report,
        shown=[picture for picture in report.pictures if picture.main],
        folded=[picture for picture in report.pictures if not picture.main],
        data_uri=data_uri,
    )
