"""An output folder has all of a run's files or none, and others' files are nobody's to touch."""

import itertools
from pathlib import Path

import pytest
from dying import deaths

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.files import sha256_of_file
from nnunet_skipstudy.support.published import MANIFEST, check_output, published


def publish(output: Path, files: dict[str, str]) -> None:
    with published(output) as folder:
        write(folder, files)


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")


def content(folder: Path) -> dict[str, str]:
    """All files with what they hold, but for those beside the list, which are a cache's."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in files
        if not path.is_relative_to(folder / MANIFEST.parent)
    }


def fail_while_making(output: Path, files: dict[str, str]) -> None:
    with published(output) as folder:
        write(folder, files)
        raise ZeroDivisionError


FIRST = {"table.csv": "1", "figures/a.svg": "1", "figures/deep/b.svg": "1", "same.csv": "same"}
SECOND = {"table.csv": "2", "figures/c.svg": "2", "same.csv": "same"}
THIRD = {"table.csv": "3", "other.csv": "3"}
OTHERS = {"notes.txt": "mine", "figures/mine.svg": "mine"}


def test_a_run_replaces_its_files_and_removes_what_it_no_longer_makes(tmp_path: Path) -> None:
    """Folders that become empty go; those that hold others' files stay; nothing lies beside the output."""
    output = tmp_path / "out"
    publish(output, FIRST)
    assert content(output) == FIRST
    write(output, OTHERS)
    publish(output, SECOND)
    assert content(output) == {**SECOND, **OTHERS}
    assert not (output / "figures" / "deep").exists()
    publish(output, {})
    assert content(output) == OTHERS
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_the_list_is_what_sha256sum_would_print(tmp_path: Path) -> None:
    publish(tmp_path, {"b.csv": "b", "a/c.csv": "c"})
    lines = [f"{sha256_of_file(tmp_path / name)}  {name}\n" for name in ("a/c.csv", "b.csv")]
    assert (tmp_path / MANIFEST).read_text(encoding="utf-8") == "".join(lines)


def test_a_file_that_somebody_has_changed_is_theirs(tmp_path: Path) -> None:
    """A later run that no longer makes it leaves it; one that makes it replaces it, and it is the run's again."""
    publish(tmp_path, FIRST)
    write(tmp_path, {"figures/a.svg": "with my arrows"})
    publish(tmp_path, {"table.csv": "2"})
    assert content(tmp_path) == {"table.csv": "2", "figures/a.svg": "with my arrows"}
    publish(tmp_path, {"figures/a.svg": "3"})
    assert content(tmp_path) == {"figures/a.svg": "3"}
    publish(tmp_path, {})
    assert content(tmp_path) == {}


def test_an_error_changes_nothing(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(ZeroDivisionError):
        fail_while_making(output, FIRST)
    assert list(tmp_path.iterdir()) == []
    publish(output, FIRST)
    listed = (output / MANIFEST).read_bytes()
    with pytest.raises(ZeroDivisionError):
        fail_while_making(output, SECOND)
    assert content(output) == FIRST
    assert (output / MANIFEST).read_bytes() == listed


def test_a_run_killed_at_any_step_loses_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    """Each file is the old or the new one, others' stay; the next run ends with its own files and others' alone."""

    def before(folder: Path) -> None:
        publish(folder / "out", FIRST)
        write(folder / "out", {**OTHERS, "figures/a.svg": "with my arrows"})

    theirs = {**OTHERS, "figures/a.svg": "with my arrows"}
    seen = []
    for folder in deaths(before, lambda folder: publish(folder / "out", SECOND), tmp_path):
        left = content(folder / "out")
        seen.append(left)
        assert {name: left[name] for name in theirs} == theirs
        assert left["table.csv"] in ("1", "2")
        assert left["same.csv"] == "same"
        assert all(text in (FIRST.get(name), SECOND.get(name), theirs.get(name)) for name, text in left.items())
        publish(folder / "out", THIRD)
        assert content(folder / "out") == {**THIRD, **theirs}
    assert seen[0] == {**FIRST, **theirs}
    assert seen[-1] == {**SECOND, **theirs}
    assert sum(one != other for one, other in itertools.pairwise(seen)) >= 3  # moved and removed one by one


@pytest.mark.parametrize("name", ["../victim", "figures/../../victim", "/victim", ".", "link", "absent", ""])
def test_a_list_that_somebody_has_made_up_removes_nothing_outside(tmp_path: Path, name: str) -> None:
    """Not above the folder, not through a link, not a folder: though path and digest are right."""
    output = tmp_path / "out"
    publish(output, {"table.csv": "1"})
    write(tmp_path, {"victim": "precious"})
    (output / "link").symlink_to(tmp_path / "victim")
    listed = str(tmp_path / "victim") if name == "/victim" else name
    with (output / MANIFEST).open("a", encoding="utf-8") as stream:
        stream.write(f"{sha256_of_file(tmp_path / 'victim')}  {listed}\nnonsense\n\n")
    publish(output, {"table.csv": "2"})
    assert (tmp_path / "victim").read_text(encoding="utf-8") == "precious"
    assert (output / "link").is_symlink()
    assert (output / "table.csv").read_text(encoding="utf-8") == "2"


def test_a_list_that_cannot_be_read_lists_nothing(tmp_path: Path) -> None:
    publish(tmp_path, FIRST)
    (tmp_path / MANIFEST).write_bytes(b"\xff\xfe\x00")
    publish(tmp_path, THIRD)
    assert content(tmp_path) == {**FIRST, **THIRD}


@pytest.mark.parametrize("part", ["file", "file/deeper", "file/deeper/still"])
def test_an_output_within_a_file_is_refused_before_the_work(tmp_path: Path, part: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"/file: is not a folder; choose another one with -o"):
        check_output(tmp_path / part)
    with pytest.raises(UserError, match="is not a folder"), published(tmp_path / part):
        raise AssertionError("the work has begun")
    check_output(tmp_path / "new" / "deeper")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
