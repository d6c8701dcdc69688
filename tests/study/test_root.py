"""A study's root that can't be one: a line that names it, whatever the command."""

import sys
from pathlib import Path

import pytest
from tiny_study import TEXT, write_study

from nnunet_skipstudy.cli import main

COMMANDS = [["run"], ["run", "--dry-run"], ["status"], ["commands"]]


@pytest.mark.parametrize("root", ["study.yaml", "study.yaml/below"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_file_is_no_root(tmp_path: Path, command: list[str], root: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path, f"root: {root}\n{TEXT}")
    assert main([*command, str(path)]) == 2
    assert capsys.readouterr().err == (
        f"skipstudy: {path}: root {root!r}: {path} is no folder; give one, or a name that is free\n"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_root_that_cannot_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path, f"root: /proc/nowhere\n{TEXT}")
    assert main(["run", str(path)]) == 2
    assert capsys.readouterr().err == (
        "skipstudy: /proc/nowhere/.skipstudy/run.lock: can't be used as a lock (No such file or directory); "
        "give the study a 'root' that can be written to\n"
    )
