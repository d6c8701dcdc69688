"""Is one network better than another? Paired tests over groups of cases."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import stats

from nnunet_skipstudy.analysis.statistics.bootstrap import Floats

MIN_PAIRS = 6
"""With fewer pairs that differ, no signed-rank p-value can get below 0.05: there is no test to make."""
MAX_EXACT = 50
"""Up to so many pairs the exact distribution is taken, where there are no ties."""
MIN_NORMAL = 10
"""From so many pairs on the normal approximation serves where there are ties; below, all signs are gone through."""


@dataclass(frozen=True)
class SignedRank:
    """A Wilcoxon signed-rank test.

    ``n`` pairs have a value, ``n_used`` of them differ (zeros are dropped, as Wilcoxon did). ``statistic`` is the
    sum of the positive ranks. ``effect`` is the matched-pairs rank-biserial correlation (Kerby 2014), -1 … 1,
    positive where the first is larger. ``p_value`` is two-sided, NaN where ``n_used`` < :data:`MIN_PAIRS`.
    """

    n: int
    n_used: int
    statistic: float
    effect: float
    p_value: float
    method: str


def signed_rank(differences: Floats) -> SignedRank:
    """Test whether paired differences lie around 0.

    Args:
        differences: one per independent unit (group); NaN ones are left out.
    """
    known = differences[~np.isnan(differences)]
    # Means of equal values differ in the last digit: what no metric can tell apart is a tie.
    known = np.round(known, 12)
    used = known[known != 0]
    if not len(used):
        return SignedRank(len(known), 0, np.nan, 0.0 if len(known) else np.nan, np.nan, "none: no pair differs")
    ranks = stats.rankdata(np.abs(used))
    positive = float(ranks[used > 0].sum())
    effect = 2 * positive / float(ranks.sum()) - 1
    if len(used) < MIN_PAIRS:
        words = f"none: {len(used)} pairs that differ are too few"
        return SignedRank(len(known), len(used), positive, effect, np.nan, words)
    ties = len(np.unique(np.abs(used))) < len(used)
    if not ties and len(used) <= MAX_EXACT:
        method, words = "exact", "Wilcoxon signed-rank, exact"
    elif len(used) >= MIN_NORMAL:
        method, words = "asymptotic", "Wilcoxon signed-rank, normal approximation with ties"
    else:
        return SignedRank(
            len(known), len(used), positive, effect, _all_signs(ranks, positive), "Wilcoxon signed-rank, all signs"
        )
    p_value = float(stats.wilcoxon(used, method=method).pvalue)
    return SignedRank(len(known), len(used), positive, effect, p_value, words)


@dataclass(frozen=True)
class RankTests:
    """One family of signed-rank tests: all pairs of some networks, in the order of ``itertools.combinations``."""

    tests: tuple[SignedRank, ...]

    @cached_property
    def p_holm(self) -> Floats:
        """(pair,)."""
        return holm([test.p_value for test in self.tests])

    def matrix(self, n: int) -> Floats:
        """(network, network): the corrected p-values of ``n`` networks' pairs; NaN on the diagonal."""
        found = np.full((n, n), np.nan)
        one, two = np.triu_indices(n, 1)
        found[one, two] = found[two, one] = self.p_holm
        return found


def _all_signs(ranks: Floats, positive: float) -> float:
    """The two-sided p-value from all 2^n ways to sign the ranks."""
    signs = (np.arange(2 ** len(ranks))[:, None] >> np.arange(len(ranks))) & 1
    sums = signs @ ranks
    below, above = float(np.mean(sums <= positive + 1e-9)), float(np.mean(sums >= positive - 1e-9))
    return min(1.0, 2 * min(below, above))


def holm(p_values: Sequence[float] | Floats) -> Floats:
    """Holm's (1979) step-down correction over one family of tests; NaN ones are no members of it."""
    values = np.asarray(p_values, dtype=float)
    corrected = np.full(values.shape, np.nan)
    members = np.flatnonzero(~np.isnan(values))
    order = members[np.argsort(values[members], kind="stable")]
    factors: npt.NDArray[np.int64] = np.arange(len(order), 0, -1)
    corrected[order] = np.minimum(1, np.maximum.accumulate(values[order] * factors))
    return corrected
