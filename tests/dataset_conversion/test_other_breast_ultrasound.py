"""BUS-BRA and BrEaST from made-up downloads: what is read, what stays together, and what is refused."""

import pytest
from conversions import Study, check_data_set, table
from made_up_downloads import DOWNLOADS, breast, busbra, save
from skimage.io import imread

from nnunet_skipstudy import cli


def test_views_of_a_patient_stay_together(study: Study, tmp_path, capsys):
    folder = study.convert("busbra", busbra(tmp_path / "download"))
    check_data_set(study, folder)
    assert "24 of the published 1875 lesion images" in capsys.readouterr().err
    assert folder.name == "Dataset507_BUSBRA"
    rows = {row["case"]: row for row in table(folder / "cases.csv")}
    assert len(rows) == 24
    for case, row in rows.items():
        number = int(case[4:8])
        assert row["group"] == f"patient_{number}"
        assert row["stratum"] == ("malignant" if number % 3 == 0 else "benign")
        assert row["source"] == f"Images/{case}.png"


def test_only_the_examined_lesion_is_the_object(study: Study, tmp_path, capsys):
    """Two masks of it are merged; another finding is background; an image without a lesion is left out, and said."""
    folder = study.convert("breast", breast(tmp_path / "download"))
    check_data_set(study, folder)
    shown = capsys.readouterr().err
    assert "15 of the published 252 lesion images" in shown
    assert "1 image of no case left out, such as case004.png" in shown
    labels = {path.stem: imread(path) for path in folder.glob("labelsT?/*.png")}
    assert sorted(labels) == [f"case{number:03d}" for number in range(1, 17) if number != 4]
    assert labels["case002"][-1, -1] == 1
    assert labels["case003"][-1, -1] == 0


@pytest.mark.parametrize("name", ["busbra", "breast"])
def test_the_studys_protocol_is_256_x_256(study: Study, tmp_path, name):
    folder = study.convert(name, DOWNLOADS[name](tmp_path / "download"), "--protocol", "study")
    check_data_set(study, folder)
    assert {imread(path).shape for path in folder.glob("*/*.png")} == {(256, 256)}


@pytest.mark.parametrize(
    ("name", "gone", "words"),
    [
        ("busbra", "Masks/mask_0003-l.png", "Images/bus_0003-l.png: its mask is missing"),
        ("busbra", "Images/bus_0003-l.png", "Masks/mask_0003-l.png: its image is missing"),
        ("busbra", "bus_data.csv", "bus_data.csv: is missing; it says which images are of one patient"),
        ("breast", "case003.png", "case003_tumor.png: its image is missing"),
    ],
)
def test_what_is_missing_is_named(study: Study, tmp_path, capsys, name, gone, words):
    download = DOWNLOADS[name](tmp_path / "download")
    (download / gone).unlink()
    assert cli.main(["convert", name, str(download)]) == 2
    assert words in capsys.readouterr().err
    assert not list(study.root.glob("*/*"))


def test_an_image_of_nobody_is_refused(study: Study, tmp_path, capsys):
    download = busbra(tmp_path / "download")
    text = (download / "bus_data.csv").read_text(encoding="utf-8")
    (download / "bus_data.csv").write_text(text.replace("bus_0005-r,5", "bus_0055-r,5"), encoding="utf-8")
    assert cli.main(["convert", "busbra", str(download)]) == 2
    assert "bus_data.csv: doesn't say whose image bus_0005-r is" in capsys.readouterr().err


@pytest.mark.parametrize("spelled", ["{:04d}", "{}.0"])
def test_a_patient_spelled_in_two_ways_is_one(study: Study, tmp_path, spelled):
    """Else the views of a patient would be on both sides of a split, and nothing would say so."""
    download = busbra(tmp_path / "download")
    header, *rows = (download / "bus_data.csv").read_text(encoding="utf-8").splitlines()
    cells = [row.split(",") for row in rows]
    for row in cells[::2]:
        row[1] = spelled.format(int(row[1]))
    (download / "bus_data.csv").write_text("\n".join([header, *map(",".join, cells)]), encoding="utf-8")
    folder = study.convert("busbra", download)
    check_data_set(study, folder)
    assert len({row["group"] for row in table(folder / "cases.csv")}) == 12


@pytest.mark.parametrize("cell", ["Case", "Pathology"])
def test_a_table_that_says_two_things_of_an_image_is_refused(study: Study, tmp_path, capsys, cell):
    download = busbra(tmp_path / "download")
    header, *rows = (download / "bus_data.csv").read_text(encoding="utf-8").splitlines()
    other = rows[3].split(",")
    other[header.split(",").index(cell)] = "99"
    (download / "bus_data.csv").write_text("\n".join([header, *rows, ",".join(other)]), encoding="utf-8")
    assert cli.main(["convert", "busbra", str(download)]) == 2
    assert f"bus_data.csv: says two things of {other[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "turned"), [("busbra", True), ("breast", True), ("breast", False)])
def test_masks_the_wrong_way_round_are_remarked_upon(study: Study, tmp_path, capsys, name, turned):
    """Bright background and dark lesion are taken as they stand, and said."""
    download = DOWNLOADS[name](tmp_path / "download")
    for path in (*download.glob("Masks/*"), *download.glob("*_tumor*.png")) if turned else ():
        save(path, 255 - imread(path))
    study.convert(name, download)
    assert ("of the image in the median: if object and background" in capsys.readouterr().err) == turned
