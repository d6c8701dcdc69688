"""Which measure of texture disparity (TD) slopes go by, and how both follow the size of the object."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from nnunet_skipstudy.analysis.measuring.columns import groups
from nnunet_skipstudy.levels.moves import Move, level_moves
from nnunet_skipstudy.registry import EXCESS, STUDYS_TD, UNPERTURBED, in_order
from nnunet_skipstudy.texture.disparity import TOLD_APART

VALUE, MEASURE = "td", "td_measure"
"""The columns of the table of cases that :func:`with_axis` adds."""
TD_WORDS: dict[str, str] = {EXCESS: "TD excess", STUDYS_TD: "TD"}
FOLLOWS_SIZE = 0.3
"""From such a rank correlation of TD with the size of objects on, the reader is told."""
MIN_CASES = 5
"""Of fewer cases a correlation says nothing."""


class SizeRow(NamedTuple):
    """How TD lies at a level and goes with size; what isn't known is NaN.

    Medians; the shares of cases that are told apart, and that lie on the side of the next level that the level's name
    says; rank correlations with size.
    """

    level: str
    n_cases: int
    value: float
    excess: float
    told_apart: float
    as_named: float
    value_with_size: float
    excess_with_size: float


def with_axis(
    cases: pd.DataFrame, asked: str | None, sorted_by: Mapping[str, str]
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table of cases with what slopes go by, and a remark for each data set whose excess is asked for but lacks.

    Args:
        cases: the table.
        asked: the measure for all data sets; None: by which each one's cases are sorted, else the excess. The tables
            hold no other value than the study's, which stands in for other definitions.
        sorted_by: the measure by data set.

    Returns:
        The table with :data:`VALUE` and :data:`MEASURE`, and the remarks. One measure a data set: a data set of which
        some TD has no excess goes by the value throughout.
    """
    parts, remarks = [], []
    for (dataset,), rows in groups(cases, "dataset"):
        wanted = asked or sorted_by.get(dataset) or EXCESS
        known = rows[rows["disparity"].notna()]
        lacking = known if "disparity_excess" not in known else known[known["disparity_excess"].isna()]
        measure = EXCESS if wanted == EXCESS and len(known) and lacking.empty else STUDYS_TD
        if wanted == EXCESS and len(lacking):
            remarks.append(
                f"{dataset}: slopes on texture disparity (TD) go by its value, in which the object's size has a part: "
                f"the tables say no excess of {len(lacking[['case', 'level']].drop_duplicates())} images, as those of "
                "version 0.1 don't; 'skipstudy disparity' measures it, into disparity.csv beside the labels."
            )
        parts.append(rows.assign(td=rows["disparity_excess" if measure == EXCESS else "disparity"], td_measure=measure))
    return pd.concat(parts).loc[cases.index] if parts else cases, tuple(remarks)


def on_axis(rows: pd.DataFrame) -> pd.Series:
    """What slopes go by; the value where nothing was chosen."""
    return rows[VALUE if VALUE in rows else "disparity"]


def axis_measure(rows: pd.DataFrame) -> str:
    """The measure of :func:`on_axis`, of rows of one data set."""
    return str(rows[MEASURE].iloc[0]) if MEASURE in rows and len(rows) else STUDYS_TD


def size_rows(cases: pd.DataFrame) -> list[SizeRow]:
    """A row a level of one data set's cases that have a TD; an object's size is its share of the image."""
    known = cases[cases["disparity"].notna() & (cases["image_size"] > 0)]
    sizes = known.drop_duplicates(["level", "case", "label"]).groupby(["level", "case"], sort=False)
    table = sizes[["disparity", "disparity_excess", "disparity_percentile"]].first()
    table["size"] = sizes["reference_size"].sum() / sizes["image_size"].first()
    found, named = [], {move.level: move.as_named for move in moves_of(cases)}
    for level in in_order(table.index.unique("level")):
        at = table.loc[level]
        apart = at["disparity_percentile"].dropna() > TOLD_APART
        found.append(
            SizeRow(
                level,
                len(at),
                float(at["disparity"].median()),
                float(at["disparity_excess"].median()),
                float(apart.mean()) if len(apart) else np.nan,
                np.nan if (share := named.get(level)) is None else share,
                *(rank_correlation(at[name], at["size"]) for name in ("disparity", "disparity_excess")),
            )
        )
    return found


def moves_of(cases: pd.DataFrame) -> list[Move]:
    """How each perturbed level of one data set moved TD, see :func:`~nnunet_skipstudy.levels.moves.level_moves`."""
    known = cases[cases["disparity"].notna()].drop_duplicates(["level", "case"])
    places = list(known[["level", "case", "disparity"]].itertuples(index=False, name=None))
    unperturbed = {case: value for level, case, value in places if level == UNPERTURBED}
    rows = [
        {"level": level, "case": case, "disparity": value, "parameters": ""}
        for level, case, value in places
        if level != UNPERTURBED
    ]
    return level_moves(rows, unperturbed)


def rank_correlation(values: pd.Series, others: pd.Series) -> float:
    """Spearman's, over the places where both are known; NaN of fewer than :data:`MIN_CASES`, or where one is flat."""
    both = pd.DataFrame({"one": values, "other": others}).astype(float).dropna()
    if len(both) < MIN_CASES or both.nunique().min() < 2:
        return float("nan")
    return float(np.corrcoef(rankdata(both["one"]), rankdata(both["other"]))[0, 1])
