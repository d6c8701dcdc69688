"""The reference side: label folders, and what the data set's tables say about cases, levels and folds."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nnunet_skipstudy.analysis.predictions import DATASET, case_files
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import UNPERTURBED, alpha_level, level_alpha

POOLED_KINDS = ("", "wide")
"""Folds of these kinds were trained alike, so results are pooled over them; of others each stands for itself."""


@dataclass(frozen=True)
class Fold:
    """A row of folds.csv; ``name`` is the test level's name where the fold was trained on one (``alpha0.10``)."""

    name: str = ""
    kind: str = ""

    @property
    def training(self) -> str:
        """What sets this fold's training data apart; empty for folds that differ only in the split."""
        return "" if self.kind in POOLED_KINDS else self.name


@dataclass(frozen=True)
class Reference:
    """The labels of one data set and what its tables know."""

    dataset: str
    folder: Path
    cases: dict[str, Path]
    groups: dict[str, str] = field(default_factory=dict)
    disparities: dict[tuple[str, str], float] = field(default_factory=dict)
    folds: dict[str, Fold] = field(default_factory=dict)


def find_references(labels: Path, datasets: Sequence[str], fallback: str) -> dict[str, Reference]:
    """The references of each data set.

    Args:
        labels: a folder of label maps, a data set's folder with ``labelsTs``, or a folder of such folders, as
            nnUNet_raw is.
        datasets: the data sets that were predicted; an empty name stands for a folder of predictions alone.
        fallback: the data set's name where neither predictions nor labels name it.

    Returns:
        References by the names in ``datasets``.

    Raises:
        UserError: a data set has no labels.
    """
    if not labels.is_dir():
        raise UserError(f"{labels}: no such folder; give the folder that holds the labels")
    references = {}
    for dataset in datasets:
        folder = _label_folder(labels, dataset, len(datasets) == 1)
        named = folder.resolve().parent.name
        name = dataset or (named if DATASET.fullmatch(named) else fallback)
        references[dataset] = read_reference(name, folder)
    return references


def _label_folder(labels: Path, dataset: str, alone: bool) -> Path:
    candidates = [labels / dataset / "labelsTs"] if dataset else []
    if alone:
        candidates += [labels, labels / "labelsTs"]
    for folder in candidates:
        if folder.is_dir() and case_files(folder):
            return folder
    tried = ", ".join(str(folder) for folder in candidates)
    what = f"labels of {dataset}" if dataset else "labels"
    raise UserError(f"{labels}: no {what} found (looked in {tried}); give the folder that holds the label maps")


def read_reference(dataset: str, folder: Path) -> Reference:
    """Read a label folder, and cases.csv, perturbations.csv and folds.csv beside it where they are."""
    root = folder.resolve().parent
    reference = Reference(dataset, folder, case_files(folder))
    for row in _rows(root / "cases.csv"):
        reference.groups[row["case"]] = row.get("group", "")
        _note_disparity(reference, row, row.get("level") or UNPERTURBED)
    for row in _rows(root / "perturbations.csv"):
        _note_disparity(reference, row, row.get("level") or UNPERTURBED)
    for row in _rows(root / "folds.csv", key="fold"):
        reference.folds[row["fold"]] = Fold(level_name(row.get("name", "")), row.get("kind", ""))
    return reference


def level_name(name: str) -> str:
    """``0.1`` and ``alpha0.1`` become ``alpha0.10``, the level's own spelling; other names stay."""
    alpha = level_alpha(name if name.startswith("alpha") else f"alpha{name}")
    return name if alpha is None else alpha_level(alpha)


def _note_disparity(reference: Reference, row: dict[str, str], level: str) -> None:
    text = row.get("disparity", "")
    try:
        value = float(text) if text else None
    except ValueError as error:
        raise UserError(
            f"{reference.folder.parent}: case {row['case']!r} has disparity {text!r}; make it a number or empty"
        ) from error
    if value is not None:
        reference.disparities[row["case"], level] = value


def _rows(path: Path, key: str = "case") -> Iterator[dict[str, str]]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if key not in (reader.fieldnames or ()):
            raise UserError(f"{path}: has no column {key!r}; make the table again or remove it")
        for row in reader:
            yield {name: value or "" for name, value in row.items() if name is not None}
