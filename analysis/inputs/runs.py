"""One folder of predictions: what is known about it, and its files."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nnunet_skipstudy.nnunet.cases import case_files as case_files
from nnunet_skipstudy.nnunet.cases import visible_files
from nnunet_skipstudy.nnunet.images import PHOTO_ENDINGS
from nnunet_skipstudy.nnunet.prediction import PROVENANCE_FILE
from nnunet_skipstudy.nnunet.trainer_name import known_trainer, without_seed
from nnunet_skipstudy.registry import ARCHITECTURES, UNPERTURBED
from nnunet_skipstudy.support.files import read_object

DATASET = re.compile(r"Dataset\d{3,}_.+")
"""The name of an nnU-Net data set's folder."""
ELSEWHERE = re.compile(rf"(?P<trained>.+) on (?P<tested>{DATASET.pattern})")
"""What stands for a data set where its networks were tested on another one's images."""
OTHER_ENDINGS: tuple[str, ...] = (
    *PHOTO_ENDINGS,
    *(".gif", ".jp2", ".pgm", ".ppm", ".npz", ".npy", ".h5", ".mhd", ".hdr", ".mgz", ".dcm", ".nii.bz2", ".nii.xz"),
)
"""Images and arrays in formats that nnU-Net's readers don't read as label maps."""


@dataclass(frozen=True)
class Run:
    """One folder of predictions: what one trained network made of one test level.

    ``network`` is the trainer's name without its seed: runs that share it are replicates. What isn't known, as
    in a folder that stands alone, is empty (``seed``, ``labels``: ``None``). ``validation`` marks predictions of a
    fold's own validation cases (of several folds where ``fold`` is ``0_1_2``), each a part of the training pool.
    Predictions of another data set's images are a data set of their own, ``A on B``. ``labels`` is the folder of labels
    where a table names it. ``place`` tells the folder without the way there: reports are handed on.
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


def trained_and_tested(dataset: str) -> tuple[str, str]:
    """The data set that networks were trained on, and the one whose images they were tested on: mostly the same."""
    match = ELSEWHERE.fullmatch(dataset)
    return (match["trained"], match["tested"]) if match else (dataset, dataset)


def is_elsewhere(dataset: str) -> bool:
    """Whether it stands for networks that were tested on another data set's images."""
    return ELSEWHERE.fullmatch(dataset) is not None


def placed_elsewhere(run: Run) -> Run:
    """The run, as a data set of its own where another data set's name stands in the level's place."""
    if run.dataset in ("", run.level) or run.validation or not DATASET.fullmatch(run.level):
        return run
    return replace(run, dataset=f"{run.dataset} on {run.level}", level=UNPERTURBED)


def trained(trainer: str) -> dict[str, Any]:
    """What a trainer's name tells of a :class:`Run`; another's trainer is compared under its own name."""
    parsed = known_trainer(trainer)
    network, seed = (parsed.without_seed, parsed.options.seed) if parsed else without_seed(trainer)
    architecture = parsed.network if parsed else network
    return {"trainer": trainer, "network": network, "architecture": architecture, "seed": seed}


def lookalike(names: Iterable[str]) -> tuple[str, str] | None:
    """The first name that differs from an earlier one by capitals and blanks alone, and that one; None for none."""
    first: dict[str, str] = {}
    pairs = ((name, first.setdefault(" ".join(name.casefold().split()), name)) for name in names)
    return next(((name, earlier) for name, earlier in pairs if name != earlier), None)


def architecture_order(name: str) -> tuple[int, str]:
    """A sort key: the registry's order, then others by name."""
    known = list(ARCHITECTURES)
    return (known.index(name) if name in known else len(known), name)


def fold_order(fold: str) -> tuple[bool, int, str]:
    """A sort key: folds by number, then others (``all``)."""
    return (not fold.isdigit(), int(fold) if fold.isdigit() else 0, fold)


def other_files(folder: Path) -> dict[str, Path]:
    """The files of :data:`OTHER_ENDINGS` by case, as far as no image that can be read stands for the case.

    nnU-Net writes ``x.npz`` beside ``x.nii.gz``, but where there is the former alone a case would be lost unseen.
    """
    found, readable = {}, case_files(folder)
    for path in visible_files(folder):
        ending = next((ending for ending in OTHER_ENDINGS if path.name.lower().endswith(ending)), "")
        if ending and path.name[: -len(ending)] not in readable:
            found[path.name[: -len(ending)]] = path
    return found


def mirroring(run: Run) -> bool | None:
    """Whether mirroring (test-time augmentation) was on; our predictor writes it down, nnUNetv2_predict does not."""
    value = read_object(run.folder / PROVENANCE_FILE).get("mirroring")
    return value if isinstance(value, bool) else None
