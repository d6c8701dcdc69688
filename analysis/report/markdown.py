"""The report as Markdown: the same words and tables, figures by name."""

import re
from collections.abc import Iterator

from nnunet_skipstudy.analysis.report.page import Report, Table

_SPECIAL = re.compile(r"([\\`*_\[\]<>|~$&])")


def markdown(report: Report) -> str:
    """``report.md``. Every string is escaped; figures are linked from the folder beside it."""
    return "\n".join(_lines(report)) + "\n"


def text(words: str) -> str:
    """Words that Markdown takes as they are, on one line."""
    return _SPECIAL.sub(r"\\\1", " ".join(words.split()))


def _lines(report: Report) -> Iterator[str]:
    yield f"# {text(report.title)}\n"
    yield f"{text(report.summary)}\n"
    for answer in report.answers:
        yield f"**{text(answer.text)}** {text(answer.scope)}\n"
    warnings = [" ".join((warning.text, *(f"({place})" for place in warning.places))) for warning in report.warnings]
    yield from _list("Before trusting it", warnings)
    yield from _list("What came out", [finding.text for finding in (*report.findings, *report.more_findings)])
    behind = [line for finding in (*report.findings, *report.more_findings) for line in finding.behind]
    yield from _list("How sure that is", [*report.evidence, *filter(None, [report.honesty]), *dict.fromkeys(behind)])
    if report.why:
        whys = [" ".join((finding.text, *finding.behind)) for finding in (*report.why.findings, *report.why.more)]
        yield from _list("Why: where the loss passes", whys)
    if report.pictures:
        yield "## Figures\n"
    for picture in report.pictures:
        address = f"figures/{picture.svg.with_suffix('.png').name}"
        yield f"![{text(picture.title)}]({address})\n\n{text(picture.title)}. {text(picture.caption)}\n"
    yield "## Tables\n"
    for table in report.tables:
        yield from _table(table)
    yield from _list("Methods", [f"{term}: {words}" for term, words in (*report.methods, *report.facts)])
    if report.networks:
        yield from _table(report.networks)
    yield from _list("Caveats", report.caveats)
    yield f"Made by nnunet\\_skipstudy {text(report.version)}."


def _list(title: str, sentences: list[str]) -> Iterator[str]:
    if sentences:
        yield f"## {title}\n"
        yield from (f"- {text(sentence)}" for sentence in sentences)
        yield ""


def _table(table: Table) -> Iterator[str]:
    yield f"### {text(table.title)}\n"
    yield f"| {' | '.join(text(name) for name in table.columns)} |"
    yield "|" + "|".join(":---" if index < table.n_words else "---:" for index in range(len(table.columns))) + "|"
    for row in table.rows:
        cells = (f"**{text(cell.whole)}**" if cell.best else text(cell.whole) for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""
    if table.note:
        yield f"{text(table.note)}\n"
