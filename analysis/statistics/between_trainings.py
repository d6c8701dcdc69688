"""How far the trainings of one network lie apart: which are replicates of each other, and the variance between them.

A network's mean moves with the cases that it was tested on, and with the training (seed, fold) that made its weights.
The second part can be seen where a network was trained several times and every training was tested on the same cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from nnunet_skipstudy.analysis.measuring.columns import network_keys
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, averaged, divide, nanmean
from nnunet_skipstudy.analysis.statistics.paired import training_numbers

Indices = npt.NDArray[np.int64]
MIN_NETWORKS = 3
"""So many networks have a typical variance."""


@dataclass(frozen=True)
class Between:
    """Of networks' means, or of what is made of them; arrays of one shape.

    ``variance``: what the trainings contribute to the squared standard error, s²/k for one network (s² as of
    :func:`guarded`); NaN where it can't be known. ``df``: its degrees of freedom, k - 1 for one network. ``k``:
    trainings, the fewest that took part.
    """

    variance: Floats
    df: Floats
    k: Indices

    def at(self, place: Any) -> "Between":
        """The part of each array at one place."""
        return Between(self.variance[place], self.df[place], self.k[place])


def replicate_numbers(rows: pd.DataFrame) -> Indices:
    """Each row's replicate within its network, from 0, aligned with ``rows``.

    Trainings that were tested on the same cases are replicates. Folds that were tested on cases of their own
    (cross-validation) cover the cases only together, so that all folds of one seed are one replicate. Where neither
    holds, a network's trainings are one, and nothing is known of the variance between them.
    """
    numbers = np.zeros(len(rows), dtype=np.int64)
    trainings = training_numbers(rows).to_numpy()
    seeds = pd.factorize(rows["seed"], use_na_sentinel=False)[0]
    networks = pd.factorize(pd.Series(network_keys(rows), dtype=object))[0]
    cases, levels = pd.factorize(rows["case"])[0], pd.factorize(rows["level"])[0]
    for network in range(networks.max(initial=-1) + 1):
        own = networks == network
        for unit in (trainings[own], seeds[own]):
            if _covers_alike(unit, cases[own], levels[own]):
                numbers[own] = pd.factorize(unit)[0]
                break
    return numbers


def _covers_alike(unit: Indices, cases: Indices, levels: Indices) -> bool:
    """Whether each unit has all of a level's cases at each level that it has."""
    table = pd.DataFrame({"unit": unit, "case": cases, "level": levels}).drop_duplicates()
    in_all = table.groupby("level")["case"].nunique()
    of_unit = table.groupby(["level", "unit"])["case"].nunique()
    return bool((of_unit == in_all.reindex(of_unit.index.get_level_values("level")).to_numpy()).all())


def deviations(values: Floats, at: Indices, numbers: Indices, shape: tuple[int, int, int, int]) -> Floats:
    """How far each replicate lies from the mean over replicates, case by case, averaged over the cases.

    Args:
        values: (row, metric).
        at: (3, row): each row's case, network and level.
        numbers: (row,): its replicate.
        shape: cases, replicates, networks, levels.

    Returns:
        (replicate, network, level, metric), NaN where a replicate has no value.
    """
    table = averaged(values, (at[0], numbers, at[1], at[2]), shape)
    return nanmean(table - nanmean(table, 1)[:, None], 0)


def with_mean_of_levels(strata: Sequence[Floats]) -> list[Floats]:
    """Deviations at each level, followed by those of the mean over levels; weighted for the mean over strata.

    Args:
        strata: (replicate, network, level, metric) of each training set; a level that none of its replicates has is
            no part of the mean.

    Returns:
        (replicate, network, level + 1, metric) each; NaN where a replicate lacks a level that others have.
    """
    present = np.stack([~np.isnan(stratum).all(axis=0) for stratum in strata])
    by_level = divide(present.astype(float), present.sum(axis=0).astype(float))
    n_levels = present.any(axis=0).sum(axis=1, keepdims=True)
    found = []
    for stratum, there, share in zip(strata, present, by_level, strict=True):
        weighted = np.where(there, stratum * np.where(there, share, 0), 0)
        mean = divide(weighted.sum(axis=2, keepdims=True), np.maximum(n_levels, 1).astype(float))
        absent = ~np.concatenate([there, there.any(axis=1, keepdims=True)], axis=1)
        found.append(np.where(absent, np.inf, np.concatenate([weighted, mean], axis=2)))  # inf: no part of it
    return found


