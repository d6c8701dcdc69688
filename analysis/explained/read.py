"""Reading what ``skipstudy explain`` wrote, and what speaks against holding it beside the predictions analyzed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.inputs.references import Fold, Reference
from nnunet_skipstudy.analysis.inputs.runs import trained
from nnunet_skipstudy.analysis.measuring.columns import groups
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.explain import ATTENTION, FIELD, SUSCEPTIBILITY, TABLE
from nnunet_skipstudy.support.tables import ROW, read_rows

PLACE = ["part", "depth"]
MEASURES = ["hellinger", "hellinger_chance", "wasserstein"]
MASSES = ["mass_in_object", "object_share"]
FIELDS = ["effective_voxels", "theoretical_voxels", "field_share"]
SCORES = ["dsc", "dsc_level", "dsc_reference"]
_MODEL = ["dataset", "trainer", "plans", "configuration", "fold", "level"]
IDENTITY = {
    TABLE: [*_MODEL, "case", "label", "intervention", *PLACE, "strength"],
    SUSCEPTIBILITY: [*_MODEL, *PLACE],
    ATTENTION: [*_MODEL, "case", "depth"],
    FIELD: _MODEL,
}
"""By table the columns that no two rows agree in."""
TEXT = {TABLE: ["reference_level"], ATTENTION: ["picture"]}
MEASURED = {TABLE: SCORES, SUSCEPTIBILITY: MEASURES, ATTENTION: [*MASSES, "slice"], FIELD: FIELDS}
MAY_LACK = ("depth", "strength", "mass_in_object")
FILE = "file "
AGREEMENT = 0.01
"""How far the mean DSC of the same predictions may lie apart: another device changes a few voxels."""


def read_explained(folders: Sequence[Path], name: str, references: dict[str, Reference]) -> pd.DataFrame:
    """All tables of one name under folders, with their ``folder``, what trainers' names and data sets' folds tell.

    Raises:
        UserError: there is none, one can't be read, lacks a column or a number, tells the same twice, or is of a data
            set or case that is not analyzed.
    """
    paths = [path for folder in folders for path in sorted(folder.rglob(name))]
    if not paths:
        raise UserError(f"{', '.join(map(str, folders))}: holds no {name}; give folders that 'skipstudy explain' wrote")
    table = pd.concat([_file(path, name) for path in dict.fromkeys(path.resolve() for path in paths)])
    table = table.reset_index(drop=True)
    if other := next((dataset for dataset in table["dataset"].unique() if dataset not in references), None):
        raise UserError(f"{name}: tells of {other}, of which no predictions are analyzed; leave it out (--explain)")
    _check(table, name, references)
    known = {trainer: trained(trainer) for trainer in table["trainer"].unique()}
    for column in ("architecture", "network", "seed"):
        table[column] = [known[trainer][column] for trainer in table["trainer"]]
    folds = [
        references[dataset].folds.get(fold, Fold())
        for dataset, fold in zip(table["dataset"], table["fold"], strict=True)
    ]
    return table.assign(training=[fold.training for fold in folds])


def _file(path: Path, name: str) -> pd.DataFrame:
    numbers = [*(column for column in IDENTITY[name] if column in MAY_LACK), *MEASURED[name]]
    columns = [*IDENTITY[name], *TEXT.get(name, []), *MEASURED[name]]
    rows = read_rows(path, columns, numbers)
    table = pd.DataFrame(rows, columns=[ROW, *columns], dtype=object)
    for column in numbers:
        table[column] = pd.to_numeric(table[column].replace("", np.nan)).astype(float)
    return table.assign(**{FILE: str(path), "folder": str(path.parent)})


def _check(table: pd.DataFrame, name: str, references: dict[str, Reference]) -> None:
    for column in MEASURED[name]:
        if column not in MAY_LACK:
            _refuse(table, table[column].isna(), f"has no {column}; write it anew with 'skipstudy explain'")
    for column in SCORES if name == TABLE else ():
        wrong = ~table[column].between(0, 1)
        _refuse(
            table, wrong, f"has a {column} that is no share between 0 and 1; write it anew with 'skipstudy explain'"
        )
    if "case" in table:
        places = zip(table["dataset"], table["case"], strict=True)
        unknown = np.array([case not in references[dataset].cases for dataset, case in places], bool)
        _refuse(table, unknown, "tells of a case without a label here; explain those that are analyzed")
    twice = table.duplicated(IDENTITY[name])
    if twice.any():
        own = table[IDENTITY[name]].fillna(-1)
        first = table[(own == own[twice].iloc[0]).all(axis=1)].iloc[0]
        _refuse(table, twice, f"tells the same as row {first[ROW]} of {first[FILE]}; leave one of them out (--explain)")


def _refuse(table: pd.DataFrame, wrong: Any, why: str) -> None:
    """Stop at the first wrong row. Raises UserError: there is one."""
    if wrong.any():
        row = table[wrong].iloc[0]
        raise UserError(f"{row[FILE]}: row {row[ROW]} {why}")


def contradictions(scores: pd.DataFrame, cases: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """What was explained and isn't what was predicted: data set and sentence, one a training.

    Args:
        scores: explain.csv, by :func:`read_explained`.
        cases: of the analysis.
    """
    plain = scores[scores["intervention"] == "none"]
    place = [*_MODEL, "case", "label"]
    both = plain.merge(cases[[*place, "dsc"]], "left", place, suffixes=("", "_predicted"))
    for (dataset, trainer, plans, _, fold), rows in groups(both, *_MODEL[:-1]):
        who = f"{trainer} ({plans}) fold {fold} was explained, but"
        apart = (rows["dsc"] - rows["dsc_predicted"]).abs().groupby(rows["level"]).mean()
        if apart.isna().all():
            yield dataset, f"{who} has no predictions here of the same levels, cases and labels."
        elif apart.max() > AGREEMENT:
            yield (
                dataset,
                f"{who} its predictions at {apart.idxmax()} have another DSC than explaining found ({apart.max():.2f} "
                "apart on average): they are of another checkpoint, or other images or mirroring, so that what the "
                "section Why says is not of the network analyzed; explain or predict again.",
            )
