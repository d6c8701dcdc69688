"""Finding predictions: nnU-Net's folders, level by level, a table of folders, or one folder."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nnunet_skipstudy.analysis.inputs.runs import (
    DATASET,
    Run,
    architecture_order,
    case_files,
    fold_order,
    lookalike,
    other_files,
    placed_elsewhere,
    trained,
)
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.cases import checked_name
from nnunet_skipstudy.registry import LEVELS, UNPERTURBED, level_alpha, level_order
from nnunet_skipstudy.support.files import expanded, read_object
from nnunet_skipstudy.support.tables import ROW, read_rows

TREE = "<DatasetXXX_Name>/<trainer>__<plans>__<configuration>/fold_<k>/<level>/<case>.<ending>"

PATTERNS: tuple[str, ...] = ("Dataset*", "*__*__*", "fold_*", "*")
"""The names of the tree's folders, from the data set down to the level."""

VALIDATION = "validation"
"""The folder in which nnU-Net leaves its predictions of a fold's validation cases; they are unperturbed."""

CROSSVAL = "crossval_results_folds_"
"""The start of the name of the folder in which nnU-Net collects the validation predictions of several folds."""
NEEDED: tuple[str, ...] = ("architecture", "predictions")
COLUMNS: tuple[str, ...] = (
    *("dataset", "architecture", "fold", "seed", "level", "predictions", "labels"),
    *("trainer", "plans", "configuration"),
)


def find_runs(predictions: Path, architecture: str | None = None, level: str | None = None) -> list[Run]:
    """Find every folder of predictions.

    Args:
        predictions: a tree, :data:`TREE`, or a folder within one, where ``<level>`` may be another data set's name,
            whose test images were predicted; nnU-Net's own results, which are such a tree with ``validation`` in a
            level's place or ``crossval_results_folds_*`` in a fold's; a table of folders, see
            :func:`read_table`; or one folder of predictions.
        architecture: names the network of one folder; default: what its place tells, or its name.
        level: names the test level of one folder; default: what its place tells, or unperturbed.

    Returns:
        Runs in the order of data set, registry, trainer, fold and level. The data set of a folder that stands
        alone is empty.

    Raises:
        UserError: there are no predictions, a tree is given a name that its folders already give, or validation
            and test predictions of one data set are mixed, or two levels' or networks' names look alike.
    """
    if predictions.is_file():
        runs = read_table(predictions)
    elif predictions.is_dir():
        runs = list(_tree(predictions))
    else:
        raise UserError(
            f"{predictions}: no such file or folder; give the folder that holds the predictions, or a table of folders"
        )
    if runs and (architecture or level):
        kind = "table" if predictions.is_file() else "prediction tree"
        raise UserError(
            f"{predictions}: a {kind} names its networks and levels itself; "
            "leave out --architecture and --level, or give one folder of predictions"
        )
    if runs:
        _refuse_mixture(runs)
        _refuse_alike(runs)
        return sorted(map(placed_elsewhere, runs), key=_order)
    if not case_files(predictions):
        others = ", ".join(path.name for path in list(other_files(predictions).values())[:1])
        seen = f" (nnU-Net reads no such files as {others})" if others else ""
        raise UserError(
            f"{predictions}: no predictions found{seen}; give a folder of label maps, a tree {TREE}, or a table "
            "predictions.csv that names folders (columns dataset, architecture, level, predictions, labels)"
        )
    return [_single(predictions, architecture, level)]


def _tree(root: Path) -> Iterator[Run]:
    """The runs below a folder that stands above or within a tree, not at its very end."""
    steps = PATTERNS[_depth(root) :]
    if not steps:
        return
    found = [run for run in map(_placed, _below(root, steps)) if run]
    with_levels = {run.folder.parent for run in found if not run.validation}
    found = [run for run in found if not run.validation or run.folder.parent not in with_levels]
    yield from found
    if "fold_*" in steps:
        with_folds = {run.folder.parent.parent for run in found}
        for folder in _below(root, (*steps[:-2], f"{CROSSVAL}*")):
            run = _placed(folder)
            if run and folder.parent not in with_folds:
                yield run


def _depth(folder: Path) -> int:
    """How many of a tree's names the end of a folder's path has: 0 above a tree, 4 for a level."""
    parts = _parts(folder)
    if _is_crossval(parts):
        return len(PATTERNS)
    for depth in range(len(PATTERNS), 0, -1):
        last = parts[-depth:]
        if DATASET.fullmatch(last[0]) and all(map(fnmatchcase, last, PATTERNS)):
            return depth
    return 0


def _parts(folder: Path) -> tuple[str, ...]:
    return Path(os.path.abspath(folder)).parts  # noqa: PTH100  # resolve() would follow links to other names


def _is_crossval(parts: Sequence[str]) -> bool:
    return len(parts) > 2 and parts[-1].startswith(CROSSVAL) and DATASET.fullmatch(parts[-3]) is not None


def _below(root: Path, steps: Sequence[str]) -> list[Path]:
    return sorted(path for path in root.glob("/".join(steps)) if path.is_dir())


def _placed(folder: Path) -> Run | None:
    """The run of a folder by its place in a tree; ``None`` for nnU-Net's odds and ends and for empty folders."""
    parts = _parts(folder)
    crossval = _is_crossval(parts)
    place = parts[-3:] if crossval else parts[-4:]
    names = place[1].split("__")
    if len(names) != 3 or folder.name.startswith("."):
        return None
    validation = crossval or folder.name == VALIDATION
    named = folder.name in LEVELS or level_alpha(folder.name) is not None
    if not (named or case_files(folder)):
        return None
    for depth in range(len(place)):
        checked_name(Path(*parts[: len(parts) - depth]))
    return Run(
        folder=folder,
        place="/".join(place),
        dataset=place[0],
        level=UNPERTURBED if validation else folder.name,
        plans=names[1],
        configuration=names[2],
        fold=place[2].removeprefix(CROSSVAL if crossval else "fold_"),
        validation=validation,
        **trained(names[0]),
    )


