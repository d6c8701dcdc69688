"""``study.yaml`` with anything in it: a study, or one line that says what is wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tiny_study import TEXT

from nnunet_skipstudy.cli import main

LONGEST_LINE = 2000
NUMBERS = st.one_of(
    st.integers(),
    st.floats(),
    st.sampled_from([2**63, -(10**30), 10**400, 1e308, 5e-324, 0, -1, 10**4299, "1e999", ".inf", "1_000", "0o7"]),
)
WORDS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", " ", "..", "/", "~", "$HOME", "a\nb", "\x00", "患者", "é" * 500, "x" * 100_000, "NULL", "=1+1"]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=8,
)


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a nested value, from the outside in."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place, *(deeper for key, item in items for deeper in places(item, (*place, key)))]


def replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """The value with another one in one place."""
    if not place:
        return new
    first, *rest = place
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[first] = replaced(value[first], tuple(rest), new)
    return changed


def check(text: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command ends well, or with one line of bearable length and exit code 2."""
    path = folder / "study.yaml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    code = main(["commands", str(path)])
    complaint = capsys.readouterr().err
    assert code in (0, 2)
    if code:
        assert complaint.startswith("skipstudy: ")
        assert complaint.count("\n") == 1
        assert len(complaint) < LONGEST_LINE
    else:
        assert complaint == ""
    assert [file.name for file in folder.iterdir()] == ["study.yaml"]


@given(data=st.data())
def test_a_value_replaced_by_any_other(data: st.DataObject, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = yaml.safe_load(TEXT)
    place = data.draw(st.sampled_from(places(study)))
    changed = replaced(study, place, data.draw(VALUES))
    check(yaml.safe_dump(changed, allow_unicode=True), tmp_path, capsys)


@given(data=st.data())
def test_a_text_cut_and_joined_anywhere(
    data: st.DataObject, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(TEXT))] * 2)))
    between = data.draw(st.one_of(WORDS, VALUES.map(lambda value: json.dumps(value, default=str))))
    check(TEXT[:start] + between + TEXT[end:], tmp_path, capsys)


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [x, x, x, x, x, x, x, x]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 8)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
        )
        + "datasets: *h\n",
        "datasets: " + "[" * 5000 + "]" * 5000,
        "{" * 3000,
        "datasets: [{id: " + "9" * 5000 + "}]",
        "datasets: [{id: 7}]\nroot: &r [*r]\n",
    ],
    ids=["aliases of aliases", "deep", "deep and open", "5000 digits", "a list in itself"],
)
def test_text_made_to_blow_up(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The line stays short and comes at once, however large the value that it is about."""
    check(text, tmp_path, capsys)
