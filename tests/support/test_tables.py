"""Tables as people's programs leave them."""

from pathlib import Path

import pytest

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.tables import ROW, read_rows

TEXT = "case,group,disparity\nMüller 1,g1,0.5\n\nb,,1e-3\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_spreadsheet_s_encoding_separator_and_line_end(
    encoding: str, separator: str, end: str, tmp_path: Path
) -> None:
    """A decimal comma is one where the comma doesn't separate; empty lines count in the rows' numbers."""
    text = TEXT.replace(",", separator).replace("\n", end)
    text = text if separator == "," else text.replace(".", ",")
    mark = b"\xfe\xff" if encoding == "utf-16-be" else b""
    (tmp_path / "t.csv").write_bytes(mark + text.encode(encoding))
    assert read_rows(tmp_path / "t.csv", ("case",), ("disparity",)) == [
        {ROW: "2", "case": "Müller 1", "group": "g1", "disparity": "0.5"},
        {ROW: "4", "case": "b", "group": "", "disparity": "1e-3"},
    ]


def test_excel_s_own_first_line_and_empty_columns_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sep=;\ncase;group;;\n a ;g;;\n;;;\n", encoding="utf-8")
    assert read_rows(tmp_path / "t.csv", ("case",)) == [{ROW: "2", "case": "a", "group": "g"}]


@pytest.mark.parametrize(
    "text", ["inf", "-inf", "NaN", "1_000", "1e999", "0x1F", "٣", "1 000", "1.000,5", "five", "--1"]
)
def test_what_is_no_finite_decimal_number_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"case;disparity\na;1\nb;{text}\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"t\.csv: row 3 has the disparity '.*'; make it a number or empty"):
        read_rows(tmp_path / "t.csv", ("case",), ("disparity",))


def test_a_comma_that_may_mean_thousands_is_no_decimal_comma(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('case,disparity\na,"1,250"\n', encoding="utf-8")
    with pytest.raises(UserError, match="row 2 has the disparity '1,250'"):
        read_rows(tmp_path / "t.csv", ("case",), ("disparity",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"kase,group\na,b\n", "has no column 'case'"),
        (b"", "has no column 'case'"),
        (b"case,group,case\na,b,c\n", "has the column 'case' twice"),
        (b"case,group\na,b,c\n", "row 2 has more cells than the header"),
        (b"case\n\0\n", r"can't be read as a table \(it holds bytes of 0\)"),
        ("case,group\n".encode("utf-16-le"), "can't be read as a table"),
        (b"case\n" + b"x" * 200_000, "can't be read as a table"),
        (b"case\n\x81\x8d\n", "can't be read as a table"),
        (b'case\n"a\n', ""),
    ],
)
def test_damaged_tables_are_one_line_that_names_the_file(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    if not words:  # a quotation mark that is never closed: the rest is the cell
        assert [row["case"] for row in read_rows(tmp_path / "t.csv", ("case",))] == ["a"]
        return
    with pytest.raises(UserError, match=words) as error:
        read_rows(tmp_path / "t.csv", ("case",))
    assert str(error.value).startswith(str(tmp_path / "t.csv"))
    assert len(str(error.value)) < 400
