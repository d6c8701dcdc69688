"""``skipstudy analyze scores.csv``: tables of scores by the same door as predictions."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from made_up_study import write_study

from nnunet_skipstudy import cli

LEVELS = ("hardest", "unperturbed", "easiest")
HEADER = ("model", "run", "Level", "image", "Dice", "HD")
MAPPED = ("--columns", "architecture=model,seed=run,level=Level,case=image", "--columns", "dsc=Dice,hd=HD")


def analyze(*arguments: object) -> int:
    return cli.main(["analyze", *map(str, arguments), "--no-figures"])


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def rows() -> list[list[str]]:
    """Two networks, two seeds, three levels, six cases; one prediction failed."""
    made = []
    for index, (model, factor) in enumerate((("Mine", 0.9), ("NoSkip", 0.8))):
        for seed in (1, 2):
            for level, loss in zip(LEVELS, (0.3, 0.0, 0.1), strict=True):
                for case in range(6):
                    dsc = factor - loss - 0.01 * case - 0.003 * seed * (1 + index)
                    made.append([model, str(seed), level, f"c{case}", f"{dsc:.4f}", f"{20 * (1 - dsc):.3f}"])
    made[0][4:] = ["0", "inf"]
    return made


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def made(
        table: Sequence[Sequence[str]], name: str = "scores.csv", header: Sequence[str] = HEADER, separator: str = ",",
        encoding: str = "utf-8",
    ) -> Path:  # fmt: skip
        path = tmp_path / name
        path.write_text("\n".join(separator.join(row) for row in (header, *table)) + "\n", encoding=encoding)
        return path

    return made


def test_our_own_table_gives_our_own_numbers(tmp_path: Path) -> None:
    """Every CSV of the second analysis is that of the first, byte for byte: degenerate networks, failures and all."""
    predictions, raw = write_study(
        tmp_path, n_patients=6, per_patient=2, architectures=("NoSkip", "UNet", "VNet"), degenerate=("VNet",),
        images=False,
    )  # fmt: skip
    next(iter((predictions).rglob("hardest/p00_0.png"))).unlink()
    first, second = tmp_path / "first", tmp_path / "second"
    assert analyze(predictions, "--labels", raw, "-o", first) == 0
    assert analyze(first / "case_metrics.csv", "-o", second) == 0
    names = sorted(path.name for path in first.glob("*.csv"))
    assert len(names) == 6
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    page = (second / "report.html").read_text(encoding="utf-8")
    assert "No pictures: what was read is a table of scores" in page
    assert "Nothing was measured here: the scores were read from case_metrics.csv" in page


def test_anybody_s_table_with_names_of_its_own(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The means are the table's; a failure counts as the diagonal; metrics that it lacks are in no table."""
    table = rows()
    assert analyze(write(table), *MAPPED, "-o", tmp_path / "out", "--diagonal", 50) == 0
    assert "Mean DSC by test level: scores" in capsys.readouterr().out
    found = read(tmp_path / "out" / "robustness.csv")
    assert {row["metric"] for row in found} == {"dsc", "hd"}
    of_failure = next(
        row for row in found
        if (row["architecture"], row["level"], row["metric"]) == ("Mine", "hardest", "hd")
    )  # fmt: skip
    values = [50.0 if row[5] == "inf" else float(row[5]) for row in table if (row[0], row[2]) == ("Mine", "hardest")]
    assert float(of_failure["mean"]) == pytest.approx(sum(values) / len(values))
    assert (of_failure["n"], of_failure["n_seeds"], of_failure["n_missed"]) == ("6", "2", "1")
    assert {row["metric"] for row in read(tmp_path / "out" / "statistics.csv")} == {"dsc", "hd"}


def test_several_files_are_one_table_and_groups_may_be_given(write: Callable[..., Path], tmp_path: Path) -> None:
    """A file a network; which cases belong together comes from a column or from --groups."""
    table = [[*row, f"patient{int(row[3][1]) // 2}"] for row in rows()]
    header = (*HEADER, "patient")
    files = [write([r for r in table if r[0] == name], f"{name}.csv", header) for name in ("Mine", "NoSkip")]
    assert analyze(*files, *MAPPED, "--columns", "group=patient", "-o", tmp_path / "out", "--diagonal", 50) == 0
    by_column = read(tmp_path / "out" / "statistics.csv")
    assert {row["n_groups"] for row in by_column if row["quantity"] == "mean"} == {"3"}
    assert analyze(*files, *MAPPED, "-o", tmp_path / "out", "--diagonal", 50, "--groups", r"^c[01]|^c[23]|^c[45]") == 0
    assert {row["group"] for row in read(tmp_path / "out" / "case_metrics.csv")} == {f"c{n}" for n in range(6)}


