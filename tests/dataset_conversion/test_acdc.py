"""ACDC from a made-up download: frames, patients, sets, geometry, slices, and what it refuses."""

import gzip
import json
import shutil

import numpy as np
import pytest
import SimpleITK as sitk
from conversions import Study, check_data_set, table
from made_up_downloads import ACDC_GROUPS, acdc, save_volume, truncate
from skimage.io import imread

from nnunet_skipstudy import cli
from nnunet_skipstudy.texture.case_disparity import case_disparity


def rows_of(folder):
    return [
        {key: row[key] for key in ("case", "group", "set", "source", "stratum")} for row in table(folder / "cases.csv")
    ]


def expected_row(official: str, number: int, phase: str) -> dict[str, str]:
    patient = f"patient{number:03d}"
    frame = 1 if phase == "ED" else 7 + number % 5
    return {
        "case": f"{patient}_{phase}",
        "group": patient,
        "set": official,
        "source": f"{official}/{patient}/{patient}_frame{frame:02d}.nii.gz",
        "stratum": ACDC_GROUPS[number % 5],
    }


def test_cases_cell_by_cell(study: Study, tmp_path, capsys):
    """The testing patients, who have ground truth, are the test set; the 4D cine is left alone."""
    folder = study.convert("acdc", acdc(tmp_path / "download"))
    check_data_set(study, folder)
    assert capsys.readouterr().err.splitlines() == [
        "skipstudy: the test set is the publisher's testing (2 patients)",
        "skipstudy: 12 of the published 150 patients",
    ]
    numbers = [("training", number) for number in range(1, 11)] + [("testing", 101), ("testing", 102)]
    assert rows_of(folder) == [expected_row(*number, phase) for number in numbers for phase in ("ED", "ES")]
    assert {path.name[:10] for path in (folder / "labelsTs").iterdir()} == {"patient101", "patient102"}
    description = json.loads((folder / "dataset.json").read_text())
    assert description["channel_names"] == {"0": "MRI"}
    assert description["labels"] == {"background": 0, "RV": 1, "MYO": 2, "LV": 3}
    assert description["file_ending"] == ".nii.gz"
    assert not list(folder.rglob("*4d*"))


def test_images_keep_voxels_and_geometry_and_masks_get_it(study: Study, tmp_path):
    download = acdc(tmp_path / "download")
    folder = study.convert("acdc", download)
    for row in table(folder / "cases.csv"):
        part = "Ts" if row["set"] == "testing" else "Tr"
        stored = download / row["source"]
        written = folder / f"images{part}" / f"{row['case']}_0000.nii.gz"
        assert written.read_bytes() == stored.read_bytes()
        mask = sitk.ReadImage(str(stored.with_name(stored.name.replace(".nii.gz", "_gt.nii.gz"))))
        label = sitk.ReadImage(str(folder / f"labels{part}" / f"{row['case']}.nii.gz"))
        assert label.GetPixelID() == sitk.sitkUInt8
        assert np.array_equal(sitk.GetArrayFromImage(label), sitk.GetArrayFromImage(mask))
        for geometry in ("GetSpacing", "GetOrigin", "GetDirection"):
            assert np.allclose(getattr(label, geometry)(), getattr(mask, geometry)(), atol=1e-6)


@pytest.mark.parametrize("mess", ["no ground truth", "no testing folder", "patients at the top"])
def test_without_an_official_test_set_patients_are_held_out(study: Study, tmp_path, capsys, mess):
    download = acdc(tmp_path / "download", testing=2 if mess == "no ground truth" else 0, testing_labels=False)
    folder = study.convert("acdc", download / "training" if mess == "patients at the top" else download)
    check_data_set(study, folder)
    rows = rows_of(folder)
    assert {row["set"] for row in rows} == {"train", "test"}
    assert len(rows) == 20
    assert len({row["group"] for row in rows if row["set"] == "test"}) == 2
    err = capsys.readouterr().err
    assert "the test set is 2 patients held out by the seed, since there is no testing with ground truth" in err
    assert ("4 images of no case left out, such as testing/patient101" in err) == (mess == "no ground truth")


