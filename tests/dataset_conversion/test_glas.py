"""GlaS from a made-up download: patients, instances, colours, crops, and what it refuses."""

import json

import numpy as np
import pytest
from conversions import Study, check_data_set, contents, table
from made_up_downloads import GLAS_HEADER, GLAS_PATIENTS, glas, save, truncate
from PIL import Image as Picture
from skimage.color import rgb2gray
from skimage.io import imread

from nnunet_skipstudy import cli
from nnunet_skipstudy.dataset_conversion.glas import read_patients


def test_cases_cell_by_cell(study: Study, tmp_path, capsys):
    """Train and test A are the pool, test B the test set; its patient 1's training slides are left out."""
    download = glas(tmp_path / "download")
    folder = study.convert("glas", download)
    check_data_set(study, folder)
    *said, leak = capsys.readouterr().err.splitlines()
    assert leak.startswith("skipstudy: level 'easiest' (blur_background_256:sigma_px=7) shows where the object is: ")
    assert said == [
        "skipstudy: 19 of the published 165 slides",
        "skipstudy: 2 cases of the test set's patients left out of the training pool (left_out.csv)",
    ]
    assert folder.name == "Dataset503_GlaS"
    rows = table(folder / "cases.csv")
    assert [{key: row[key] for key in ("case", "group", "set", "source", "stratum")} for row in rows] == [
        {
            "case": f"{official}_{number}",
            "group": f"patient_{patient}",
            "set": official,
            "source": f"{official}_{number}.bmp",
            "stratum": "benign" if patient % 2 else "malignant",
        }
        for official, patients in GLAS_PATIENTS.items()
        for number, patient in enumerate(patients, 1)
        if not (official == "train" and patient == 1)
    ]
    assert table(folder / "left_out.csv") == [
        {
            "case": f"train_{number}",
            "group": "patient_1",
            "set": "train",
            "source": f"train_{number}.bmp",
            "reason": "its group is in the test set",
        }
        for number in (1, 2)
    ]
    assert {path.stem for path in (folder / "labelsTs").iterdir()} == {"testB_1", "testB_2", "testB_3"}
    description = json.loads((folder / "dataset.json").read_text())
    assert description["channel_names"] == {"0": "grey"}
    assert description["labels"] == {"background": 0, "gland": 1}


def test_instances_become_one_label_and_colours_grey(study: Study, tmp_path):
    download = glas(tmp_path / "download")
    folder = study.convert("glas", download)
    for name in ("train_5", "testA_4"):
        instances = imread(download / f"{name}_anno.bmp")
        assert set(np.unique(instances)) >= {0, 1, 2}
        assert np.array_equal(imread(folder / "labelsTr" / f"{name}.png"), instances > 0)
        grey = np.rint(rgb2gray(imread(download / f"{name}.bmp")) * 255)
        assert np.array_equal(imread(folder / "imagesTr" / f"{name}_0000.png"), grey)


def test_colours_on_request(study: Study, tmp_path):
    download = glas(tmp_path / "download")
    folder = study.convert("glas", download, "--rgb")
    check_data_set(study, folder)
    assert np.array_equal(imread(folder / "imagesTr" / "train_5_0000.png"), imread(download / "train_5.bmp"))
    description = json.loads((folder / "dataset.json").read_text())
    assert description["channel_names"] == {"0": "red", "1": "green", "2": "blue"}


def test_crops_are_seeded_pieces_of_their_slide(study: Study, tmp_path):
    download = glas(tmp_path / "download")
    folder = study.convert("glas", download, "--crops", 3, "--crop-size", 40)
    check_data_set(study, folder)
    rows = [row for row in table(folder / "cases.csv") if row["case"].startswith("train_5_")]
    assert [row["case"] for row in rows] == [f"train_5_crop{number}" for number in range(3)]
    assert {row["group"] for row in rows} == {"patient_3"}
    slide = rgb2gray(imread(download / "train_5.bmp"))
    instances = imread(download / "train_5_anno.bmp")
    for row in rows:
        name, place = row["source"].split("#")
        assert name == "train_5.bmp"
        top, left = (int(part.split("=")[1]) for part in place.split(","))
        window = (slice(top, top + 40), slice(left, left + 40))
        assert np.array_equal(imread(folder / f"imagesTr/{row['case']}_0000.png"), np.rint(slide[window] * 255))
        assert np.array_equal(imread(folder / f"labelsTr/{row['case']}.png"), instances[window] > 0)
    assert len({row["source"] for row in rows}) == 3
    again = contents(folder)
    study.convert("glas", download, "--crops", 3, "--crop-size", 40, "--overwrite")
    assert contents(folder) == again
    study.convert("glas", download, "--crops", 3, "--crop-size", 40, "--seed", 1, "--overwrite")
    other = [row["source"] for row in table(folder / "cases.csv") if row["case"].startswith("train_5_")]
    assert other != [row["source"] for row in rows]


