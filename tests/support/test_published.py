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
