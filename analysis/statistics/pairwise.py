"""Is one network better than another? Paired tests over groups of cases."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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


def signed_ranks(differences: Floats) -> list[SignedRank]:
    """Test whether (independent unit, column) lie around 0, column by column; NaN ones are left out."""
    # Means of equal values differ in the last digit: what no metric can tell apart is a tie.
    columns = [column[~np.isnan(column)] for column in np.round(differences, 12).T]
    found = [_untested(column) for column in columns]
    alike: dict[tuple[str, int], list[int]] = {}
    for index, test in enumerate(found):
        if test.method in _METHODS:
            alike.setdefault((test.method, test.n_used), []).append(index)
    for (words, _), places in alike.items():
        used = np.stack([columns[place][columns[place] != 0] for place in places])
        p_values = stats.wilcoxon(used, method=_METHODS[words], axis=1).pvalue  # many at once: each takes its time
        for place, p_value in zip(places, p_values, strict=True):
            found[place] = replace(found[place], p_value=float(p_value))
    return found


_METHODS = {
    "Wilcoxon signed-rank, exact": "exact",
    "Wilcoxon signed-rank, normal approximation with ties": "asymptotic",
}
"""What a test is called here, and what scipy calls it."""


def _untested(known: Floats) -> SignedRank:
    """All of a test but the p-value, where scipy gives it."""
    used = known[known != 0]
    if not len(used):
        return SignedRank(len(known), 0, np.nan, 0.0 if len(known) else np.nan, np.nan, "none: no pair differs")
    ranks = stats.rankdata(np.abs(used))
    positive = float(ranks[used > 0].sum())
    test = SignedRank(len(known), len(used), positive, 2 * positive / float(ranks.sum()) - 1, np.nan, "")
    if len(used) < MIN_PAIRS:
        return replace(test, method=f"none: {len(used)} pairs that differ are too few")
    ties = len(np.unique(np.abs(used))) < len(used)
    exact, approximate = _METHODS
    if not ties and len(used) <= MAX_EXACT:
        return replace(test, method=exact)
    if len(used) >= MIN_NORMAL:
        return replace(test, method=approximate)
    return replace(test, p_value=_all_signs(ranks, positive), method="Wilcoxon signed-rank, all signs")


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


def rank_tests(differences: Floats) -> dict[tuple[int, int], RankTests]:
    """By level and metric the tests of all pairs: of (group, pair, level, metric)."""
    tests = signed_ranks(differences.reshape(len(differences), -1))
    by_place = np.array(tests, dtype=object).reshape(differences.shape[1:])
    return {at: RankTests(tuple(by_place[(slice(None), *at)])) for at in np.ndindex(differences.shape[2:])}


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
