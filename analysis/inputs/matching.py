"""Pairing predictions with references, and refusing pairs that can't be compared."""

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import takewhile
from pathlib import Path

import numpy as np

from nnunet_skipstudy.analysis.inputs.labels import (
    LabelMap,
    LabelSet,
    contradiction,
    difference_of_labels,
    find_label_set,
    label_set_of_values,
    values_of,
)
from nnunet_skipstudy.analysis.inputs.references import Reference
from nnunet_skipstudy.analysis.inputs.runs import Run, case_files, is_elsewhere, other_files
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.geometry import difference
from nnunet_skipstudy.nnunet.images import Image, has_spacing, read_grid, read_label_map
from nnunet_skipstudy.registry import Surface, known_order, level_order

DEFAULT_TOLERANCES = {"mm": 2.0, "px": 5.0}
"""The NSD's tolerance: the study's 5 pixels, and 2 mm where an image has a spacing."""


class Extra(str, Enum):
    """What to do with predictions of cases that have no label."""

    REFUSE = "refuse"
    """Stop: labels may be missing, or those of another data set."""
    LIST = "list"
    """Leave them out and say so."""


@dataclass(frozen=True)
class Comparison:
    """All that was predicted for one data set, with what it is held against.

    ``unit`` is that of distances, ``mm`` or ``px``; ``tolerance`` is the NSD's, in that unit; ``surface`` is what
    distances are measured between. ``predictions[run][case]`` is a file; ``extra[run]`` are predictions that were
    left out for want of a label. ``tables``: the tables of scores that stand for predictions; nothing was measured
    then, and ``unit`` and ``tolerance`` (NaN) are not known.
    """

    reference: Reference
    labels: LabelSet
    unit: str
    tolerance: float
    predictions: dict[Run, dict[str, Path]]
    surface: Surface = Surface.VOXEL
    extra: dict[Run, list[str]] = field(default_factory=dict)
    tables: tuple[str, ...] = ()

    @property
    def nsd_tolerance(self) -> str:
        """The NSD's tolerance in words."""
        if math.isnan(self.tolerance):
            return "not known"
        return f"{self.tolerance:g} ({self.unit})" if self.tables else f"{self.tolerance:g} {self.unit}"

    @property
    def runs(self) -> tuple[Run, ...]:
        """The folders of predictions, in order."""
        return tuple(self.predictions)

    def cases(self, run: Run) -> list[str]:
        """The cases that a run is to have, in order: all, or of validation runs those that its folds validate on.

        Where the folds' cases aren't known (no splits_final.json, or a fold beyond its end, for which nnU-Net drew
        cases by chance), those that are there.
        """
        cases = list(self.reference.cases)
        if not run.validation or run.fold == "all":
            return cases
        expected = set(self.validation_cases(run) or ()) | set(self.predictions[run])
        return [case for case in cases if case in expected]

    def validation_cases(self, run: Run) -> tuple[str, ...] | None:
        """The validation cases of a run's folds, by the list of splits; ``None`` where it doesn't tell."""
        splits, folds = self.reference.splits, run.fold.split("_")
        if splits is None or not all(fold.isdecimal() and int(fold) < len(splits) for fold in folds):
            return None
        return tuple(case for fold in folds for case in splits[int(fold)])

    def absent(self, run: Run) -> list[str]:
        """The cases that a run is to have but hasn't."""
        return [case for case in self.cases(run) if case not in self.predictions[run]]


