"""One folder of predictions: what is known about it, and its files."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import ending_of
from nnunet_skipstudy.nnunet.prediction import PROVENANCE_FILE
from nnunet_skipstudy.nnunet.trainer_name import parse_trainer_name
from nnunet_skipstudy.registry import ARCHITECTURES

DATASET = re.compile(r"Dataset\d{3,}_.+")
"""The name of an nnU-Net data set's folder."""


@dataclass(frozen=True)
class Run:
    """One folder of predictions: what one trained network made of one test level.

    ``network`` is the trainer's name without its seed: runs that share it are replicates. What isn't known, as
    in a folder that stands alone, is empty (``seed``, ``labels``: ``None``). ``validation`` marks predictions of a
    fold's own validation cases (of several folds where ``fold`` is ``0_1_2``), each a part of the training pool.
    ``labels`` is the folder of labels where a table names it. ``place`` tells the folder without the way there:
    reports are handed on.
    """

    folder: Path
    place: str
    dataset: str
    level: str
    architecture: str
    trainer: str = ""
    network: str = ""
    plans: str = ""
    configuration: str = ""
    fold: str = ""
    seed: int | None = None
    validation: bool = False
    labels: Path | None = None


def trained(trainer: str) -> dict[str, Any]:
    """What a trainer's name tells of a :class:`Run`; another's trainer is compared under its own name."""
    try:
        parsed = parse_trainer_name(trainer)
    except UserError:
        return {"trainer": trainer, "network": trainer, "architecture": trainer, "seed": None}
    return {
        "trainer": trainer,
        "network": parsed.without_seed,
        "architecture": parsed.architecture,
        "seed": parsed.options.seed,
    }


def architecture_order(name: str) -> tuple[int, str]:
    """A sort key: the registry's order, then others by name."""
    known = list(ARCHITECTURES)
    return (known.index(name) if name in known else len(known), name)


def fold_order(fold: str) -> tuple[bool, int, str]:
    """A sort key: folds by number, then others (``all``)."""
    return (not fold.isdigit(), int(fold) if fold.isdigit() else 0, fold)


def case_files(folder: Path) -> dict[str, Path]:
    """The images of a folder by case (the name without its ending), by name; hidden files are left out.

    Raises:
        UserError: two files give one case. With ``x.nii`` beside ``x.nii.gz`` the usual readers, nnU-Net's too,
            return the pixels of the wrong one without a word.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        ending = ending_of(path)
        if ending is None or path.name.startswith(".") or not path.is_file():
            continue
        case = path.name[: -len(ending)]
        if case in found:
            raise UserError(f"{folder}: holds both {found[case].name} and {path.name} for one case; remove one of them")
        found[case] = path
    return found


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file's object; empty where there is no file.

    Raises:
        UserError: the file is not JSON or holds something other than an object.
    """
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: can't be read as JSON ({error}); mend or remove the file") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: holds no JSON object; mend or remove the file")
    return content


def mirroring(run: Run) -> bool | None:
    """Whether mirroring (test-time augmentation) was on; our predictor writes it down, nnUNetv2_predict does not."""
    value = read_json(run.folder / PROVENANCE_FILE).get("mirroring")
    return value if isinstance(value, bool) else None
