"""The report's tables for a paper: one ``tabular`` a file, rules of booktabs."""

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


def write_latex(tables: list[Table], folder: Path) -> None:
    r"""Write each table as ``<title>.tex``, for ``\\input`` between ``table`` and ``caption``."""
    folder.mkdir()
    for table in tables:
        name = unique(slug(table.title.replace(":", "").replace(",", "")), {path.stem for path in folder.iterdir()})
        (folder / f"{name}.tex").write_text(latex(table), encoding="utf-8", newline="\n")


def latex(table: Table) -> str:
    """A table as LaTeX; the best cells are bold."""
    columns = "l" * table.n_words + "r" * (len(table.columns) - table.n_words)
    rows = [" & ".join(_bold(cell.whole, cell.best) for cell in row) + r" \\" for row in table.rows]
    lines = [
        f"% {' '.join(table.title.split())}",
        *([f"% {' '.join(table.note.split())}"] if table.note else []),
        r"% needs \usepackage{booktabs}",
        rf"\begin{{tabular}}{{{columns}}}",
        r"\toprule",
        " & ".join(escaped(name) for name in table.columns) + r" \\",
        r"\midrule",
        *rows,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"


def escaped(words: str) -> str:
    """Words with LaTeX's special signs as text."""
    return "".join(_SPECIAL.get(sign, sign) for sign in " ".join(words.split()))


def _bold(words: str, best: bool) -> str:
    return rf"\textbf{{{escaped(words)}}}" if best else escaped(words)
