"""Who is first over all networks at once, and how surely: Friedman, cliques, and ranks under resampling."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import stats

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.bootstrap import CONFIDENCE, SEED, Floats, divide
from nnunet_skipstudy.analysis.statistics.estimates import TRAININGS
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, named
from nnunet_skipstudy.analysis.statistics.setting import metric_index
from nnunet_skipstudy.analysis.statistics.verdict import SIGNIFICANT
from nnunet_skipstudy.registry import METRICS

MIN_BLOCKS = 10
"""Friedman's chi-squared distribution is an approximation for many blocks; with fewer no p-value is given."""
N_DRAWS = 20
"""Of names exchanged, see :func:`equal_networks`; each has ``N_RESAMPLES`` resamples."""
MIN_NETWORKS = 3
"""For two networks the signed-rank test says it all."""
N_RESAMPLES = 500


@dataclass(frozen=True)
class Ranking:
    """Networks ranked within each block (group of cases), 1 the best, ties averaged.

    ``statistic`` and ``p_value`` of Friedman's test, NaN where there are too few blocks or networks; ``method`` says
    so. ``apart``: (network, network), Wilcoxon's signed-rank p-value of each pair after Holm's correction, NaN where
    none could be made.
    """

    n_blocks: int
    mean_ranks: Floats
    statistic: float
    p_value: float
    apart: Floats
    method: str

    @property
    def order(self) -> list[int]:
        """The networks' positions, best mean rank first."""
        return [int(index) for index in np.argsort(self.mean_ranks, kind="stable")]

    @property
    def cliques(self) -> list[tuple[int, ...]]:
        """The largest sets of networks that are not told apart, see :func:`cliques`."""
        return cliques(self.mean_ranks, self.apart)


def rank_networks(values: Floats, apart: Floats, lower_is_better: bool = False) -> Ranking:
    """Mean ranks and Friedman's test, as in Demšar (2006); pairs by Wilcoxon and Holm (Benavoli et al. 2016).

    Args:
        values: (block, network); blocks with a missing value are left out.
        apart: p-values of pairs, as in :class:`Ranking`. Ranks averaged over all networks, as Nemenyi's test compares
            them, would let a third network decide whether two differ.
        lower_is_better: for distances.
    """
    complete = np.round(values[~np.isnan(values).any(axis=1)], 12)
    n, k = complete.shape
    if not n:
        return Ranking(0, np.full(k, np.nan), np.nan, np.nan, apart, "none: no complete block")
    mean_ranks: Floats = stats.rankdata(complete if lower_is_better else -complete, axis=1).mean(axis=0)
    if k < MIN_NETWORKS or n < MIN_BLOCKS:
        what = f"{k} networks" if k < MIN_NETWORKS else f"{n} blocks"
        return Ranking(n, mean_ranks, np.nan, np.nan, apart, f"none: {what} are too few")
    if not np.ptp(complete, axis=1).any():
        return Ranking(n, mean_ranks, np.nan, np.nan, apart, "none: no block differs")
    statistic, p_value = stats.friedmanchisquare(*complete.T)
    return Ranking(n, mean_ranks, float(statistic), float(p_value), apart, "Friedman chi-squared")


def cliques(mean_ranks: Floats, apart: Floats) -> list[tuple[int, ...]]:
    """The bars of a rank diagram: the largest sets of neighbours in rank of which no two are told apart.

    Sets within another set, and single networks, have no bar: where all differ there is none. Positions in
    ``mean_ranks`` by rank, best bar first.
    """
    order = [int(index) for index in np.argsort(mean_ranks, kind="stable")]
    found: list[tuple[int, ...]] = []
    reached = 0
    for start in range(len(order)):
        end = start + 1
        while end < len(order) and not (apart[order[end], order[start:end]] < SIGNIFICANT).any():
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

    ``means``: (row, network) of a cluster bootstrap: the data, then ``n_resamples`` resamples, then others.
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


