"""nnU-Net's environment variables: what they are for a study's root folder, and which are set."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

from nnunet_skipstudy.errors import UserError, shown

FOLDER_VARIABLES: tuple[str, ...] = ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results")
TRAINER_VARIABLE = "nnUNet_extTrainer"
REMEDY = 'run: eval "$(skipstudy env --root DIR)"'


def trainer_folder() -> Path:
    """The installed folder of the study's trainers. Raises RuntimeError: the package is installed without it."""
    spec = importlib.util.find_spec("nnunet_skipstudy.trainers")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("nnunet_skipstudy is installed without its trainers")
    return Path(next(iter(spec.submodule_search_locations)))


def study_environment(root: Path, before: Mapping[str, str] = os.environ) -> dict[str, str]:
    """nnU-Net's four variables for a study under ``root``, with absolute paths.

    Other people's folders in the ``nnUNet_extTrainer`` of ``before``, the environment so far, are kept, after ours.
    """
    root = root.expanduser().resolve()
    ours = str(trainer_folder())
    others = [folder for folder in before.get(TRAINER_VARIABLE, "").split(os.pathsep) if folder and folder != ours]
    folders = {variable: str(root / variable) for variable in FOLDER_VARIABLES}
    return {**folders, TRAINER_VARIABLE: os.pathsep.join([ours, *others])}


def required_folder(variable: str) -> Path:
    """The folder that a variable names, there yet or not. Raises UserError: not set, or it can't be a folder."""
    value = os.environ.get(variable)
    if not value:
        raise UserError(f"{variable} is not set; {REMEDY}")
    if fault := folder_fault(value):
        raise UserError(f"{variable} is {shown(value)}, which {fault}; {REMEDY}")
    return Path(value)


def folder_fault(value: str) -> str | None:
    """Why a text names no folder, and can't: it is no shell that reads nnU-Net's variables."""
    if value.startswith("~"):
        return "begins with ~, which only a shell replaces, and not in quotes"
    if value.startswith(("'", '"', "$", "`")):
        return f"begins with {value[0]}, which only a shell takes away or replaces"
    folder = existing_folder(Path(value))
    if value != value.strip() and folder != Path(value):
        return "begins or ends with a blank"
    if not folder.is_dir():
        kind = "a link that leads nowhere" if not folder.exists() else "a file" if folder.is_file() else "no folder"
        return f"is {kind}" if folder == Path(value) else f"lies in {folder}, {kind}"
    return None


def existing_folder(path: Path) -> Path:
    """The path itself where there is something of its name, or else the nearest above it."""
    return next((above for above in (path, *path.parents) if os.path.lexists(above)), Path())