@pytest.mark.parametrize("arguments", [["--slices"], ["--protocol", "study"]])
def test_slices(study: Study, tmp_path, arguments):
    download = acdc(tmp_path / "download")
    folder = study.convert("acdc", download, *arguments)
    check_data_set(study, folder)
    rows = [row for row in table(folder / "cases.csv") if row["group"] == "patient004"]
    assert [row["case"] for row in rows] == [
        f"patient004_{phase}_slice{number:03d}" for phase in ("ED", "ES") for number in range(3)
    ]
    assert rows[1]["source"] == "training/patient004/patient004_frame01.nii.gz#slice=1"
    assert {imread(path).shape for path in folder.glob("*/*.png")} == {(256, 256)}
    assert set(np.unique(imread(folder / "labelsTr" / "patient004_ED_slice001.png"))) == {0, 1, 2, 3}


def refusal(study: Study, capsys, *arguments) -> str:
    capsys.readouterr()
    assert cli.main(["convert", "acdc", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert not list(study.root.glob("*/*"))
    return line


def frame(download, number: int, name: str):
    return download / "training" / f"patient{number:03d}" / f"patient{number:03d}_{name}.nii.gz"


def test_a_missing_mask_is_named(study: Study, tmp_path, capsys):
    download = acdc(tmp_path)
    frame(download, 3, "frame01_gt").unlink()
    assert "training/patient003/patient003_frame01_gt.nii.gz: missing (ED)" in refusal(study, capsys, download)


def test_two_frames_of_one_number_are_refused(study: Study, tmp_path, capsys):
    download = acdc(tmp_path)
    shutil.copy(frame(download, 3, "frame01"), frame(download, 3, "frame1"))
    line = refusal(study, capsys, download)
    assert "patient003_frame1.nii.gz: training/patient003/patient003_frame01.nii.gz has the same number" in line


def test_a_missing_testing_mask_is_named_where_others_are_there(study: Study, tmp_path, capsys):
    download = acdc(tmp_path)
    (download / "testing" / "patient102" / "patient102_frame01_gt.nii.gz").unlink()
    assert "testing/patient102/patient102_frame01_gt.nii.gz: missing (ED)" in refusal(study, capsys, download)


def test_a_frame_that_info_names_is_missed(study: Study, tmp_path, capsys):
    download = acdc(tmp_path)
    info = download / "training" / "patient005" / "Info.cfg"
    info.write_text("ED: 1\nES: 9\n")
    assert "training/patient005/patient005_frame09.nii.gz: missing (ES)" in refusal(study, capsys, download)


def test_a_patient_without_info_is_named(study: Study, tmp_path, capsys):
    download = acdc(tmp_path)
    (download / "training" / "patient005" / "Info.cfg").unlink()
    line = refusal(study, capsys, download)
    assert "training/patient005: has no Info.cfg, which says its frames ED and ES and its disease; fetch" in line


@pytest.mark.parametrize("content", [b"", b"ED: 1\nES: \nGroup: NOR\n", b"ED: 1\nES: nine\n"])
def test_an_info_that_does_not_say_the_frames_is_named(study: Study, tmp_path, capsys, content):
    download = acdc(tmp_path)
    info = download / "training" / "patient005" / "Info.cfg"
    info.write_bytes(content)
    assert f"{info}: doesn't say which frame is " in refusal(study, capsys, download)


def test_an_info_in_no_known_encoding_is_named(study: Study, tmp_path, capsys):
    download = acdc(tmp_path)
    info = download / "training" / "patient005" / "Info.cfg"
    info.write_bytes(b"ED: 1\nES: 7\nGroup: \x81\n")
    assert f"{info}: can't be read" in refusal(study, capsys, download)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\r", "\r\n"])
def test_an_info_saved_by_any_editor_is_read(study: Study, tmp_path, encoding, line_end):
    """Old Macintosh's and Windows' line ends, a byte order mark, UTF-16, an umlaut of Windows."""
    plain = study.convert("acdc", acdc(tmp_path / "download"))
    expected = rows_of(plain)
    for info in (tmp_path / "download").rglob("[iI]nfo.cfg"):
        text = info.read_text(encoding="utf-8-sig") + "Höhe: 1,84\n"
        info.write_bytes(text.replace("\n", line_end).encode(encoding))
    assert rows_of(study.convert("acdc", tmp_path / "download", "--overwrite")) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"ED: 1\nES: {'9' * 5000}\n", "doesn't say which frame is ES"),
        ("ED: 1\nES: 7\nES: 8\n", "says 'ES' twice"),
        ("ED: 7\nES: 07\n", "says that frame 7 is both ED and ES"),
    ],
    ids=["huge", "twice", "same"],
)
def test_an_info_that_can_not_be_meant_is_named(study: Study, tmp_path, capsys, text, words):
    """A number of more digits than Python reads, two frames for one phase, one frame for two phases."""
    download = acdc(tmp_path)
    info = download / "training" / "patient005" / "Info.cfg"
    info.write_text(text)
    assert f"{info}: {words}" in refusal(study, capsys, download)