def equal_networks(values: Floats, n_resamples: int, lower_is_better: bool = False) -> tuple[float, float]:
    """The yardstick of :func:`stability`: what networks that are all alike would give on these cases.

    ``values`` are (block, network); names are exchanged at random within each block. The agreement, and the share of
    resamples that the most frequent first has; means over :data:`N_DRAWS`.
    """
    complete = values[~np.isnan(values).any(axis=1)]
    rng = np.random.default_rng(SEED)
    n = len(complete)
    weights = np.concatenate([np.ones((1, n)), rng.multinomial(n, np.full(n, 1 / n), size=n_resamples)])
    drawn = [
        stability(weights @ rng.permuted(complete, axis=1) / n, n_resamples, lower_is_better) for _ in range(N_DRAWS)
    ]
    agreements = [found.agreement for found in drawn if np.isfinite(found.agreement)]
    return (
        float(np.mean(agreements)) if agreements else float("nan"),
        float(np.mean([found.share_first.max() for found in drawn])),
    )


@dataclass(frozen=True)
class LevelRanking:
    """The eligible networks of a setting ranked by one metric at one level.

    ``by_chance``: of :func:`equal_networks`, of the DSC; else NaN.
    """

    dataset: str
    training: str
    label: str
    metric: str
    level: str
    networks: tuple[NetworkKey, ...]
    ranking: Ranking
    stability: Stability
    by_chance: tuple[float, float]


def level_rankings(data: Resampled) -> Iterator[LevelRanking]:
    """Rank the networks at every level and by every metric, where there are at least two."""
    chosen, setting = data.setting.ranked, data.setting
    if len(chosen) < 2:
        return
    by_group = setting.group_means(data.values[:, chosen])
    for level, level_name in enumerate(data.levels):
        for metric, metric_name in enumerate(METRICS):
            means = data.means[:, chosen, level, metric]
            if np.isnan(means).any() or METRICS[metric_name].signed:
                continue
            lower = METRICS[metric_name].lower_is_better
            of_groups = by_group[:, :, level, metric]
            yield LevelRanking(
                setting.dataset,
                setting.training,
                setting.label,
                metric_name,
                level_name,
                tuple(setting.networks[i] for i in chosen),
                rank_networks(of_groups, data.rank_tests[level, metric].matrix(len(chosen)), lower),
                stability(means, data.bootstrap.n_resamples, lower),
                equal_networks(of_groups, N_RESAMPLES, lower) if metric_name == "dsc" else (math.nan, math.nan),
            )


def ranking_rows(data: Resampled, found: LevelRanking) -> Iterator[Row]:
    """Rows of one level's ranking."""
    ranking, stable = found.ranking, found.stability
    values = data.values[:, data.setting.ranked, data.levels.index(found.level), metric_index(found.metric)]
    blocks = {"n_groups": ranking.n_blocks}
    resamples = data.counts(values.sum(axis=1))  # NaN where a network has no value

    def row(quantity: str, test: str, *parts: Row, **numbers: float) -> Row:
        made = {"n_networks": len(found.networks), "scope": TRAININGS, "test": test}
        for part in parts:
            made |= part
        made |= {name: float(number) for name, number in numbers.items()}
        return data.facts(found.metric, found.level, quantity) | made

    yield row("friedman", ranking.method, blocks, statistic=ranking.statistic, p_value=ranking.p_value)
    for index, key in enumerate(found.networks):
        rank = ranking.mean_ranks[index]
        yield row("mean_rank", "ranked within each group of cases", named(key), blocks, estimate=rank)
        ranks = {
            name: getattr(stable, at)[index] for name, at in (("estimate", "ranks"), ("low", "low"), ("high", "high"))
        }
        of_means = ("cluster bootstrap of the means", named(key), resamples)
        yield row("rank_of_mean", *of_means, **ranks)
        yield row("share_first", *of_means, estimate=stable.share_first[index])
    test = "mean Kendall tau of resamples' rankings with the data's"
    yield row("rank_agreement", test, resamples, estimate=stable.agreement)
    test = f"names exchanged at random within groups, {N_RESAMPLES} resamples each"
    agreement, first = found.by_chance
    if np.isfinite(first):
        yield row("rank_agreement_by_chance", test, blocks, estimate=agreement)
        yield row("share_first_by_chance", test, blocks, estimate=first)
