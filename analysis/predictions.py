"""Finding predictions: nnU-Net's folders, level by level, or one folder of them."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.images import ending_of
from nnunet_skipstudy.prediction import PROVENANCE_FILE
from nnunet_skipstudy.registry import ARCHITECTURES, LEVELS, UNPERTURBED, level_alpha, level_order
from nnunet_skipstudy.trainer_name import parse_trainer_name

DATASET = re.compile(r"Dataset\d{3,}_.+")
"""The name of an nnU-Net data set's folder."""

TREE = "<DatasetXXX_Name>/<trainer>__<plans>__<configuration>/fold_<k>/<level>/<case>.<ending>"


@dataclass(frozen=True)
class Run:
    """One folder of predictions: what one trained network made of one test level.

    ``network`` is the trainer's name without its seed: runs that share it are replicates. What isn't known, as
    in a folder that stands alone, is empty (``seed``: ``None``).
    """

    folder: Path
    dataset: str
    level: str
    architecture: str
    trainer: str = ""
    network: str = ""
    plans: str = ""
    configuration: str = ""
    fold: str = ""
    seed: int | None = None

    @property
    def place(self) -> str:
        """The folder's place in the tree, without the way there: reports are handed on."""
        return "/".join(self.folder.parts[-4 if self.trainer else -1 :])


def find_runs(predictions: Path, architecture: str | None = None, level: str | None = None) -> list[Run]:
    """Find every folder of predictions.

    Args:
        predictions: a tree, :data:`TREE` (or one data set's folder of it), or one folder of predictions.
        architecture: names the network of one folder; default: the folder's name.
        level: names the test level of one folder; default: unperturbed.

    Returns:
        Runs in the order of data set, registry, trainer, fold and level. The data set of a folder that stands
        alone is empty.

    Raises:
        UserError: there are no predictions, or a tree is given a name that its folders already give.
    """
    if not predictions.is_dir():
        raise UserError(f"{predictions}: no such folder; give the folder that holds the predictions")
    runs = sorted(_tree(predictions), key=_order)
    if runs:
        if architecture or level:
            raise UserError(
                f"{predictions}: a prediction tree names its networks and levels itself; "
                "leave out --architecture and --level, or give one folder of predictions"
            )
        return runs
    if not case_files(predictions):
        raise UserError(f"{predictions}: no predictions found; give a folder of label maps or a tree {TREE}")
    return [_single(predictions, architecture, level)]


def _tree(root: Path) -> Iterator[Run]:
    datasets = [root] if DATASET.fullmatch(root.name) else sorted(root.glob("Dataset*"))
    for dataset in datasets:
        for folder in sorted(dataset.glob("*__*__*/fold_*/*")):
            parts = folder.parent.parent.name.split("__")
            if len(parts) == 3 and _is_level(folder):
                fold = folder.parent.name.removeprefix("fold_")
                yield _named(folder, dataset.name, parts[0], parts[1], parts[2], fold)


def _is_level(folder: Path) -> bool:
    """A folder with predictions, or one that should have some by its name; not nnU-Net's own odds and ends."""
    if not folder.is_dir() or folder.name.startswith("."):
        return False
    named = folder.name in LEVELS or level_alpha(folder.name) is not None
    return named or bool(case_files(folder))


def _named(folder: Path, dataset: str, trainer: str, plans: str, configuration: str, fold: str) -> Run:
    try:
        parsed = parse_trainer_name(trainer)
        architecture, network, seed = parsed.architecture, parsed.without_seed, parsed.options.seed
    except UserError:  # another's trainer: compared under its own name
        architecture, network, seed = trainer, trainer, None
    return Run(folder, dataset, folder.name, architecture, trainer, network, plans, configuration, fold, seed)


def _single(folder: Path, architecture: str | None, level: str | None) -> Run:
    plans = read_json(folder / "plans.json").get("plans_name", "")
    return Run(folder, "", level or UNPERTURBED, architecture or folder.resolve().name or "network", plans=str(plans))


def architecture_order(name: str) -> tuple[int, str]:
    """A sort key: the registry's order, then others by name."""
    known = list(ARCHITECTURES)
    return (known.index(name) if name in known else len(known), name)


def fold_order(fold: str) -> tuple[bool, int, str]:
    """A sort key: folds by number, then others (``all``)."""
    return (not fold.isdigit(), int(fold) if fold.isdigit() else 0, fold)


def _order(run: Run) -> tuple[Any, ...]:
    return (
        run.dataset,
        architecture_order(run.architecture),
        run.trainer,
        run.plans,
        run.configuration,
        fold_order(run.fold),
        level_order(run.level),
    )


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
