"""Damaged downloads: one line and nothing left behind, or the pixels that the files say; never others."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import numpy.typing as npt
import pytest
from conversions import Study
from hypothesis import given
from hypothesis import strategies as st
from made_up_downloads import acdc, busi, decathlon, glas
from PIL import Image as Pillow

from nnunet_skipstudy import cli
from nnunet_skipstudy.conversion.source import is_junk

SMALL: dict[str, Callable[[Path], Path]] = {
    "busi": lambda folder: busi(folder, benign=6, malignant=4, normal=0, shape=(40, 46)),
    "glas": lambda folder: glas(folder, shape=(34, 40)),
    "acdc": lambda folder: acdc(folder, training=7, testing=1, shape=(2, 24, 20)),
    "spleen": lambda folder: decathlon(folder, "Task09_Spleen", "spleen", cases=10, shape=(3, 24, 20)),
}
ARCHIVES = ("zip", "tar", "gztar", "bztar", "xztar")
Pixels = dict[str, npt.NDArray[Any]]
"""Images and label maps by the names of their files."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Pixels]]:
    """Each download, and what an undisturbed conversion makes of it."""
    found = {}
    for name, make in SMALL.items():
        folder = tmp_path_factory.mktemp(name)
        make(folder / "download")
        code, study = converted(name, folder / "download", folder)
        assert code == 0
        found[name] = folder / "download", pixels_of(study)
    return found


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def converted(name: str, source: Path, place: Path) -> tuple[int, Study]:
    """The exit code of a conversion, and where it was to write."""
    study = Study(place / "study")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
            patch.setenv(variable, str(study.root / variable))
        return cli.main(["convert", name, str(source), "-np", "1"]), study


def pixels_of(study: Study) -> Pixels:
    """The unperturbed images and the label maps, read by others than us."""
    (folder,) = (study.root / "nnUNet_raw").iterdir()
    paths = [path for part in ("imagesTr", "imagesTs", "labelsTr", "labelsTs") for path in (folder / part).iterdir()]
    return {f"{path.parent.name[:6]}/{path.name}": plainly_read(path) for path in paths}


def plainly_read(path: Path) -> npt.NDArray[Any]:
    if path.suffix == ".gz":
        return np.asarray(nibabel.load(path).dataobj)
    return np.asarray(Pillow.open(path))


def spoil(path: Path, data: st.DataObject) -> None:
    """Flip one bit of a file, or cut its end off."""
    content = bytearray(path.read_bytes())
    at = int(data.draw(st.floats(0, 1, exclude_max=True)) * len(content))
    if data.draw(st.booleans()):
        del content[at:]
    else:
        content[at] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(content)


def check(
    name: str, source: Path, undisturbed: Pixels, capsys: pytest.CaptureFixture[str], *, regrouped: bool = False
) -> None:
    """Converted to the same pixels, or refused with one line; other slides left out where patients are others."""
    capsys.readouterr()
    code, study = converted(name, source, source.parent)
    said = capsys.readouterr().err
    if code:
        assert code == 2
        assert said.startswith("skipstudy: ")
        assert said.count("\n") == 1
        assert not list(study.root.glob("*/*"))
        return
    found = pixels_of(study)
    for file in found.keys() & undisturbed.keys():
        np.testing.assert_array_equal(found[file], undisturbed[file], err_msg=file)
    assert regrouped or found.keys() == undisturbed.keys()


@given(data=st.data())
def test_a_spoilt_file_of_a_download(
    made: dict[str, tuple[Path, Pixels]], data: st.DataObject, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where a format has no checksum (BMP), the pixels are those that others read in the spoilt file."""
    name = data.draw(st.sampled_from(sorted(SMALL)))
    download, undisturbed = made[name]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(shutil.copytree(download, Path(folder) / "download"))
        files = sorted(path.relative_to(download) for path in download.rglob("*") if path.is_file())
        path = source / data.draw(st.sampled_from([file for file in files if not is_junk(file.name)]))
        spoil(path, data)
        expected = dict(undisturbed)
        if path.suffix == ".bmp" and path.stat().st_size == (download / path.relative_to(source)).stat().st_size:
            expected.update(said_by_bmp(path, undisturbed))
        check(name, source, expected, capsys, regrouped=path.suffix == ".csv")


def said_by_bmp(path: Path, undisturbed: Pixels) -> Pixels:
    """What a spoilt slide or annotation says, as far as anybody can read it."""
    from skimage.color import rgb2gray

    case = path.stem.removesuffix("_anno")
    try:
        with Pillow.open(path) as opened:
            picture = np.asarray(opened.convert("RGB"))
    except Exception:
        return {}
    if path.stem != case:
        return (
            {f"labels/{case}.png": picture.any(axis=2).astype(np.uint8)} if f"labels/{case}.png" in undisturbed else {}
        )
    file = f"images/{case}_0000.png"
    return {file: np.rint(rgb2gray(picture) * 255).astype(np.uint8)} if file in undisturbed else {}


@given(data=st.data())
def test_a_spoilt_archive(
    made: dict[str, tuple[Path, Pixels]], data: st.DataObject, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of slides it isn't asked: a plain tar has no checksum of what is in it, and neither has a BMP."""
    name = data.draw(st.sampled_from(sorted(SMALL.keys() - {"glas"})))
    download, undisturbed = made[name]
    with tempfile.TemporaryDirectory() as folder:
        kind = data.draw(st.sampled_from(ARCHIVES))
        source = Path(shutil.make_archive(f"{folder}/packed", kind, download))
        spoil(source, data)
        check(name, source, undisturbed, capsys)
