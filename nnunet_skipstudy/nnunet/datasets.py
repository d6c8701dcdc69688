"""Where a data set lies: its folder under nnU-Net's, by identifier or name."""

import os
from collections.abc import Iterable
from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.environment import FOLDER_VARIABLES, required_folder


def find_dataset(dataset: int | str, variable: str = "nnUNet_raw") -> Path:
    """The folder of a data set, by its identifier (``501``) or its name (``Dataset501_Texture``), under a variable's.

    Raises:
        UserError: the variable is not set, there is no such folder in it, or the identifier stands for several names.
    """
    root = required_folder(variable)
    others = [Path(os.environ[name]) for name in FOLDER_VARIABLES if os.environ.get(name)]
    found = found_dataset(root, dataset, others)
    if found is None:
        there = ", ".join(name for name in sorted(_folders(root)) if name.startswith("Dataset")) or "none"
        raise UserError(f"{root}: no data set {dataset or repr(dataset)} (there: {there}); give another one (-d)")
    return found


def found_dataset(root: Path, dataset: int | str, others: Iterable[Path] = ()) -> Path | None:
    """The folder of a data set under ``root``, one of nnU-Net's; None: there is none.

    An identifier must stand for one name there and under ``others``, as nnU-Net wants it.

    Raises:
        UserError: the identifier stands for several names.
    """
    text = str(dataset)
    if not text.isdecimal():
        return root / text if text in _folders(root) else None
    start = f"Dataset{text.lstrip('0'):0>3}"
    named = {name: place for place in (root, *others) for name in _folders(place) if name.startswith(start)}
    if len(named) > 1:  # nnU-Net looks no further than these letters, and takes Dataset5010_X for a 501
        places = ", ".join(str(place / name) for name, place in sorted(named.items()))
        raise UserError(f"data set {dataset} is ambiguous ({places}); keep one name an identifier, or give the others")
    return next((root / name for name in _folders(root) & named.keys() if name.startswith(f"{start}_")), None)


def _folders(root: Path) -> set[str]:
    return {path.name for path in root.iterdir() if path.is_dir()} if root.is_dir() else set()