def test_the_studys_protocol(study: Study, tmp_path, capsys):
    """Four crops a slide; train trains, test A validates in fold 0, test B tests: by slide, nothing left out."""
    folder = study.convert("glas", glas(tmp_path / "download", shape=(260, 300)), "--protocol", "study")
    check_data_set(study, folder)
    assert "divided by slide, as the study did: patients are on both sides of every split" in capsys.readouterr().err
    assert not (folder / "left_out.csv").exists()
    first = study.splits(folder)[0]
    assert {case.split("_")[0] for case in first["train"]} == {"train"}
    assert {case.split("_")[0] for case in first["val"]} == {"testA"}
    assert (len(first["train"]), len(first["val"])) == (4 * 12, 4 * 4)
    assert {path.name.split("_")[0] for path in (folder / "labelsTs").iterdir()} == {"testB"}
    assert table(folder / "folds.csv")[0]["name"] == "study_train_val"
    rows = table(folder / "cases.csv")
    assert {row["group"] for row in rows if row["case"].startswith("train_1_")} == {"train_1"}
    assert {imread(path).shape for path in folder.glob("*/*.png")} == {(256, 256)}


def test_the_studys_grey_is_that_of_rec_601_in_whole_numbers(study: Study, tmp_path):
    """(19595 red + 38470 green + 7471 blue + half) >> 16, on every pixel of every crop; our own grey is another."""
    download = glas(tmp_path / "download", shape=(260, 300))
    folder = study.convert("glas", download, "--protocol", "study")
    for row in table(folder / "cases.csv"):
        name, place = row["source"].split("#")
        top, left = (int(part.split("=")[1]) for part in place.split(","))
        slide = imread(download / name)[top : top + 256, left : left + 256].astype(np.int64)
        expected = (slide @ [19595, 38470, 7471] + 2**15) >> 16
        (path,) = folder.glob(f"imagesT?/{row['case']}_0000.png")
        assert np.array_equal(imread(path), expected)
    assert not np.array_equal(np.rint(rgb2gray(slide.astype(np.uint8)) * 255), expected)


