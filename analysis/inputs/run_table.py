"""A table of prediction folders, for networks that nnU-Net never saw.

``predictions.csv`` has one row per folder. The columns ``architecture`` and ``predictions`` are needed; an empty
cell, or a column that is left out, means: not known (``level``: unperturbed). Paths are relative to the table::

    dataset,architecture,fold,seed,level,predictions,labels
    Dataset502_BUSI,SwinUNETR,0,1,hardest,swin/seed1/hardest,labelsTs
    Dataset502_BUSI,SwinUNETR,0,2,hardest,swin/seed2/hardest,labelsTs

``trainer``, ``plans`` and ``configuration`` may be added.
"""

from pathlib import Path
from typing import Any

from nnunet_skipstudy.analysis.inputs.runs import Run, trained
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import UNPERTURBED
from nnunet_skipstudy.support.files import expanded
from nnunet_skipstudy.support.tables import ROW, read_rows

NEEDED: tuple[str, ...] = ("architecture", "predictions")
COLUMNS: tuple[str, ...] = (
    *("dataset", "architecture", "fold", "seed", "level", "predictions", "labels"),
    *("trainer", "plans", "configuration"),
)


def read_table(path: Path) -> list[Run]:
    """Read a table of prediction folders, in its order.

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
