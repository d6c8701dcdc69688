"""Image and mask stay aligned, nothing is transposed or mirrored, geometry is kept: non-square, oblique, flipped."""

import numpy as np
import pytest
import SimpleITK as sitk
from conversions import Study
from made_up_downloads import DIRECTION, acdc, busi, decathlon, glas, save, save_volume
from skimage.io import imread

from nnunet_skipstudy.registry import LEVELS, UNPERTURBED

SHAPE = (60, 100)


def corner_mark(shape: tuple[int, ...]) -> np.ndarray:
    """An L in the upper left: no rotation, mirror image or transposition of it is itself."""
    mark = np.zeros(shape, bool)
    rows, columns = shape[-2:]
    mark[..., rows // 10 : rows // 2, columns // 10 : columns // 5] = True
    mark[..., rows // 3 : rows // 2, columns // 10 : columns // 3] = True
    return mark


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return 2 * np.sum(one & other) / (one.sum() + other.sum())


def written(folder, case: str, ending: str = ".png"):
    """A case's image and label file."""
    (image,) = [*folder.glob(f"imagesTr/{case}_0000{ending}"), *folder.glob(f"imagesTs/{case}_0000{ending}")]
    (label,) = folder.glob(f"labelsT?/{case}{ending}")
    return image, label


@pytest.mark.parametrize("protocol", ["native", "study"])
def test_flat_grey_images(study: Study, tmp_path, protocol):
    download = busi(tmp_path / "download")
    for kind, number in (("benign", 3), ("malignant", 5)):
        mark = corner_mark(SHAPE)
        noise = np.random.default_rng(number).integers(0, 40, SHAPE)
        save(download / kind / f"{kind} ({number}).png", np.where(mark, 200, noise).astype(np.uint8), "RGB")
        save(download / kind / f"{kind} ({number})_mask.png", mark * np.uint8(255), "RGBA")
    folder = study.convert("busi", download, "--protocol", protocol)
    for case in ("benign_003", "malignant_005"):
        image, label = (imread(path) for path in written(folder, case))
        expected = corner_mark(SHAPE if protocol == "native" else (256, 256))
        assert image.shape == label.shape == expected.shape
        assert overlap(image > 120, label > 0) > 0.97
        assert overlap(label > 0, expected) > (0.97 if protocol == "study" else 0.9999)


def test_flat_colour_crops(study: Study, tmp_path):
    download = glas(tmp_path / "download", shape=(90, 150))
    mark = corner_mark((90, 150))
    save(download / "train_9.bmp", np.where(mark, 200, 10).astype(np.uint8)[..., None] * np.ones(3, np.uint8))
    save(download / "train_9_anno.bmp", mark * np.uint8(3))
    folder = study.convert("glas", download, "--rgb", "--crops", 3, "--crop-size", 64)
    for number in range(3):
        image, label = (imread(path) for path in written(folder, f"train_9_crop{number}"))
        assert np.array_equal(image[..., 1] > 120, label > 0)


def centre_mm(path, threshold: float) -> np.ndarray:
    """Where in space the centre of what is brighter lies, by the file's own geometry."""
    image = sitk.ReadImage(str(path))
    place = np.argwhere(sitk.GetArrayFromImage(image) > threshold).mean(axis=0)
    return np.asarray(image.TransformContinuousIndexToPhysicalPoint([float(x) for x in place[::-1]]))


@pytest.mark.parametrize(
    "direction", [DIRECTION, (0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0)], ids=["oblique", "axes"]
)
def test_volumes_stay_where_they_are_in_space(study: Study, tmp_path, direction):
    """Also at the perturbed levels that keep the object."""
    shape, spacing = (4, 50, 30), (1.25, 1.75, 7.5)
    download = acdc(tmp_path / "download", shape=shape)
    mark = corner_mark(shape)
    mark[0] = False
    for patient in ("training/patient003/patient003", "testing/patient101/patient101"):
        noise = np.random.default_rng(0).integers(0, 100, shape)
        frame = download / f"{patient}_frame01.nii.gz"
        save_volume(frame, np.where(mark, 1000, noise).astype(np.int16), spacing, direction)
        save_volume(download / f"{patient}_frame01_gt.nii.gz", mark * np.uint8(3), spacing, direction)
    folder = study.convert("acdc", download)
    for case, official in (("patient003", "training"), ("patient101", "testing")):
        source = download / official / case / f"{case}_frame01.nii.gz"
        expected = centre_mm(source, 500)
        image, label = written(folder, f"{case}_ED", ".nii.gz")
        files = [(image, 500.0), (label, 0.5)]
        if official == "testing":
            files += [(folder / f"imagesTs_{level}" / image.name, 999.0) for level in ("easier", "easiest")]
        for path, threshold in files:
            assert np.allclose(centre_mm(path, threshold), expected, atol=1e-3), path
            stored = sitk.ReadImage(str(path))
            assert np.allclose(stored.GetDirection(), direction, atol=1e-6)
            assert np.allclose(stored.GetSpacing(), spacing, atol=1e-6)
            assert stored.GetSize() == shape[::-1]
    for level in set(LEVELS) - {UNPERTURBED}:
        stored = sitk.ReadImage(str(folder / f"imagesTs_{level}" / "patient101_ED_0000.nii.gz"))
        assert stored.GetPixelID() == sitk.sitkInt16
        assert np.allclose(stored.GetDirection(), direction, atol=1e-6)


def test_slices_keep_rows_and_columns(study: Study, tmp_path):
    """As stored: whatever the direction matrix says, image and mask are treated alike."""
    shape = (3, 40, 90)
    download = decathlon(tmp_path / "download", "Task09_Spleen", "spleen", shape=shape)
    mark = corner_mark(shape)
    image = np.where(mark, 200, -150).astype(np.int16)
    save_volume(download / "imagesTr" / "spleen_2.nii.gz", image, (0.8, 0.7, 5.0))
    save_volume(download / "labelsTr" / "spleen_2.nii.gz", mark.astype(np.uint8), (0.8, 0.7, 5.0))
    folder = study.convert("spleen", download, "--slices")
    for number in range(3):
        pixels, label = (imread(path) for path in written(folder, f"spleen_2_slice{number:03d}"))
        assert overlap(pixels > 120, label > 0) > 0.97
        assert overlap(label > 0, corner_mark((256, 256))) > 0.95


def test_nnunets_reader_sees_the_same(study: Study, tmp_path):
    """Rows stay rows in NaturalImage2DIO, which the trained networks see through."""
    from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO

    download = busi(tmp_path / "download", shape=(50, 97))
    folder = study.convert("busi", download)
    image, label = written(folder, "benign_004")
    pixels, _ = NaturalImage2DIO().read_images((str(image),))
    segmentation, _ = NaturalImage2DIO().read_seg(str(label))
    assert pixels.shape == segmentation.shape == (1, 1, 51, 97)
    assert np.array_equal(pixels[0, 0], imread(image))
    assert np.array_equal(segmentation[0, 0], imread(label))
