"""An output folder and what killed runs left beside it."""

import subprocess
import sys
from pathlib import Path

from nnunet_skipstudy.support.published import published

HOLDING = """
import os, pathlib, signal, sys
from nnunet_skipstudy.support.published import published
with published(pathlib.Path(sys.argv[1])) as folder:
    (folder / "x").write_text("x")
    print("held", flush=True)
    if sys.argv[2] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    sys.stdin.read()
"""


def holder(output: Path, then: str) -> "subprocess.Popen[str]":
    started = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(output), then], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "held\n"
    return started


def working(root: Path) -> list[Path]:
    return sorted(root.glob(".analyzing-*"))


def test_what_a_killed_run_left_goes_and_what_a_living_one_holds_stays(tmp_path: Path) -> None:
    """Also what versions without a lock left."""
    with holder(tmp_path / "a", "die") as killed:
        killed.wait()
    (tmp_path / ".analyzing-old").mkdir()
    (left,) = [path for path in working(tmp_path) if path.name != ".analyzing-old"]
    with holder(tmp_path / "b", "wait") as living:
        assert left not in working(tmp_path)
        (held,) = working(tmp_path)
        with published(tmp_path / "c") as folder:
            (folder / "y").write_text("y", encoding="utf-8")
        assert working(tmp_path) == [held]
        assert living.stdin is not None
        living.stdin.close()
        assert living.wait() == 0
    assert working(tmp_path) == []
    assert [path.name for path in sorted((tmp_path / "c").iterdir())] == [".cache", "y"]
    assert (tmp_path / "b" / "x").is_file()


def test_a_run_killed_while_it_lists_its_files_leaves_nothing_that_stays(tmp_path: Path) -> None:
    """Neither in the output folder nor beside it, whichever of the two lists was being written."""
    script = """
import os, pathlib, signal, sys
from nnunet_skipstudy.support import published
lists, replace = [], pathlib.Path.replace
def dying(path, target):
    if pathlib.Path(target).name == published.MANIFEST.name:
        lists.append(path)
        if len(lists) == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
    return replace(path, target)
pathlib.Path.replace = dying
with published.published(pathlib.Path(sys.argv[1])) as folder:
    (folder / "x").write_text("x")
"""
    for number in ("1", "2"):
        subprocess.run([sys.executable, "-c", script, str(tmp_path / "out"), number], check=False)
        with published(tmp_path / "out") as folder:
            (folder / "y").write_text("y", encoding="utf-8")
        names = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
        assert names == ["out/.cache/files.sha256", "out/y"]