def prepare(
    reference: Reference,
    runs: Sequence[Run],
    root: Path,
    tolerance: float | None = None,
    surface: Surface = Surface.VOXEL,
    extra: Extra = Extra.REFUSE,
    levels: Sequence[str] = (),
) -> Comparison:
    """Pair the predictions of one data set with its labels.

    ``root`` is the folder the user gave: a dataset.json is looked for no higher. ``tolerance`` is the NSD's, by default
    as :data:`DEFAULT_TOLERANCES` has it; ``levels`` is their order, where the caller has one.

    Raises:
        UserError: a prediction has no label, no label a prediction, a validation case no label, two folders disagree
            on the labels, or images with and without spacing are mixed.
    """
    ordered = ordered_levels({run.level for run in runs}, reference, levels)
    if not known_order(ordered):  # here the order is decided for all that follows
        runs = sorted(runs, key=lambda run: ordered.index(run.level))
    predictions = {run: case_files(run.folder) for run in runs}
    _note_others(reference, runs)
    left_out = {run: _left_out(reference, files, extra) for run, files in predictions.items()}
    if not any(predictions.values()) and any(left_out.values()):
        raise UserError(f"{reference.folder}: has a label for none of the predictions; give the labels of their cases")
    unit = _unit(reference)
    made = Comparison(
        reference,
        _label_set(reference, runs, root),
        unit,
        DEFAULT_TOLERANCES[unit] if tolerance is None else tolerance,
        predictions,
        surface,
        left_out,
    )
    for run in runs:
        for case in made.validation_cases(run) or () if run.validation else ():
            if case not in reference.cases:
                raise UserError(
                    f"{reference.folder}: no label for {case!r}, a validation case of fold {run.fold}; "
                    "add the label, or give the folder that holds it"
                )
    return made


def _left_out(reference: Reference, files: dict[str, Path], extra: Extra) -> list[str]:
    """The cases without a label, taken out of a folder's files; refused where they are not to be left out."""
    cases = [case for case in files if case not in reference.cases]
    for case in cases:
        path = files.pop(case)
        if extra is Extra.REFUSE:
            raise UserError(
                f"{path}: no label for case {case!r} in {reference.folder}; "
                "add the label, take the prediction out, or leave such ones out with --extra list"
            )
    return cases


def ordered_levels(names: Collection[str], reference: Reference, asked: Sequence[str]) -> list[str]:
    """Levels by what their names tell, else as asked, else by the cases' mean TD, hardest first, else by name."""
    levels, known = sorted(names, key=level_order), reference.disparities
    if known_order(levels):
        return levels
    if set(levels) <= set(asked):
        return sorted(levels, key=list(asked).index)
    found = {level: [known[case, level] for case in reference.cases if (case, level) in known] for level in levels}
    return sorted(levels, key=lambda level: sum(found[level]) / len(found[level])) if all(found.values()) else levels


def _note_others(reference: Reference, runs: Sequence[Run]) -> None:
    """Refuse label maps in a format that isn't read, where both sides have the case; note other such files."""
    others = {folder: other_files(folder) for folder in dict.fromkeys((reference.folder, *(r.folder for r in runs)))}
    labelled = {*reference.cases, *others[reference.folder]}
    predicted = {case for run in runs for case in (*case_files(run.folder), *others[run.folder])}
    for folder, files in others.items():
        for case, path in files.items():
            if case in labelled and case in predicted:
                raise UserError(
                    f"{path}: a label map in a format that nnU-Net doesn't read or that isn't lossless; save it as "
                    f"{case}.png or {case}.nii.gz"
                )
        if files:
            names = [path.name for path in files.values()]
            reference.remarks.append(f"{folder.name}: {len(names)} files left out ({names[0]} …), no label maps.")


def _unit(reference: Reference) -> str:
    spaced = {has_spacing(path) for path in reference.cases.values()}
    if len(spaced) > 1:
        raise UserError(
            f"{reference.folder}: mixes images with spacing (distances in mm) and without (pixels); "
            "give each kind a folder of its own"
        )
    return "mm" if spaced == {True} else "px"


def _label_set(reference: Reference, runs: Sequence[Run], root: Path) -> LabelSet:
    """What is segmented, by the predictions' dataset.json, else the labels'; they must not contradict each other."""
    of_labels = find_label_set([reference.folder, *reference.places])
    differing = difference_of_labels if is_elsewhere(reference.dataset) else contradiction
    found: LabelSet | None = None
    for run in runs:
        above_it = takewhile(lambda parent: parent.is_relative_to(root), run.folder.parents)
        inside, above = find_label_set([run.folder]), find_label_set(above_it)
        for own in (inside, above):
            if own and of_labels and (what := differing(own, of_labels)):
                raise UserError(
                    f"{own.source} and {of_labels.source} contradict each other ({what}); give the labels that these "
                    "predictions were made for, or mend the dataset.json that is wrong"
                )
        labels = inside or of_labels or above
        if labels and found and (labels.regions, labels.ignore) != (found.regions, found.ignore):
            raise UserError(
                f"{labels.source}: other labels than {found.source}; analyze predictions of one data set "
                "with one dataset.json"
            )
        found = found or labels
    if found and of_labels and found.ignore is None:
        return replace(found, ignore=of_labels.ignore)
    return found or label_set_of_values(_values(reference.cases.values()))


