"""Spleen and Heart from made-up downloads: what lies about, volumes, slices, sizes, and what they refuse."""

import json
import tarfile

import numpy as np
import pytest
import SimpleITK as sitk
from conversions import Study, check_data_set, contents, table
from made_up_downloads import decathlon, save_volume, truncate
from skimage.io import imread
from skimage.transform import resize

from nnunet_skipstudy import cli

TASKS = {
    "spleen": ("Task09_Spleen", "spleen", "Dataset505_Spleen", "CT", "spleen"),
    "heart": ("Task02_Heart", "la", "Dataset506_Heart", "MRI", "left_atrium"),
}
NUMBERS = [2 + 3 * n + n % 2 for n in range(12)]


@pytest.mark.parametrize("name", TASKS)
def test_cases_cell_by_cell(study: Study, tmp_path, capsys, name):
    task, prefix, dataset, channel, label = TASKS[name]
    download = decathlon(tmp_path / "download", task, prefix)
    folder = study.convert(name, download)
    check_data_set(study, folder)
    published = {"spleen": 41, "heart": 20}[name]
    assert capsys.readouterr().err == f"skipstudy: 12 of the published {published} labelled volumes\n"
    assert folder.name == dataset
    test = {path.name.removesuffix(".nii.gz") for path in (folder / "labelsTs").iterdir()}
    assert len(test) == 2  # a fifth of 12
    assert [
        {key: row[key] for key in ("case", "group", "set", "source", "stratum")} for row in table(folder / "cases.csv")
    ] == [
        {
            "case": f"{prefix}_{number}",
            "group": f"{prefix}_{number}",
            "set": "test" if f"{prefix}_{number}" in test else "train",
            "source": f"imagesTr/{prefix}_{number}.nii.gz",
            "stratum": "",
        }
        for number in NUMBERS
    ]
    description = json.loads((folder / "dataset.json").read_text())
    assert description["channel_names"] == {"0": channel}
    assert description["labels"] == {"background": 0, label: 1}


def test_two_tasks_beside_each_other_are_told_apart(study: Study, tmp_path):
    for task, prefix, *_ in TASKS.values():
        decathlon(tmp_path / "MSD", task, prefix)
    folder = study.convert("spleen", tmp_path / "MSD")
    assert {path.name[:6] for path in (folder / "labelsTr").iterdir()} == {"spleen"}


def test_the_publishers_tar_with_macos_files(study: Study, tmp_path):
    decathlon(tmp_path / "download", "Task09_Spleen", "spleen")
    with tarfile.open(tmp_path / "Task09_Spleen.tar", "w") as tar:
        tar.add(tmp_path / "download" / "Task09_Spleen", "./Task09_Spleen")
    folder = study.convert("spleen", tmp_path / "Task09_Spleen.tar")
    from_archive = contents(folder)
    study.convert("spleen", tmp_path / "download", "--overwrite")
    assert contents(folder) == from_archive


def test_slices_are_the_windowed_slices_with_foreground(study: Study, tmp_path):
    download = decathlon(tmp_path / "download", "Task09_Spleen", "spleen")
    folder = study.convert("spleen", download, "--slices")
    check_data_set(study, folder)
    rows = {row["case"]: row for row in table(folder / "cases.csv")}
    assert len(rows) == 12 * 4  # the first of five slices has no foreground
    assert {row["group"] for row in rows.values()} == {f"spleen_{number}" for number in NUMBERS}
    row = rows["spleen_2_slice003"]
    assert row["source"] == "imagesTr/spleen_2.nii.gz#slice=3"
    hounsfield = sitk.GetArrayFromImage(sitk.ReadImage(str(download / "imagesTr" / "spleen_2.nii.gz")))[3]
    windowed = np.rint((np.clip(hounsfield, -160.0, 240.0) + 160) * 255 / 400).astype(np.uint8)
    expected = np.rint(resize(windowed, (256, 256), anti_aliasing=True, preserve_range=True))
    (path,) = folder.glob("imagesT?/spleen_2_slice003_0000.png")
    assert np.abs(imread(path) - expected).max() <= 1  # a half may round either way
    assert json.loads((folder / "dataset.json").read_text())["channel_names"] == {"0": "grey"}


def test_a_volume_of_which_no_slice_is_left_is_named(study: Study, tmp_path, capsys):
    download = decathlon(tmp_path / "download", "Task09_Spleen", "spleen", shape=(5, 44, 36))
    empty = np.zeros((5, 44, 36), np.uint8)
    save_volume(download / "labelsTr" / "spleen_6.nii.gz", empty, (0.8, 0.7, 5.0))
    study.convert("spleen", download, "--slices")
    said = capsys.readouterr().err
    assert "1 volume without a slice of enough foreground left out: imagesTr/spleen_6.nii.gz" in said


