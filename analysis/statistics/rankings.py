"""All networks at once: ranks, tests of ranks, and how stable they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.ranks import Ranking, Stability, rank_networks, stability
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, named
from nnunet_skipstudy.analysis.statistics.setting import metric_index
from nnunet_skipstudy.registry import METRICS


@dataclass(frozen=True)
class LevelRanking:
    """The eligible networks of a setting ranked by one metric at one level."""

    dataset: str
    training: str
    label: str
    metric: str
    level: str
    networks: tuple[NetworkKey, ...]
    ranking: Ranking
    stability: Stability


def level_rankings(data: Resampled) -> Iterator[LevelRanking]:
    """Rank the networks at every level and by every metric, where there are at least two."""
    chosen, setting = data.setting.ranked, data.setting
    if len(chosen) < 2:
        return
    by_group = setting.group_means(data.values[:, chosen])
    for level, level_name in enumerate(data.levels):
        for metric, metric_name in enumerate(METRICS):
            means = data.means[:, chosen, level, metric]
            if np.isnan(means).any():
                continue
            lower = METRICS[metric_name].lower_is_better
            yield LevelRanking(
                setting.dataset,
                setting.training,
                setting.label,
                metric_name,
                level_name,
                tuple(setting.networks[i] for i in chosen),
                rank_networks(by_group[:, :, level, metric], lower),
                stability(means, data.bootstrap.n_resamples, lower),
            )


def ranking_rows(data: Resampled, found: LevelRanking) -> Iterator[Row]:
    """Rows of one level's ranking."""
    ranking, stable = found.ranking, found.stability
    values = data.values[:, data.setting.ranked, data.levels.index(found.level), metric_index(found.metric)]
    complete = data.counts(values.sum(axis=1))  # NaN where a network has no value
    groups = {"n_groups": ranking.n_blocks}

    def facts(quantity: str) -> Row:
        return data.facts(found.metric, found.level, quantity)

    yield {
        **facts("friedman"),
        **groups,
        "n_networks": len(found.networks),
        "test": ranking.method,
        "statistic": ranking.statistic,
        "p_value": ranking.p_value,
    }
    yield {
        **facts("critical_difference"),
        **groups,
        "n_networks": len(found.networks),
        "estimate": ranking.critical_difference,
        "test": ranking.method,
    }
    for index, key in enumerate(found.networks):
        of_network = {**named(key), "n_networks": len(found.networks)}
        yield {
            **facts("mean_rank"),
            **of_network,
            **groups,
            "estimate": float(ranking.mean_ranks[index]),
            "test": "ranked within each group of cases",
        }
        resamples = {**complete, "test": "cluster bootstrap of the means"}
        yield {
            **facts("rank_of_mean"),
            **of_network,
            **resamples,
            "estimate": float(stable.ranks[index]),
            "low": float(stable.low[index]),
            "high": float(stable.high[index]),
        }
        yield {**facts("share_first"), **of_network, **resamples, "estimate": float(stable.share_first[index])}
    yield {
        **facts("rank_agreement"),
        "n_networks": len(found.networks),
        **complete,
        "estimate": stable.agreement,
        "test": "mean Kendall tau of resamples' rankings with the data's",
    }
    if np.isfinite(ranking.critical_difference):
        for first, other in combinations(range(len(found.networks)), 2):
            yield {
                **facts("nemenyi"),
                **named(found.networks[first]),
                **named(found.networks[other], "other_"),
                **groups,
                "n_networks": len(found.networks),
                "estimate": float(ranking.mean_ranks[first] - ranking.mean_ranks[other]),
                "test": "Nemenyi after Friedman, family-wise",
                "p_value": float(ranking.nemenyi[first, other]),
            }
