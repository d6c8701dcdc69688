"""Snakemake itself, on cells whose work is a stand-in: it comes with folders of any name."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from processes import environment_of
from tiny_study import write_study

from nnunet_skipstudy.cli import main

pytest.importorskip("snakemake", reason="it needs Python 3.11")

STAND_IN = """
import sys
from nnunet_skipstudy.commands import cell
from dataclasses import replace
from nnunet_skipstudy.study.steps import STEPS

def work(cell, work):
    if cell.step == "analyze":
        work.places.analysis.mkdir()
        (work.places.analysis / "report.html").touch()
    return {}

STEPS.update({name: replace(step, run=work) for name, step in STEPS.items()})
assert sys.argv[1:3] == ["-m", "nnunet_skipstudy.commands.cell"]
sys.exit(cell.main(sys.argv[3:]))
"""
RUN = """
import sys
from nnunet_skipstudy.cli import main
sys.executable = sys.argv[1]
sys.exit(main(["run", sys.argv[2], "--executor", "local", "-j", "1"]))
"""


@pytest.mark.parametrize("name", ["no-such-cluster", "../x", "a.b", "dryrun"])
def test_an_executor_that_is_not_installed_is_named_with_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """Before anything is made; Snakemake itself says 'invalid choice' and lists what it has."""
    assert main(["run", str(write_study(tmp_path)), "--executor", name]) == 2
    told = f"executor '{name}': its plugin is not installed; pip install snakemake-executor-plugin-{name}, or choose"
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["study.yaml"]


@pytest.mark.parametrize("name", ["we ird #ü=1", "a: b", "a{x}b", "'q' $HOME"])
def test_the_name_of_a_folder_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    """YAML, Snakemake's formatting and the shell each have a meaning for some of these; Python may lie there too."""
    path = write_study(tmp_path / name, architectures="[UNet]")
    stand_in, python = path.with_name("stand_in.py"), path.with_name("python")
    stand_in.write_text(STAND_IN)
    python.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, str(stand_in)])} "$@"\n')
    python.chmod(0o755)
    ended = subprocess.run(
        [sys.executable, "-c", RUN, str(python), str(path)],
        cwd=tmp_path,
        env=environment_of({}),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (0, f"report: {path.parent / 'analysis' / 'report.html'}\n"), (
        ended.stderr
    )