def between(strata: Sequence[Floats]) -> Between:
    """The variance between trainings, (network, level, metric); ``strata`` of :func:`with_mean_of_levels`."""
    parts = []
    for stratum in strata:
        absent = np.isinf(stratum).all(axis=0)
        known = np.isfinite(stratum)
        k = known.sum(axis=0)
        mean = divide(np.where(known, stratum, 0).sum(axis=0), k.astype(float))
        squares = (np.where(known, stratum - np.nan_to_num(mean), 0) ** 2).sum(axis=0)
        variance = divide(guarded(divide(squares, k - 1.0), k), k.astype(float))
        parts.append(Between(np.where(absent, 0, variance), np.where(absent, np.inf, k - 1), np.where(absent, -1, k)))
    k = np.stack([part.k for part in parts])
    fewest = np.where(k < 0, np.iinfo(np.int64).max, k).min(axis=0)
    return replace(summed(parts), k=np.where((k < 0).all(axis=0), 0, fewest))


def guarded(variances: Floats, k: Indices) -> Floats:
    """Networks' variances between trainings, kept from being small by chance.

    Of two or three trainings that happen to lie close together a variance comes out near 0, and in a family of
    comparisons some do. So none counts for less than its mean with the networks' typical variance, which has the weight
    of one training's: (s² (k - 1) + typical) / k. Typical is the median over networks, corrected for its bias; with
    fewer than three networks there is none. In simulation
    (benchmarks/coverage.py) six equal networks with three trainings each were told apart in 2.8 % of studies of 50
    groups, in 7.2 % without it.

    Args:
        variances: (network, …), s².
        k: likewise, trainings.
    """
    several = k > 1
    bias: Floats = stats.chi2.median(np.maximum(k - 1, 1)) / np.maximum(k - 1.0, 1)
    scaled = np.where(several, divide(variances, bias), np.nan)
    if len(variances) < MIN_NETWORKS:
        return variances
    order = np.sort(scaled, axis=0)  # NaN last
    n = np.isfinite(scaled).sum(axis=0)
    middle = [np.take_along_axis(order, np.maximum(place, 0)[None], axis=0)[0] for place in ((n - 1) // 2, n // 2)]
    typical = np.where(n >= MIN_NETWORKS, (middle[0] + middle[1]) / 2, 0)
    result: Floats = np.where(
        several, np.maximum(variances, divide(variances * (k - 1) + typical, k.astype(float))), np.nan
    )
    return result


def summed(parts: Sequence[Between], weights: Sequence[float] | None = None) -> Between:
    """Of a sum of independent means, each with its weight; degrees of freedom after Satterthwaite (1946)."""
    squares = [weight**2 for weight in weights or [1.0] * len(parts)]
    variances = np.stack([part.variance * square for part, square in zip(parts, squares, strict=True)])
    variance = variances.sum(axis=0)
    df = satterthwaite(variances, np.stack([part.df for part in parts]))
    return Between(variance, df, np.stack([part.k for part in parts]).min(axis=0))


def satterthwaite(variances: Floats, df: Floats) -> Floats:
    """Degrees of freedom of a sum of variances along the first axis; infinite where the sum is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(variances == 0, 0, variances**2 / df)
        return np.where(variances.sum(axis=0) == 0, np.inf, variances.sum(axis=0) ** 2 / terms.sum(axis=0))