def _single(folder: Path, architecture: str | None, level: str | None) -> Run:
    if _depth(folder) == len(PATTERNS) and (run := _placed(folder)):
        return placed_elsewhere(replace(run, architecture=architecture or run.architecture, level=level or run.level))
    name = checked_name(Path(*_parts(folder)))
    plans = str(read_object(folder / "plans.json").get("plans_name", ""))
    return Run(folder, name, "", level or UNPERTURBED, architecture or name, plans=plans)


def _refuse_mixture(runs: Sequence[Run]) -> None:
    for run in runs:
        other = next((other for other in runs if other.dataset == run.dataset and not other.validation), None)
        if run.validation and other:
            raise UserError(
                f"{run.folder} holds predictions of validation cases, {other.folder} of test cases; "
                "their labels differ: give the folders of one kind at a time"
            )


def _refuse_alike(runs: Sequence[Run]) -> None:
    for what, known, attribute in (("level", LEVELS, "level"), ("network", (), "architecture")):
        if pair := lookalike([*known, *(getattr(run, attribute) for run in runs)]):
            place = next(run.folder for run in runs if getattr(run, attribute) == pair[0])
            raise UserError(
                f"{place}: the {what} {pair[0]!r} differs from {pair[1]!r} by capitals or blanks alone; "
                "spell them alike"
            )


def unused_validation(runs: Sequence[Run]) -> list[str]:
    """The places of validation folders that were left out because test levels lie beside them."""
    levels = dict.fromkeys(run.folder.parent for run in runs if run.trainer and not run.validation and not run.labels)
    return [
        "/".join(_parts(folder / VALIDATION)[-4:])
        for folder in levels
        if folder.name.startswith("fold_") and (folder / VALIDATION).is_dir() and case_files(folder / VALIDATION)
    ]


def _order(run: Run) -> tuple[Any, ...]:
    model = (architecture_order(run.architecture), run.trainer, run.plans, run.configuration)
    return run.dataset, *model, fold_order(run.fold), -1 if run.seed is None else run.seed, level_order(run.level)


def read_table(path: Path) -> list[Run]:
    """Read a table of prediction folders, for networks that nnU-Net never saw, in its order.

    ``predictions.csv`` has one row per folder. The columns ``architecture`` and ``predictions`` are needed; an empty
    cell, or a column that is left out, means: not known (``level``: unperturbed). Paths are relative to the table::

        dataset,architecture,fold,seed,level,predictions,labels
        Dataset502_BUSI,SwinUNETR,0,1,hardest,swin/seed1/hardest,labelsTs
        Dataset502_BUSI,SwinUNETR,0,2,hardest,swin/seed2/hardest,labelsTs

    ``trainer``, ``plans`` and ``configuration`` may be added.

    Raises:
        UserError: the table has an unknown column, lacks one or a cell that is needed, names a folder that isn't
            there, or two rows are the same run or the same folder.
    """
    runs: list[Run] = []
    rows: dict[object, int] = {}
    for row in _rows(path):
        number = int(row[ROW])
        run = _run(path, number, row)
        facts = (run.dataset, run.architecture, run.network, run.plans, run.configuration, run.fold, run.seed)
        for key, what in (((*facts, run.level), "the same run"), (run.folder.resolve(), "the same folder")):
            if key in rows:
                raise UserError(f"{path}: rows {rows[key]} and {number} are {what}; tell them apart or remove one")
            rows[key] = number
        runs.append(run)
    if not runs:
        raise UserError(f"{path}: has no rows; add one per folder of predictions")
    return runs


def _rows(path: Path) -> list[dict[str, str]]:
    rows = read_rows(path)
    columns = list(rows[0]) if rows else [ROW, *NEEDED]
    for column in columns:
        if column not in (ROW, *COLUMNS):
            raise UserError(
                f"{path}: unknown column {column!r}; known are {', '.join(COLUMNS)}; for a table of scores say which "
                "column holds what, such as --columns dsc=Dice,architecture=model"
            )
    for column in NEEDED:
        if column not in columns:
            raise UserError(f"{path}: has no column {column!r}; add it ({', '.join(NEEDED)} are needed)")
    return rows


def _run(path: Path, number: int, row: dict[str, str]) -> Run:
    row = dict.fromkeys(COLUMNS, "") | row
    for column in NEEDED:
        if not row[column]:
            raise UserError(f"{path}: row {number} has no {column}; fill the cell")
    seed = row["seed"]
    if seed and not (seed.isascii() and seed.isdecimal() and len(seed) < 19):
        raise UserError(f"{path}: row {number} has the seed {seed!r}; give a whole number, or leave it empty")
    known = trained(row["trainer"]) if row["trainer"] else {}
    predictions = expanded(row["predictions"])
    names = ("dataset", "architecture", "trainer", "plans", "configuration", "fold")
    facts: dict[str, Any] = {name: row[name] for name in names}
    return Run(
        folder=_folder(path, number, predictions),
        place=predictions.name if predictions.is_absolute() else str(predictions),
        level=row["level"] or UNPERTURBED,
        network=known.get("network", ""),
        seed=int(seed) if seed else known.get("seed"),
        labels=_folder(path, number, expanded(row["labels"])) if row["labels"] else None,
        **facts,
    )


def _folder(path: Path, number: int, named: Path) -> Path:
    folder = path.parent / named
    if not folder.is_dir():
        raise UserError(f"{path}: row {number} names {folder}, which is no folder; paths are relative to the table")
    return folder
