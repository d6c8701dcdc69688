"""Tables of scores: one row per prediction and label, measured by us (case_metrics.csv) or by anybody.

The columns ``case``, ``architecture`` and ``dsc`` are needed; :data:`FACTS`, the registry's metrics and
:data:`NUMBERS` may be added. An empty cell means: not known. Whoever calls them otherwise says so::

    skipstudy analyze scores.csv --columns dsc=Dice,architecture=model -o OUT
"""

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.inputs.references import BEYOND_SIZE
from nnunet_skipstudy.analysis.inputs.runs import lookalike
from nnunet_skipstudy.errors import UserError, nearest
from nnunet_skipstudy.metrics import Outcome
from nnunet_skipstudy.nnunet.trainer_name import LARGEST_SEED
from nnunet_skipstudy.registry import LEVELS, METRICS, UNPERTURBED
from nnunet_skipstudy.support.tables import ROW, read_cells, read_rows

NEEDED: tuple[str, ...] = ("architecture", "case", "dsc")
FACTS: tuple[str, ...] = (
    *("dataset", "architecture", "trainer", "plans", "configuration", "fold", "seed", "level", "case", "group"),
    *("label", "outcome", "trained_on", "training"),
)
NUMBERS: tuple[str, ...] = ("disparity", *BEYOND_SIZE, "reference_size", "predicted_size", "image_size", "diagonal")
DEFAULTS: dict[str, str] = {"level": UNPERTURBED, "label": "foreground"}
"""Of columns that a table doesn't have; all others are empty then."""
FILLED: tuple[str, ...] = ("dataset", "architecture", "level", "case", "label")
"""Columns that, where they are there, have no empty cells."""
MODEL = ("architecture", "trainer", "plans", "configuration")
IDENTITY: tuple[str, ...] = ("dataset", *MODEL, "fold", "seed", "level", "case", "label")
"""No two rows agree in all of these."""
FILE = "file "
THEIRS = "theirs"
"""Of a table's attributes: its own names of columns, for messages."""
MOST_VOXELS = 2**53
"""Beyond, whole numbers are not told apart."""
ROUNDING = 1e-6
"""How far a share may lie beyond 1: as 32-bit numbers do."""


def known_columns() -> tuple[str, ...]:
    """Every column that is read, by our names."""
    return (*FACTS, *METRICS, *NUMBERS)


def names_of(words: Iterable[str], known: Collection[str], option: str) -> dict[str, str]:
    """Ours → theirs, of ``ours=theirs`` separated by commas, in quotes where a name has a comma.

    ``words`` are the ``option``'s values, ``known`` our names (empty: any).

    Raises:
        UserError: an entry has no ``=``, an unknown name, or one name twice.
    """
    found: dict[str, str] = {}
    for entry in (entry.strip() for line in csv.reader(words, skipinitialspace=True) for entry in line):
        ours, sign, theirs = (part.strip() for part in entry.partition("="))
        if not (ours and sign and theirs):
            raise UserError(f"{option} {entry!r}: give our name and the table's, such as dsc=Dice, separated by commas")
        if known and ours not in known:
            raise UserError(f"{option} {entry!r}: {ours!r} is none of our names; {nearest(ours, known)}")
        if ours in found or theirs in found.values():
            raise UserError(f"{option} {entry!r}: the name is given twice; give each once")
        found[ours] = theirs
    return found


def is_score_table(path: Path) -> bool:
    """Whether a table holds scores, not folders of predictions."""
    cells, _ = read_cells(path)
    header = set(cells[0]) if cells else set()
    return "predictions" not in header and bool(header & {"case", *METRICS})


def read_scores(
    paths: Sequence[Path],
    columns: Mapping[str, str],
    renamed: Mapping[str, Mapping[str, str]],
    defaults: Mapping[str, str],
) -> pd.DataFrame:
    """Read tables of scores.

    Args:
        paths: the files; together they are one table.
        columns: their names of columns by ours; others are called as ours.
        renamed: their names of levels and architectures by ours, by column.
        defaults: of columns that no file has, besides :data:`DEFAULTS`.

    Returns:
        One row per prediction and label, in their order: :data:`FACTS` as text (``seed`` a whole number or NA), the
        metrics that a file has and :data:`NUMBERS` as numbers (distances may be infinite), and where each row stands.

    Raises:
        UserError: a column or cell lacks or can't be meant, or two rows are the same prediction's.
    """
    named = {"dataset": paths[0].name.partition(".")[0] if len(paths) == 1 else "scores", **DEFAULTS, **defaults}
    table = pd.concat([_file(path, columns, named, defaults) for path in paths], ignore_index=True)
    table.attrs[THEIRS] = dict(columns)
    if table.empty:
        raise UserError(f"{paths[0]}: has no rows; add one per prediction")
    _check_filled(table)
    for column, names in renamed.items():
        table[column] = _renamed(table, column, names)
    table["level"] = _levels(table)
    for column in ("dataset", "architecture", "level", "label"):
        _check_alike(table, column)
    known = [outcome.value for outcome in Outcome]
    refuse(table, ~table["outcome"].isin(["", *known]), "outcome", f"make it one of {', '.join(known)}, or empty")
    table["seed"] = _seeds(table)
    table["fold"] = table["fold"].str.replace(r"^(\d+)\.0+$", r"\1", regex=True)
    for column in (*METRICS, *NUMBERS):
        if column in table:
            table[column] = _numbers(table, column)
    _check_twice(table)
    _check_constant(table, ("dataset", "case"), "group")
    for column in ("disparity", *BEYOND_SIZE):
        _check_constant(table, ("dataset", "case", "level"), column)
    return table


