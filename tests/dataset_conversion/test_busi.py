"""BUSI from a made-up download: its masks, modes, duplicates, classes, and what it refuses."""

import itertools
import json
import shutil

import numpy as np
import pytest
from conversions import Study, check_data_set, contents, table
from made_up_downloads import busi, save, truncate
from PIL import Image as Picture
from scipy.ndimage import gaussian_filter
from skimage.color import rgb2gray
from skimage.io import imread, imsave
from skimage.transform import resize

from nnunet_skipstudy import cli
from nnunet_skipstudy.texture import texture_disparity
from nnunet_skipstudy.texture.perturbation import STUDY_LEVELS


def label_of(folder, case):
    (path,) = folder.glob(f"labelsT?/{case}.png")
    return imread(path)


def image_of(folder, case):
    (path,) = [*folder.glob(f"imagesTr/{case}_0000.png"), *folder.glob(f"imagesTs/{case}_0000.png")]
    return imread(path)


def test_cases_cell_by_cell(study: Study, tmp_path, capsys):
    folder = study.convert("busi", busi(tmp_path / "download"))
    check_data_set(study, folder)
    shown = capsys.readouterr()
    *said, leak = shown.err.splitlines()
    assert leak.startswith("skipstudy: level 'easiest' (blur_background_256:sigma_px=7) shows where the object is: ")
    assert said == [
        "skipstudy: 18 of the published 647 lesion images",
        "skipstudy: 2 pairs of duplicates or near-duplicates (duplicates.csv), each on one side of every split; 1 of "
        "them one picture with two classes (benign_001 and malignant_002), of which one is wrong",
    ]
    assert "next: nnUNetv2_plan_and_preprocess -d 502 -c 2d" in shown.out
    assert folder.name == "Dataset502_BUSI"
    numbers = [("benign", number) for number in range(1, 11)] + [("malignant", number) for number in range(1, 9)]
    groups = {"malignant_002": "benign_001", "malignant_004": "malignant_003"}
    test = {path.stem for path in (folder / "labelsTs").iterdir()}
    assert len(test) in (3, 4)  # a fifth of 16 groups
    rows = table(folder / "cases.csv")
    assert list(rows[0]) == [
        *("case", "group", "set", "source", "sha256", "disparity", "category", "stratum"),
        *("disparity_null", "disparity_excess", "disparity_percentile", "sorted_by", "sorted_value"),
    ]
    assert [
        {key: row[key] for key in ("case", "group", "set", "source", "stratum")} for row in rows
    ] == [
        {
            "case": f"{kind}_{number:03d}",
            "group": groups.get(f"{kind}_{number:03d}", f"{kind}_{number:03d}"),
            "set": "test" if f"{kind}_{number:03d}" in test else "train",
            "source": f"{kind}/{kind} ({number}).png",
            "stratum": kind,
        }
        for kind, number in numbers
    ]  # fmt: skip
    assert [(row["case"], row["other"], row["contradiction"]) for row in table(folder / "duplicates.csv")] == [
        ("benign_001", "malignant_002", "benign malignant"),
        ("malignant_003", "malignant_004", ""),
    ]
    description = json.loads((folder / "dataset.json").read_text())
    assert description["channel_names"] == {"0": "grey"}
    assert description["labels"] == {"background": 0, "lesion": 1}


def test_pixels_are_the_publishers_and_masks_are_merged(study: Study, tmp_path):
    download = busi(tmp_path / "download")
    folder = study.convert("busi", download)
    for number in range(1, 11):
        stored = np.asarray(Picture.open(download / "benign" / f"benign ({number}).png").convert("L"))
        assert np.array_equal(image_of(folder, f"benign_{number:03d}"), stored)
        masks = download.glob(f"benign/benign ({number})_mask*.png")
        merged = np.any([np.asarray(Picture.open(mask).convert("L")) > 127 for mask in masks], axis=0)
        assert np.array_equal(label_of(folder, f"benign_{number:03d}"), merged)
    assert label_of(folder, "benign_002")[-5:, -7:].all()  # the third mask's corner
    assert {image_of(folder, f"benign_{number:03d}").shape for number in range(1, 4)} == {(71, 91), (72, 92), (70, 93)}


