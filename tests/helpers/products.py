"""What finished cells leave on disk, as far as the engine looks at it, without the work."""

import json
from pathlib import Path
from typing import Any

from nnunet_skipstudy.planning.preprocess import finished_mark
from nnunet_skipstudy.study.data_facts import found_dataset
from nnunet_skipstudy.study.data_facts import test_folder as folder_of_level
from nnunet_skipstudy.study.grid import Cell
from nnunet_skipstudy.study.ownership import STAMP
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.train import fold_folder, prediction_folder
from nnunet_skipstudy.support.files import write_json


def leave_products(cell: Cell, places: Places) -> None:
    """Write a cell's results: folders, marks and stamps; of the analysis a report that holds its notes."""
    if cell.step == "analyze":
        places.analysis.mkdir(exist_ok=True)
        (places.analysis / "report.html").write_text(json.dumps(cell.conduct["notes"]))
        return
    settings: dict[str, Any] = dict(cell.settings)
    found = found_dataset(places.nnunet["nnUNet_raw"], settings["dataset"])
    name = found.name if found else f"Dataset{settings['dataset']:03d}_Made"
    raw = places.nnunet["nnUNet_raw"] / name
    if cell.step == "convert":
        raw.mkdir(parents=True, exist_ok=True)
    elif cell.step == "perturb":
        for level in settings["levels"]:
            (raw / folder_of_level(level)).mkdir(exist_ok=True)
    elif cell.step == "plan":
        folder, plans = places.nnunet["nnUNet_preprocessed"] / name, settings["plans"]["name"]
        (folder / f"{plans}_{settings['configuration']}").mkdir(parents=True, exist_ok=True)
        write_json(folder / f"{plans}.json", {"configurations": {settings["configuration"]: {}}})
        write_json(finished_mark(folder, plans, settings["configuration"]), {"digest": cell.digest})
    elif cell.step == "train":
        folder = fold_folder(places, name, cell)
        _stamp(folder, cell)
        (folder / "checkpoint_final.pth").touch()
    else:
        folder = prediction_folder(places, name, cell)
        _stamp(folder, cell)
        for level in settings["levels"]:
            (folder / level).mkdir(exist_ok=True)


def _stamp(folder: Path, cell: Cell) -> None:
    write_json(folder / STAMP, {"digest": cell.digest})
