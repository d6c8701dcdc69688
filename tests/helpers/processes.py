"""Running commands as a user does: the installed scripts, in a fresh process."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SMALL_MACHINE = {"nnUNet_def_n_proc": "1", "nnUNet_n_proc_DA": "0", "OMP_NUM_THREADS": "2", "PYTHONWARNINGS": "ignore"}


def study_environment(root: Path) -> dict[str, str]:
    """The environment that ``eval "$(skipstudy env --root ROOT)"`` makes, on a small machine."""
    printed = run(["skipstudy", "env", "--root", str(root)], {}).stdout
    exported = dict(line.removeprefix("export ").split("=", 1) for line in printed.splitlines())
    return {**SMALL_MACHINE, **exported}


def run(
    command: list[str], environment: Mapping[str, str], *, expect: int | None = 0, timeout: float = 300
) -> subprocess.CompletedProcess[str]:
    """Run an installed script and return its output; fail with what it printed unless it exits as expected."""
    finished = subprocess.run(
        command_line(command),
        env=environment_of(environment),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    if expect is not None and finished.returncode != expect:
        raise AssertionError(
            f"{' '.join(command)} exited with {finished.returncode}, not {expect}\n"
            f"{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}"
        )
    return finished


def command_line(command: list[str]) -> list[str]:
    """The script of this Python's environment."""
    script, *arguments = command
    return [str(Path(sys.executable).with_name(script)), *arguments]


def environment_of(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without nnU-Net's variables, and ``extra``."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().startswith("nnunet_")}
    return {**kept, **extra}
