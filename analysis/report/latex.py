"""The report's tables for a paper: one ``tabular`` a file, rules of booktabs."""

from collections.abc import Iterator
from pathlib import Path

from nnunet_skipstudy.analysis.figures.style import slug, unique
from nnunet_skipstudy.analysis.report.page import Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": "$-$",
    "–": "--",
    "…": r"\dots{}",
    "×": r"$\times$",
    "[": "{[}",  # after \\ a bracket would be a length
    "]": "{]}",
}


LINE = 92
"""Letters of ``scriptsize`` that fit between the margins of a page, with a gap of two between columns."""
MAX_WORDS = 24
"""Letters of a column of words; longer ones are broken."""
PAGE = 45
"""Rows; a longer table is a ``longtable``, which goes on on the next page."""


def write_latex(tables: list[Table], folder: Path) -> None:
    r"""Write each table as ``<title>.tex``, for ``\\input`` between ``table`` and ``caption``, long ones alone."""
    folder.mkdir()
    for table in tables:
        name = unique(slug(table.title.replace(":", "").replace(",", "")), {path.stem for path in folder.iterdir()})
        (folder / f"{name}.tex").write_text(latex(table), encoding="utf-8", newline="\n")


def latex(table: Table) -> str:
    """A table as LaTeX; the best cells are bold. One wider than a page becomes several, one below the other."""
    long = len(table.rows) > PAGE
    lines = [
        f"% {' '.join(table.title.split())}",
        *([f"% {' '.join(table.note.split())}"] if table.note else []),
        r"% needs \usepackage{booktabs" + (",longtable}, and no table around it" if long else "}"),
        r"\begingroup\scriptsize\setlength{\tabcolsep}{3pt}",
    ]
    for number, columns in enumerate(_parts(table)):
        lines += [r"\par\medskip"] if number else []
        lines += _tabular(table, columns, "longtable" if long else "tabular")
    return "\n".join([*lines, r"\par\endgroup"]) + "\n"


def _tabular(table: Table, columns: list[int], environment: str) -> Iterator[str]:
    broken = rf"p{{{MAX_WORDS / LINE:.2f}\linewidth}}"
    kinds = "".join(
        "r" if column >= table.n_words else "l" if _width(table, column) <= MAX_WORDS else broken for column in columns
    )
    yield rf"\begin{{{environment}}}{{{kinds}}}"
    yield r"\toprule"
    yield " & ".join(escaped(table.columns[column]) for column in columns) + r" \\"
    yield r"\midrule"
    yield from ([r"\endhead"] if environment == "longtable" else [])
    for row in table.rows:
        cells = ((escaped(row[column].whole), row[column].best) for column in columns)
        yield " & ".join(rf"\textbf{{{words}}}" if best else words for words, best in cells) + r" \\"
    yield r"\bottomrule"
    yield rf"\end{{{environment}}}"


def _parts(table: Table) -> Iterator[list[int]]:
    """The columns of each part: those of words in all of them, of the others as many as fit beside."""
    widths = [_width(table, column) for column in range(len(table.columns))]
    words = list(range(table.n_words))
    taken = sum(min(width, MAX_WORDS) + 2 for width in widths[: table.n_words])
    part, room = list(words), LINE - taken
    for column in range(table.n_words, len(widths)):
        if widths[column] + 2 > room and len(part) > len(words):
            yield part
            part, room = list(words), LINE - taken
        part.append(column)
        room -= widths[column] + 2
    yield part


def _width(table: Table, column: int) -> int:
    """In letters."""
    return max(len(table.columns[column]), *(len(row[column].whole) for row in table.rows), 0)


def escaped(words: str) -> str:
    """Words with LaTeX's special signs as text."""
    return "".join(_SPECIAL.get(sign, sign) for sign in " ".join(words.split()))
