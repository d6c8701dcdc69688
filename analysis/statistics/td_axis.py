"""How a metric follows texture disparity (TD): by which measure, the line, and how TD itself follows object size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import rankdata

from nnunet_skipstudy.analysis.measuring.columns import groups
from nnunet_skipstudy.analysis.statistics.bootstrap import CONFIDENCE, MIN_GROUPS, SEED, Floats
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
Indices = npt.NDArray[np.int64]
MAX_POINTS = 3000
"""More points than this are thinned, evenly along TD: the estimate takes the slopes of all pairs of points."""
MAX_RESAMPLED = 400
"""More points than this are thinned likewise for the interval, which goes through all pairs in every resample."""
N_RESAMPLES = 400


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


@dataclass(frozen=True)
class Slope:
    """Theil and Sen's line: ``slope`` is the median of the slopes of all pairs of points.

    ``intercept`` makes the median residual 0. ``low`` and ``high``: 95 % cluster bootstrap percentiles, NaN without
    groups. ``n_points`` the line was taken from, after thinning. All NaN where TD doesn't vary. A positive slope of
    the DSC: better the further object and surroundings are apart in texture.
    """

    slope: float
    intercept: float
    low: float
    high: float
    n_points: int


class TdLine(NamedTuple):
    """A network's DSC over TD: (case, level) each, and the line through all of them."""

    disparity: Floats
    values: Floats
    fit: Slope


def theil_sen(disparity: Floats, values: Floats, codes: Indices | None = None) -> Slope:
    """The line through all points without a NaN; ``codes``: each point's group, for the interval; ``None``: none."""
    known = np.flatnonzero(~np.isnan(disparity) & ~np.isnan(values))
    known = _thinned(known[np.argsort(disparity[known], kind="stable")], MAX_POINTS)
    x, y = disparity[known], values[known]
    slopes = _slopes(x, y)[0]
    if not len(slopes):
        return Slope(np.nan, np.nan, np.nan, np.nan, len(known))
    slope = float(np.median(slopes))
    low, high = np.nan, np.nan
    if codes is not None:
        low, high = _interval(x, y, codes[known], slope)
    return Slope(slope, float(np.median(y - slope * x)), low, high, len(known))


def _thinned(points: Indices, most: int) -> Indices:
    return points if len(points) <= most else points[np.linspace(0, len(points) - 1, most).round().astype(int)]


def _slopes(x: Floats, y: Floats) -> tuple[Floats, Indices, Indices]:
    """The slopes of all pairs of points that lie apart in ``x``, which is sorted; and the pairs."""
    first, second = np.triu_indices(len(x), 1)
    apart = x[second] - x[first]
    pairs = apart > 1e-12
    first, second = first[pairs], second[pairs]
    return (y[second] - y[first]) / apart[pairs], first, second


def _interval(x: Floats, y: Floats, codes: Indices, slope: float) -> tuple[float, float]:
    """Percentiles of the weighted median slope: a pair counts as often as both its points were drawn.

    Where points are thinned for it, the percentiles are moved by as much as that moves the slope itself.
    """
    chosen = _thinned(np.arange(len(x)), MAX_RESAMPLED)
    names, own = np.unique(codes[chosen], return_inverse=True)
    slopes, first, second = _slopes(x[chosen], y[chosen])
    if len(names) < MIN_GROUPS or not len(slopes):
        return float("nan"), float("nan")
    order = np.argsort(slopes, kind="stable")
    ordered, first, second = slopes[order], own[first[order]], own[second[order]]
    rng = np.random.default_rng(SEED)
    medians = []
    for drawn in rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=N_RESAMPLES):
        weights = np.cumsum(drawn[first] * drawn[second])
        if weights[-1]:
            medians.append(ordered[np.searchsorted(weights, weights[-1] / 2)])
    low, high = np.quantile(medians, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    moved = slope - float(np.median(slopes))
    return float(low) + moved, float(high) + moved
