"""Are finished cells' results still there? A marker says that a cell was finished, not that its files stayed."""

from collections.abc import Callable, Iterable
from pathlib import Path

from nnunet_skipstudy.planning.preprocess import is_preprocessed
from nnunet_skipstudy.study.cells import CellState, State
from nnunet_skipstudy.study.data_facts import found_dataset, missing_levels
from nnunet_skipstudy.study.grid import Cell, Grid
from nnunet_skipstudy.study.ownership import STAMP
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.train import fold_folder, prediction_folder
from nnunet_skipstudy.support.files import read_record


def lost(grid: Grid, places: Places, found: Iterable[CellState]) -> set[str]:
    """The finished cells whose results are gone, or another's by now, and are needed by a cell that isn't finished.

    Results that nothing needs any more may be removed to save space.
    """
    done = {state.cell.key for state in found if state.state is State.DONE}
    wanted: set[str] = set()
    gone: set[str] = set()
    for cell in reversed(grid.values()):  # those that need a cell stand behind it
        if cell.key in done and cell.key in wanted and not _stands(cell, places):
            gone.add(cell.key)
        if cell.key not in done or cell.key in gone:
            wanted.update(cell.needs)
    return gone


def _stands(cell: Cell, places: Places) -> bool:
    named = (found_dataset(root, cell.settings["dataset"]) for root in places.nnunet.values())
    name = next((folder.name for folder in named if folder is not None), None)
    return name is not None and STANDS[cell.step](cell, places, name)


def _converted(cell: Cell, places: Places, dataset: str) -> bool:
    return (places.nnunet["nnUNet_raw"] / dataset).is_dir()


def _perturbed(cell: Cell, places: Places, dataset: str) -> bool:
    return not missing_levels(places.nnunet["nnUNet_raw"] / dataset, cell.settings["levels"])


def _planned(cell: Cell, places: Places, dataset: str) -> bool:
    folder = places.nnunet["nnUNet_preprocessed"] / dataset
    return is_preprocessed(folder, cell.settings["plans"]["name"], cell.settings["configuration"], cell.digest)


def _trained(cell: Cell, places: Places, dataset: str) -> bool:
    folder = fold_folder(places, dataset, cell)
    return (folder / "checkpoint_final.pth").is_file() and _is_stamped(folder, cell)


def _predicted(cell: Cell, places: Places, dataset: str) -> bool:
    folder = prediction_folder(places, dataset, cell)
    return _is_stamped(folder, cell) and all((folder / level).is_dir() for level in cell.settings["levels"])


def _is_stamped(folder: Path, cell: Cell) -> bool:
    return read_record(folder / STAMP).get("digest") == cell.digest


STANDS: dict[str, Callable[[Cell, Places, str], bool]] = {
    "convert": _converted,
    "perturb": _perturbed,
    "plan": _planned,
    "train": _trained,
    "predict": _predicted,
}
