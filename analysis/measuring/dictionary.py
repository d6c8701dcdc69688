"""What each column of each table is, and each ``quantity``: columns.csv, docs/columns.md and the page read this.

The entries stand in dictionary.csv beside this file, a line each: of kind table what a row of that file is, of kind
column and quantity what it holds; the metrics' columns, in the place of the line of that kind, are the registry's. As a
program it prints the reference page; ``make docs/columns.md`` writes it.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from nnunet_skipstudy.registry import LEVELS, METRICS

COLUMN, QUANTITY = "column", "quantity"


class Entry(NamedTuple):
    """A column, or a value of the column ``quantity``, in ``tables``. ``unit``: of its numbers, or its type."""

    name: str
    kind: str
    tables: tuple[str, ...]
    unit: str
    meaning: str


@cache
def _rows() -> list[dict[str, str]]:
    with (Path(__file__).parent / "dictionary.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


TABLES: dict[str, str] = {row["name"]: row["meaning"] for row in _rows() if row["kind"] == "table"}
"""Every CSV file by name, and what a row of it is."""


def _of_metrics() -> list[Entry]:
    return [
        Entry(
            row.name,
            COLUMN,
            ("case_metrics", "explain") if row.name == "dsc" else ("case_metrics",),
            "the image's: mm or pixels" if row.unit else "relative, signed" if row.signed else "share",
            row.definition.replace("{tolerances}", "the report says which"),
        )
        for row in METRICS.values()
    ]


def entries() -> tuple[Entry, ...]:
    """Every column and quantity, the metrics' from the registry's rows."""
    found: list[Entry] = []
    for row in _rows():
        if row["kind"] in (COLUMN, QUANTITY):
            told = row["meaning"].format(levels=", ".join(LEVELS), metrics=", ".join(METRICS))
            found.append(Entry(row["name"], row["kind"], tuple(row["tables"].split()), row["unit"], told))
        elif row["kind"] == "metrics":
            found += _of_metrics()
    return tuple(found)


def meaning(column: str) -> str:
    """What a column is, in one sentence or two; for the value of ``quantity`` that no column is called, its own.

    Raises:
        KeyError: there is no such column or quantity.
    """
    return {entry.name: entry.meaning for entry in reversed(entries())}[column]


def rows() -> list[dict[str, str]]:
    """The rows of columns.csv."""
    return [{**entry._asdict(), "tables": " ".join(entry.tables)} for entry in entries()]


def reference_page() -> str:
    """docs/columns.md."""
    lines = [
        "# Columns",
        "",
        "What each column of each table is, and each value of the column `quantity`; `columns.csv` beside the tables "
        "holds the same. Made by `make docs/columns.md`.",
        "",
        *(f"- `{name}.csv`: {what}." for name, what in TABLES.items()),
    ]
    for kind, title in ((COLUMN, "Columns"), (QUANTITY, "Quantities")):
        lines += ["", f"## {title}", "", "| name | in | unit or type | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{e.name}` | {', '.join(e.tables)} | {e.unit} | {e.meaning.replace('|', chr(92) + '|')} |"
            for e in entries()
            if e.kind == kind
        ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(reference_page(), end="")
