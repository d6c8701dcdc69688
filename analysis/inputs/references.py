"""The reference side: label folders, and what the data set's tables say about cases, levels and folds."""

import csv
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nnunet_skipstudy.analysis.inputs.runs import DATASET, Run, case_files
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import UNPERTURBED, alpha_level, level_alpha

POOLED_KINDS = ("", "wide")
"""Folds of these kinds were trained alike, so results are pooled over them; of others each stands for itself."""

SPLITS = "splits_final.json"

TEST_FOLDERS: tuple[str, ...] = ("labelsTs",)
VALIDATION_FOLDERS: tuple[str, ...] = ("gt_segmentations", "labelsTr")
"""Where a data set keeps the labels of test and of validation cases: nnUNet_preprocessed has the former's copy."""


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
    """The labels of one data set and what its tables know.

    ``splits`` are the validation cases of each fold by nnU-Net's number; ``None`` where no list was found.
    """

    dataset: str
    folder: Path
    cases: dict[str, Path]
    groups: dict[str, str] = field(default_factory=dict)
    disparities: dict[tuple[str, str], float] = field(default_factory=dict)
    folds: dict[str, Fold] = field(default_factory=dict)
    splits: tuple[tuple[str, ...], ...] | None = None


def find_references(labels: Path | None, runs: Sequence[Run], fallback: str) -> dict[str, Reference]:
    """The references of each data set.

    Args:
        labels: a folder of label maps, a data set's folder, or a folder of such folders, as nnUNet_raw is;
            ``None``: where a table says, else nnU-Net's own place for them, by its environment variables.
        runs: what was predicted; an empty data set's name stands for a folder of predictions alone.
        fallback: the data set's name where neither predictions nor labels name it.

    Returns:
        References by the data sets' names in ``runs``.

    Raises:
        UserError: a data set has no labels, or a table names two folders of them.
    """
    if labels is not None and not labels.is_dir():
        raise UserError(f"{labels}: no such folder; give the folder that holds the labels")
    by_dataset: dict[str, list[Run]] = {}
    for run in runs:
        by_dataset.setdefault(run.dataset, []).append(run)
    references = {}
    for dataset, members in by_dataset.items():
        folder = _label_folder(labels, dataset, members, len(by_dataset) == 1)
        named = folder.resolve().parent.name
        name = dataset or (named if DATASET.fullmatch(named) else fallback)
        references[dataset] = read_reference(name, folder)
    return references


def _label_folder(labels: Path | None, dataset: str, runs: Sequence[Run], alone: bool) -> Path:
    named = {run.labels.resolve(): run.labels for run in runs if run.labels is not None}
    if len(named) > 1:
        listed = " and ".join(map(str, named.values()))
        raise UserError(f"{dataset or 'the table'}: has labels in {listed}; give each a data set's name of its own")
    if named and any(run.labels is None for run in runs) and labels is None:
        raise UserError(f"{dataset or 'the table'}: some rows name no labels; fill the cells, or give --labels")
    validation = runs[0].validation
    inside = VALIDATION_FOLDERS if validation else TEST_FOLDERS
    candidates = list(named.values())
    if labels is None:
        roots = [os.environ.get(name) for name in ("nnUNet_preprocessed", "nnUNet_raw")]
        candidates += [Path(root) / dataset / name for root in roots if root and dataset for name in inside]
    elif not named:
        candidates += [labels / dataset / name for name in inside if dataset]
        candidates += [folder for folder in (labels, *(labels / name for name in inside)) if alone]
    for folder in candidates:
        if folder.is_dir() and case_files(folder):
            return folder
    tried = f" (looked in {', '.join(str(folder) for folder in candidates)})" if candidates else ""
    what = f"labels of {dataset}" if dataset else "labels"
    start, remedy = (f"{labels}: ", "") if labels else ("", " with --labels")
    raise UserError(f"{start}no {what} found{tried}; give the folder that holds the label maps{remedy}")


def read_reference(dataset: str, folder: Path) -> Reference:
    """Read a label folder, and cases.csv, perturbations.csv and folds.csv beside it where they are."""
    root = folder.resolve().parent
    reference = Reference(dataset, folder, case_files(folder), splits=_splits(root, dataset))
    for row in _rows(root / "cases.csv"):
        reference.groups[row["case"]] = row.get("group", "")
        _note_disparity(reference, row, row.get("level") or UNPERTURBED)
    for row in _rows(root / "perturbations.csv"):
        _note_disparity(reference, row, row.get("level") or UNPERTURBED)
    for row in _rows(root / "folds.csv", key="fold"):
        reference.folds[row["fold"]] = Fold(level_name(row.get("name", "")), row.get("kind", ""))
    return reference


def _splits(root: Path, dataset: str) -> tuple[tuple[str, ...], ...] | None:
    """Each fold's validation cases, of the list that nnU-Net trained by, or of its copy beside the labels."""
    preprocessed = os.environ.get("nnUNet_preprocessed")
    for path in ([Path(preprocessed) / dataset / SPLITS] if preprocessed else []) + [root / SPLITS]:
        if path.is_file():
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                return tuple(tuple(str(case) for case in split["val"]) for split in content)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise UserError(f"{path}: is no list of nnU-Net's splits ({error}); mend or remove the file") from error
    return None


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
