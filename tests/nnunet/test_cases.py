"""Images and label maps of a data set, paired by name."""

import json
from pathlib import Path

import pytest
from made_up_predictions import draw, write_cases

from nnunet_skipstudy.nnunet.cases import read_description, training_cases


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
