"""What lies beside the labels, where the labels are a link, and what it must not contradict."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import DATASET, draw, level_folder, write_cases, write_dataset_json
from measuring import compare, measure

from nnunet_skipstudy.analysis.measuring.case_views import image_folders
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.disparity import COLUMNS

LABEL = draw("112", "11.", "...")
MEASURED = "case,set,level,label,definition,background,disparity,category,reason\n"


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set with all that a converter writes, and predictions of two of its folds in ``p``."""
    monkeypatch.delenv("nnUNet_raw", raising=False)
    monkeypatch.delenv("nnUNet_preprocessed", raising=False)
    folder = tmp_path / "raw" / DATASET
    write_cases(folder / "labelsTs", dict.fromkeys("ab", LABEL))
    write_cases(folder / "imagesTs", dict.fromkeys(("a_0000", "b_0000"), LABEL))
    write_cases(folder / "imagesTs_harder", dict.fromkeys(("a_0000", "b_0000"), LABEL))
    write_dataset_json(folder, {"object": 1, "ignore": 2})
    (folder / "cases.csv").write_text("case,group,set,disparity\na,g,test,0.5\nb,g,test,0.25\n", encoding="utf-8")
    (folder / "folds.csv").write_text("fold,name,kind\n0,wide_0,wide\n1,narrow_hardest,narrow\n", encoding="utf-8")
    for fold in (0, 1):
        write_cases(level_folder(tmp_path / "p", "nnUNetTrainerUNet", "unperturbed", fold), dict.fromkeys("ab", LABEL))
    return folder


def facts(tmp_path: Path, labels: Path | None = None) -> dict[str, list[object]]:
    (comparison,) = compare(tmp_path / "p", labels or tmp_path / "raw")
    cases, _ = measure([comparison])
    names = ("dataset", "label", "group", "disparity", "training", "dsc", "reference_size")
    pictures = image_folders(comparison, ["harder", "unperturbed"])
    return {name: cases[name].tolist() for name in names} | {"pictures": sorted(pictures)}


@pytest.mark.parametrize("how", ["labels", "labels by links of links", "data set", "beside the target"])
def test_labels_that_are_a_link_lose_nothing(how: str, raw: Path, tmp_path: Path) -> None:
    """Folds, groups, disparities, the ignore label and the pictures lie beside the link, or beside its target."""
    before = facts(tmp_path)
    assert before["training"] == ["", "", "narrow_hardest", "narrow_hardest"]
    assert before["pictures"] == ["harder", "unperturbed"]
    moved = tmp_path / "disk" / "x"
    moved.parent.mkdir()
    if how.startswith("labels"):
        shutil.move(raw / "labelsTs", moved)
        if how.endswith("links"):
            (tmp_path / "between").symlink_to("disk/x")
            moved = tmp_path / "between"
        (raw / "labelsTs").symlink_to(moved)
        assert facts(tmp_path) == before
    elif how == "data set":
        shutil.move(raw, moved)
        raw.symlink_to(moved)
        assert facts(tmp_path) == before
    else:
        (tmp_path / "my labels").symlink_to(raw / "labelsTs")
        assert facts(tmp_path, tmp_path / "my labels") == before


def test_the_list_of_splits_lies_beside_a_link_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("nnUNet_preprocessed", raising=False)
    raw = tmp_path / "raw" / DATASET
    write_cases(tmp_path / "disk", dict.fromkeys("abc", LABEL))
    write_dataset_json(raw, {"object": 1, "ignore": 2})
    (raw / "labelsTr").symlink_to(tmp_path / "disk")
    (raw / "splits_final.json").write_text(json.dumps([{"train": ["a"], "val": ["b", "c"]}]), encoding="utf-8")
    write_cases(level_folder(tmp_path / "p", "nnUNetTrainerUNet", "validation"), {"b": LABEL})
    cases, warnings = measure(compare(tmp_path / "p", tmp_path / "raw"))
    assert cases[["case", "outcome"]].to_numpy().tolist() == [["b", "both"], ["c", "absent"]]
    assert not [warning for warning in warnings if "not known" in warning]


def test_nnunet_s_copy_of_the_labels_has_its_tables_in_nnunet_raw(
    raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``gt_segmentations`` is a folder without them; rows of test cases of the same names are others'."""
    monkeypatch.setenv("nnUNet_raw", str(tmp_path / "raw"))
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path / "preprocessed"))
    folder = tmp_path / "preprocessed" / DATASET
    write_cases(folder / "gt_segmentations", dict.fromkeys("ab", LABEL))
    write_dataset_json(folder, {"object": 1, "ignore": 2})
    with (raw / "cases.csv").open("a", encoding="utf-8") as table:
        table.write("a,h,train,2\nb,i,train,3\n")
    write_cases(level_folder(tmp_path / "v", "nnUNetTrainerUNet", "validation"), dict.fromkeys("ab", LABEL))
    cases, _ = measure(compare(tmp_path / "v"))
    assert cases[["case", "group", "disparity"]].to_numpy().tolist() == [["a", "h", 2.0], ["b", "i", 3.0]]


