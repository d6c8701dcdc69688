"""Working folders and the locks on work: a process that dies at any step stands in nobody's way for good."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from dying import deaths

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.working_folder import LOCK, PREFIX, only_run, remove_leftovers, working_folder

HOLDER = (
    "import sys; from pathlib import Path\n"
    "from nnunet_skipstudy.support.working_folder import only_run\n"
    "with only_run(Path(sys.argv[1]), 'work', 'planning'):\n"
    "    print('held', flush=True)\n"
    "    sys.stdin.read()\n"
)


def result(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_killed_at_any_step_is_removed_by_the_next_run(tmp_path: Path) -> None:
    """What was finished before stays; what the dead process moved out of its folder is whole."""

    def work(folder: Path) -> None:
        with working_folder(folder) as mine:
            (mine / "result").write_text("whole", encoding="utf-8")
            (mine / "result").replace(folder / "result")

    n_with_leftovers = 0
    for folder in deaths(lambda folder: (folder / "earlier").touch(), work, tmp_path):
        n_with_leftovers += any(name.startswith(PREFIX) for name in result(folder))
        remove_leftovers(folder)
        assert result(folder) in (["earlier"], ["earlier", "result"])
        if (folder / "result").exists():
            assert (folder / "result").read_text(encoding="utf-8") == "whole"
    assert n_with_leftovers >= 3
    assert result(folder) == ["earlier", "result"]


def test_a_lock_killed_at_any_step_can_be_had_again(tmp_path: Path) -> None:
    def work(folder: Path) -> None:
        with only_run(folder, "work", "planning"):
            (folder / "result").touch()

    n_with_leftovers = 0
    for folder in deaths(lambda folder: None, work, tmp_path):
        n_with_leftovers += any(name.startswith(PREFIX) for name in result(folder))
        with only_run(folder, "work", "planning"):
            pass
        assert set(result(folder)) <= {"result"}
    assert n_with_leftovers >= 1


def test_the_same_work_is_refused_while_another_process_is_at_it(tmp_path: Path) -> None:
    """Other work in the same folder isn't; after a kill the work is free."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(UserError, match="another run is planning here; wait until it has ended"),
            only_run(tmp_path, "work", "planning"),
        ):
            raise AssertionError("both are at it")
        with only_run(tmp_path, "other", "training"):
            assert len(result(tmp_path)) == 2
        remove_leftovers(tmp_path)
        assert result(tmp_path) == [f"{PREFIX}work.lock"]
        holder.kill()
    assert result(tmp_path) == [f"{PREFIX}work.lock"]
    with only_run(tmp_path, "work", "planning"):
        pass
    assert result(tmp_path) == []


def test_a_dead_runs_lock_is_a_leftover(tmp_path: Path) -> None:
    (tmp_path / f"{PREFIX}work.lock").touch()
    (tmp_path / f"{PREFIX}work.txt").touch()
    remove_leftovers(tmp_path)
    assert result(tmp_path) == [f"{PREFIX}work.txt"]


def test_an_error_in_the_work_gives_the_lock_back(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), only_run(tmp_path, "work", "planning"):
        raise ZeroDivisionError
    assert result(tmp_path) == []


def test_of_many_that_come_at_once_one_at_a_time_is_at_it(tmp_path: Path) -> None:
    """Holders remove the file behind them: whoever opened it before must not count a removed file as held."""
    at_it, most, done = [], [], []

    def work() -> None:
        while True:
            try:
                with only_run(tmp_path, "work", "planning"):
                    at_it.append(1)
                    most.append(len(at_it))
                    at_it.pop()
                done.append(1)
                return
            except UserError:
                continue

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len(done) == 8
    assert max(most) == 1
    assert result(tmp_path) == []


def test_folders_of_one_root_are_apart_and_each_holds_its_lock(tmp_path: Path) -> None:
    with working_folder(tmp_path) as one, working_folder(tmp_path) as other:
        assert one != other
        assert (one / LOCK).is_file()
        remove_leftovers(tmp_path)
        assert one.is_dir()
        assert other.is_dir()
    assert result(tmp_path) == []


def test_a_root_that_cannot_be_written_to_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for made in (working_folder(tmp_path / "file"), only_run(tmp_path / "file", "work", "planning")):
        with pytest.raises(UserError, match=r"file: can't be written to .*; set nnU-Net's folders to a place that can"):
            made.__enter__()


def test_a_folder_whose_lock_was_taken_for_a_leftover_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making a folder and holding it another run may remove it: the second try gets one."""
    from nnunet_skipstudy.support import working_folder as module

    made = []
    mkdtemp = module.tempfile.mkdtemp

    def removed_at_once(**options: object) -> str:
        made.append(mkdtemp(**options))
        if len(made) == 1:
            os.rmdir(made[0])  # noqa: PTH106
        return made[-1]

    monkeypatch.setattr(module.tempfile, "mkdtemp", removed_at_once)
    with working_folder(tmp_path) as folder:
        assert str(folder) == made[1]
        assert folder.is_dir()


def test_a_lock_whose_file_its_last_holder_has_removed_is_taken_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened before the removal and taken after it, the lock is on a file that nobody else would find."""
    from nnunet_skipstudy.support import working_folder as module

    path, take, taken = tmp_path / f"{PREFIX}work.lock", module.locks.take, []

    def taken_too_late(*arguments: object, **options: object) -> bool:
        taken.append(take(*arguments, **options))
        if len(taken) == 1:
            path.unlink()
        return taken[-1]

    monkeypatch.setattr(module.locks, "take", taken_too_late)
    with only_run(tmp_path, "work", "planning"):
        assert taken == [True, True]
        assert path.is_file()
    assert result(tmp_path) == []
