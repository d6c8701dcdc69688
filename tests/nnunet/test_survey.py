"""What headers and folders say before the work: grids that don't fit, lost headers, files left out, planes."""

import os
from pathlib import Path

import nibabel
import numpy as np
import pytest
from foreign import scene, write_foreign

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.cases import described_cases, paired_cases, read_description, read_labels
from nnunet_skipstudy.nnunet.geometry import Geometry
from nnunet_skipstudy.nnunet.images import read_image, write_image
from nnunet_skipstudy.nnunet.survey import survey

PLACE = Geometry((2.0, 1.0, 1.5), (5.0, -3.0, 12.0), (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 1.0))


def cases(folder: Path, image=PLACE, label=PLACE, ending=".nii.gz", shape=(4, 12, 10)):
    for number in range(3):
        write_image(folder / "images" / f"c{number}_0000{ending}", np.ones(shape, np.int16), image)
        write_image(folder / "masks" / f"c{number}{ending}", np.ones(shape, np.uint8), label)
    return paired_cases(folder / "images", folder / "masks")


@pytest.mark.parametrize("ending", [".nii.gz", ".mha", ".nrrd"])
@pytest.mark.parametrize(
    "other",
    [
        Geometry(PLACE.spacing, (0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)),
        Geometry(PLACE.spacing, (5.0, -3.0, 13.0), PLACE.direction),
    ],
)
def test_a_lost_header_is_said_once_with_both_files(tmp_path, ending, other):
    found = cases(tmp_path, label=other, ending=ending)
    (remark,) = survey(found).remarks
    assert f"{found[0].images[0]} and its label map {found[0].label} differ: " in remark
    assert "(3 of 3 cases are like that)" in remark
    assert survey(cases(tmp_path, ending=ending)).remarks == ()


@pytest.mark.parametrize("ending", [".nii.gz", ".mha", ".tif"])
def test_other_spacings_and_shapes_are_refused_with_both_files(tmp_path, ending):
    found = cases(tmp_path, label=Geometry((2.0, 1.0, 1.0), PLACE.origin, PLACE.direction), ending=ending)
    words = rf"c0_0000{ending} and its label map .*c0{ending} differ: spacing \(2, 1, 1.5\) and \(2, 1, 1\); bring"
    if ending == ".tif":  # both files have one spacing beside them
        (tmp_path / "masks" / "c0.json").write_text('{"spacing": [2, 1, 1]}', encoding="utf-8")
    with pytest.raises(UserError, match=words):
        survey(found)
    write_image(found[1].label, np.ones((4, 10, 12), np.uint8), PLACE)
    with pytest.raises(UserError, match=r"c[01].* differ"):
        survey(found)


@pytest.mark.parametrize(
    ("spacings", "axis"),
    [([(1, 1, 5)] * 3, 2), ([(1, 5, 1)] * 3, 1), ([(5, 1, 1)] * 3, 0), ([(1, 1, 1)] * 3, 0),
     ([(5, 1, 1), (1, 1, 5), (1, 1, 4)], 2)],
)  # fmt: skip
def test_planes_lie_across_the_coarsest_axis_of_the_training_pool(tmp_path, spacings, axis):
    """By the median spacing, as nnU-Net's planner transposes all volumes alike."""
    for number, spacing in enumerate(spacings):
        place = Geometry(tuple(map(float, spacing)), PLACE.origin, PLACE.direction)
        write_image(tmp_path / "images" / f"c{number}_0000.nii.gz", np.ones((4, 6, 5), np.int16), place)
        write_image(tmp_path / "masks" / f"c{number}.nii.gz", np.ones((4, 6, 5), np.uint8), place)
    pool = paired_cases(tmp_path / "images", tmp_path / "masks")
    seen = survey(cases(tmp_path / "test"), pool)
    assert seen.axis == axis
    assert any(f"across axis {axis}" in remark for remark in seen.remarks) == (axis > 0)


@pytest.mark.parametrize("name", ["c9.jpg", "c9_0000.webp", "c9.npz", "c9.dcm", "c9.nii.gz"])
def test_files_of_another_ending_are_named(tmp_path, name):
    image, labels = scene(0)
    for number in range(2):
        write_image(tmp_path / "images" / f"c{number}.png", image)
        write_image(tmp_path / "masks" / f"c{number}.bmp", labels)
    found = paired_cases(tmp_path / "images", tmp_path / "masks")
    for quiet in ("notes.txt", "c0.json", "._c0.jpg"):
        (tmp_path / "images" / quiet).touch()
    assert survey(found).remarks == ()
    (tmp_path / "images" / name).touch()
    assert survey(found).remarks == (f"{tmp_path / 'images'}: 1 files of another ending are left out ({name})",)


def test_a_folder_of_nothing_but_photos_says_what_is_there(tmp_path):
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.jpeg").touch()
    with pytest.raises(UserError, match=r"holds no image of a kind that nnU-Net reads .*, but \*\.jpeg; .*convert"):
        paired_cases(tmp_path / "images", tmp_path / "masks")


def test_a_name_that_is_not_utf_8_is_one_line(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for folder in ("images", "masks"):
        (tmp_path / folder / os.fsdecode(b"caf\xe9.png")).touch()
    with pytest.raises(UserError, match=r"caf.*udce9\.png' in it is not UTF-8 of one line; rename it"):
        paired_cases(tmp_path / "images", tmp_path / "masks")


def test_endings_in_capitals_are_a_data_sets_own(tmp_path):
    folder = write_foreign(tmp_path, "Dataset701_Foreign", n_test=0)
    for path in folder.rglob("*.png"):
        image = read_image(path).array
        path.unlink()
        write_image(path.with_suffix(".PNG"), np.dstack([image] * 3) if "images" in path.parent.name else image)
    text = (folder / "dataset.json").read_text(encoding="utf-8").replace(".png", ".PNG")
    channels = '"channel_names": {"0": "R", "1": "G", "2": "B"}'
    (folder / "dataset.json").write_text(text.replace('"channel_names": {"0": "CT"}', channels), encoding="utf-8")
    description = read_description(folder)
    found = described_cases(folder / "imagesTr", folder / "labelsTr", description)
    assert len(found) == 3
    assert set(np.unique(read_labels(found[0], description))) == {0, 1, 2}


def test_the_harmless_warning_of_itk_is_silent(tmp_path, capfd):
    """Of a volume like ACDC's, whose two places in the header have other scales."""
    image = nibabel.Nifti1Image(np.zeros((5, 6, 4), np.uint8), None)
    image.header.set_zooms((1.3, 1.3, 10.0))
    image.header.set_qform(np.diag([-1.3, -1.3, 10.0, 1]), code=1)
    image.header.set_sform(np.diag([-1.0, -1.0, 1.0, 1.0]), code=1)
    nibabel.save(image, tmp_path / "a.nii.gz")
    assert read_image(tmp_path / "a.nii.gz").geometry.spacing == pytest.approx((10, 1.3, 1.3))
    assert capfd.readouterr().err == ""