@pytest.mark.parametrize("classes", ["lesion", "benign-malignant"])
def test_classes(study: Study, tmp_path, classes):
    folder = study.convert("busi", busi(tmp_path / "download"), "--classes", classes)
    check_data_set(study, folder)
    malignant = 1 if classes == "lesion" else 2
    assert label_of(folder, "benign_001").max() == 1
    assert label_of(folder, "malignant_001").max() == malignant


def test_one_picture_with_two_classes_is_said(study: Study, tmp_path, capsys):
    """Near-duplicates and crops count like copies; where all lesions have one label, only the classes contradict."""
    download = busi(tmp_path / "download")
    near = np.asarray(Picture.open(download / "benign" / "benign (5).png").convert("L")) * 0.9 + 10
    save(download / "malignant" / "malignant (5).png", near.astype(np.uint8))
    shutil.copy(download / "benign" / "benign (5)_mask.png", download / "malignant" / "malignant (5)_mask.png")
    study.convert("busi", download, "--classes", "benign-malignant")
    said = capsys.readouterr().err
    assert (
        "3 pairs of duplicates or near-duplicates (duplicates.csv), each on one side of every split; 2 of them" in said
    )
    assert "one picture with two classes (benign_001 and malignant_002, benign_005 and malignant_005)" in said
    study.convert("busi", download, "--overwrite")
    said = capsys.readouterr().err
    assert "contradicting labels" not in said
    assert "2 of them one picture with two classes" in said


@pytest.mark.parametrize("protocol", ["native", "study"])
def test_crops_are_one_group_whatever_size_they_are_brought_to(study: Study, tmp_path, protocol):
    """They are compared in the download's pixels, not in those of the data set, where a crop is stretched."""
    download = busi(tmp_path / "download", benign=20, malignant=12)
    rng = np.random.default_rng(3)
    picture = np.clip(128 + 60 * gaussian_filter(rng.normal(0, 3, (150, 200)), 1.5), 0, 255).astype(np.uint8)
    for name, pixels in (("benign (7)", picture), ("malignant (9)", picture[20:, 70:])):
        folder = download / name.split()[0]
        save(folder / f"{name}.png", pixels, "RGB")
        save(folder / f"{name}_mask.png", np.eye(*pixels.shape, dtype=np.uint8) * np.uint8(255))
    folder = study.convert("busi", download, "--protocol", protocol)
    groups = {row["case"]: row["group"] for row in table(folder / "cases.csv")}
    assert groups["malignant_009"] == groups["benign_007"] == "benign_007"
    (row,) = [row for row in table(folder / "duplicates.csv") if row["other"] == "malignant_009"]
    assert float(row["agreement"]) > 0.9
    assert row["contradiction"] == "benign malignant"


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_a_picture_of_few_bits_in_16_is_not_black(study: Study, tmp_path, bits):
    download = busi(tmp_path / "download")
    path = download / "benign" / "benign (7).png"
    eight = np.asarray(Picture.open(path).convert("L"))
    eight = np.where(eight > 250, 255, eight)
    assert eight.max() > 127
    imsave(path, np.rint(eight / 255 * (2**bits - 1)).astype(np.uint16), check_contrast=False)
    assert np.abs(image_of(study.convert("busi", download), "benign_007").astype(int) - eight).max() <= 1


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_mask_compressed_with_losses_is_refused(study: Study, tmp_path, capsys, mode):
    """Whatever it is called."""
    download = busi(tmp_path)
    path = download / "benign" / "benign (7)_mask.png"
    Picture.open(path).convert(mode).save(path, "JPEG")
    assert "benign (7)_mask.png: is compressed with losses, which blurs a mask" in refusal(study, capsys, download)