def _file(path: Path, columns: Mapping[str, str], defaults: Mapping[str, str], given: Collection[str]) -> pd.DataFrame:
    if not path.is_file():
        raise UserError(f"{path}: no such table of scores; give files, or one folder of predictions")
    header = (read_cells(path)[0] or [[]])[0]
    theirs = {ours: columns.get(ours, ours) for ours in known_columns()}
    for ours, name in columns.items():
        if name not in header:
            raise UserError(f"{path}: has no column {name!r} for {ours}; it has {', '.join(filter(None, header))}")
    for ours in NEEDED:
        if theirs[ours] not in header and ours not in defaults:
            others = {name.casefold(): name for name in header if name and name not in known_columns()}
            hint = [others[name] for name in get_close_matches(ours, others, n=1, cutoff=0.5)]
            raise UserError(
                f"{path}: has no column {theirs[ours]!r}; say which one holds it with --columns "
                f"{ours}={hint[0] if hint else 'NAME'} (it has {', '.join(filter(None, header))})"
            )
    for ours in given:
        if theirs[ours] in header:
            raise UserError(f"{path}: has a column {theirs[ours]!r}, which says it for each row; leave out --{ours}")
    numbers = [theirs[ours] for ours in (*NUMBERS, "seed") if theirs[ours] in header]
    scores = [theirs[ours] for ours in METRICS if theirs[ours] in header]
    rows = read_rows(path, (), (), [*numbers, *scores])
    table = pd.DataFrame(
        {
            ours: [row[name] for row in rows] if name in header else [defaults.get(ours, "")] * len(rows)
            for ours, name in theirs.items()
            if name in header or ours in FACTS
        },
        dtype=object,
    )
    return table.assign(**{FILE: str(path), ROW: [row[ROW] for row in rows]})


def refuse(table: pd.DataFrame, wrong: pd.Series, column: str, remedy: str) -> None:
    """Stop at the first wrong row. Raises UserError: there is one; names file, row, value, and the file's column."""
    if wrong.any():
        row = table[wrong].iloc[0]
        name = table.attrs.get(THEIRS, {}).get(column, column)
        raise UserError(f"{row[FILE]}: row {row[ROW]} has the {name} {str(row[column])[:40]!r}; {remedy}")


def _check_filled(table: pd.DataFrame) -> None:
    for column in FILLED:
        refuse(table, table[column] == "", column, "fill the cell")
    for column in ("trainer", "plans", "configuration", "fold", "seed"):
        by_network = table.groupby(["dataset", "architecture"])[column]
        some = by_network.transform(lambda cells: (cells == "").any() and (cells != "").any())
        refuse(
            table, some.astype(bool) & (table[column] == ""), column, "fill the cell: other rows of the network have it"
        )


def _renamed(table: pd.DataFrame, column: str, names: Mapping[str, str]) -> pd.Series:
    present = set(table[column])
    for ours, theirs in names.items():
        if theirs not in present:
            raise UserError(
                f"--{column}s {ours}={theirs}: no row has the {column} {theirs!r}; {nearest(theirs, present)}"
            )
        if ours in present and ours not in names.values():
            raise UserError(
                f"--{column}s {ours}={theirs}: rows have the {column} {ours!r}, too; give them another name"
            )
    return table[column].replace({theirs: ours for ours, theirs in names.items()})


def _levels(table: pd.DataFrame) -> pd.Series:
    """The levels, where a capital makes no other level, and a slip of the pen none either."""
    found = table["level"].map(lambda name: name.casefold() if name.casefold() in LEVELS else name)
    for name in found.unique():
        near = get_close_matches(name.casefold(), LEVELS, n=1, cutoff=0.8)
        if near and name not in LEVELS:
            remedy = f"spell it {near[0]}, or give a level of your own a name that is less alike"
            refuse(table, found == name, "level", remedy)
    return found


def _check_alike(table: pd.DataFrame, column: str) -> None:
    """Refuse names that look alike, which nobody gives to two things. Raises UserError: there are some."""
    if pair := lookalike(table[column].unique()):
        name, earlier = pair
        refuse(table, table[column] == name, column, f"another row has {earlier!r}: spell them alike")


