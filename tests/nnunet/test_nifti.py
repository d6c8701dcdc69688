"""NIfTI files are read as nnU-Net reads them, in all their kinds; truncated and damaged ones are refused."""

import gzip
import itertools
import struct

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from nnunetv2.imageio.nibabel_reader_writer import NibabelIO
from nnunetv2.imageio.simpleitk_reader_writer import SimpleITKIO

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import read_image, write_image
from nnunet_skipstudy.nnunet.nifti import check_complete

VOLUME = np.random.default_rng(0).integers(0, 1000, (7, 30, 20)).astype(np.int16)


@pytest.fixture(params=[".nii", ".nii.gz"])
def path(request, tmp_path):
    path = tmp_path / f"volume{request.param}"
    sitk.WriteImage(sitk.GetImageFromArray(VOLUME), str(path))
    return path


def test_a_complete_file_is_read(path):
    check_complete(path)
    assert np.array_equal(read_image(path).array, VOLUME)


@pytest.mark.parametrize("part", [0.0, 0.01, 0.5, 0.99, 0.9999])
def test_a_truncated_file_is_refused(path, part):
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content))])
    with pytest.raises(UserError, match=r"volume.*can't be read as an image.*truncated or damaged"):
        read_image(path)


def test_a_file_compressed_in_parts_is_read_whole(tmp_path):
    whole = tmp_path / "whole.nii"
    sitk.WriteImage(sitk.GetImageFromArray(VOLUME), str(whole))
    content = whole.read_bytes()
    path = tmp_path / "parts.nii.gz"
    half = len(content) // 2  # parts of one size: the first alone could be taken for all
    path.write_bytes(gzip.compress(content[:half]) + gzip.compress(content[half:]))
    assert np.array_equal(read_image(path).array, VOLUME)
    path.write_bytes(gzip.compress(content[:5000]) + gzip.compress(content[5000:-10]))
    with pytest.raises(UserError, match=r"holds 8742 bytes of the 8752 that its header announces.*truncated"):
        read_image(path)


TYPES = ["uint8", "int8", "int16", "uint16", "int32", "uint32", "float32", "float64"]
SCALES = [(1, 0), (0, 5), (2, -3), (0.0123, -1024), (np.nan, np.nan)]


@pytest.mark.parametrize("kind", [nibabel.Nifti1Image, nibabel.Nifti2Image])
@pytest.mark.parametrize("dtype", TYPES)
def test_every_kind_of_voxel_is_what_nnunet_reads(tmp_path, kind, dtype):
    """Types, byte orders, both versions, scales that stand for values or for nothing; the array may be written to."""
    path = tmp_path / "volume.nii"
    for order, (slope, intercept) in itertools.product("<>", SCALES):
        values = (np.random.default_rng(0).random((5, 4, 3)) * 100).astype(np.dtype(dtype).newbyteorder(order))
        image = kind(values, np.diag([1.5, 2, 3, 1]), kind.header_class(endianness=order))
        image.header.set_data_dtype(values.dtype)
        content = bytearray(image.to_bytes())
        place, form = (176, f"{order}2d") if kind is nibabel.Nifti2Image else (112, f"{order}2f")
        struct.pack_into(form, content, place, slope, intercept)
        path.write_bytes(content)
        ours = read_image(path)
        theirs, about = (NibabelIO if kind is nibabel.Nifti2Image else SimpleITKIO)().read_images([str(path)])
        np.testing.assert_array_equal(ours.array.astype(np.float32), theirs[0])
        assert ours.geometry.spacing == pytest.approx(about["spacing"])
        if kind is nibabel.Nifti1Image:
            assert ours.array.dtype == sitk.GetArrayFromImage(sitk.ReadImage(str(path))).dtype
        ours.array[...] = 0


@pytest.mark.parametrize("offset", [0, 100, 348, 351])
def test_voxels_that_begin_within_the_header_are_refused(path, offset):
    """SimpleITK and nibabel take them from different places, and neither from the right one."""
    content = path.read_bytes()
    content = bytearray(gzip.decompress(content) if path.suffix == ".gz" else content)
    struct.pack_into("<f", content, 108, offset)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    words = f"voxels begin at byte {offset}, within it; they can from 352 on.*damaged, or not what its name says"
    with pytest.raises(UserError, match=words):
        read_image(path)


def test_another_file_is_none(tmp_path):
    path = tmp_path / "text.nii"
    path.write_bytes(b"x" * 1000)
    with pytest.raises(UserError, match="is no NIfTI file, or its header is damaged"):
        read_image(path)


def sheared(path, dtype):
    """A volume whose slices are each moved a little against the one before; gives its voxels as nnU-Net has them."""
    affine = np.diag([-1.5, -1.0, 2.0, 1.0])
    affine[0, 2], affine[:3, 3] = 0.1, (10, 20, 30)
    values = np.random.default_rng(1).integers(0, 200, (6, 5, 4)).astype(dtype)
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    array, about = NibabelIO().read_images([str(path)])
    return array[0], about


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_sheared_volumes_are_read_and_written_as_by_nibabel(tmp_path, ending, dtype):
    path = tmp_path / f"sheared{ending}"
    theirs, about = sheared(path, dtype)
    ours = read_image(path)
    assert ours.array.dtype == dtype
    np.testing.assert_array_equal(ours.array, theirs)
    assert ours.geometry.spacing == pytest.approx(about["spacing"])
    again = tmp_path / f"again{ending}"
    write_image(again, ours.array, ours.geometry)
    back, about_back = NibabelIO().read_images([str(again)])
    np.testing.assert_array_equal(back[0], theirs)
    stuff, stuff_back = (each["nibabel_stuff"]["original_affine"] for each in (about, about_back))
    np.testing.assert_allclose(stuff_back, stuff, atol=1e-5)
    assert read_image(again).geometry.direction == pytest.approx(ours.geometry.direction, abs=1e-6)