def test_normal_images_on_request(study: Study, tmp_path, capsys):
    folder = study.convert("busi", busi(tmp_path / "download"), "--normal")
    check_data_set(study, folder)
    assert "2 cases without a texture disparity (nothing or everything is labelled)" in capsys.readouterr().err
    rows = {row["case"]: row for row in table(folder / "cases.csv")}
    assert not label_of(folder, "normal_001").any()
    for case in ("normal_001", "normal_002"):
        assert (rows[case]["disparity"], rows[case]["category"]) == ("", "")


def test_the_studys_protocol(study: Study, tmp_path):
    folder = study.convert("busi", busi(tmp_path / "download", benign=20, malignant=12), "--protocol", "study")
    check_data_set(study, folder)
    assert {imread(path).shape for path in folder.glob("*/*.png")} == {(256, 256)}
    fold = table(folder / "folds.csv")[0]
    assert fold["name"] == "study_train_val"
    n_test = len(list((folder / "labelsTs").iterdir()))
    assert (int(fold["n_train"]), int(fold["n_val"]), n_test) == (20, 5, 7)  # 400, 100, 147 of 647, of 32


def test_the_studys_colours_are_made_grey_after_resizing(study: Study, tmp_path):
    """As the study did it, so that grey levels are rounded once; the luminance is scikit-image's."""
    download = busi(tmp_path / "download", benign=20, malignant=12)
    picture = np.random.default_rng(0).integers(0, 256, (70, 90, 3)).astype(np.uint8)
    save(download / "benign" / "benign (5).png", picture)
    save(download / "benign" / "benign (5)_mask.png", np.eye(70, 90, dtype=np.uint8) * np.uint8(255))
    folder = study.convert("busi", download, "--protocol", "study")
    (path,) = folder.glob("imagesT?/benign_005_0000.png")
    expected = rgb2gray(resize(picture, (256, 256), anti_aliasing=True)) * 255
    assert np.abs(imread(path) - expected).max() <= 0.5 + 1e-6


@pytest.mark.parametrize("archive", ["zip", "gztar", "tar"])
def test_an_archive_gives_the_same_bytes(study: Study, tmp_path, archive):
    download = busi(tmp_path / "download")
    packed = shutil.make_archive(str(tmp_path / "busi"), archive, tmp_path / "download")
    folder = study.convert("busi", "-i", packed, "-np", 1)
    from_archive = contents(folder)
    study.convert("busi", download, "--overwrite", "-np", 3)
    assert contents(folder) == from_archive
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_same_again_does_nothing_and_another_seed_needs_overwrite(study: Study, tmp_path, capsys):
    download = busi(tmp_path / "download")
    folder = study.convert("busi", download)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    capsys.readouterr()
    study.convert("busi", download.parent)
    assert "Dataset502_BUSI is finished, made with the same options; nothing to do" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert cli.main(["convert", "busi", str(download), "--seed", "1"]) == 2
    assert "is there already, made with other options; --overwrite replaces it" in capsys.readouterr().err
    was = contents(folder)
    study.convert("busi", download, "--seed", 1, "--overwrite")
    check_data_set(study, folder)
    assert contents(folder) != was


