"""A table of folders, for networks that nnU-Net never saw."""

from pathlib import Path

import pytest
from made_up_predictions import draw, write_cases, write_dataset_json
from measuring import compare, measure

from nnunet_skipstudy.analysis.inputs.find import find_runs
from nnunet_skipstudy.errors import UserError

HEADER = "dataset,architecture,fold,seed,level,predictions,labels"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two foreign networks and one of ours, in a folder that isn't the current one; two data sets."""
    for folder in ("swin/1", "swin/2", "unet", "other"):
        write_cases(tmp_path / folder, {"a": draw("1..")})
    for folder in ("labels", "labels2"):
        write_dataset_json(write_cases(tmp_path / folder, {"a": draw("11.")}), {"object": 1})
    return write(
        tmp_path,
        "Mine,SwinUNETR,0,2,hardest,swin/2,labels",
        "Mine,SwinUNETR,0,1,hardest,swin/1,labels",
        "Mine,UNet,,,,unet,labels",
        f"Second,SwinUNETR,,,hardest,{tmp_path}/other,labels2",
    )


def write(folder: Path, *rows: str, header: str = HEADER) -> Path:
    path = folder / "predictions.csv"
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8-sig")  # as spreadsheets write it
    return path


def test_every_row_is_measured_against_its_labels(table: Path) -> None:
    cases, warnings = measure(compare(table))
    assert len(warnings) == 1
    assert warnings[0].startswith(
        "Mine: 3 of 3 trainings were not predicted at every level (UNet: hardest; SwinUNETR seed 1 fold 0: unperturbed;"
    )
    columns = ["dataset", "architecture", "fold", "level"]
    assert cases[columns].to_numpy().tolist() == [
        ["Mine", "UNet", "", "unperturbed"],
        ["Mine", "SwinUNETR", "0", "hardest"],
        ["Mine", "SwinUNETR", "0", "hardest"],
        ["Second", "SwinUNETR", "", "hardest"],
    ]
    assert cases["seed"].fillna(-1).tolist() == [-1, 1, 2, -1]
    assert cases["dsc"].tolist() == pytest.approx([2 / 3] * 4)


def test_places_do_not_tell_the_way_there(table: Path) -> None:
    assert [run.place for run in find_runs(table)] == ["unet", "swin/1", "swin/2", "other"]


def test_labels_may_be_given_for_all(tmp_path: Path) -> None:
    """Then the table needs two columns only; without a name the data set is called after the table's folder."""
    write_cases(tmp_path / "p", {"a": draw("1")})
    labels = write_cases(tmp_path / "elsewhere", {"a": draw("1")})
    cases, _ = measure(compare(write(tmp_path, "SwinUNETR,p", header="architecture,predictions"), labels))
    assert cases["dataset"].tolist() == [tmp_path.name]


def test_a_trainer_s_name_tells_the_network_and_the_seed(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    table = write(tmp_path, "nnUNetTrainerUNet_seed4,UNet,p", header="trainer,architecture,predictions")
    run = find_runs(table)[0]
    assert (run.network, run.seed) == ("nnUNetTrainerUNet", 4)


@pytest.mark.parametrize(
    ("rows", "header", "words"),
    [
        ([], HEADER, "has no rows"),
        (["p,x"], "predictions,architektur", "unknown column 'architektur'"),
        (["p"], "predictions", "has no column 'architecture'"),
        ([",UNet,,,,,labels"], HEADER, "row 2 has no predictions"),
        ([",UNet,,,,nowhere,labels"], HEADER, "row 2 names .*nowhere, which is no folder"),
        ([",UNet,,one,,unet,labels"], HEADER, "row 2 has the seed 'one'"),
        ([",UNet,,1_0,,unet,labels"], HEADER, "row 2 has the seed '1_0'"),
        ([f",UNet,,{'9' * 30},,unet,labels"], HEADER, "row 2 has the seed '9+'"),
        (["", ",UNet,,inf,,unet,labels"], HEADER, "row 3 has the seed 'inf'"),
        ([",UNet,,,,unet,labels", ",UNet,,,,other,labels"], HEADER, "rows 2 and 3 are the same run"),
        ([",UNet,,,,unet,labels", ",UNet,,1,,unet,labels"], HEADER, "rows 2 and 3 are the same folder"),
        ([",UNet,,,,unet,labels,more"], HEADER, "row 2 has more cells"),
        ([",UNet,,,,unet,labels", ",V,,,,other,labels2"], HEADER, "name of its own"),
        ([",UNet,,,,unet,labels", ",V,,,,other,"], HEADER, "some rows name no labels"),
        ([",UNet,,,,unet,"], HEADER, "give the folder that holds the label maps with --labels"),
    ],
)
def test_faults_are_named(rows: list[str], header: str, words: str, table: Path) -> None:
    with pytest.raises(UserError, match=words):
        compare(write(table.parent, *rows, header=header))


def test_not_a_table(tmp_path: Path) -> None:
    path = tmp_path / "predictions.csv"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="can't be read as a table"):
        find_runs(path)


def test_a_table_names_its_networks_itself(table: Path) -> None:
    with pytest.raises(UserError, match="a table names its networks and levels itself"):
        find_runs(table, architecture="UNet")


def test_a_table_saved_by_a_spreadsheet_with_variables_in_its_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Semicolons, UTF-16; ``$VARIABLE`` and ``~`` lead where they lead in a shell."""
    monkeypatch.setenv("RESULTS", str(tmp_path / "disk"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write_cases(tmp_path / "disk" / "swin", {"a": draw("1.")})
    write_dataset_json(write_cases(tmp_path / "home" / "labels", {"a": draw("1.")}), {"object": 1})
    table = tmp_path / "t.csv"
    table.write_bytes("architecture;predictions;labels\r\nMüller;$RESULTS/swin;~/labels\r\n".encode("utf-16"))
    cases, _ = measure(compare(table))
    assert cases[["architecture", "dsc"]].to_numpy().tolist() == [["Müller", 1.0]]
    assert find_runs(table)[0].place == "swin"
