"""Whether what a test level costs a network tells what another hospital's images cost it: rank correlations.

Both changes are counted from one DSC in domain. That alone makes them correlate: of networks that differ by chance, the
changes of 12 correlate significantly in a third of all studies. So a level is said to tell of the real shift only where
networks of one DSC in domain agree, too: in their ranks and in their values. Either alone errs in up to a tenth of all
studies of networks whose DSC in domain decides both (ranks: where it decides nearly all; values: along a curve).
"""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from nnunet_skipstudy.analysis.inputs.runs import is_elsewhere, trained_and_tested
from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED, NetworkKey
from nnunet_skipstudy.analysis.statistics.bootstrap import CONFIDENCE, Floats
from nnunet_skipstudy.analysis.statistics.hardest import hardest_level
from nnunet_skipstudy.analysis.statistics.resampled import Row
from nnunet_skipstudy.analysis.statistics.setting import Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.registry import UNPERTURBED

FEWEST = 4
"""Networks of which orders are compared; of 4 and fewer even equal orders may be chance."""
FEWEST_FOR_MORE = 6
"""Networks from which an interval covers, and a partial correlation errs, as often as they say (simulated)."""
MOST_EXACT = 8
"""Networks whose orders are all gone through; of more, p is that of t."""
TINY = 1e-9
AWAY = "(elsewhere)"
"""The other data set's unperturbed test images, among levels."""
REAL_SHIFT_COLUMNS: tuple[str, ...] = (
    *("dataset", "tested_on", "trained_on", "label", "level", "quantity", *PUBLISHED),
    *("estimate", "low", "high", "p_value", "n_networks"),
)


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rho of two things over ``n`` networks, and with a third held constant (``partial``).

    ``low``, ``high``: 95 % interval after Bonett and Wright (2000), none of a rho of 1. ``p``: two-sided;
    ``p_partial``: the larger one of the ranks' and the values' partial correlation, 1 where their signs differ.
    ``least``: the smallest rho of as many networks that is significant; infinite for none. NaN where networks are too
    few, or don't differ.
    """

    n: int
    rho: float
    low: float
    high: float
    p: float
    least: float
    partial: float
    p_partial: float

    @property
    def told(self) -> bool:
        """Whether neither correlation is chance, and both go one way."""
        alpha = 1 - CONFIDENCE
        return self.rho > 0 and self.partial > 0 and self.p <= alpha and self.p_partial <= alpha


@dataclass(frozen=True)
class RealShift:
    """Networks trained on one data set, tested on another one's images (``away``).

    ``means``: the rows of their mean DSC by level, and at :data:`AWAY`; ``correlations`` of each level's
    change with the one there; ``hardest``: the level that speaks first.
    """

    away: Setting
    means: dict[str, dict[NetworkKey, Row]]
    correlations: dict[str, RankCorrelation]
    hardest: str

    def change(self, key: NetworkKey, level: str) -> float:
        """What a network's mean DSC changes by from in domain, below 0 where it loses; NaN where it isn't known."""
        return _estimate(self.means[level], key) - _estimate(self.means[UNPERTURBED], key)


def _estimate(rows: dict[NetworkKey, Row], key: NetworkKey) -> float:
    return float(rows[key]["estimate"]) if key in rows else math.nan


def real_shifts(statistics: Statistics) -> Iterator[RealShift]:
    """Every setting of networks that were tested elsewhere, where they were tested at home, too."""
    homes = {(one.dataset, one.training, one.label): one for one in statistics.settings}
    for away in statistics.settings:
        home = homes.get((trained_and_tested(away.dataset)[0], away.training, away.label))
        if is_elsewhere(away.dataset) and home is not None and UNPERTURBED in home.levels:
            yield _real_shift(statistics, home, away)


def _real_shift(statistics: Statistics, home: Setting, away: Setting) -> RealShift:
    means = {level: statistics.by_network(home, "mean", level) for level in home.levels}
    means[AWAY] = statistics.by_network(away, "mean", UNPERTURBED)
    ranked = {away.networks[index] for index in away.ranked}
    sound = [home.networks[index] for index in home.ranked if home.networks[index] in ranked]
    correlations, over_networks = {}, {}
    for level in [level for level in home.levels if level != UNPERTURBED]:
        columns = np.array([[_estimate(means[at], key) for key in sound] for at in (level, AWAY, UNPERTURBED)])
        correlations[level] = rank_correlation(*columns[:, np.isfinite(columns).all(axis=0)])
        over_networks[level] = float(np.mean([row["estimate"] for row in means[level].values()]))
    return RealShift(away, means, correlations, hardest_level(over_networks) if over_networks else "")


def rank_correlation(level: Floats, away: Floats, domain: Floats) -> RankCorrelation:
    """Compare what a level costs networks with what another hospital's images cost them.

    Args:
        level: (network,), the mean DSC at the level.
        away: (network,), on the other images.
        domain: (network,), in domain, which both changes are counted from.
    """
    n, ranks = len(domain), stats.rankdata
    rho, p, least = _correlation(ranks(level - domain), ranks(away - domain), np.ones((1, n)))
    if math.isnan(rho):
        return RankCorrelation(n, *(math.nan,) * 7)
    low = high = partial = p_partial = math.nan
    if n >= FEWEST_FOR_MORE and abs(rho) < 1 - TINY:
        reach = stats.norm.ppf((1 + CONFIDENCE) / 2) * math.sqrt((1 + rho**2 / 2) / (n - 3))
        low, high = np.tanh(np.arctanh(rho) + np.array([-reach, reach]))
    if n >= FEWEST_FOR_MORE:
        partial, p_ranks, _ = _correlation(ranks(level), ranks(away), np.stack([np.ones(n), ranks(domain)]))
        of_values, p_values, _ = _correlation(level, away, np.stack([np.ones(n), domain]))
        agreement = partial * of_values
        p_partial = max(p_ranks, p_values) if agreement > 0 else math.nan if math.isnan(agreement) else 1.0
    return RankCorrelation(n, rho, float(low), float(high), p, least, partial, p_partial)


def _correlation(one: Floats, other: Floats, held: Floats) -> tuple[float, float, float]:
    """The correlation of what ``held``, (thing, network), doesn't tell; its p-value, and the smallest significant one.

    Up to :data:`MOST_EXACT` networks what is left of the one is put into every order against the other (Freedman and
    Lane 1983); of more, p is that of t. NaN where nothing is left.
    """
    n, df = len(one), len(one) - 1 - len(held)
    basis = np.linalg.qr(held.T)[0]
    rest = np.eye(n) - basis @ basis.T
    x, y = rest @ one, rest @ other
    if n < FEWEST or min(np.linalg.norm(x), np.linalg.norm(y)) < TINY:
        return math.nan, math.nan, math.nan
    rho = float(np.clip(x @ y / np.linalg.norm(x) / np.linalg.norm(y), -1, 1))
    if n > MOST_EXACT:
        t = stats.t.ppf((1 + CONFIDENCE) / 2, df)
        p = 2 * stats.t.sf(abs(rho) * math.sqrt(df / max(1 - rho**2, TINY)), df)
        return rho, float(p), float(t / math.sqrt(df + t**2))
    orders = np.array(list(itertools.permutations(y))) @ rest
    found = np.sort(np.abs(orders @ x) / np.maximum(np.linalg.norm(orders, axis=1), TINY) / np.linalg.norm(x))
    shares = 1 - np.searchsorted(found, [abs(rho) - TINY, *(found - TINY)]) / len(found)
    significant = found[shares[1:] <= 1 - CONFIDENCE + TINY]
    return rho, float(shares[0]), float(significant[0]) if len(significant) else math.inf


def real_shift_table(found: list[RealShift]) -> pd.DataFrame:
    """real_shift.csv: a row per network and level, and per correlation."""
    rows = [row for shift in found for row in _rows(shift)]
    table = pd.DataFrame(rows, columns=list(REAL_SHIFT_COLUMNS)).astype({"n_networks": "Int64"})
    return table.fillna(dict.fromkeys(PUBLISHED, ""))


def _rows(shift: RealShift) -> Iterator[Row]:
    trained, tested = trained_and_tested(shift.away.dataset)
    place = {"dataset": trained, "tested_on": tested, "trained_on": shift.away.training, "label": shift.away.label}
    for level, rows in shift.means.items():
        for key, row in rows.items():
            network = {**place, "level": level, **dict(zip(PUBLISHED, key, strict=True))}
            yield {**network, "quantity": "mean", **{name: row[name] for name in ("estimate", "low", "high")}}
            if level != UNPERTURBED:
                yield {**network, "quantity": "change", "estimate": shift.change(key, level)}
    for level, one in shift.correlations.items():
        found = {**place, "level": level, "n_networks": one.n}
        bounds = {"low": one.low, "high": one.high}
        yield {**found, "quantity": "rank_correlation", "estimate": one.rho, "p_value": one.p, **bounds}
        yield {**found, "quantity": "partial_rank_correlation", "estimate": one.partial, "p_value": one.p_partial}