@pytest.mark.parametrize("part", [0.3, 0.9, 0.999])
def test_a_truncated_volume_is_named(study: Study, tmp_path, capsys, part):
    """SimpleITK alone would read it without a word."""
    download = acdc(tmp_path)
    damaged = truncate(frame(download, 6, "frame01"), part)
    line = refusal(study, capsys, download)
    assert f"{damaged}: can't be read as an image" in line
    assert "the file is truncated or damaged: fetch or make it again" in line


@pytest.mark.parametrize("name", ["frame01", "frame01_gt"])
def test_a_volume_with_a_flipped_bit_is_named(study: Study, tmp_path, capsys, name):
    """It is as long as it should be, and SimpleITK reads it without a word: only its checksum tells."""
    download = acdc(tmp_path)
    rng = np.random.default_rng(0)
    for part in ("frame01", "frame01_gt"):  # of a size at which SimpleITK doesn't come to the checksum by chance
        save_volume(frame(download, 6, part), rng.integers(0, 2, (40, 96, 80)).astype(np.uint8), (1.5, 1.5, 8.0))
    damaged = frame(download, 6, name)
    stored = gzip.compress(gzip.decompress(damaged.read_bytes()), compresslevel=0)  # stored: a bit is a voxel's
    damaged.write_bytes(stored[:40000] + bytes([stored[40000] ^ 1]) + stored[40001:])
    sitk.ReadImage(str(damaged))
    line = refusal(study, capsys, download)
    assert f"{damaged}: can't be read as an image (BadGzipFile: CRC check failed" in line
    assert "the file is truncated or damaged: fetch or make it again" in line


def test_a_cine_in_a_frames_place_is_named(study: Study, tmp_path, capsys):
    download = acdc(tmp_path)
    shutil.copy(frame(download, 4, "4d"), frame(download, 4, "frame01"))
    assert "patient004_frame01.nii.gz: has 4 dimensions, a volume has 3" in refusal(study, capsys, download)


def test_an_unknown_label_is_named(study: Study, tmp_path, capsys):
    download = acdc(tmp_path)
    save_volume(frame(download, 4, "frame01_gt"), np.full((3, 44, 36), 255, np.uint8), (1.5, 1.5, 8.0))
    line = refusal(study, capsys, download)
    assert "patient004_frame01_gt.nii.gz: holds the label 255; expected are 0 background, 1 RV, 2 MYO, 3 LV" in line


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"direction": (1.0, 0, 0, 0, 1.0, 0, 0, 0, 1.0)}, "direction"),
        ({"spacing": (1.5, 1.5, 4.0)}, "spacing"),
        ({"shape": (3, 36, 44)}, "voxels for an image of (3, 44, 36)"),
    ],
    ids=["direction", "spacing", "shape"],
)
def test_a_mask_on_another_grid_is_named(study: Study, tmp_path, capsys, wrong, words):
    download = acdc(tmp_path)
    given = {"spacing": (1.5, 1.5, 8.0), **wrong}
    save_volume(frame(download, 4, "frame01_gt"), np.ones(given.pop("shape", (3, 44, 36)), np.uint8), **given)
    line = refusal(study, capsys, download)
    assert "patient004_frame01_gt.nii.gz: " in line
    assert words in line


