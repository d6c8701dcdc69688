"""A second run measures only what has changed, and a damaged file of measurements does no harm."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_predictions import DATASET, draw, level_folder, write_cases, write_dataset_json
from measuring import compare, measure

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.measuring import case_metrics
from nnunet_skipstudy.analysis.measuring.cache import Measurements, content_hash
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import Geometry, Image, read_label_map, write_image
from nnunet_skipstudy.registry import Surface
from nnunet_skipstudy.support.files import sha256_of_file

LABEL = draw("11..", "11..", "..22")
OTHER = draw("11..", "11..", "2222")
PREDICTED = draw("11..", "1...", ".222")


@pytest.fixture
def comparisons(tmp_path: Path) -> list[Comparison]:
    dataset = tmp_path / "raw" / DATASET
    write_cases(dataset / "labelsTs", {"a": LABEL, "b": OTHER, "c": LABEL * 0})
    write_dataset_json(dataset, {"one": 1, "two": 2})
    write_cases(level_folder(tmp_path / "p", "nnUNetTrainerUNet", "hardest"), {"a": PREDICTED, "b": PREDICTED.copy()})
    return compare(tmp_path / "p", dataset)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that are decoded from now on."""
    names: list[str] = []

    def noting(path: Path) -> Image:
        names.append(f"{path.parent.name}/{path.stem}")
        return read_label_map(path)

    monkeypatch.setattr(case_metrics, "read_label_map", noting)
    return names


def test_unchanged_predictions_are_not_read_again(
    comparisons: list[Comparison], tmp_path: Path, read: list[str]
) -> None:
    """The table is the same to the bit; a changed prediction is read again with its label, and nothing else."""
    place = tmp_path / "out" / "measurements.json"
    first, _ = measure(comparisons, Measurements(place))
    assert read
    read.clear()
    again, _ = measure(comparisons, Measurements(place))
    pd.testing.assert_frame_equal(first, again, check_exact=True)
    assert read == []
    write_cases(comparisons[0].runs[0].folder, {"b": OTHER})
    changed, _ = measure(comparisons, Measurements(place))
    assert read == ["labelsTs/b", "hardest/b"]
    assert changed[changed["case"] == "b"]["dsc"].tolist() == [1, 1]
    assert changed[changed["case"] == "a"].equals(first[first["case"] == "a"])


def test_other_settings_and_labels_are_measured_anew(
    comparisons: list[Comparison], tmp_path: Path, read: list[str]
) -> None:
    place = tmp_path / "out" / "measurements.json"
    measure(comparisons, Measurements(place))
    for other in (
        dataclasses.replace(comparisons[0], tolerance=0.5),
        dataclasses.replace(comparisons[0], surface=Surface.SURFEL),
        dataclasses.replace(comparisons[0], labels=dataclasses.replace(comparisons[0].labels, ignore=7)),
    ):
        read.clear()
        measure([other], Measurements(place))
        assert len(read) == 5
    write_cases(comparisons[0].reference.folder, {"a": PREDICTED})
    read.clear()
    cases, _ = measure([other], Measurements(place))
    assert read == ["labelsTs/a", "hardest/a"]
    assert cases[cases["case"] == "a"]["dsc"].tolist() == [1, 1]


@pytest.mark.parametrize("damage", ["", "{}", "nonsense\n{}\n", "half", "a digit", "binary"])
def test_a_damaged_file_is_ignored_and_made_again(
    damage: str, comparisons: list[Comparison], tmp_path: Path, read: list[str]
) -> None:
    place = tmp_path / "out" / "measurements.json"
    first, _ = measure(comparisons, Measurements(place))
    content = place.read_text(encoding="utf-8")
    broken = {"half": content[: len(content) // 2], "a digit": content.replace("0.8", "0.9", 1)}
    place.write_bytes(b"\xff\xfe" if damage == "binary" else broken.get(damage, damage).encode())
    read.clear()
    again, _ = measure(comparisons, Measurements(place))
    pd.testing.assert_frame_equal(first, again)
    assert len(read) == 5
    assert place.read_text(encoding="utf-8") == content


def test_an_interrupted_run_keeps_what_it_measured(
    comparisons: list[Comparison], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's error leaves nothing behind."""
    place = tmp_path / "out" / "measurements.json"

    def stop(error: BaseException) -> None:
        def failing(path: Path) -> Image:
            if path.stem == "b":
                raise error
            return read_label_map(path)

        monkeypatch.setattr(case_metrics, "read_label_map", failing)
        with pytest.raises(type(error)):
            measure(comparisons, Measurements(place))

    stop(UserError("broken; mend it"))
    assert not place.parent.exists()
    stop(KeyboardInterrupt())
    names: list[str] = []
    monkeypatch.setattr(case_metrics, "read_label_map", lambda path: names.append(path.stem) or read_label_map(path))
    measure(comparisons, Measurements(place))
    assert "a" not in names
    assert "b" in names


def test_threads_change_nothing(comparisons: list[Comparison]) -> None:
    alone, _ = measure(comparisons)
    together, _ = measure(comparisons, workers=3)
    pd.testing.assert_frame_equal(alone, together)


def test_the_hash_of_an_image_covers_all_its_files(tmp_path: Path) -> None:
    """Voxels in a file of their own, and a spacing beside a TIFF volume; of other images it is the file's."""
    volume = np.random.default_rng(0).integers(0, 3, (3, 5, 6)).astype(np.uint8)
    header = b"ObjectType = Image\nNDims = 3\nDimSize = 6 5 3\nElementType = MET_UCHAR\nElementDataFile = a.raw\n"
    (tmp_path / "a.mha").write_bytes(header)
    nrrd = b"NRRD0004\ntype: uchar\ndimension: 3\nsizes: 6 5 3\nencoding: raw\ndata file: a.raw\n\n"
    (tmp_path / "a.nrrd").write_bytes(nrrd)
    write_image(tmp_path / "a.tif", volume, Geometry((2.0, 1.0, 1.0), (0.0,) * 3, (1.0,) * 9))
    for name, beside in (("a.mha", "a.raw"), ("a.nrrd", "a.raw"), ("a.tif", "a.json")):
        if beside == "a.raw":
            (tmp_path / beside).write_bytes(volume.tobytes())
            np.testing.assert_array_equal(read_label_map(tmp_path / name).array, volume)
        before = content_hash(tmp_path / name)
        content = (tmp_path / beside).read_bytes()
        (tmp_path / beside).write_bytes(content.replace(b"2", b"3").replace(b"\x02", b"\x01"))
        assert content_hash(tmp_path / name) != before
    write_image(tmp_path / "a.png", volume[0])
    assert content_hash(tmp_path / "a.png") == sha256_of_file(tmp_path / "a.png")
