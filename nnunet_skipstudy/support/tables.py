"""Reading the tables that people make: CSV as programs and spreadsheets write it."""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Collection
from math import isfinite
from pathlib import Path

from nnunet_skipstudy.errors import UserError

SEPARATORS = ",;\t"
"""Spreadsheets separate by what the machine's language leaves free: where the comma is decimal, by semicolons."""
GZIP = b"\x1f\x8b"
"""How a compressed table begins."""
ROW = "row "
"""Under this key, which no column can have, each row has its number, the header's being 1."""
MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "none", "null", "-", "."})
"""What programs write where there is no number, in small letters."""
INFINITE = frozenset({"inf", "+inf", "infinity", "+infinity", "∞"})

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def read_rows(
    path: Path, needed: Collection[str] = (), numbers: Collection[str] = (), scores: Collection[str] = ()
) -> list[dict[str, str]]:
    """The rows of a table by its header's columns, without white space around cells and without empty rows.

    Encoding, separator and line ends may be those of any spreadsheet. A row that ends early has empty cells.

    Args:
        path: the file.
        needed: columns that must be there.
        numbers: columns that hold finite numbers or nothing; a decimal comma becomes a point.
        scores: columns that may also hold an infinite number, which becomes ``inf``, and a word for none, which
            becomes empty.

    Raises:
        UserError: the file is no such table, lacks a column, has one twice, a row has cells without a column, or a
            cell is no number; the message names row and column.
    """
    cells, separator = read_cells(path)
    header = cells[0] if cells else []
    while header and not header[-1]:
        header = header[:-1]
    lacking = [column for column in needed if column not in header]
    if lacking:
        raise UserError(f"{path}: has no column {lacking[0]!r}; add it, or remove the table")
    if len(set(header)) < len(header):
        twice = next(column for column in header if header.count(column) > 1)
        raise UserError(f"{path}: has the column {twice!r} twice; remove one of them")
    rows = []
    for number, row in enumerate(cells[1:], start=2):
        if not any(row):
            continue
        if any(row[len(header) :]):
            raise UserError(f"{path}: row {number} has more cells than the header; put quotes around a {separator!r}")
        found = dict(zip(header, [*row, *[""] * len(header)], strict=False))
        for column in numbers:
            if found.get(column):
                found[column] = _number(path, number, column, found[column], separator)
        for column in scores:
            word = found.get(column, "").casefold()
            if word in MISSING or word in INFINITE:
                found[column] = "inf" if word in INFINITE else ""
            else:
                found[column] = _number(path, number, column, found[column], separator)
        rows.append({ROW: str(number), **found})
    return rows


def read_cells(path: Path) -> tuple[list[list[str]], str]:
    """A table's cells row by row, stripped, and what separates them. Raises UserError: it can't be read as a table."""
    try:
        content = path.read_bytes()
        text = decoded(gzip.decompress(content) if content.startswith(GZIP) else content)
        named = re.match(r"sep=(.)[^\n]*\n", text)  # a line of Excel's own
        text = text[named.end() :] if named else text
        separator = named[1] if named else max(SEPARATORS, key=text.partition("\n")[0].count)
        cells = [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=separator)]
    except (OSError, EOFError, ValueError, zlib.error, csv.Error) as error:
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"{path}: can't be read as a table ({reason}); save it as CSV in UTF-8") from error
    return cells, separator


def decoded(content: bytes) -> str:
    """The text with unix line ends; without a mark UTF-8, else the Windows alphabet of Western Europe."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = content.decode("utf-16")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252")
    if "\0" in text:
        raise ValueError("it holds bytes of 0")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _number(path: Path, number: int, column: str, text: str, separator: str) -> str:
    plain = text.replace(",", ".") if separator != "," else text
    if not NUMBER.fullmatch(plain) or not isfinite(float(plain)):
        shown = text if len(text) <= 40 else f"{text[:40]}…"
        raise UserError(f"{path}: row {number} has the {column} {shown!r}; make it a number or empty")
    return plain