def test_a_mask_half_a_voxel_beside_its_image_is_named(study: Study, tmp_path, capsys):
    """What counts is the voxel's size: 0.75 mm are half of it."""
    download = acdc(tmp_path)
    mask = frame(download, 4, "frame01_gt")
    save_volume(mask, np.ones((3, 44, 36), np.uint8), (1.5, 1.5, 8.0), origin=(11.5, -6.5, 3.0))
    line = refusal(study, capsys, download)
    assert f"{mask}: origin (11.5, -6.5, 3), its image {frame(download, 4, 'frame01')} has (11.5, -7.25, 3)" in line
    assert "0.75 mm apart, for voxels of (8, 1.5, 1.5) mm" in line


def test_an_origin_that_is_rounded_is_no_other_grid(study: Study, tmp_path):
    download = acdc(tmp_path / "download")
    mask = frame(download, 4, "frame01_gt")
    label = sitk.GetArrayFromImage(sitk.ReadImage(str(mask)))
    save_volume(mask, label, (1.5, 1.5, 8.0), origin=(11.5, -7.2, 3.1))
    study.convert("acdc", download)


def test_an_uncompressed_twin_is_refused(study: Study, tmp_path, capsys):
    download = acdc(tmp_path)
    twin = frame(download, 4, "frame01")
    twin.with_suffix("").write_bytes(b"")
    assert "holds both training/patient004/patient004_frame01.nii.gz and" in refusal(study, capsys, download)


def test_uncompressed_volumes_are_compressed(study: Study, tmp_path):
    download = acdc(tmp_path / "download")
    for name in ("frame01", "frame01_gt"):
        path = frame(download, 4, name)
        sitk.WriteImage(sitk.ReadImage(str(path)), str(path.with_suffix("")))
        path.unlink()
    folder = study.convert("acdc", download)
    check_data_set(study, folder)
    assert "training/patient004/patient004_frame01.nii" in {row["source"] for row in rows_of(folder)}


@pytest.mark.parametrize("shape", [(44, 36, 3), (3, 44, 36, 2)])
def test_several_values_a_voxel_are_no_volume(study: Study, tmp_path, capsys, shape):
    """A flat image of three channels has as many dimensions in memory as a volume."""
    download = acdc(tmp_path)
    for name in ("frame01", "frame01_gt"):
        sitk.WriteImage(sitk.GetImageFromArray(np.ones(shape, np.uint8), isVector=True), str(frame(download, 4, name)))
    assert f"patient004_frame01.nii.gz: has {shape[-1]} values a voxel" in refusal(study, capsys, download)


def test_the_planes_of_the_disparity_are_nnu_nets(study: Study, tmp_path):
    """Across the coarsest axis of the training pool, wherever in the file it is."""
    download = acdc(tmp_path / "download")
    for path in download.rglob("*_frame*.nii.gz"):
        array = sitk.GetArrayFromImage(sitk.ReadImage(str(path)))
        save_volume(path, np.ascontiguousarray(np.moveaxis(array, 0, 1)), (1.5, 8.0, 1.5))
    folder = study.convert("acdc", download)
    row = table(folder / "cases.csv")[0]
    image, label = (
        sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{part}Tr" / f"{row['case']}{ending}.nii.gz")))
        for part, ending in (("images", "_0000"), ("labels", ""))
    )
    upright = case_disparity(np.moveaxis(image, 1, 0), np.moveaxis(label, 1, 0)).union.value
    assert float(row["disparity"]) == pytest.approx(upright, abs=1e-9)
