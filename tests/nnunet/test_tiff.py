"""TIFF files are read and written as nnU-Net's two readers for them do: flat images, colours, volumes."""

import json
from contextlib import suppress

import numpy as np
import pytest
import tifffile
from nnunetv2.imageio.natural_image_reader_writer import NaturalImage2DIO
from nnunetv2.imageio.tif_reader_writer import Tiff3DIO

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import file_parts, has_spacing, read_image, read_label_map, write_image


def pixels(shape, dtype=np.uint8):
    return (np.random.default_rng(0).random(shape) * 250).astype(dtype)


@pytest.mark.parametrize("shape", [(3, 8, 9), (4, 8, 9), (5, 8, 9), (5, 8, 3), (1, 8, 9)])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("ending", [".tif", ".tiff"])
def test_a_volume_of_any_number_of_slices_goes_round(tmp_path, shape, dtype, ending):
    """Also of three or four, which look like colours; the spacing goes into the case's file, as Tiff3DIO wants it."""
    array, path = pixels(shape, dtype), tmp_path / f"case_0000{ending}"
    tifffile.imwrite(path, array, photometric="minisblack")
    (tmp_path / "case.json").write_text(json.dumps({"spacing": [4, 1.5, 0.5]}), encoding="utf-8")
    image = read_image(path)
    np.testing.assert_array_equal(image.array, array)
    assert image.geometry.spacing == (4, 1.5, 0.5)
    again = tmp_path / "again" / path.name
    write_image(again, image.array, image.geometry)
    theirs, about = Tiff3DIO().read_images([str(again)])
    np.testing.assert_array_equal(theirs[0], array)
    assert about["spacing"] == [4, 1.5, 0.5]
    assert file_parts(again) == (again, tmp_path / "again" / "case.json")


@pytest.mark.parametrize("n_slices", [3, 4, 6])
@pytest.mark.filterwarnings("ignore:.*data with shape:DeprecationWarning")
def test_label_maps_that_nnunet_wrote_are_volumes(tmp_path, n_slices):
    """With three or four slices tifffile calls them RGB."""
    labels, path = pixels((n_slices, 8, 9)) % 3, tmp_path / "case.tif"
    Tiff3DIO().write_seg(labels, str(path), {"spacing": [4.0, 1.0, 1.0]})
    found = read_label_map(path)
    np.testing.assert_array_equal(found.array, labels)
    assert found.geometry.spacing == (4, 1, 1)
    assert has_spacing(path)
    (tmp_path / "case.json").unlink()
    assert read_label_map(path).geometry.spacing == (1, 1, 1)
    np.testing.assert_array_equal(read_image(path, volume=True).array, labels)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((8, 9), {}),
        ((8, 9, 3), {"photometric": "rgb"}),
        ((8, 9, 4), {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
        ((3, 8, 9), {"photometric": "rgb", "planarconfig": "separate"}),
    ],
)
@pytest.mark.parametrize("compression", [None, "zlib", "lzw"])
def test_flat_images_are_what_nnunet_reads(tmp_path, shape, options, compression):
    path = tmp_path / "image_0000.tif"
    tifffile.imwrite(path, pixels(shape), compression=compression, **options)
    theirs = NaturalImage2DIO().read_images([str(path)])[0][:, 0]
    ours = read_image(path)
    assert ours.geometry is None
    np.testing.assert_array_equal(np.moveaxis(np.atleast_3d(ours.array), -1, 0), theirs)


def test_channels_before_rows_are_colours_beside_a_flat_label_map(tmp_path):
    """The file doesn't say so, and nnU-Net's reader of flat images takes them for such."""
    path = tmp_path / "image_0000.tif"
    tifffile.imwrite(path, pixels((3, 8, 9)), photometric="minisblack")
    theirs = NaturalImage2DIO().read_images([str(path)])[0][:, 0]
    np.testing.assert_array_equal(np.moveaxis(read_image(path, volume=False).array, -1, 0), theirs)


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3)])
def test_notes_beside_a_flat_image_are_no_spacing(tmp_path, shape):
    """Annotation tools leave a JSON file of the image's name."""
    tifffile.imwrite(tmp_path / "case_0000.tif", pixels(shape))
    (tmp_path / "case_0000.json").write_text('{"shapes": [], "imageHeight": 8}', encoding="utf-8")
    assert read_image(tmp_path / "case_0000.tif").geometry is None
    assert not has_spacing(tmp_path / "case_0000.tif")


@pytest.mark.parametrize("text", ["{", "[]", '{"spacing": [1, 2]}', '{"spacing": [1, 0, 1]}', '{"spacing": "big"}'])
def test_a_spacing_that_is_none_is_named(tmp_path, text):
    tifffile.imwrite(tmp_path / "case_0000.tif", pixels((5, 8, 9)), photometric="minisblack")
    (tmp_path / "case.json").write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"case\.json: (holds no spacing|spacing \(|give three)"):
        read_image(tmp_path / "case_0000.tif")


@pytest.mark.parametrize("options", [{}, {"compression": "zlib"}, {"compression": "lzw"}, {"metadata": None}])
def test_a_volume_cut_short_is_damaged(tmp_path, options):
    """Wherever it is cut: tifffile leaves out pages, or the shape in a tag, and logs it."""
    path, array = tmp_path / "case.tif", pixels((4, 8, 9))
    tifffile.imwrite(path, array, photometric="minisblack", **options)
    content = path.read_bytes()
    whole = []  # where all that is cut off is padding, or a tag that nobody reads
    for size in range(0, len(content), 3):
        path.write_bytes(content[:size])
        with suppress(UserError):
            whole.append(np.array_equal(read_image(path).array, array))
    assert all(whole)
    assert len(whole) < 20
