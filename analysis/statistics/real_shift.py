"""Whether what a test level costs a network tells what another hospital's images cost it: rank correlations.

Both changes are counted from one DSC in domain. That alone makes them correlate: of networks that differ by chance, the
changes of 12 correlate significantly in a third of all studies. So a level is said to tell of the real shift only where
networks of one DSC in domain are in the same order, too: the partial rank correlation.
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
REAL_SHIFT_COLUMNS: tuple[str, ...] = (
    *("dataset", "tested_on", "trained_on", "label", "level", "quantity", *PUBLISHED),
    *("estimate", "low", "high", "p_value", "n_networks"),
)


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rho of two things over ``n`` networks, and with a third held constant (``partial``).

    ``low``, ``high``: 95 % interval after Bonett and Wright (2000), none of a rho of 1. ``p``: two-sided. ``least``:
    the smallest rho of as many networks that is significant; infinite for none. NaN where networks are too few, or
    don't differ.
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

    ``domain``, ``elsewhere``: the rows of their mean DSC; ``changes``: of the mean DSC from in domain, by level and
    network; ``correlations`` of these with the change elsewhere; ``hardest``: the level that speaks first.
    """

    away: Setting
    domain: dict[NetworkKey, Row]
    elsewhere: dict[NetworkKey, Row]
    changes: dict[str, dict[NetworkKey, float]]
    correlations: dict[str, RankCorrelation]
    hardest: str

    def real_change(self, key: NetworkKey) -> float:
        """What the other data set's images cost a network, below 0."""
        return float(self.elsewhere[key]["estimate"] - self.domain[key]["estimate"])


def real_shifts(statistics: Statistics) -> Iterator[RealShift]:
    """Every setting of networks that were tested elsewhere, where they were tested at home, too."""
    homes = {(one.dataset, one.training, one.label): one for one in statistics.settings}
    for away in statistics.settings:
        trained = trained_and_tested(away.dataset)[0]
        home = homes.get((trained, away.training, away.label))
        if is_elsewhere(away.dataset) and home is not None and UNPERTURBED in home.levels:
            yield _real_shift(statistics, home, away)


def _real_shift(statistics: Statistics, home: Setting, away: Setting) -> RealShift:
    means = {level: statistics.by_network(home, "mean", level) for level in home.levels}
    elsewhere, domain = statistics.by_network(away, "mean", UNPERTURBED), means.pop(UNPERTURBED)
    both = [key for key in home.networks if _known(domain, key) and _known(elsewhere, key)]
    found = RealShift(
        *(away, {key: domain[key] for key in both}, {key: elsewhere[key] for key in both}),
        changes={
            level: {key: rows[key]["estimate"] - domain[key]["estimate"] for key in both if _known(rows, key)}
            for level, rows in means.items()
        },
        correlations={},
        hardest=hardest_level({level: _mean(rows) for level, rows in means.items()}) if means else "",
    )
    sound = {home.networks[index] for index in home.ranked} & {away.networks[index] for index in away.ranked}
    for level, changes in found.changes.items():
        keys = [key for key in both if key in sound and key in changes]
        columns = [(changes[key], found.real_change(key), float(domain[key]["estimate"])) for key in keys]
        found.correlations[level] = rank_correlation(*np.array(columns).reshape(-1, 3).T)
    return found


def _known(rows: dict[NetworkKey, Row], key: NetworkKey) -> bool:
    return key in rows and not math.isnan(rows[key]["estimate"])


def _mean(rows: dict[NetworkKey, Row]) -> float:
    return float(np.mean([row["estimate"] for row in rows.values()])) if rows else math.nan


def rank_correlation(changes: Floats, real: Floats, domain: Floats) -> RankCorrelation:
    """Compare two orders of networks.

    Args:
        changes: (network,), what a level costs each.
        real: (network,), what the real shift costs each.
        domain: (network,), the DSC that both are counted from.
    """
    n = len(real)
    rho, p, least = _correlation(stats.rankdata(changes), stats.rankdata(real), np.ones((1, n)))
    if n < FEWEST or math.isnan(rho):
        return RankCorrelation(n, *(math.nan,) * 7)
    low = high = partial = p_partial = math.nan
    if n >= FEWEST_FOR_MORE and abs(rho) < 1 - TINY:
        reach = stats.norm.ppf((1 + CONFIDENCE) / 2) * math.sqrt((1 + rho**2 / 2) / (n - 3))
        low, high = np.tanh(np.arctanh(rho) + np.array([-reach, reach]))
    if n >= FEWEST_FOR_MORE:
        at_level, away, held = (stats.rankdata(values) for values in (changes + domain, real + domain, domain))
        partial, p_partial, _ = _correlation(at_level, away, np.stack([np.ones(n), held]))
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
    for key in shift.domain:
        network = {**place, **dict(zip(PUBLISHED, key, strict=True))}
        for level, quantity, row in (
            (UNPERTURBED, "mean", shift.domain[key]),
            ("", "mean_elsewhere", shift.elsewhere[key]),
        ):
            yield {**network, "level": level, "quantity": quantity} | {k: row[k] for k in ("estimate", "low", "high")}
        yield {**network, "level": "", "quantity": "change_elsewhere", "estimate": shift.real_change(key)}
        for level, changes in shift.changes.items():
            if key in changes:
                yield {**network, "level": level, "quantity": "change", "estimate": changes[key]}
    for level, one in shift.correlations.items():
        at_level = {**place, "level": level, "n_networks": one.n}
        yield {
            **{**at_level, "quantity": "rank_correlation", "estimate": one.rho, "p_value": one.p},
            **{"low": one.low, "high": one.high},
        }
        yield {**at_level, "quantity": "partial_rank_correlation", "estimate": one.partial, "p_value": one.p_partial}
