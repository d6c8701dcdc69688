"""A second run measures only what has changed, and a damaged file of measurements does no harm."""

import dataclasses
from pathlib import Path

import pandas as pd
import pytest
from made_up_predictions import DATASET, draw, level_folder, write_cases, write_dataset_json
from measuring import compare, measure

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.measuring import case_metrics
from nnunet_skipstudy.analysis.measuring.cache import Measurements
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.metrics import Surface
from nnunet_skipstudy.nnunet.images import Image, read_label_map

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
