"""The reference side: label folders, what the data set's tables say of cases, levels and folds, and cases' groups."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nnunet_skipstudy.analysis.inputs.runs import DATASET, Run, case_files, is_elsewhere, trained_and_tested
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.cases import checked_name
from nnunet_skipstudy.registry import UNPERTURBED, alpha_level, level_alpha
from nnunet_skipstudy.support.files import beside, read_json
from nnunet_skipstudy.support.tables import read_rows

POOLED_KINDS = ("", "wide")
"""Folds of these kinds were trained alike, so results are pooled over them; of others each stands for itself."""
SPLITS = "splits_final.json"
STUDYS_MEASURE = ("kamath2025", "all")
"""Definition and background of the TD in a data set's tables."""
BEYOND_SIZE: tuple[str, str] = ("disparity_excess", "disparity_percentile")
"""What a table's null says of a TD: how far it lies beyond what the object's shape alone scores."""
TEST_FOLDERS: tuple[str, ...] = ("labelsTs",)
VALIDATION_FOLDERS: tuple[str, ...] = ("gt_segmentations", "labelsTr")
"""Where a data set keeps the labels of test and of validation cases: nnUNet_preprocessed has the former's copy."""
WITHIN = r"^(.*\d)\D+\d+$"
"""Names such as ``patient001_slice12``: a number within what another number tells apart."""


