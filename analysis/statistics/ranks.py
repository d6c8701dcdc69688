"""Who is first over all networks at once, and how surely: Friedman, Nemenyi, and ranks under resampling."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from nnunet_skipstudy.analysis.statistics.bootstrap import CONFIDENCE, Floats, divide

MIN_BLOCKS = 10
"""Friedman's chi-squared distribution is an approximation for many blocks; with fewer no p-value is given."""
MIN_NETWORKS = 3
"""For two networks the signed-rank test says it all."""


@dataclass(frozen=True)
class Ranking:
    """Networks ranked within each block (group of cases), 1 the best, ties averaged.

    ``critical_difference``: mean ranks that lie at least so far apart differ (Nemenyi, family-wise 5 %).
    ``nemenyi``: p-value of each pair, (network, network). p-values and the difference are NaN where there are too
    few blocks or networks; ``method`` says so.
    """

    n_blocks: int
    mean_ranks: Floats
    statistic: float
    p_value: float
    critical_difference: float
    nemenyi: Floats
    method: str

    @property
    def order(self) -> list[int]:
        """The networks' positions, best mean rank first."""
        return [int(index) for index in np.argsort(self.mean_ranks, kind="stable")]

    @property
    def bars(self) -> list[tuple[int, ...]]:
        """The largest sets of networks that are not told apart, see :func:`bars`."""
        return bars(self.mean_ranks, self.critical_difference)


def rank_networks(values: Floats, lower_is_better: bool = False) -> Ranking:
    """Friedman's test and Nemenyi's comparison of all pairs.

    Args:
        values: (block, network); blocks with a missing value are left out.
        lower_is_better: for distances.

    Mean ranks and critical difference are as in Demšar (2006).
    """
    complete = np.round(values[~np.isnan(values).any(axis=1)], 12)
    n, k = complete.shape
    none = np.full((k, k), np.nan)
    if not n:
        return Ranking(0, np.full(k, np.nan), np.nan, np.nan, np.nan, none, "none: no complete block")
    mean_ranks: Floats = stats.rankdata(complete if lower_is_better else -complete, axis=1).mean(axis=0)
    if k < MIN_NETWORKS or n < MIN_BLOCKS:
        what = f"{k} networks" if k < MIN_NETWORKS else f"{n} blocks"
        return Ranking(n, mean_ranks, np.nan, np.nan, np.nan, none, f"none: {what} are too few")
    if not np.ptp(complete, axis=1).any():
        return Ranking(n, mean_ranks, np.nan, np.nan, np.nan, none, "none: no block differs")
    statistic, p_value = stats.friedmanchisquare(*complete.T)
    unit = np.sqrt(k * (k + 1) / (6 * n))
    apart = np.abs(mean_ranks[:, None] - mean_ranks)
    return Ranking(
        n,
        mean_ranks,
        float(statistic),
        float(p_value),
        float(stats.studentized_range.ppf(CONFIDENCE, k, np.inf) / np.sqrt(2) * unit),
        stats.studentized_range.sf(apart / unit * np.sqrt(2), k, np.inf),
        "Friedman chi-squared; Nemenyi",
    )


def bars(mean_ranks: Sequence[float] | Floats, critical_difference: float) -> list[tuple[int, ...]]:
    """The bars of a critical-difference diagram: the largest sets of networks that are not told apart.

    A bar joins neighbours in rank whose farthest two lie less than the critical difference apart. Sets within
    another set, and single networks, have no bar: where all differ there is none.

    Returns:
        Positions in ``mean_ranks`` by rank, best bar first.
    """
    order = [int(index) for index in np.argsort(mean_ranks, kind="stable")]
    found: list[tuple[int, ...]] = []
    reached = 0
    for start in range(len(order)):
        end = start
        while end < len(order) and mean_ranks[order[end]] - mean_ranks[order[start]] < critical_difference:
            end += 1
        if end - start > 1 and end > reached:
            found.append(tuple(order[start:end]))
            reached = end
    return found


@dataclass(frozen=True)
class Stability:
    """How a ranking by means holds under resampling.

    ``ranks``: of the data; ``low`` and ``high`` hold 95 % of the resamples' ranks; ``share_first``: of resamples in
    which a network is best, ties shared; ``agreement``: mean Kendall tau between a resample's ranking and the
    data's (1: always the same). After challengeR (Wiesenfarth et al. 2021).
    """

    ranks: Floats
    low: Floats
    high: Floats
    share_first: Floats
    agreement: float


def stability(means: Floats, n_resamples: int, lower_is_better: bool = False) -> Stability:
    """Rank the networks in every resample.

    Args:
        means: (row, network) of a cluster bootstrap: the data, then ``n_resamples`` resamples, then others.
        n_resamples: how many.
        lower_is_better: for distances.
    """
    rows = np.round(means[: 1 + n_resamples], 12)
    ranks: Floats = stats.rankdata(rows if lower_is_better else -rows, axis=1)
    first, others = ranks[0], ranks[1:]
    best = others == others.min(axis=1, keepdims=True)
    low, high = np.quantile(others, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2], axis=0)
    return Stability(first, low, high, (best / best.sum(axis=1, keepdims=True)).mean(axis=0), _kendall(first, others))


def _kendall(first: Floats, others: Floats) -> float:
    one, two = np.triu_indices(len(first), 1)
    ours = np.sign(first[one] - first[two])
    theirs = np.sign(others[:, one] - others[:, two])
    scale = np.sqrt((ours**2).sum() * (theirs**2).sum(axis=1))
    return float(np.nanmean(divide(theirs @ ours, scale))) if scale.any() else float("nan")
