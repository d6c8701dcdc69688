"""A file whose content is not what was written is refused, by whichever checksum its format carries."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import tifffile
from PIL import Image as Pillow

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import file_parts, read_image, read_label_map, write_image

VOLUME = (np.random.default_rng(0).integers(0, 4, (3, 20, 24)) * 60).astype(np.uint8)


def packed(path: Path) -> tuple[Path, int, int]:
    """Write the volume, or its first slice, compressed; where in which file the compressed pixels are."""
    if path.suffix == ".png":
        write_image(path, VOLUME[0])
        return path, 8, path.stat().st_size
    if path.suffix == ".tif":
        tifffile.imwrite(path, VOLUME, compression="zlib", photometric="minisblack")
        with tifffile.TiffFile(path) as file:
            page = file.pages[1]
            return path, page.dataoffsets[0], page.dataoffsets[0] + page.databytecounts[0]
    write_image(path, VOLUME)
    content = path.read_bytes()
    mark = {".mha": b"ElementDataFile = LOCAL\n", ".nrrd": b"\n\n"}.get(path.suffix)
    return path, content.index(mark) + len(mark) if mark else 10, len(content)


def detach(path: Path) -> tuple[Path, int, int]:
    """The same volume with its voxels in a file of their own."""
    packed(path)
    content, data = path.read_bytes(), path.with_suffix(".zraw")
    if path.suffix == ".mha":
        header, _, voxels = content.partition(b"LOCAL\n")
        path.write_bytes(header + data.name.encode() + b"\n")
    else:
        header, _, voxels = content.partition(b"\n\n")
        path.write_bytes(header + b"\ndata file: " + data.name.encode() + b"\n\n")
    data.write_bytes(voxels)
    return data, 0, len(voxels)


@pytest.mark.parametrize(
    ("write", "ending"),
    [
        *((packed, ending) for ending in (".png", ".tif", ".mha", ".nrrd", ".nii.gz")),
        (detach, ".mha"),
        (detach, ".nrrd"),
    ],
)
def test_no_flipped_bit_passes_with_other_pixels(tmp_path, write, ending):
    path = tmp_path / f"image{ending}"
    stored, start, end = write(path)
    whole = read_image(path).array
    content = stored.read_bytes()
    refused = 0
    for place in range(start, end, max(1, (end - start) // 150)):
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        stored.write_bytes(changed)
        try:
            np.testing.assert_array_equal(read_image(path).array, whole)
        except UserError:
            refused += 1
    assert refused > 120


@pytest.mark.parametrize("ending", [".png", ".tif", ".mha", ".nrrd", ".nii.gz"])
@pytest.mark.parametrize("lost", [1, 4, 5, 12, 300])
def test_no_end_is_missed(tmp_path, ending, lost):
    path = tmp_path / f"image{ending}"
    packed(path)
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(UserError, match=f"image{ending}: can't be read as an image"):
        read_image(path)


@pytest.mark.parametrize("ending", [".mha", ".nrrd"])
def test_voxels_in_a_file_of_their_own_are_part_of_the_image(tmp_path, ending):
    """They are read, listed, and missed where bytes are lacking; of several files there is no telling."""
    path = tmp_path / f"image{ending}"
    data, _, _ = detach(path)
    assert file_parts(path) == (path, data)
    np.testing.assert_array_equal(read_image(path).array, VOLUME)
    raw = path.read_bytes().replace(b"gzip", b"raw").replace(b"CompressedData = True", b"CompressedData = False")
    path.write_bytes(raw)
    data.write_bytes(VOLUME.tobytes())
    np.testing.assert_array_equal(read_image(path).array, VOLUME)
    data.write_bytes(VOLUME.tobytes()[:-1])
    with pytest.raises(UserError, match="can't be read as an image"):
        read_image(path)
    path.write_bytes(raw.replace(data.name.encode(), b"LIST"))
    assert file_parts(path) == (path,)
    with pytest.raises(UserError, match="holds its voxels in several files; save them as one"):
        read_image(path)


def test_an_uncompressed_volume_that_ends_early_is_truncated(tmp_path):
    for ending in (".mha", ".nrrd", ".gipl", ".nii"):
        path = tmp_path / f"image{ending}"
        sitk.WriteImage(sitk.GetImageFromArray(VOLUME), str(path), False)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(UserError, match="truncated or damaged"):
            read_image(path)


@pytest.mark.parametrize("ending", [".tif", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused_in_every_format(tmp_path, ending, value):
    image = VOLUME.astype(np.float32)
    image[1, 2, 3] = value
    path = tmp_path / f"image{ending}"
    write_image(path, image)
    with pytest.raises(UserError, match=f"image{ending}: image has pixels that are NaN or infinite"):
        read_image(path)


@pytest.mark.parametrize("value", [1.9, 0.99999994, -0.5])
def test_labels_are_whole_numbers_and_shown_as_they_are(tmp_path, value):
    labels = (VOLUME > 0).astype(np.float32)
    write_image(tmp_path / "whole.nii.gz", labels)
    np.testing.assert_array_equal(read_label_map(tmp_path / "whole.nii.gz").array, labels)
    labels[0, 0, 0] = value
    write_image(tmp_path / "part.nii.gz", labels)
    with pytest.raises(UserError, match=r"part\.nii\.gz: holds the value -?[01]\.[0-9]+; save .* with whole numbers"):
        read_label_map(tmp_path / "part.nii.gz")


def lossy_tiff(path: Path, picture: Pillow.Image) -> None:
    tifffile.imwrite(path, np.array(picture), compression="jpeg")


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("mask.png", lambda path, picture: picture.save(path, "JPEG")),
        ("mask.bmp", lambda path, picture: picture.convert("RGB").convert("L").save(path, "WEBP")),
        ("mask.tif", lossy_tiff),
    ],
)
def test_a_label_map_compressed_with_losses_is_refused_under_any_name(tmp_path, name, save):
    save(tmp_path / name, Pillow.fromarray(VOLUME[0]))
    read_image(tmp_path / name)
    with pytest.raises(UserError, match=f"{name}: (is compressed with losses|has shape)"):
        read_label_map(tmp_path / name)


def turned(path: Path, picture: Pillow.Image, kind: str) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    picture.save(path, kind, exif=exif)


@pytest.mark.parametrize(
    ("name", "save", "words"),
    [
        ("a.png", lambda path, picture: picture.convert("CMYK").save(path, "JPEG"), "colours of the kind CMYK"),
        ("a.bmp", lambda path, picture: picture.convert("CMYK").save(path, "TIFF"), "colours of the kind CMYK"),
        ("a.png", lambda path, picture: turned(path, picture, "PNG"), "is to be shown turned"),
        ("a.png", lambda path, picture: turned(path, picture, "JPEG"), "is to be shown turned"),
        ("a.tif", lambda path, picture: picture.save(path, tiffinfo={274: 3}), "is to be shown turned"),
        (
            "a.png",
            lambda path, picture: picture.save(path, save_all=True, append_images=[picture.rotate(90)]),
            "holds several pictures",
        ),
    ],
)
def test_pictures_that_nnunet_shows_otherwise_are_refused(tmp_path, name, save, words):
    save(tmp_path / name, Pillow.fromarray(VOLUME[0]))
    with pytest.raises(UserError, match=f"{name}: {words}|{name}: has {words}"):
        read_image(tmp_path / name)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("shape", [(6, 7, 3), (4, 6, 7, 2)])
def test_several_values_a_voxel_are_named(tmp_path, ending, shape):
    """Flat images and volumes: nnU-Net would take the values for an axis of space."""
    path = tmp_path / f"image{ending}"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros(shape, np.float32), isVector=True), str(path))
    with pytest.raises(UserError, match=f"has {shape[-1]} values a voxel; save a file for each"):
        read_image(path)


@pytest.mark.parametrize("ending", [".png", ".tif", ".nii.gz", ".nrrd", ".mha", ".gipl"])
def test_a_text_under_an_images_name_is_not_called_truncated(tmp_path, ending):
    path = tmp_path / f"image{ending}"
    path.write_text("nothing to see here\n" * 100, encoding="utf-8")
    with pytest.raises(UserError, match="the file is damaged, or not what its name says"):
        read_image(path)


@pytest.mark.parametrize("ending", [".nii.gz", ".nii", ".nrrd", ".png", ".tif", ".bmp"])
def test_endings_in_capitals_are_read_and_written(tmp_path, ending):
    """Of the others nnU-Net's own readers don't know them."""
    array = VOLUME if ending not in (".png", ".bmp") else VOLUME[0]
    write_image(tmp_path / f"small{ending}", array)
    shutil.copy(tmp_path / f"small{ending}", tmp_path / f"BIG{ending.upper()}")
    np.testing.assert_array_equal(read_image(tmp_path / f"BIG{ending.upper()}").array, array)
    write_image(tmp_path / f"AGAIN{ending.upper()}", array, read_image(tmp_path / f"BIG{ending.upper()}").geometry)
    np.testing.assert_array_equal(read_image(tmp_path / f"AGAIN{ending.upper()}").array, array)
