"""Complete NIfTI files pass, truncated ones don't, in all their kinds."""

import gzip
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import read_image
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


def test_a_file_compressed_in_parts_is_complete(tmp_path):
    whole = tmp_path / "whole.nii"
    sitk.WriteImage(sitk.GetImageFromArray(VOLUME), str(whole))
    content = whole.read_bytes()
    path = tmp_path / "parts.nii.gz"
    path.write_bytes(gzip.compress(content[:5000]) + gzip.compress(content[5000:]))
    check_complete(path)
    path.write_bytes(gzip.compress(content[:5000]) + gzip.compress(content[5000:-10]))
    with pytest.raises(ValueError, match="holds 8742 bytes of the 8752 that its header announces"):
        check_complete(path)


def test_big_endian_and_nifti_2(tmp_path):
    header = bytearray(540)
    struct.pack_into(">i", header, 0, 348)
    struct.pack_into(">8h", header, 40, 3, 2, 3, 4, 1, 1, 1, 1)
    struct.pack_into(">h", header, 72, 16)
    struct.pack_into(">f", header, 108, 352)
    path = tmp_path / "big.nii"
    path.write_bytes(bytes(header[:352]) + bytes(48))
    check_complete(path)
    path.write_bytes(bytes(header[:352]) + bytes(47))
    with pytest.raises(ValueError, match="holds 399 bytes of the 400"):
        check_complete(path)
    header = bytearray(540)
    struct.pack_into("<i", header, 0, 540)
    struct.pack_into("<h", header, 14, 32)
    struct.pack_into("<8q", header, 16, 2, 5, 5, 1, 1, 1, 1, 1)
    struct.pack_into("<q", header, 168, 544)
    path.write_bytes(bytes(header) + bytes(104))
    check_complete(path)
    path.write_bytes(bytes(header) + bytes(100))
    with pytest.raises(ValueError, match="holds 640 bytes of the 644"):
        check_complete(path)


def test_another_file_is_none(tmp_path):
    path = tmp_path / "text.nii"
    path.write_bytes(b"x" * 1000)
    with pytest.raises(ValueError, match="is no NIfTI file"):
        check_complete(path)
