"""Images and label maps of a data set, paired by name."""

import json
from pathlib import Path

import numpy as np
import pytest
from made_up_predictions import draw, write_cases

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.cases import described_cases, paired_cases, read_description, training_cases


@pytest.mark.parametrize("lost", ["masks/b.npy", "images/b.webp", "images/b_0000.JPG"])
def test_a_case_in_a_format_that_is_not_read_is_named(lost: str, tmp_path: Path) -> None:
    """It would be left out without a word; a picture that belongs to no case may lie there."""
    write_cases(tmp_path / "images", {"a": draw("1."), "b": draw("1.")})
    write_cases(tmp_path / "masks", {"a": draw("1."), "b": draw("1.")})
    (tmp_path / "images" / "overview.jpg").write_bytes(b"")
    assert len(paired_cases(tmp_path / "images", tmp_path / "masks")) == 2
    (tmp_path / lost).write_bytes(b"")
    if "_0000" not in lost:  # beside it lies one that is read
        assert len(paired_cases(tmp_path / "images", tmp_path / "masks")) == 2
    (tmp_path / lost).with_name("b.png").unlink()
    with pytest.raises(UserError, match=f"{Path(lost).name}: is in a format that isn't read; convert it"):
        paired_cases(tmp_path / "images", tmp_path / "masks")


def test_a_folder_of_nothing_else_says_why_it_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.webp").write_bytes(b"")
    with pytest.raises(UserError, match=r"holds no image that is read \(a\.webp is none\)"):
        paired_cases(tmp_path, tmp_path)


def test_paths_in_dataset_json_may_hold_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As nnU-Net reads them."""
    monkeypatch.setenv("ELSEWHERE", str(tmp_path / "disk"))
    write_cases(tmp_path / "disk", {"i": draw("1."), "l": draw("1.")})
    content = {
        "channel_names": {"0": "x"},
        "file_ending": ".png",
        "labels": {"background": 0, "a": 1},
        "dataset": {"c": {"images": ["$ELSEWHERE/i.png"], "label": "${ELSEWHERE}/l.png"}},
    }
    (tmp_path / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    (case,) = training_cases(tmp_path, read_description(tmp_path))
    assert (case.images, case.label) == ((tmp_path / "disk" / "i.png",), tmp_path / "disk" / "l.png")


def test_a_colour_image_is_one_file_for_several_channels(tmp_path: Path) -> None:
    write_cases(tmp_path / "images", {"a_0000": np.zeros((2, 2, 3), np.uint8)})
    write_cases(tmp_path / "labels", {"a": draw("1.", "..")})
    names = {str(number): "x" for number in range(3)}
    content = {"channel_names": names, "file_ending": ".png", "labels": {"background": 0, "a": 1}}
    (tmp_path / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    assert len(described_cases(tmp_path / "images", tmp_path / "labels", read_description(tmp_path))) == 1
