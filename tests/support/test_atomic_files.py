"""Files appear whole or not at all, whatever ends the writing."""

import errno
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.files import (
    atomic_path,
    read_object,
    read_record,
    sha256_of_file,
    write_csv,
    write_json,
    write_text,
)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def full_disk(temporary: Path) -> None:
    temporary.write_text("half", encoding="utf-8")
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupted(temporary: Path) -> None:
    temporary.write_text("half", encoding="utf-8")
    raise KeyboardInterrupt


def forgotten(_temporary: Path) -> None:
    """The block ends well and has written nothing."""


WRITERS = {full_disk: OSError, interrupted: KeyboardInterrupt, forgotten: FileNotFoundError}


@pytest.mark.parametrize("before", ["old", None])
@pytest.mark.parametrize("write", WRITERS, ids=lambda writer: writer.__name__)
def test_a_failed_write_changes_nothing(tmp_path: Path, write: Callable[[Path], None], before: str | None) -> None:
    """The old content or its absence stays, and nothing lies beside it."""
    target = tmp_path / "table.csv"
    if before is not None:
        target.write_text(before, encoding="utf-8")
    with pytest.raises(WRITERS[write]), atomic_path(target) as temporary:
        write(temporary)
    assert names(tmp_path) == ([] if before is None else ["table.csv"])
    assert before is None or target.read_text(encoding="utf-8") == before


def test_a_full_disk_names_the_file_and_another_error_keeps_its_own(tmp_path: Path) -> None:
    target = tmp_path / "case_0000.nii.gz"
    with pytest.raises(OSError, match="No space left") as caught, atomic_path(target) as temporary:
        full_disk(temporary)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(target))
    with pytest.raises(FileNotFoundError) as caught, atomic_path(target):
        (tmp_path / "other").read_bytes()
    assert caught.value.filename == str(tmp_path / "other")
    with pytest.raises(OSError, match="decoder") as caught, atomic_path(target):
        raise OSError("decoder error")
    assert caught.value.filename is None


def test_a_real_limit_on_the_size_of_files_is_met_as_a_full_disk_is(tmp_path: Path) -> None:
    """The system refuses the write behind Python's buffer: the error names the file, the old content stands."""
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from nnunet_skipstudy.support.files import write_text\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
        "write_text(Path(sys.argv[1]), 'short')\n"
        "try:\n"
        "    write_text(Path(sys.argv[1]), 'x' * 10**6)\n"
        "except OSError as error:\n"
        "    print(error.filename)\n"
    )
    target = tmp_path / "text"
    done = subprocess.run(
        [sys.executable, "-c", script, str(target)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(target)
    assert target.read_text(encoding="utf-8") == "short"
    assert names(tmp_path) == ["text"]


def test_a_process_that_dies_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "record.json"
    write_json(target, {"epoch": 1})
    script = (
        "import os, sys; from pathlib import Path\n"
        "from nnunet_skipstudy.support.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('{')\n"
        "    os._exit(3)\n"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(target)], cwd=tmp_path, check=False)
    assert ended.returncode == 3
    assert read_object(target) == {"epoch": 1}


def test_the_temporary_name_keeps_all_endings_and_lies_on_the_same_disk(tmp_path: Path) -> None:
    """Image writers choose the format by the ending; a rename is atomic within one file system only."""
    target = tmp_path / "new" / "deep" / "case.nii.gz"
    with atomic_path(target) as temporary:
        assert temporary.name == "case.nii.gz"
        assert temporary != target
        assert temporary.parent.parent == target.parent
        assert temporary.parent.name.startswith(".writing-")
        temporary.touch()
        made = temporary.stat().st_ino
        assert not target.exists()
    assert target.stat().st_ino == made  # moved: a copy could be seen half done
    assert names(target.parent) == ["case.nii.gz"]


def test_two_writers_of_one_file_are_not_in_each_others_way(tmp_path: Path) -> None:
    target = tmp_path / "file"
    with atomic_path(target) as outer:
        outer.write_text("outer", encoding="utf-8")
        with atomic_path(target) as inner:
            assert inner != outer
            inner.write_text("inner", encoding="utf-8")
        assert target.read_text(encoding="utf-8") == "inner"
    assert target.read_text(encoding="utf-8") == "outer"
    assert names(tmp_path) == ["file"]


def test_text_is_utf_8_with_unix_line_ends(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "α\nβ\n")
    assert (tmp_path / "text").read_bytes() == "α\nβ\n".encode()


def test_json_keeps_the_order_of_keys_and_ends_in_a_line_end(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"z": 1, "a": [2]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert list(json.loads(text)) == ["z", "a"]
    assert text.endswith("}\n")
    assert text.startswith('{\n  "z"')


def test_a_table_has_exactly_its_columns_in_their_order(tmp_path: Path) -> None:
    """None and what a row lacks are empty cells, 0 is not; cells with commas and line ends are quoted."""
    rows = [{"b": 0, "a": None}, {"a": 'x,"y"'}, {"a": "1\n2", "b": 0.1}]
    write_csv(tmp_path / "t.csv", ["a", "b"], rows)
    assert (tmp_path / "t.csv").read_bytes() == b'a,b\n,0\n"x,""y""",\n"1\n2",0.1\n'
    write_csv(tmp_path / "none.csv", ["a"], [])
    assert (tmp_path / "none.csv").read_bytes() == b"a\n"


def test_rows_that_end_in_an_error_leave_the_old_table(tmp_path: Path) -> None:
    """A key that is no column, or a row that can't be made."""

    def broken() -> Iterator[dict[str, int]]:
        yield {"a": 1}
        raise UserError("no more")

    target = tmp_path / "t.csv"
    write_csv(target, ["a"], [{"a": 0}])
    with pytest.raises(ValueError, match="fields not in fieldnames"):
        write_csv(target, ["a"], [{"a": 1}, {"b": 2}])
    with pytest.raises(UserError, match="no more"):
        write_csv(target, ["a"], broken())
    assert target.read_bytes() == b"a\n0\n"
    assert names(tmp_path) == ["t.csv"]


DAMAGED = [b"{", b'{"a": 1', b"[1, 2]", b'"text"', b"7", b"null", b"", b"\xff{}"]


@pytest.mark.parametrize("content", DAMAGED)
def test_a_damaged_object_is_named_and_a_damaged_record_is_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"record\.json: .*remove"):
        read_object(path)
    assert read_record(path) == {}


def test_an_object_goes_round_and_an_absent_one_is_empty(tmp_path: Path) -> None:
    content = {"a": {"b": [1, 2.5, None]}, "ä": "β"}
    write_json(tmp_path / "a.json", content)
    for read in (read_object, read_record):
        assert read(tmp_path / "a.json") == content
        assert read(tmp_path / "none.json") == {}


@pytest.mark.parametrize("size", [0, 1, 1 << 20, (1 << 20) + 1])
def test_a_digest_covers_the_whole_file(tmp_path: Path, size: int) -> None:
    """Also beyond the block of a mebibyte that is read at a time."""
    content = bytes(range(256)) * (size // 256) + bytes(size % 256)
    (tmp_path / "file").write_bytes(content)
    assert sha256_of_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()