def _seeds(table: pd.DataFrame) -> pd.Series:
    seeds = table["seed"].astype(str).str.replace(r"\.0+$", "", regex=True)
    whole = seeds.str.fullmatch(r"[0-9]{1,18}") & (pd.to_numeric(seeds, errors="coerce").fillna(0) <= LARGEST_SEED)
    refuse(table, (seeds != "") & ~whole.astype(bool), "seed", "make it a whole number or empty")
    return pd.to_numeric(seeds.where(seeds != "", None)).astype("Int64")


def _numbers(table: pd.DataFrame, column: str) -> pd.Series:
    """A column's numbers, NaN for none, within what the column can hold."""
    values = pd.to_numeric(table[column].where(table[column] != "", None)).astype(float)
    row = METRICS.get(column)
    if row and row.bounded:
        refuse(
            table, (values < 0) | (values > 1 + ROUNDING), column, "make it a share between 0 and 1, not a percentage"
        )
        return values.clip(upper=1)
    if row and row.signed:
        refuse(table, values < -1 - ROUNDING, column, "make it a share of the reference's volume, -1 or more")
    elif column not in ("disparity", "disparity_excess"):
        refuse(table, values < 0, column, "make it 0 or more")
    if not (row and row.unit):
        refuse(table, values == np.inf, column, "make it a finite number or empty")
    if column.endswith("_size"):
        refuse(table, (values % 1 > 0) | (values > MOST_VOXELS), column, "make it a whole number of voxels")
    return values


def _check_twice(table: pd.DataFrame) -> None:
    twice = table.duplicated(list(IDENTITY), keep="first")
    if twice.any():
        place = int(np.flatnonzero(twice)[0])
        row = table.iloc[place]
        numbers = table.groupby(list(IDENTITY), sort=False, dropna=False).ngroup()
        first = table[numbers == numbers.iloc[place]].iloc[0]
        what = ", ".join(f"{name} {row[name]}" for name in ("architecture", "fold", "seed", "level", "case", "label")
                         if str(row[name]) not in ("", "<NA>"))  # fmt: skip
        raise UserError(
            f"{row[FILE]}: row {row[ROW]} is the same prediction as row {first[ROW]} of {first[FILE]} ({what}); remove "
            "one, or tell them apart by a column: "
            f"{', '.join(name for name in IDENTITY if name not in ('case', 'architecture'))}"
        )


def _check_constant(table: pd.DataFrame, keys: Sequence[str], column: str) -> None:
    if column not in table:
        return
    first = table.groupby(list(keys), sort=False)[column].transform("first")
    other = (table[column] != first) & ~(table[column].isna() & first.isna())
    refuse(
        table, other, column, f"another row of the {keys[-1]} has {str(first[other].iloc[0]) if other.any() else ''!r}"
    )


def differing_cases(table: pd.DataFrame) -> pd.DataFrame:
    """Cases and labels that trainings lack, which others of the same data set, training set and fold were tested on.

    One row per training, level, label and case that lacks: ``dataset``, ``case``, and ``words`` that tell it.
    """
    lacking = []
    for (dataset, _, fold), rows in table.groupby(["dataset", "training", "fold"], sort=False):
        every = dict.fromkeys(zip(rows["case"], rows["label"], strict=True))
        for (name, _, _, _, seed, level), own in rows.groupby([*MODEL, "seed", "level"], sort=False, dropna=False):
            if len(own) < len(every):
                of_seed = "" if str(seed) in ("nan", "<NA>") else f" seed {seed}"
                words = f"{name}{of_seed}{f' fold {fold}' if fold else ''} at {level}"
                held = set(zip(own["case"], own["label"], strict=True))
                lacking += [
                    (dataset, case, words + (f", label {label}" if rows["label"].nunique() > 1 else ""))
                    for case, label in every
                    if (case, label) not in held
                ]
    return pd.DataFrame(lacking, columns=["dataset", "case", "words"])


def uneven(table: pd.DataFrame) -> list[str]:
    """Sentences on networks that were tested at fewer levels, or on other cases, than others of a data set."""
    found = []
    for dataset, rows in table.groupby("dataset", sort=False):
        levels = list(dict.fromkeys(rows["level"]))
        trainings = rows.groupby([*MODEL, "fold", "seed"], dropna=False)
        missing = [
            f"{' '.join(str(word) for word in (names[0], *names[4:]) if str(word) not in ('', 'nan', '<NA>'))}: "
            f"{', '.join(level for level in levels if level not in set(own['level']))}"
            for names, own in trainings
            if own["level"].nunique() < len(levels)
        ]
        if missing:
            found.append(
                f"{len(missing)} trainings of {dataset} have no scores at some level ({'; '.join(missing[:5])}"
                f"{'; …' if len(missing) > 5 else ''}); what joins the levels, or compares networks at these, goes "
                "without them."
            )
        cases = rows.groupby([*MODEL], sort=False)["case"].nunique()
        if cases.nunique() > 1:
            counts = ", ".join(f"{names[0]} {n}" for names, n in zip(cases.index.to_list(), cases, strict=True))
            found.append(
                f"the networks of {dataset} were tested on different cases ({counts}): their means are over different "
                "cases, their differences over common ones."
            )
    return found
