"""How the intervals and tests were made, and what the data at hand takes from them."""

import itertools
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata

import numpy as np
import pandas as pd

from nnunet_skipstudy import __version__
from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.report.words import count, number
from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS, N_RESAMPLES, SEED
from nnunet_skipstudy.analysis.statistics.disparity_slope import MAX_POINTS, MAX_RESAMPLED
from nnunet_skipstudy.analysis.statistics.pairwise import MIN_PAIRS
from nnunet_skipstudy.analysis.statistics.ranks import MIN_BLOCKS
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.wins import MORE_FAILURES
from nnunet_skipstudy.registry import in_order, known_order

FEW_GROUPS = 20


def statistic_methods(include_degenerate: bool = False) -> list[tuple[str, str]]:
    """Definitions of intervals, tests and rankings, as (term, explanation).

    ``include_degenerate``: whether degenerate networks took part.
    """
    tested = "all networks, degenerate ones too" if include_degenerate else "the networks that aren't degenerate"
    return [
        (
            "Unit of resampling",
            "The group of cases that must not straddle a split (patient, volume, slide), where cases.csv names it, "
            "else the case. Networks are compared on the same cases (paired). Seeds and like folds are averaged per "
            "case first: intervals hold for the networks as trained and leave out the variance between trainings "
            "(sd_replicates in robustness.csv shows it, where there are several seeds).",
        ),
        (
            "Intervals",
            f"95 %. Means, changes and differences: cluster bootstrap, {N_RESAMPLES} resamples of groups (seed "
            f"{SEED}), bias-corrected and accelerated (Efron 1987), widened for few groups (Hesterberg 2015). "
            "Coefficients of variation: leave-one-group-out jackknife on the log scale, since bootstrap intervals of "
            f"them are too short. None with fewer than {MIN_GROUPS} groups.",
        ),
        (
            "Pairs of networks",
            "Wilcoxon signed-rank test, two-sided, of group-averaged differences; exact up to 50 pairs without ties. "
            "Zeros are dropped. Holm's correction over all pairs of one metric, level, label and training set. Effect: "
            f"matched-pairs rank-biserial correlation. No p-value with fewer than {MIN_PAIRS} groups that differ: none "
            "could get below 0.05.",
        ),
        (
            "All networks",
            "Friedman's test over groups of cases, then Nemenyi's critical difference (Demšar 2006), both for "
            f"{tested}; at least three networks and {MIN_BLOCKS} groups, else none.",
        ),
        (
            "Stability of ranks",
            "Networks ranked by their mean in every bootstrap resample: how often each comes first, the range of its "
            "rank, and Kendall's tau with the data's own ranking (after challengeR, Wiesenfarth et al. 2021).",
        ),
        (
            "Groups of networks",
            "No-Skip, Standard and Enhanced as in the study: per case the mean over a group's networks, then as pairs "
            "of networks.",
        ),
        (
            "CV across levels",
            "Population standard deviation / mean of a case's values over the levels, averaged over cases; and, as the "
            "study did, of the level means. Trainings that lack a level are left out. A case that a network fails in "
            "at every level has none, nor has a level where every prediction fails. A network is not ranked by CV "
            f"where it lacks one, or fails, in over {MORE_FAILURES:.0%} of cases more than the network that does so "
            "least.",
        ),
        (
            "Slope and area over TD",
            f"Slope: Theil-Sen over all cases and levels, each with its own TD (of more than {MAX_POINTS} images, so "
            f"many evenly along TD; its interval from at most {MAX_RESAMPLED}). Area: trapezoids under the level means "
            "against the levels' mean TD, divided by the range of TD.",
        ),
    ]


def versions() -> str:
    """What computed all this."""
    names = ("numpy", "scipy", "pandas", "matplotlib")
    found = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    return f"nnunet_skipstudy {__version__}, Python {platform.python_version()}, {found}"


def statistic_caveats(statistics: Statistics, comparisons: Sequence[Comparison], cases: pd.DataFrame) -> list[str]:
    """What weakens the tests, as far as it applies to this data."""
    found: list[str] = []
    for comparison in comparisons:
        dataset = comparison.reference.dataset
        found += _of_dataset(statistics, comparison, cases[cases["dataset"] == dataset])
    n_tests = int(statistics.table["p_value"].notna().sum())
    if n_tests:
        found.append(
            f"{n_tests} tests were made in all. Holm's correction holds within one metric, level, label and training "
            "set, not over all of them: read the metric and level that you named beforehand."
        )
    return found


def _of_dataset(statistics: Statistics, comparison: Comparison, cases: pd.DataFrame) -> Iterator[str]:
    dataset = comparison.reference.dataset
    overall = statistics.overall(dataset)
    if not overall:
        return
    setting = overall[0]
    n_groups = len(set(setting.groups))
    if MIN_GROUPS <= n_groups < FEW_GROUPS:
        yield (
            f"{dataset}: {count(n_groups, 'group')} of cases are few; intervals are wide and may cover a little less "
            "than they say, and only large differences can be told apart."
        )
    if not any(comparison.reference.groups.values()):
        yield (
            f"{dataset}: no groups are known (no cases.csv with patients or slides), so every case counts as "
            "independent; if several come from one patient, the intervals are too short."
        )
    replicates = setting.replicates[setting.replicates > 0]
    if (replicates == 1).any():
        who = "one training per network" if (replicates == 1).all() else "some networks have one training only"
        yield (
            f"{dataset}: {who} to a case and level. How much another seed would change is not known, so a difference "
            "may be the training's rather than the network's."
        )
    yield from _disparity(dataset, cases)


def _disparity(dataset: str, cases: pd.DataFrame) -> Iterator[str]:
    """Whether the levels' mean TD rises from hardest to easiest, as their names say."""
    known = cases.dropna(subset=["disparity"])
    if known.empty:
        return
    means = known.groupby("level")["disparity"].mean()
    levels = in_order(level for level in means.index if known_order([level]))
    if not known_order(levels):
        return
    fallen = [
        f"{easier} ({number(means[easier])}) lies below {harder} ({number(means[harder])})"
        for harder, easier in itertools.pairwise(levels)
        if np.round(means[easier] - means[harder], 12) < 0
    ]
    if fallen:
        yield f"{dataset}: TD did not move as the levels are named: mean TD at {'; at '.join(fallen)}."