class NoLabelsError(UserError):
    """No data set has labels, and none were named: what predictions say of each other may still be told."""


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
    """The labels of one data set and what its tables know; of one tested on another's images, the latter's.

    ``folds`` are those of the data set that was trained on.

    ``places`` are the folders beside which the labels lie: where they are a link, also those of what it leads to.
    ``splits`` are the validation cases of each fold by nnU-Net's number; ``None`` where no list was found.
    ``disparities``, and ``beyond_size`` their excess and percentile where a null was drawn, are by case and level;
    ``sorted_by`` is the measure that folds and categories go by, empty where no table says.
    ``remarks``: what was odd about the tables.
    """

    dataset: str
    folder: Path
    cases: dict[str, Path]
    places: tuple[Path, ...] = ()
    groups: dict[str, str] = field(default_factory=dict)
    disparities: dict[tuple[str, str], float] = field(default_factory=dict)
    beyond_size: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)
    sorted_by: str = ""
    folds: dict[str, Fold] = field(default_factory=dict)
    splits: tuple[tuple[str, ...], ...] | None = None
    remarks: list[str] = field(default_factory=list)

    def beside(self, name: str) -> Path | None:
        """The file of this name that lies beside the labels, None where there is none."""
        return next((place / name for place in self.places if (place / name).is_file()), None)


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
        UserError: a data set has no labels (:class:`NoLabelsError` where none has and none were named), or a table
            names two folders of them.
    """
    if labels is not None and not labels.is_dir():
        raise UserError(f"{labels}: no such folder; give the folder that holds the labels")
    by_dataset: dict[str, list[Run]] = {}
    for run in runs:
        by_dataset.setdefault(run.dataset, []).append(run)
    references: dict[str, Reference] = {}
    lacking: list[NoLabelsError] = []
    for dataset, members in by_dataset.items():
        try:
            folder = _label_folder(labels, trained_and_tested(dataset)[1], members, len(by_dataset) == 1)
        except NoLabelsError as error:
            lacking.append(error)
            continue
        names = [place.name for place in beside(folder) if DATASET.fullmatch(place.name)]
        name = dataset or (names[0] if names else checked_name(Path(fallback)))
        references[dataset] = read_reference(name, folder)
    for dataset in filter(is_elsewhere, references):
        references[dataset] = _with_folds(references[dataset], references, labels)
    if lacking:
        raise lacking[0] if labels is None and not references else UserError(str(lacking[0]))
    return references


def _with_folds(reference: Reference, known: Mapping[str, Reference], labels: Path | None) -> Reference:
    """The reference of networks that were tested elsewhere, with the folds that they were trained on."""
    trained = trained_and_tested(reference.dataset)[0]
    try:
        own = known.get(trained) or read_reference(trained, _label_folder(labels, trained, (), alone=False))
    except NoLabelsError:
        reference.remarks.append(f"folds.csv of {trained} was not found: all of its folds count as trained alike.")
        return replace(reference, folds={})
    return replace(reference, folds=own.folds)


def _label_folder(labels: Path | None, dataset: str, runs: Sequence[Run], alone: bool) -> Path:
    named = {run.labels.resolve(): run.labels for run in runs if run.labels is not None}
    if len(named) > 1:
        listed = " and ".join(map(str, named.values()))
        raise UserError(f"{dataset or 'the table'}: has labels in {listed}; give each a data set's name of its own")
    if named and any(run.labels is None for run in runs) and labels is None:
        raise UserError(f"{dataset or 'the table'}: some rows name no labels; fill the cells, or give --labels")
    validation = any(run.validation for run in runs)
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
    raise NoLabelsError(f"{start}no {what} found{tried}; give the folder that holds the label maps{remedy}")


def read_reference(dataset: str, folder: Path) -> Reference:
    """Read a label folder, and the data set's tables beside it where they are.

    These are cases.csv, perturbations.csv and folds.csv, and disparity.csv of ``skipstudy disparity`` for what the
    former don't know.

    Raises:
        UserError: a table can't be read, or says two things of one case.
    """
    places = beside(folder)
    raw = os.environ.get("nnUNet_raw")
    if folder.name == VALIDATION_FOLDERS[0] and raw:  # nnU-Net copies the labels without the tables
        places.append(Path(raw) / dataset)
    reference = Reference(dataset, folder, case_files(folder), tuple(places))
    _add_cases(reference)
    _add_measured(reference)
    for row in _rows(reference, "folds.csv", ("fold",)):
        fold = Fold(level_name(row.get("name", "")), row.get("kind", ""))
        if reference.folds.setdefault(row["fold"], fold) != fold:
            raise UserError(f"{reference.beside('folds.csv')}: two rows of fold {row['fold']}; keep one")
    measures = {row.get("sorted_by", "") for row in _rows(reference, "cases.csv", ("case",))}
    return replace(reference, splits=_splits(reference), sorted_by=measures.pop() if len(measures) == 1 else "")


def _rows(reference: Reference, name: str, needed: tuple[str, ...]) -> list[dict[str, str]]:
    """The rows of a table beside the labels that are not of another part of the data set; none where there is none."""
    path = reference.beside(name)
    rows = read_rows(path, needed, ("disparity", *BEYOND_SIZE)) if path else []
    part = {"labelsTs": "test", **dict.fromkeys(VALIDATION_FOLDERS, "train")}.get(reference.folder.name)
    others = {"test", "train"} - {part} if part else set()
    return [row for row in rows if row.get("set") not in others]


def _add_cases(reference: Reference) -> None:
    """Add groups and disparities from the tables that a converter and ``skipstudy perturb`` write."""
    for name in ("cases.csv", "perturbations.csv"):
        known: dict[tuple[str, str], float] = {}
        for row in _rows(reference, name, ("case",)):
            reference.beyond_size.update(_beyond_size(row))
            case, group = row["case"], row.get("group", "")
            place = (case, row.get("level") or UNPERTURBED)
            if row.get("disparity") and known.setdefault(place, float(row["disparity"])) != float(row["disparity"]):
                raise UserError(f"{reference.beside(name)}: two disparities of {case!r} at {place[1]}; keep one")
            if name == "cases.csv" and reference.groups.setdefault(case, group) != group:
                raise UserError(f"{reference.beside(name)}: two groups of the case {case!r}; keep one")
        reference.disparities.update(known)
    lost = [case for case in reference.cases if reference.groups and case not in reference.groups]
    if lost:
        reference.remarks.append(
            f"cases.csv has no row for {len(lost)} of {len(reference.cases)} cases ({lost[0]} …), so each of them "
            "counts as independent of all others."
        )


def _add_measured(reference: Reference) -> None:
    """Add what ``skipstudy disparity`` measured: of all labels together, by the study's definition."""
    known: dict[tuple[str, str], float] = {}
    beyond: dict[tuple[str, str], tuple[float, float]] = {}
    for row in _rows(reference, "disparity.csv", ("case", "disparity", "definition", "background")):
        if (row["definition"], row["background"]) != STUDYS_MEASURE:
            reference.remarks.append(
                f"disparity.csv was not read: it holds {row['definition']} over {row['background']}, "
                f"the report's TD is {STUDYS_MEASURE[0]} over {STUDYS_MEASURE[1]}."
            )
            return
        if row["disparity"]:  # a case's first row is that of all its labels
            known.setdefault((row["case"], row.get("level") or UNPERTURBED), float(row["disparity"]))
            beyond = _beyond_size(row) | beyond
    for place, value in known.items():
        reference.disparities.setdefault(place, value)
    for place, numbers in beyond.items():
        reference.beyond_size.setdefault(place, numbers)


