"""Where paths lead, and JSON that is damaged."""

from pathlib import Path

import pytest

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.files import beside, expanded, led_to, read_object


def test_beside_a_link_comes_before_beside_what_it_leads_to(tmp_path: Path) -> None:
    """Link by link: a relative link to a link to a folder in a folder that is itself a link."""
    for name in ("data", "second", "disk/real/labels"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "alias").symlink_to(tmp_path / "disk" / "real")
    (tmp_path / "second" / "x").symlink_to(tmp_path / "alias" / "labels")
    (tmp_path / "data" / "labelsTs").symlink_to(Path("..") / "second" / "x")
    places = [tmp_path / "data", tmp_path / "second", tmp_path / "alias", tmp_path / "disk" / "real"]
    assert beside(tmp_path / "data" / "labelsTs") == places
    assert led_to(tmp_path / "data" / "labelsTs")[-1] == (tmp_path / "disk" / "real" / "labels").resolve()
    assert beside(tmp_path / "disk" / "real" / "labels") == [tmp_path / "disk" / "real"]


def test_links_in_a_circle_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(UserError, match="leads to itself"):
        beside(tmp_path / "a")


def test_paths_in_files_may_hold_variables_and_a_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("DATA", "/disk")
    assert expanded("$DATA/x") == Path("/disk/x")
    assert expanded("~/${DATA}") == Path("/home/me//disk")
    assert expanded("~nobody-of-this-name/$UNSET") == Path("~nobody-of-this-name/$UNSET")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[" * 200_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "can't be read as JSON"),
        ('{"Müller": 1}'.encode("cp1252"), "can't be read as JSON"),
        (b"[1]", "holds no JSON object"),
        (b"", "can't be read as JSON"),
    ],
)
def test_json_that_can_t_be_read_is_one_line(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_bytes(content)
    with pytest.raises(UserError, match=words) as error:
        read_object(tmp_path / "d.json")
    assert len(str(error.value)) < 400


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_json_with_a_byte_order_mark_is_read(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "d.json").write_bytes('{"Müller": 1}'.encode(encoding))
    assert read_object(tmp_path / "d.json") == {"Müller": 1}