def test_slices_of_mri_are_windowed_by_their_volume(study: Study, tmp_path):
    download = decathlon(tmp_path / "download", "Task02_Heart", "la")
    folder = study.convert("heart", download, "--slices")
    check_data_set(study, folder)
    pixels = np.concatenate([imread(path).ravel() for path in folder.glob("imagesT?/la_2_slice*.png")])
    assert pixels.min() < 10
    assert pixels.max() > 245


@pytest.mark.parametrize(("name", "sizes"), [("spleen", (25, 5, 11)), ("heart", (13, 4, 3))])
def test_the_studys_protocol_divides_volumes(study: Study, tmp_path, name, sizes):
    task, prefix, *_ = TASKS[name]
    download = decathlon(tmp_path / "download", task, prefix, cases=sum(sizes), shape=(2, 20, 24))
    folder = study.convert(name, download, "--protocol", "study")
    check_data_set(study, folder)
    group = {row["case"]: row["group"] for row in table(folder / "cases.csv")}
    first = study.splits(folder)[0]
    test = [path.stem for path in (folder / "labelsTs").iterdir()]
    parts = (first["train"], first["val"], test)
    assert tuple(len({group[case] for case in part}) for part in parts) == sizes
    assert table(folder / "folds.csv")[0]["name"] == "study_train_val"


@pytest.mark.parametrize("name", ["spleen", "heart"])
def test_the_studys_slices_are_stretched_each_by_its_own_range(study: Study, tmp_path, name):
    """Resized first, then from the slice's own least to its own largest value, rounded down; --slices stays."""
    task, prefix, *_ = TASKS[name]
    download = decathlon(tmp_path / "download", task, prefix)
    folder = study.convert(name, download, "--protocol", "study")
    volume = sitk.GetArrayFromImage(sitk.ReadImage(str(download / "imagesTr" / f"{prefix}_2.nii.gz")))
    paths = sorted(folder.glob(f"imagesT?/{prefix}_2_slice*.png"))
    assert len(paths) == 4
    for path in paths:
        number = int(path.stem.split("slice")[1][:3])
        large = resize(volume[number].astype(float), (256, 256), anti_aliasing=True)
        stretched = (large - large.min()) / np.ptp(large) * 255
        pixels = imread(path)
        assert (pixels.min(), pixels.max()) == (0, 255)
        assert np.mean(pixels != np.floor(stretched)) < 1e-3  # where rounding errors decide
        assert np.abs(pixels - stretched).max() <= 1.001
    slices = {path.name: imread(path) for path in paths}
    windowed = study.convert(name, download, "--slices", "--overwrite")
    assert any(not np.array_equal(imread(path), slices[path.name]) for path in windowed.glob("imagesT?/*_2_slice*.png"))


def refusal(study: Study, capsys, *arguments) -> str:
    capsys.readouterr()
    assert cli.main(["convert", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert not list(study.root.glob("*/*"))
    return line


@pytest.mark.parametrize(("folder", "words"), [("labelsTr", "label map"), ("imagesTr", "image")])
def test_a_missing_half_is_named(study: Study, tmp_path, capsys, folder, words):
    download = decathlon(tmp_path, "Task02_Heart", "la")
    (download / folder / "la_6.nii.gz").unlink()
    assert f"la_6.nii.gz: its {words} is missing" in refusal(study, capsys, "heart", download)


@pytest.mark.parametrize("folder", ["labelsTr", "imagesTr"])
def test_a_truncated_volume_is_named(study: Study, tmp_path, capsys, folder):
    download = decathlon(tmp_path, "Task02_Heart", "la")
    damaged = truncate(download / folder / "la_6.nii.gz", 0.95)
    assert f"{damaged}: can't be read as an image" in refusal(study, capsys, "heart", download, "--slices")


def test_another_task_is_refused(study: Study, tmp_path, capsys):
    download = decathlon(tmp_path, "Task02_Heart", "la")
    line = refusal(study, capsys, "spleen", download)
    assert "holds no Spleen; give the folder or archive with 'imagesTr/spleen_2.nii.gz'" in line


def test_a_download_twice_is_refused(study: Study, tmp_path, capsys):
    for where in ("a", "b"):
        decathlon(tmp_path / "all" / where, "Task02_Heart", "la", cases=2)
    line = refusal(study, capsys, "heart", tmp_path / "all")
    assert "holds Heart 2 times (a/Task02_Heart, b/Task02_Heart); give one of these folders" in line