def _values(paths: Iterable[Path]) -> set[int]:
    values = {value for path in paths for value in _values_of_file(path, read_label_map(path))}
    if not values - {0}:
        raise UserError(
            "the labels are all empty and no dataset.json names what is segmented; "
            "put nnU-Net's dataset.json beside the labels"
        )
    return values


def flatten(image: Image) -> tuple[LabelMap, tuple[float, ...] | None]:
    """A label map's array and spacing, where a volume of one slice becomes a 2D image.

    In a volume of one slice every voxel would border on the background and count as surface.
    """
    array = image.array
    spacing = image.geometry.spacing if image.geometry else None
    if array.ndim == 3 and 1 in array.shape:
        axis = array.shape.index(1)
        array = np.squeeze(array, axis)
        spacing = None if spacing is None else (*spacing[:axis], *spacing[axis + 1 :])
    return array, spacing


def check_pair(reference_file: Path, reference: Image, prediction_file: Path, prediction: Image) -> None:
    """See that a prediction lies on its label's grid. Raises UserError: it doesn't; names files and difference."""
    if prediction.array.shape != reference.array.shape:
        raise UserError(
            f"{prediction_file} has shape {_shown(prediction.array.shape)}, its label {reference_file} "
            f"{_shown(reference.array.shape)}; give the prediction for this label, on its grid"
        )
    if (reference.geometry is None) != (prediction.geometry is None):
        ours, theirs = ("a" if image.geometry else "no" for image in (prediction, reference))
        raise UserError(
            f"{prediction_file} has {ours} spacing, its label {reference_file} has {theirs} spacing; "
            "give both in one format"
        )
    if reference.geometry and prediction.geometry:
        differs = difference(prediction.geometry, reference.geometry, only=("spacing",))
        if differs:
            raise UserError(
                f"{prediction_file} and its label {reference_file} differ: {differs}; "
                "resample the prediction to its label's grid"
            )


def elsewhere(comparison: Comparison) -> Iterator[str]:
    """A sentence where predictions lie elsewhere in space than their labels, voxel for voxel, by their headers.

    So it is where labels were saved without their image's header: nnU-Net doesn't look at more than shape and spacing.
    """
    odd = []
    for case, path in comparison.reference.cases.items() if comparison.predictions else ():
        label = read_grid(path)
        for files in comparison.predictions.values() if label else ():
            grid = read_grid(files[case]) if case in files else None
            if label and grid and (differs := difference(grid.geometry, label.geometry)):
                odd.append(f"{files[case]} and its label {path} differ: {differs}")
    if odd:
        yield f"{odd[0]} ({len(odd)} predictions are like that); they are compared voxel by voxel all the same."


def _shown(shape: Sequence[int]) -> str:
    return " x ".join(str(n) for n in shape)


def check_values(path: Path, image: Image, labels: LabelSet) -> None:
    """See that a label map holds known values only. Raises UserError: it doesn't; 255 for 1 is the classic one."""
    if _within(image.array, labels.known):
        return
    unknown = sorted(_values_of_file(path, image) - labels.known)
    if unknown:
        values = ", ".join(map(str, unknown[:5])) + (" …" if len(unknown) > 5 else "")
        known = ", ".join(map(str, sorted(labels.known)))
        raise UserError(
            f"{path}: holds the value {values}, but {labels.origin} knows {known}; "
            "give label maps with these values, or the dataset.json that belongs to them"
        )


def _within(array: LabelMap, known: frozenset[int]) -> bool:
    """Whether the extremes alone show that all values are known; nnU-Net's labels leave no gap."""
    if not np.issubdtype(array.dtype, np.integer) or array.size == 0 or len(known) != max(known) + 1:
        return False
    return int(array.max()) <= max(known) and (array.dtype.kind == "u" or int(array.min()) >= 0)


def _values_of_file(path: Path, image: Image) -> frozenset[int]:
    try:
        return values_of(image.array)
    except ValueError as error:
        raise UserError(f"{path}: {error}; save the label map with whole numbers") from error
