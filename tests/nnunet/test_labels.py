"""The labels of a dataset.json."""

import json
from pathlib import Path

import pytest

from nnunet_skipstudy.analysis.inputs.labels import parse_label_set
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.cases import read_description
from nnunet_skipstudy.nnunet.labels import named_labels

VALUES = [1.9, -1, True, None, "x", "1_0", "١", float("nan"), float("inf"), 10**30, 65536, [], [1, 2.5], [[1]], {}]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_that_no_label_map_can_hold_is_refused_by_both_readers(value: object, tmp_path: Path) -> None:
    """``int(1.9)`` is 1, which would measure another label without a word."""
    content = {"channel_names": {"0": "x"}, "file_ending": ".png", "labels": {"background": 0, "a": value}}
    (tmp_path / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(UserError, match=r"dataset\.json: its 'labels' can't be read \('a' has the value"):
        read_description(tmp_path)
    with pytest.raises(UserError, match=r"'a' has the value") as error:
        parse_label_set(content, tmp_path / "dataset.json")
    assert len(str(error.value)) < 500


def test_whole_numbers_may_be_written_in_other_ways() -> None:
    read = named_labels({"background": 0, "a": 1.0, "b": "2", "both": [1, 2], "ignore": 3}, "d")
    assert read == ({"a": (1,), "b": (2,), "both": (1, 2)}, 3)


@pytest.mark.parametrize(
    "labels",
    [{"a": 1, "ignore": 1}, {"a": 1, "ignore": [2, 3]}, {"(mean of labels)": 1}, {" ": 1}, {"\ud800": 1}, ["a"], None],
)
def test_labels_that_can_t_be_told_apart_are_refused(labels: object) -> None:
    with pytest.raises(UserError, match="d: its 'labels' can't be read"):
        named_labels(labels, "d")
