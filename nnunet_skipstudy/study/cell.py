"""The grid on disk, as the processes that work on its cells read it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nnunet_skipstudy.nnunet.environment import FOLDER_VARIABLES
from nnunet_skipstudy.study.grid import Cell, Grid
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.support.files import write_text


def write_grid(path: Path, grid: Grid, places: Places, steps: list[dict[str, Any]]) -> None:
    """Write all cells, the study's folders, and what Snakemake has to know of each step."""
    content = {
        "root": str(places.root),
        "nnunet": {variable: str(places.nnunet[variable]) for variable in FOLDER_VARIABLES},
        "steps": steps,
        "cells": {
            key: {**asdict(cell), "marker": str(places.marker(cell).relative_to(places.engine))}
            for key, cell in grid.items()
        },
    }
    write_text(path, json.dumps(content, separators=(",", ":")))


def read_cells(path: Path) -> Grid:
    """The cells of a grid's file."""
    content = json.loads(path.read_text(encoding="utf-8"))
    return {key: _cell(cell) for key, cell in content["cells"].items()}


def read_cell(path: Path, key: str) -> tuple[Cell, Places, dict[str, Any]]:
    """One cell of a grid's file, the study's folders, and what is known of the cell's step."""
    content = json.loads(path.read_text(encoding="utf-8"))
    places = Places(Path(content["root"]), {name: Path(folder) for name, folder in content["nnunet"].items()})
    cell = _cell(content["cells"][key])
    step: dict[str, Any] = next((entry for entry in content["steps"] if entry["name"] == cell.step), {})
    return cell, places, step


def _cell(content: dict[str, Any]) -> Cell:
    values = {name: value for name, value in content.items() if name != "marker"}
    return Cell(**{**values, "needs": tuple(values["needs"])})
