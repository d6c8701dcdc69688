"""Cases of one patient count once."""

from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import write_cases, write_dataset_json

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis.inputs.references import Reference, grouped, suggested
from nnunet_skipstudy.errors import UserError


def reference(*cases: str, **groups: str) -> Reference:
    return Reference("D", Path("labelsTs"), {case: Path(case) for case in cases}, groups=groups)


@pytest.mark.parametrize(
    ("asked", "groups"),
    [(r"^p\d+", ["p1", "p1", "p2"]), (r"_(.)(\d)$", ["s", "s", "t"]), (r"(x)|(\d)_", ["1", "1", "2"])],
)
def test_an_expression_finds_the_group_in_the_name(asked: str, groups: list[str]) -> None:
    """What its first parentheses that match find; without any, all that it finds."""
    assert list(grouped(reference("p1_s1", "p1_s2", "p2_t1"), asked).groups.values()) == groups


def test_a_table_of_groups_may_name_other_cases_too(tmp_path: Path) -> None:
    table = tmp_path / "groups.CSV"
    table.write_bytes("case;group\na;Müller\nb;Müller\nz;other\n".encode("cp1252"))
    assert grouped(reference("a", "b", a="former"), str(table)).groups == {"a": "Müller", "b": "Müller"}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ("(", "is no regular expression"),
        ("^p", "gives 'q1' no group"),
        ("x*", "no group"),
        ("none.csv", "none.csv: no such file"),
    ],
)
def test_groups_that_leave_a_case_out_are_refused(asked: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        grouped(reference("p1", "q1"), asked)


def test_a_table_with_two_groups_of_a_case_is_refused(tmp_path: Path) -> None:
    (tmp_path / "g.csv").write_text("case,group\na,x\na,y\n", encoding="utf-8")
    with pytest.raises(UserError, match="two groups of the case 'a'"):
        grouped(reference("a"), str(tmp_path / "g.csv"))


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        (["patient001_frame01", "patient001_frame12", "patient002_frame01", "patient002_frame10"], "patient001"),
        (["01s1", "01s2", "01s3", "02s1", "02s2"], "01"),
        (["testA_1_crop0", "testA_1_crop1", "testA_2_crop0", "testA_2_crop1"], "testA_1"),
        (["case_001", "case_002", "case_003"], ""),
        (["benign_1", "benign_2", "malignant_1", "malignant_2"], ""),
        (["a1_1", "a2_1", "a3_1", "a4_1"], ""),
        (["a1_1", "a1_2", "other"], ""),
    ],
)
def test_a_grouping_is_suggested_where_two_numbers_stand_in_the_names(cases: list[str], told: str) -> None:
    """Not where one number counts cases, and not where each case would be alone."""
    words = suggested(reference(*cases))
    assert (f"({told}, " in words and r"--groups '^(.*\d)\D+\d+$'" in words) if told else not words
    assert not suggested(reference(*cases, **dict.fromkeys(cases, "known")))


def test_the_page_and_the_output_begin_with_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And with ``--groups`` as it suggests the cases are grouped, and the warning is gone."""
    mask = np.zeros((9, 9), np.uint8)
    cases = {f"p{patient}_z{number}": mask.copy() for patient in (1, 2) for number in (1, 2, 3)}
    for number, labels in enumerate(cases.values()):
        labels[1 : 4 + number % 3, 2:7] = 1
    labels = write_cases(tmp_path / "labels", cases)
    write_dataset_json(labels, {"object": 1})
    predictions = write_cases(tmp_path / "p", {case: np.roll(labels, 1, 0) for case, labels in cases.items()})
    command = ["analyze", str(predictions), "--labels", str(labels), "-o", str(tmp_path / "out")]
    assert cli.main(command) == 0
    first = next(line for line in capsys.readouterr().err.splitlines() if "warning" in line)
    assert "names look like parts of 2 (p1, p2 …)" in first
    for name in ("report.html", "report.md"):
        page = (tmp_path / "out" / name).read_text(encoding="utf-8")
        assert 0 < page.index("names look like parts of 2") < page.index("What came out")
    assert cli.main([*command, "--groups", r"^(.*\d)\D+\d+$"]) == 0
    assert "names look like" not in capsys.readouterr().err
    rows = (tmp_path / "out" / "case_metrics.csv").read_text(encoding="utf-8").splitlines()
    place = rows[0].split(",").index("group")
    assert [row.split(",")[place] for row in rows[1:]] == ["p1"] * 3 + ["p2"] * 3
