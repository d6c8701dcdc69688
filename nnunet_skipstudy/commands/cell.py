"""``python -m nnunet_skipstudy.commands.cell``: one cell of a study, as Snakemake starts it. Not for typing."""

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.calls import set_environment
from nnunet_skipstudy.study.cell import read_cells
from nnunet_skipstudy.study.cells import work_on
from nnunet_skipstudy.study.locks import one_of
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.work import ending_is_recorded
from nnunet_skipstudy.support.parser import Parser


def main(argv: list[str]) -> int:
    """Work on a cell with everything printed into its log; 0 when it is finished, 1 when it failed."""
    parser = Parser(prog="python -m nnunet_skipstudy.commands.cell", description="Work on one cell of a study.")
    parser.add_argument("grid", type=Path, help="the study's cells, as 'skipstudy run' wrote them")
    parser.add_argument("key", help="the cell, train/d501-UNet-fold0-seed1-spatial for one")
    arguments = parser.parse_args(argv)
    grid, beside = read_cells(arguments.grid)
    cell = grid[arguments.key]
    places = Places(Path(beside["root"]), {name: Path(folder) for name, folder in beside["nnunet"].items()})
    step: dict[str, Any] = next((entry for entry in beside["steps"] if entry["name"] == cell.step), {})
    log = places.log(cell)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:  # file descriptors, so that worker processes print there too
        os.dup2(stream.fileno(), sys.stdout.fileno())
        os.dup2(stream.fileno(), sys.stderr.fileno())
    slots = [places.engine / "slots" / f"{cell.step}-{number}.lock" for number in range(step.get("slots", 0))]
    with ending_is_recorded(), one_of(slots) as slot:
        if step.get("gpus"):
            os.environ["CUDA_VISIBLE_DEVICES"] = step["gpus"][slot]
        set_environment(
            places.environment(), cpus=cell.conduct.get("cpus"), small_data=cell.conduct.get("small_data", False)
        )
        return 0 if work_on(cell, places, run_command) else 1


def run_command(arguments: list[str]) -> int:
    """Run a command of ``skipstudy`` in this process. Raises UserError: there is no such command in this version."""
    name, *rest = arguments
    try:
        module = importlib.import_module(f"nnunet_skipstudy.commands.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"nnunet_skipstudy.commands.{name}":
            raise
        raise UserError(f"this version has no 'skipstudy {name}'; make these files by hand") from None
    code: int = module.main(rest)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