def _beyond_size(row: dict[str, str]) -> dict[tuple[str, str], tuple[float, float]]:
    """A row's excess and percentile by case and level, where it has them."""
    excess, percentile = (row.get(name) for name in BEYOND_SIZE)
    place = row["case"], row.get("level") or UNPERTURBED
    return {place: (float(excess), float(percentile))} if excess and percentile else {}


def _splits(reference: Reference) -> tuple[tuple[str, ...], ...] | None:
    """Each fold's validation cases, of the list that nnU-Net trained by, or of its copy beside the labels."""
    preprocessed = os.environ.get("nnUNet_preprocessed")
    trained_by = Path(preprocessed) / reference.dataset / SPLITS if preprocessed else None
    path = trained_by if trained_by and trained_by.is_file() else reference.beside(SPLITS)
    if path is None:
        return None
    try:
        return tuple(tuple(str(case) for case in split["val"]) for split in read_json(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: is no list of nnU-Net's splits ({error}); mend or remove the file") from error


def level_name(name: str) -> str:
    """``0.1`` and ``alpha0.1`` become ``alpha0.10``, the level's own spelling; other names stay."""
    alpha = level_alpha(name if name.startswith("alpha") else f"alpha{name}")
    return name if alpha is None else alpha_level(alpha)


def grouped(reference: Reference, asked: str) -> Reference:
    """The reference with groups as the user gives them.

    ``asked`` is a table with the columns ``case`` and ``group``, or a regular expression that is searched in each
    case's name: what its first parentheses find, or all that it finds, is the group.

    Raises:
        UserError: a case has no group, or it is neither a table nor a regular expression.
    """
    if asked.lower().endswith(".csv"):
        if not Path(asked).is_file():
            raise UserError(f"{asked}: no such file; give a table or a regular expression with --groups")
        rows = read_rows(Path(asked), ("case", "group"))
        groups = {row["case"]: row["group"] for row in rows}
        twice = next((row["case"] for row in rows if groups[row["case"]] != row["group"]), None)
        if twice is not None:
            raise UserError(f"{asked}: two groups of the case {twice!r}; keep one")
    else:
        groups = {case: _found(asked, case) for case in reference.cases}
    without = [case for case in reference.cases if not groups.get(case)]
    if without:
        raise UserError(
            f"--groups {asked}: gives {without[0]!r} no group ({len(without)} cases of them); every one needs one"
        )
    return replace(reference, groups={case: groups[case] for case in reference.cases})


def _found(pattern: str, case: str) -> str:
    try:
        match = re.search(pattern, case)
    except (re.error, RecursionError, OverflowError) as error:
        raise UserError(f"--groups {pattern!r}: is no regular expression ({error}); mend it, or give a .csv") from error
    if match is None:
        return ""
    return next((part for part in match.groups() if part), "") if match.groups() else match[0]


def suggested(reference: Reference) -> str:
    """A warning where no groups are known and the cases' names tell them; empty where not."""
    if any(reference.groups.get(case) for case in reference.cases):
        return ""
    found = [_found(WITHIN, case) for case in reference.cases]
    names = sorted(set(found))
    if not all(found) or not 1 < len(names) <= len(found) / 2:
        return ""
    return (
        f"{reference.dataset}: {len(found)} cases are counted as independent of each other, but their names look like "
        f"parts of {len(names)} ({names[0]}, {names[1]} …). If cases of one name belong together (slices of one "
        f"patient, crops of one slide), intervals and tests are too sure; repeat with --groups '{WITHIN}'."
    )
