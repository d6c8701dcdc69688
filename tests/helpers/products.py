"""What finished cells leave on disk, as far as the engine looks at it, without the work."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from nnunet_skipstudy.planning.preprocess import finished_mark
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.ownership import STAMP
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.places import test_folder as folder_of_level
from nnunet_skipstudy.study.steps import STEPS
from nnunet_skipstudy.study.steps.step import Work
from nnunet_skipstudy.support.files import write_json


def stand_in_for(
    monkeypatch: pytest.MonkeyPatch, work: Callable[[Cell, Work], dict[str, Any]], steps: Iterable[str] = tuple(STEPS)
) -> None:
    """Let ``work`` take the place of what these steps do."""
    for name in steps:
        monkeypatch.setitem(STEPS, name, dataclasses.replace(STEPS[name], run=work))


def leave_products(cell: Cell, places: Places) -> None:
    """Write a cell's results: folders, marks and stamps; of the analysis a report that holds its notes."""
    if cell.step == "analyze":
        places.analysis.mkdir(exist_ok=True)
        (places.analysis / "report.html").write_text(json.dumps(cell.conduct["notes"]))
        return
    settings: dict[str, Any] = dict(cell.settings)
    name = places.found_name(settings["dataset"]) or f"Dataset{settings['dataset']:03d}_Made"
    raw = places.raw / name
    if cell.step in ("convert", "perturb"):
        for level in [*settings.get("levels", []), *cell.conduct.get("levels", [])]:
            (raw / folder_of_level(level)).mkdir(parents=True, exist_ok=True)
    elif cell.step == "plan":
        folder, plans = places.preprocessed / name, settings["plans"]["name"]
        (folder / f"{plans}_{settings['configuration']}").mkdir(parents=True, exist_ok=True)
        write_json(folder / f"{plans}.json", {"configurations": {settings["configuration"]: {}}})
        write_json(finished_mark(folder, plans, settings["configuration"]), {"digest": cell.digest})
        write_json(folder / f"{plans}.skipstudy", {"digest": cell.digest})
    elif cell.step == "train":
        folder = places.fold_folder(name, settings)
        _stamp(folder, cell)
        (folder / "checkpoint_final.pth").touch()
    else:
        folder = places.prediction_folder(name, settings)
        _stamp(folder, cell)
        for level in settings["levels"]:
            (folder / level).mkdir(exist_ok=True)


def _stamp(folder: Path, cell: Cell) -> None:
    write_json(folder / STAMP, {"digest": cell.digest})
