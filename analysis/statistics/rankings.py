"""All networks at once: ranks, tests of ranks, and how stable they are."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.estimates import TRAININGS
from nnunet_skipstudy.analysis.statistics.ranks import Ranking, Stability, equal_networks, rank_networks, stability
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, named
from nnunet_skipstudy.analysis.statistics.setting import metric_index
from nnunet_skipstudy.registry import METRICS

N_RESAMPLES = 500
"""Of each draw of equal networks."""


@dataclass(frozen=True)
class LevelRanking:
    """The eligible networks of a setting ranked by one metric at one level.

    ``by_chance``: of :func:`~nnunet_skipstudy.analysis.statistics.ranks.equal_networks`, of the DSC; else NaN.
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
        made = data.facts(found.metric, found.level, quantity) | {
            "n_networks": len(found.networks),
            "scope": TRAININGS,
            "test": test,
        }
        for part in parts:
            made |= part
        return made | {name: float(number) for name, number in numbers.items()}

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
