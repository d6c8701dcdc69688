"""Locks on files: on this system, on a Windows that is made up, and where there are none."""

import subprocess
import sys
from pathlib import Path

import pytest
from processes import environment_of
from tiny_study import write_study

from nnunet_skipstudy.support import locks

WITHOUT_FCNTL = """
import os, sys
import torch  # it asks what system this is, and would not believe the rest
sys.modules["fcntl"] = None
for name in {"fork", "register_at_fork"} & set(vars(os)):
    delattr(os, name)
"""


def test_one_process_holds_it_until_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.is_held(path)
    with path.open("a") as first, path.open("a") as second:
        assert locks.take(first)
        assert locks.is_held(path)
        assert not locks.take(second)
        first.close()
        assert not locks.is_held(path)
        assert locks.take(second, wait=True)


def test_a_look_stands_in_nobodys_way(tmp_path: Path) -> None:
    """A file that may only be read can be asked about."""
    path = tmp_path / "lock"
    path.touch(mode=0o444)
    assert not locks.is_held(path)
    with path.open("rb") as stream:
        assert locks.take(stream)
        assert locks.is_held(path)


class MadeUpWindows:
    """``msvcrt`` where it is told apart by the position which byte is locked."""

    LK_NBLCK = 2

    def __init__(self) -> None:
        self.taken: set[int] = set()

    def locking(self, descriptor: int, mode: int, n_bytes: int) -> None:
        import os

        position = os.lseek(descriptor, 0, os.SEEK_CUR)
        assert (mode, n_bytes) == (self.LK_NBLCK, 1)
        if position in self.taken:
            raise PermissionError(13, "Permission denied")
        self.taken.add(position)


def test_windows_locks_a_byte_that_nobody_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = MadeUpWindows()
    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setattr(locks, "msvcrt", windows)
    path = tmp_path / "lock"
    path.write_text("process 1")
    with path.open("r+") as stream:
        assert stream.read(3) == "pro"
        assert locks.take(stream)
        assert stream.read() == "cess 1"
    assert min(windows.taken) > 1e9
    with path.open("a") as stream:
        assert not locks.take(stream)
    assert locks.is_held(path)


@pytest.mark.parametrize("command", [["status"], ["run", "--dry-run"]])
def test_a_study_is_told_of_without_unix_locks(tmp_path: Path, command: list[str]) -> None:
    script = WITHOUT_FCNTL + "from nnunet_skipstudy.cli import main\nsys.exit(main(sys.argv[1:]))"
    ended = subprocess.run(
        [sys.executable, "-c", script, *command, str(write_study(tmp_path))],
        cwd=tmp_path,
        env=environment_of({}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert "7        0        0        0        7" in ended.stdout


def test_a_study_is_held_for_nothing_where_there_are_no_locks(tmp_path: Path) -> None:
    script = WITHOUT_FCNTL + (
        "from pathlib import Path\n"
        "from nnunet_skipstudy.study.locks import is_held, one_of, only_run, waited_for\n"
        "lock = Path(sys.argv[1]) / 'lock'\n"
        "with only_run(lock, 'it'), waited_for(lock, print), one_of([lock]) as slot:\n"
        "    assert (slot, is_held(lock)) == (0, False)\n"
        "from nnunet_skipstudy.support.working_folder import remove_leftovers, working_folder\n"
        "with working_folder(Path(sys.argv[1])) as folder:\n"
        "    remove_leftovers(folder.parent)\n"
        "    assert folder.is_dir()\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=tmp_path, timeout=60, check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