def refusal(study: Study, capsys, *arguments) -> str:
    capsys.readouterr()
    assert cli.main(["convert", "glas", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert not list(study.root.glob("*/*"))
    return line


def test_a_missing_annotation_is_named(study: Study, tmp_path, capsys):
    download = glas(tmp_path)
    (download / "testA_2_anno.bmp").unlink()
    assert "testA_2.bmp: its annotation is missing; fetch the download again" in refusal(study, capsys, download)


@pytest.mark.parametrize("name", ["train_04", "TRAIN_4"])
def test_two_slides_of_one_number_are_refused(study: Study, tmp_path, capsys, name):
    download = glas(tmp_path)
    save(download / f"{name}.bmp", np.zeros((52, 78, 3), np.uint8))
    line = refusal(study, capsys, download)
    assert {f"{name}.bmp", "train_4.bmp"} <= set(line.replace(":", "").split())
    assert "has the same number; remove one of them" in line


def test_a_truncated_file_is_named(study: Study, tmp_path, capsys):
    download = glas(tmp_path)
    truncate(download / "testB_2.bmp")
    assert f"{download / 'testB_2.bmp'}: can't be read as an image" in refusal(study, capsys, download)


def test_a_missing_table_is_named(study: Study, tmp_path, capsys):
    download = glas(tmp_path)
    (download / "Grade.csv").unlink()
    line = refusal(study, capsys, download)
    assert f"{download / 'Grade.csv'}: can't be read; it says which slides are of one patient" in line


def test_the_table_is_read_by_whatever_case_its_name_has(study: Study, tmp_path):
    download = glas(tmp_path / "download")
    (download / "Grade.csv").rename(download / "GRADE.CSV")
    folder = study.convert("glas", download)
    assert {row["stratum"] for row in table(folder / "cases.csv")} == {"benign", "malignant"}


@pytest.mark.parametrize("protocol", ["native", "study"])
@pytest.mark.parametrize("gone", ["train", "testA", "testB"])
def test_a_missing_set_is_named(study: Study, tmp_path, capsys, gone, protocol):
    """Else slides at random would be the test set."""
    download = glas(tmp_path, shape=(260, 300))
    for path in download.glob(f"{gone}_*"):
        path.unlink()
    line = refusal(study, capsys, download, "--protocol", protocol)
    assert f"GlaS: nothing of {gone} is there; fetch the whole download" in line


def test_two_tables_are_refused(study: Study, tmp_path, capsys):
    download = glas(tmp_path)
    (download / "grade.csv").write_text("name,patient ID\n")
    assert "Grade.csv and grade.csv: two tables of patients; remove one" in refusal(study, capsys, download)


def test_a_slide_of_unknown_patient_is_named(study: Study, tmp_path, capsys):
    download = glas(tmp_path)
    (download / "Grade.csv").write_text("name,patient ID\ntrain_1,1\n")
    assert "Grade.csv: doesn't say whose slide train_2 is" in refusal(study, capsys, download)


def test_a_table_without_patients_is_named(study: Study, tmp_path, capsys):
    download = glas(tmp_path)
    (download / "Grade.csv").write_text("name,grade\ntrain_1,benign\n")
    assert "has no columns 'name' and 'patient ID'" in refusal(study, capsys, download)


def test_a_crop_larger_than_a_slide_is_refused(study: Study, tmp_path, capsys):
    line = refusal(study, capsys, glas(tmp_path), "--crops", 2)
    assert "train_1.bmp: 52 x 78 pixels, smaller than a crop of 256; give a smaller --crop-size" in line


def test_the_studys_protocol_is_grey(study: Study, tmp_path, capsys):
    line = refusal(study, capsys, glas(tmp_path), "--rgb", "--protocol", "study")
    assert "--protocol study settles grey (--rgb); leave it out, or take --protocol native" in line


@pytest.mark.parametrize("header", [GLAS_HEADER, "Name , Patient ID ,Grade", " NAME,patient id"])
def test_headers_of_any_spacing_and_case(tmp_path, header):
    table_file = tmp_path / "Grade.csv"
    table_file.write_text(f"{header}\nTestA_1.bmp , 4 , benign\n\n")
    patient, grade = read_patients(table_file)["testa_1"]
    assert patient == "4"
    assert grade == ("benign" if "rade" in header else "")


def test_a_mask_of_a_second_slide_is_named(study: Study, tmp_path, capsys):
    download = glas(tmp_path)
    save(download / "train_4_anno.bmp", np.zeros((30, 20), np.uint8))
    assert "train_4_anno.bmp: 30 x 20 pixels for an image of 52 x 78 (train_4.bmp)" in refusal(study, capsys, download)


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_table_saved_by_a_spreadsheet_is_read(study: Study, tmp_path, encoding, separator):
    """In whichever language: other separators, other alphabets, names with umlauts; patients stay apart."""
    download = glas(tmp_path / "download")
    expected = [row["group"] for row in table(study.convert("glas", download) / "cases.csv")]
    text = (download / "Grade.csv").read_text(encoding="utf-8-sig").replace("\n", "\r\n").replace(",", separator)
    for patient, name in (("9 ", "Ä "), ("10 ", "Ö ")):
        text = text.replace(f" {patient}", f" {name}")
    (download / "Grade.csv").write_bytes(text.encode(encoding))
    found = [row["group"] for row in table(study.convert("glas", download, "--overwrite") / "cases.csv")]
    assert found == [group.replace("_9", "_Ä").replace("_10", "_Ö") for group in expected]


def test_a_table_that_says_two_things_of_a_slide_is_named(study: Study, tmp_path, capsys):
    download = glas(tmp_path)
    with (download / "Grade.csv").open("a", newline="") as stream:
        stream.write("train_4.bmp, 7, malignant\r")
    assert "Grade.csv: says two things of slide train_4.bmp" in refusal(study, capsys, download)


@pytest.mark.parametrize("value", [np.nan, -1.0, 0.5])
def test_an_annotation_of_fractions_is_no_gland(study: Study, tmp_path, capsys, value):
    """Whatever isn't 0 would be gland, the whole slide."""
    download = glas(tmp_path)
    Picture.fromarray(np.full((52, 78), value, np.float32)).save(download / "train_5_anno.bmp", "TIFF")
    line = refusal(study, capsys, download)
    assert line.startswith(f"skipstudy: {download / 'train_5_anno.bmp'}: ")


def test_a_patient_spelled_in_two_ways_is_one_patient(tmp_path):
    """Spreadsheets write 7 as 07 or 7.0; words stay words."""
    lines = ("name,patient ID", "train_1,7", "train_2,07", "train_3,7.0", "train_4,A 7", "train_5,70")
    (tmp_path / "Grade.csv").write_text("\n".join(lines))
    assert [patient for patient, _ in read_patients(tmp_path / "Grade.csv").values()] == ["7", "7", "7", "A_7", "70"]