def refusal(study: Study, capsys, *arguments) -> str:
    """The one line on stderr of a conversion that fails, after which there is nothing."""
    capsys.readouterr()
    assert cli.main(["convert", "busi", *map(str, arguments)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("skipstudy: ")
    assert not list(study.root.glob("*/*"))
    return line


def test_a_missing_mask_is_named(study: Study, tmp_path, capsys):
    download = busi(tmp_path)
    (download / "malignant" / "malignant (5)_mask.png").unlink()
    line = refusal(study, capsys, download)
    assert "malignant/malignant (5).png: its mask is missing (malignant/malignant (5)_mask.png); fetch" in line


def test_a_missing_image_is_named(study: Study, tmp_path, capsys):
    download = busi(tmp_path)
    (download / "benign" / "benign (2).png").unlink()
    assert "benign/benign (2)_mask.png: its image is missing" in refusal(study, capsys, download)


@pytest.mark.parametrize("name", ["benign (7).png", "benign (7)_mask.png"])
def test_a_truncated_file_is_named(study: Study, tmp_path, capsys, name):
    download = busi(tmp_path)
    damaged = truncate(download / "benign" / name)
    line = refusal(study, capsys, download)
    assert f"{damaged}: can't be read as an image" in line
    assert "the file is truncated or damaged" in line


def test_a_mask_of_another_size_is_named(study: Study, tmp_path, capsys):
    download = busi(tmp_path)
    save(download / "benign" / "benign (4)_mask.png", np.zeros((10, 12), np.uint8))
    line = refusal(study, capsys, download)
    assert "benign (4)_mask.png: 10 x 12 pixels for an image of 71 x 90 (benign/benign (4).png)" in line


def test_one_number_twice_is_named(study: Study, tmp_path, capsys):
    download = busi(tmp_path)
    save(download / "benign" / "benign(4).png", np.zeros((10, 12), np.uint8))
    assert "benign/benign(4).png: benign/benign (4).png has the same number" in refusal(study, capsys, download)


@pytest.mark.parametrize("gone", ["_mask", "_mask_1"])
def test_a_missing_part_of_a_lesion_is_named(study: Study, tmp_path, capsys, gone):
    """Masks of a lesion are numbered 0 (no number), 1 ...: a gap is a file that has been lost."""
    download = busi(tmp_path)
    (download / "benign" / f"benign (2){gone}.png").unlink()
    line = refusal(study, capsys, download)
    assert f"benign/benign (2).png: its mask is missing (benign/benign (2){gone}.png)" in line


@pytest.mark.parametrize("name", ["benign (05)_mask.png", "benign (5)_mask_0.png", "benign (5)_MASK.png"])
def test_two_masks_of_one_number_are_refused(study: Study, tmp_path, capsys, name):
    download = busi(tmp_path)
    save(download / "benign" / name, np.zeros((71, 91), np.uint8))
    line = refusal(study, capsys, download)
    assert name in line
    assert "benign/benign (5)_mask.png" in line
    assert "has the same number; remove one of them" in line


def test_images_in_no_case_are_reported(study: Study, tmp_path, capsys):
    download = busi(tmp_path / "download")
    save(download / "benign" / "benign (4) copy.png", np.zeros((10, 12), np.uint8))
    study.convert("busi", download)
    assert "1 image of no case left out, such as benign/benign (4) copy.png" in capsys.readouterr().err


def test_too_few_images_are_said_to_be(study: Study, tmp_path, capsys):
    line = refusal(study, capsys, busi(tmp_path, benign=3, malignant=2, normal=0))
    assert "4 groups (patients, volumes, clusters of duplicates) to train on; 5 folds need at least 5" in line


BAD = [
    ([], "no sources; give the download's folder or archive once, as SOURCE or with -i"),
    (["SOURCE", "-i", "SOURCE"], "2 sources; give the download's folder or archive once"),
    (["SOURCE", "--classes", "three"], "classes 'three'; choose one of lesion, benign-malignant (--classes)"),
    (["SOURCE", "--protocol", "mine"], "protocol 'mine'; choose one of native, study"),
    (["SOURCE", "--protocol", "study", "--normal"], "--protocol study settles --normal; leave it out, or take"),
    (["SOURCE", "--seed", "-1"], "seed -1; give 0 or a positive number (--seed)"),
    (["SOURCE", "-np", "0"], "-np 0: no workers; give a number from 1 to 1024"),
    (["SOURCE", "-d", "0"], "data set identifier 0; give a number from 1 to 999 (-d)"),
    (["SOURCE", "--name", "a b"], "data set name 'a b'; use letters, digits, - and _ (--name)"),
    (["/nowhere"], "/nowhere: no such file or folder; give the download of BUSI"),
    (["SOURCE/benign/notes.txt"], "neither a folder nor a whole zip or tar archive; give the download as it came"),
    (["SOURCE/normal"], "holds no BUSI; give the folder or archive with the folders 'benign' and 'malignant'"),
]


@pytest.mark.parametrize(("arguments", "words"), BAD, ids=[words[:25] for _, words in BAD])
def test_bad_input_is_one_line_and_leaves_nothing(study: Study, tmp_path, capsys, arguments, words):
    source = busi(tmp_path)
    assert words in refusal(study, capsys, *[part.replace("SOURCE", str(source)) for part in arguments])


def test_an_identifier_of_another_data_set_is_refused(study: Study, tmp_path, capsys):
    taken = study.root / "nnUNet_raw" / "Dataset502_Mine"
    taken.mkdir(parents=True)
    assert cli.main(["convert", "busi", str(busi(tmp_path))]) == 2
    assert f"identifier 502 is taken by {taken}; give another one (-d)" in capsys.readouterr().err
    assert list((study.root / "nnUNet_raw").iterdir()) == [taken]


def test_a_failed_overwrite_leaves_the_former_data_set(study: Study, tmp_path, capsys):
    download = busi(tmp_path / "download")
    study.convert("busi", download)
    before = contents(study.root)
    truncate(download / "malignant" / "malignant (8).png")
    assert cli.main(["convert", "busi", str(download), "--overwrite"]) == 2
    assert "malignant (8).png: can't be read as an image" in capsys.readouterr().err
    assert contents(study.root) == before


@pytest.mark.parametrize("by", ["kamath2025", "jensen_shannon"])
def test_folds_and_categories_go_by_what_was_asked_for(study: Study, tmp_path, by):
    """By the value of a definition; the value stands beside the study's, and the folds are cut by it."""
    folder = study.convert("busi", busi(tmp_path / "download"), "--by", by)
    rows = {row["case"]: row for row in table(folder / "cases.csv")}
    assert {row["sorted_by"] for row in rows.values()} == {by}
    for case, row in rows.items():
        part = "Ts" if (folder / f"labelsTs/{case}.png").exists() else "Tr"
        image, label = imread(folder / f"images{part}/{case}_0000.png"), imread(folder / f"labels{part}/{case}.png")
        assert float(row["sorted_value"]) == pytest.approx(texture_disparity(image, label, definition=by), abs=1e-9)
        assert float(row["disparity"]) == pytest.approx(texture_disparity(image, label), abs=1e-9)
    narrow = [split["train"] for split in study.splits(folder)[5:10]]
    values = [[float(rows[case]["sorted_value"]) for case in train] for train in narrow]
    assert all(max(below) <= min(above) for below, above in itertools.pairwise(values))


def test_a_data_set_of_an_earlier_version_is_finished_by_what_it_was_made_with(study: Study, tmp_path, capsys):
    """Its record says no measure and no rule for levels: it stands under the study's, and is refused under others."""
    download = busi(tmp_path / "download")
    folder = study.convert("busi", download, "--by", "kamath2025", "--levels", "study")
    assert not {"sorted_by", "levels"} & set(
        json.loads((folder / "dataset.json").read_text())["skipstudy"]["provenance"]
    )
    capsys.readouterr()
    assert study.convert("busi", download, "--by", "kamath2025", "--levels", "study") == folder
    assert "is finished, made with the same options" in capsys.readouterr().err
    assert cli.main(["convert", "busi", str(download)]) == 2
    assert "is there already, made with other options" in capsys.readouterr().err
    assert {row["parameters"] for row in table(folder / "perturbations.csv")} == set(map(str, STUDY_LEVELS.values()))
