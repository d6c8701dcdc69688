"""What the engine costs: a dry run of the full study, and each finished cell, on cells that do nothing.

    python benchmarks/engine.py [--cells N]

The networks are counted with torch in the first dry run of a user; later ones find the numbers in the cache folder.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.commands.study_file import open_file
from nnunet_skipstudy.study.cells import State
from nnunet_skipstudy.study.run import write_grid
from nnunet_skipstudy.study.snakemake import run_snakemake, step_entries
from nnunet_skipstudy.study.templates import full_text

BARS = {"first": 6.0, "again": 0.5, "snakemake": 5.0, "inline": 0.02, "local": 0.1}
"""Seconds: dry runs of the whole study; a cell that does nothing, in one process or each in a process of its own."""
SCRIPT = "import sys; from nnunet_skipstudy.cli import main; sys.exit(main(sys.argv[1:]))"
# A Python that finds this first on its path does nothing in any cell, and all else as ever.
NO_WORK = """
from dataclasses import replace
from nnunet_skipstudy.study.steps import STEPS
for name, step in STEPS.items():
    STEPS[name] = replace(step, run=lambda cell, work: {})
"""


def dry_run(folder: Path) -> tuple[int, float]:
    """Cells of the full study, and seconds of ``skipstudy run --dry-run`` in a process with its own cache."""
    path = folder / "full.yaml"
    path.write_text(full_text(CONVERTERS), encoding="utf-8")
    name = str(folder / "cache")
    command = [sys.executable, "-c", SCRIPT, "run", str(path), "--dry-run"]
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env={**os.environ, "XDG_CACHE_HOME": name})
    return len(open_file(path).grid), time.perf_counter() - started


def snakemake_dry_run(folder: Path) -> float:
    """Seconds that Snakemake takes to see what of the full study is to be done: what a real run starts with."""
    opened = open_file(folder / "full.yaml")
    write_grid(opened, opened.grid, step_entries(opened.study, local=True))
    started = time.perf_counter()
    assert not run_snakemake(opened.places, "local", None, ["--dry-run", "--quiet", "all"])
    return time.perf_counter() - started


def no_op_cells(folder: Path, seeds: int, executor: str) -> tuple[int, float]:
    """Cells of a study, and seconds of its run where no cell does anything."""
    path = folder / executor / "study.yaml"
    path.parent.mkdir()
    path.write_text(
        "datasets: [{id: 501, converter: synthetic, levels: [alpha0.10]}]\n"
        f"architectures: [UNet]\nseeds: [{', '.join(map(str, range(seeds)))}]\ndevice: cpu\n"
        "resources: {default: {cpus: 1}}\n",
        encoding="utf-8",
    )
    hook = folder / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(NO_WORK, encoding="utf-8")
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", SCRIPT, "run", str(path), "--executor", executor],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(hook)},
    )
    seconds = time.perf_counter() - started
    found = open_file(path).states()
    assert all(state.state is State.DONE for state in found)
    return len(found), seconds


def main() -> None:
    """Print each figure with its bar."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=40, help="trainings and predictions in the runs (default: 40)")
    count = parser.parse_args().cells
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for which in ("first", "again"):
            cells, seconds = dry_run(folder)
            print(f"dry run of the full study, {which}: {cells} cells in {seconds:.2f} s (bar: {BARS[which]:g} s)")
        print(f"Snakemake's own dry run of it: {snakemake_dry_run(folder):.2f} s (bar: {BARS['snakemake']:g} s)")
        for executor in ("inline", "local"):
            cells, seconds = no_op_cells(folder, count // 2, executor)
            each = f"{seconds / cells:.3f} s each (bar: {BARS[executor]:g} s)"
            print(f"{executor}: {cells} cells that do nothing in {seconds:.2f} s, {each}")


if __name__ == "__main__":
    main()