@pytest.mark.parametrize(("separator", "encoding"), [(";", "cp1252"), ("\t", "utf-16"), (";", "utf-8-sig")])
def test_tables_as_spreadsheets_save_them(
    separator: str, encoding: str, write: Callable[..., Path], tmp_path: Path
) -> None:
    """Decimal commas, seeds as 1.0, capitals of levels, #N/A: the numbers are those of the plain table."""
    plain = rows()
    assert analyze(write(plain), *MAPPED, "-o", tmp_path / "plain", "--diagonal", 50) == 0
    spreadsheet = [[row[0], f"{row[1]},0", row[2].title(), row[3], *(cell.replace(".", ",") for cell in row[4:])]
                   for row in plain]  # fmt: skip
    spreadsheet[0][5] = "#N/A"
    path = write(spreadsheet, "scores.csv", HEADER, separator, encoding)
    assert analyze(path, *MAPPED, "-o", tmp_path / "out", "--diagonal", 50) == 0
    for name in ("case_metrics.csv", "robustness.csv", "statistics.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes(), name


Change = Callable[[list[list[str]]], None]


def cell(row: int, column: int, text: str) -> Change:
    """Another text in one cell; rows are counted as in a spreadsheet, the header being 1."""

    def changed(table: list[list[str]]) -> None:
        table[row - 2][column] = text

    return changed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (cell(5, 4, "85.3"), ("row 5 has the Dice '85.3'", "not a percentage")),
        (cell(5, 4, "-0.1"), ("row 5 has the Dice '-0.1'", "between 0 and 1")),
        (cell(5, 4, "0.8 (ok)"), ("row 5 has the Dice '0.8 (ok)'", "make it a number")),
        (cell(5, 5, "-3"), ("row 5 has the HD '-3", "0 or more")),
        (cell(5, 5, "inf"), ("row 5 has the Dice '0.", "mend the row")),
        (cell(5, 5, "60"), ("row 5 has the HD '60", "longer than the diagonal")),
        (cell(5, 1, "one"), ("row 5 has the run 'one'", "make it a number")),
        (cell(5, 1, "1.5"), ("row 5 has the run '1.5'", "whole number")),
        (cell(5, 1, ""), ("row 5 has the run ''", "fill the cell")),
        (cell(5, 0, ""), ("row 5 has the model ''", "fill the cell")),
        (cell(5, 3, ""), ("row 5 has the image ''", "fill the cell")),
        (cell(5, 2, "hardets"), ("row 5 has the Level 'hardets'", "spell it hardest")),
        (cell(5, 3, "c0"), ("row 5 is the same prediction as row 2", "remove one")),
        (lambda table: table.pop(3), ("Mine seed 1 at hardest has no row for the case 'c3'", "--extra list")),
    ],
)
def test_what_can_t_be_meant_is_refused_with_file_row_and_column(
    change: Change,
    words: tuple[str, ...],
    write: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = rows()
    change(table)
    assert analyze(write(table), *MAPPED, "-o", tmp_path / "out", "--diagonal", 50) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert all(word in said for word in words), said
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "has no column 'dsc'; say which one holds it with --columns dsc="),
        (("--columns", "dice=Dice"), "'dice' is none of our names; did you mean"),
        (("--columns", "Dice"), "give our name and the table's, such as dsc=Dice"),
        (("--columns", "dsc=Dice,nsd=Dice"), "the name is given twice"),
        (("--columns", "dsc=DSC"), "has no column 'DSC' for dsc; it has model, run, Level, image, Dice, HD"),
        (MAPPED, "row 2 has the HD 'inf'; a failed prediction has no distance: say what it counts as with --diagonal"),
        ((*MAPPED, "--diagonal", "wide"), "give a number above 0"),
        ((*MAPPED, "--diagonal", "50", "--labels", "."), "--labels is not for a table of scores"),
        ((*MAPPED, "--diagonal", "50", "--surface", "surfel"), "--surface is not for a table of scores"),
        ((*MAPPED, "--diagonal", "50", "--architecture", "Mine"), "has a column 'model', which says it for each row"),
        ((*MAPPED, "--diagonal", "50", "--levels", "harder=noisy"), "no row has the level 'noisy'"),
        ((*MAPPED, "--diagonal", "50", "--architectures", "NoSkip=Mine"), "rows have the architecture 'NoSkip', too"),
    ],
)
def test_options_that_don_t_fit_the_table(
    arguments: tuple[str, ...], words: str, write: Callable[..., Path], tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    header = HEADER if arguments else ("architecture", "run", "Level", "case", "Dice", "HD")
    assert analyze(write(rows(), header=header), *arguments, "-o", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert words in said


def test_cases_that_not_all_have_can_be_left_out_for_all(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = [row for row in rows() if row[0] != "NoSkip" or row[3] != "c5"]
    path = write(table)
    assert analyze(path, *MAPPED, "-o", tmp_path / "out", "--diagonal", 50, "--extra", "list") == 0
    assert {row["case"] for row in read(tmp_path / "out" / "case_metrics.csv")} == {f"c{n}" for n in range(5)}
    assert "1 cases without a row for some network or seed were left out for all (c5)" in capsys.readouterr().err


def test_levels_and_cases_that_differ_are_said(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One seed lacks a level; and in folds of their own, networks may have other cases."""
    table = [row for row in rows() if row[:3] != ["NoSkip", "2", "hardest"]]
    assert analyze(write(table), *MAPPED, "-o", tmp_path / "out", "--diagonal", 50) == 0
    assert "1 trainings of scores have no scores at some level (NoSkip 2: hardest)" in capsys.readouterr().err
    table = [[*row, "0" if row[0] == "Mine" else "1"] for row in rows() if row[0] == "Mine" or row[3] in ("c1", "c2")]
    path = write(table, header=(*HEADER, "fold"))
    assert analyze(path, *MAPPED, "-o", tmp_path / "out", "--diagonal", 50) == 0
    assert "were tested on different cases (Mine 6, NoSkip 2)" in capsys.readouterr().err


def test_scores_that_lack_without_a_policy_are_counted(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A case without a DSC may have failed or been rightly empty; only a column outcome tells."""
    table = rows()
    table[7][4:] = ["", ""]
    assert analyze(write(table), *MAPPED, "-o", tmp_path / "out", "--diagonal", 50) == 0
    said = capsys.readouterr().err
    assert "1 of 72 rows of scores have no DSC" in said
    told = [[*row, "both_empty" if index == 7 else ""] for index, row in enumerate(table)]
    path = write(told, header=(*HEADER, "outcome"))
    assert analyze(path, *MAPPED, "-o", tmp_path / "out", "--diagonal", 50) == 0
    (row,) = (row for row in read(tmp_path / "out" / "case_metrics.csv") if row["outcome"] == "both_empty")
    assert (row["dsc"], row["hd"]) == ("1.0", "0.0")
    assert analyze(path, *MAPPED, "-o", tmp_path / "out", "--diagonal", 50, "--both-empty", "exclude") == 0
    (row,) = (row for row in read(tmp_path / "out" / "case_metrics.csv") if row["outcome"] == "both_empty")
    assert (row["dsc"], row["hd"]) == ("", "")


def test_levels_and_networks_get_our_names(write: Callable[..., Path], tmp_path: Path) -> None:
    """Then changes are counted from the unperturbed level, and the network is in its group."""
    table = [
        [{"NoSkip": "no skips"}.get(row[0], row[0]), row[1], f"set {LEVELS.index(row[2])}", *row[3:]] for row in rows()
    ]
    names = ("--levels", "hardest=set 0,unperturbed=set 1,easiest=set 2", "--architectures", "NoSkip=no skips")
    assert analyze(write(table), *MAPPED, *names, "-o", tmp_path / "out", "--diagonal", 50) == 0
    assert analyze(write(rows()), *MAPPED, "-o", tmp_path / "plain", "--diagonal", 50) == 0
    assert (tmp_path / "out" / "robustness.csv").read_bytes() == (tmp_path / "plain" / "robustness.csv").read_bytes()


@pytest.mark.parametrize("shift", [0.0, 0.1])
def test_scores_that_do_not_vary_are_told_without_a_share_of_their_variance(tmp_path: Path, shift: float) -> None:
    """A metric at its ceiling, or a difference that all cases and trainings agree on: no source of variance is named.

    The figure of the sources leaves it out, too.
    """
    lines = ["architecture,seed,level,case,dsc"]
    for model, gain in (("UNet", 0.0), ("NoSkip", shift)):
        for level, loss in (("hardest", 2 * shift - gain), ("unperturbed", 0.0)):
            lines += [f"{model},{seed},{level},c{case},{1 - loss}" for seed in (1, 2) for case in range(6)]
    (tmp_path / "scores.csv").write_text("\n".join(lines))
    assert cli.main(["analyze", str(tmp_path / "scores.csv"), "-o", str(tmp_path / "out")]) == 0
    said = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert ("the networks differ)" if shift else "the networks are equivalent within") in said
    assert "of its variance comes from" not in said
    assert not list((tmp_path / "out" / "figures").glob("uncertainty*"))


@pytest.mark.parametrize(
    ("column", "names", "said"),
    [
        ("level", ("Mine", "mine"), "the Level 'mine'; another row has 'Mine': spell them alike"),
        ("level", ("my level", "my  level"), "the Level 'my  level'; another row has 'my level': spell them alike"),
        ("architecture", ("UNet", "unet"), "the model 'unet'; another row has 'UNet': spell them alike"),
    ],
)
def test_names_that_look_alike_are_refused(
    write: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str], column: str,
    names: tuple[str, str], said: str,
) -> None:  # fmt: skip
    """Capitals and blanks make no second network or level, each with half of the trainings."""
    place, old = (2, "easiest") if column == "level" else (0, "Mine")
    table = [[*row[:place], names[int(row[1]) - 1] if row[place] == old else row[place], *row[place + 1 :]]
             for row in rows()]  # fmt: skip
    assert analyze(write(table), *MAPPED, "--diagonal", "50", "-o", tmp_path / "out") == 2
    assert said in capsys.readouterr().err