def write_measured(raw: Path, *rows: str) -> None:
    assert MEASURED.strip().split(",") == list(COLUMNS[:9])
    (raw / "disparity.csv").write_text(MEASURED + "".join(f"{row}\n" for row in rows), encoding="utf-8")


def test_what_disparity_measured_fills_what_the_other_tables_do_not_know(raw: Path, tmp_path: Path) -> None:
    """The row of all labels together, of the test set; a converter's own value stays."""
    (raw / "cases.csv").write_text("case,group,disparity\na,g,0.5\nb,h,\n", encoding="utf-8")
    write_measured(
        raw,
        "b,train,unperturbed,union,kamath2025,all,9,harder,",
        "a,test,unperturbed,union,kamath2025,all,0.75,harder,",
        "b,test,unperturbed,union,kamath2025,all,0.125,harder,",
        "b,test,unperturbed,object,kamath2025,all,8,harder,",
        "b,test,harder,union,kamath2025,all,,,empty",
    )
    cases, warnings = measure(compare(tmp_path / "p", tmp_path / "raw"))
    assert cases["disparity"].tolist() == [0.5, 0.125, 0.5, 0.125]
    assert not [warning for warning in warnings if "disparity" in warning]


@pytest.mark.parametrize("measure_of", ["jensen_shannon,all", "kamath2025,ring"])
def test_another_measure_of_disparity_is_not_mixed_in(measure_of: str, raw: Path, tmp_path: Path) -> None:
    (raw / "cases.csv").write_text("case,disparity\na,0.5\n", encoding="utf-8")
    write_measured(raw, f"b,test,unperturbed,union,{measure_of},0.125,harder,")
    cases, warnings = measure(compare(tmp_path / "p", tmp_path / "raw"))
    assert cases["disparity"].isna().tolist() == [False, True] * 2
    assert [warning for warning in warnings if "disparity.csv was not read: it holds" in warning]
    assert [warning for warning in warnings if "(TD) of 1 cases is not known at unperturbed" in warning]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("cases.csv", "case,group\na,g\na,h\n", "two groups of the case 'a'"),
        ("cases.csv", "case,disparity\na,1\na,2\n", "two disparities of 'a' at unperturbed"),
        ("perturbations.csv", "case,level,disparity\na,x,1\na,x,1.5\n", "two disparities of 'a' at x"),
        ("perturbations.csv", "case,level,disparity\na,x,1_0\n", "row 2 has the disparity '1_0'"),
        ("disparity.csv", MEASURED + "a,test,x,union,kamath2025,all,inf,,\n", "row 2 has the disparity 'inf'"),
        ("folds.csv", "name\nx\n", "has no column 'fold'"),
        ("folds.csv", "fold,name,kind\n0,wide_0,wide\n0,narrow_easy,narrow\n", "two rows of fold 0"),
    ],
)
def test_tables_that_say_two_things_or_none_are_refused(
    name: str, text: str, words: str, raw: Path, tmp_path: Path
) -> None:
    (raw / name).write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=words) as error:
        compare(tmp_path / "p", tmp_path / "raw")
    assert name in str(error.value)


def test_cases_that_the_table_of_groups_does_not_name_are_told(raw: Path, tmp_path: Path) -> None:
    """A spreadsheet makes 1 of 001, and the groups would be gone."""
    (raw / "cases.csv").write_text("case,group\na,g\n", encoding="utf-8")
    _, warnings = measure(compare(tmp_path / "p", tmp_path / "raw"))
    assert [warning for warning in warnings if "cases.csv has no row for 1 of 2 cases (b …)" in warning]


@pytest.mark.parametrize(
    ("predicted", "labelled"),
    [
        ({"liver": 1, "tumor": 2}, {"liver": 2, "tumor": 1}),
        ({"liver": 1, "tumor": 2}, {"liver": 1, "vessel": 2}),
        ({"whole": [1, 2], "core": 2}, {"whole": [1, 2], "core": 1}),
        ({"liver": 1, "tumor": 2}, {"liver": 1, "ignore": 2}),
        ({"liver": 1, "ignore": 2}, {"liver": 1, "ignore": 3}),
    ],
)
def test_labels_that_contradict_the_predictions_are_refused(
    predicted: dict[str, object], labelled: dict[str, object], raw: Path, tmp_path: Path
) -> None:
    """Of a region, and of the ignore label, too: the numbers would be of other things than their names."""
    write_dataset_json(raw, labelled)
    for folder in (tmp_path / "p").rglob("unperturbed"):
        write_dataset_json(folder, predicted)
    with pytest.raises(UserError, match="contradict each other") as error:
        compare(tmp_path / "p", tmp_path / "raw")
    assert str(raw / "dataset.json") in str(error.value)
    assert os.path.join("unperturbed", "dataset.json") in str(error.value)  # noqa: PTH118


def test_labels_that_say_more_than_the_predictions_are_no_contradiction(raw: Path, tmp_path: Path) -> None:
    """Capitals may differ, too; the ignore label is the labels' own."""
    before = facts(tmp_path)
    for folder in (tmp_path / "p").rglob("unperturbed"):
        write_dataset_json(folder, {"Object": 1})
    after = facts(tmp_path)
    assert after == {**before, "label": ["Object"] * 4}
    assert np.count_nonzero(LABEL == 1) == after["reference_size"][0]
