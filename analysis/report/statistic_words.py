"""How the intervals and tests were made, and what the data at hand takes from them."""

import itertools
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.report.words import count, number
from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS, MIN_GROUPS_OF_SPREAD
from nnunet_skipstudy.analysis.statistics.disparity_slope import MAX_POINTS, MAX_RESAMPLED
from nnunet_skipstudy.analysis.statistics.intervals import PSEUDO
from nnunet_skipstudy.analysis.statistics.pairwise import MIN_PAIRS
from nnunet_skipstudy.analysis.statistics.ranks import MIN_BLOCKS
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.td_axis import FOLLOWS_SIZE, TD_WORDS, axis_measure, size_rows
from nnunet_skipstudy.analysis.statistics.wins import MORE_FAILURES
from nnunet_skipstudy.registry import EXCESS, UNPERTURBED, in_order, known_order
from nnunet_skipstudy.support.version import __version__

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
            "case first.",
        ),
        (
            "Intervals",
            "95 %, of means, changes and differences: Student's t, with the squared standard error of a jackknife over "
            "groups of cases, plus, where networks were trained at least twice on the same cases, the variance between "
            "trainings (s²/k of each network), and Satterthwaite's degrees of freedom. Of means and changes half a "
            f"group of cases ({PSEUDO:g}) at the worst value is added for the lower bound and at the best for the "
            "upper one, since a small sample may lack a rare failure. Coefficients of variation: leave-one-group-out "
            f"jackknife on the log scale, without the trainings. None with fewer than {MIN_GROUPS} groups, none of a "
            f"coefficient of variation with fewer than {MIN_GROUPS_OF_SPREAD}.",
        ),
        (
            "Scope",
            "A verdict on networks carries the variance between their trainings; with one training of either network "
            "it is on these trainings. Trainings are seeds, and folds that were tested on the same cases; folds with "
            "test cases of their own (cross-validation) are no replicates of each other.",
        ),
        (
            "Pairs of networks",
            "The t-test of the mean difference that belongs to its interval; Holm's correction over all pairs of one "
            "metric, level, label and training set. Equivalent: the interval lies within the smallest difference that "
            "matters (--smallest-difference). Probability of a false claim: that the leading network is the worse one "
            "(Christodoulou et al. 2025). Beside it Wilcoxon's signed-rank test over groups of cases, exact up to 50 "
            "pairs without ties, zeros dropped, which speaks of these trainings; effect: matched-pairs rank-biserial "
            f"correlation. No p-value of ranks with fewer than {MIN_PAIRS} groups that differ.",
        ),
        (
            "All networks",
            "Friedman's test over groups of cases; cliques, networks that no test tells apart, from the signed-rank "
            f"tests of all pairs with Holm's correction (Benavoli et al. 2016); for {tested}; at least three networks "
            f"and {MIN_BLOCKS} groups, else none.",
        ),
        *_methods_of_several(),
    ]


def _methods_of_several() -> list[tuple[str, str]]:
    """Of rankings, groups of networks, and what joins the levels."""
    return [
        (
            "Stability of ranks",
            "Networks ranked by their mean in every bootstrap resample: how often each comes first, the range of its "
            "rank, and Kendall's tau with the data's own ranking (after challengeR, Wiesenfarth et al. 2021). Beside "
            "both stands what equal networks would give: names exchanged at random within each group of cases.",
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
            f"{dataset}: {count(n_groups, 'group')} of cases are few; intervals are wide, and only large differences "
            "can be told apart."
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
            f"{dataset}: {who} to a case and level. Verdicts are on these trainings: how much another seed would "
            "change is not known."
        )
    yield from _disparity(dataset, cases)
    yield from _size(dataset, cases)


def _size(dataset: str, cases: pd.DataFrame) -> Iterator[str]:
    """Whether what slopes go by follows the size of objects."""
    measure = axis_measure(cases)
    for row in size_rows(cases):
        found = row.excess_with_size if measure == EXCESS else row.value_with_size
        if row.level == UNPERTURBED and abs(found) >= FOLLOWS_SIZE:
            yield (
                f"{dataset}: {TD_WORDS[measure]} follows the size of objects (rank correlation "
                f"{number(found, sign=True)} over {row.n_cases} unperturbed cases), so a slope on it is in "
                "part a slope on size."
            )


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
