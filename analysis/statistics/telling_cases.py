"""Which cases are worth looking at."""

from collections.abc import Collection

import numpy as np

from nnunet_skipstudy.analysis.measuring.case_views import Choice
from nnunet_skipstudy.analysis.statistics.bootstrap import nanmean
from nnunet_skipstudy.analysis.statistics.hardest import hardest_words
from nnunet_skipstudy.analysis.statistics.setting import Setting


def choose_cases(setting: Setting, n: int, known: Collection[str] = ()) -> list[Choice]:
    """Up to ``n`` cases: the largest mean drop of the DSC to the hardest level, the median, the best; then others.

    Drop and mean are over the eligible networks (all, where none is). Where no level is counted from, the spread
    over levels stands for the drop; where there is one level only, the DSC. Ties go to the first case; others are
    taken evenly from one end to the other, first of those ``known``, of which there is more to be shown.
    """
    networks = setting.ranked or list(range(len(setting.networks)))
    level_means = nanmean(setting.dsc[:, networks], 1)  # case, level
    change = nanmean(setting.dsc_changes[:, networks, setting.levels.index(setting.hardest)], 1)
    if len(setting.levels) == 1:
        by, ends, change = "their DSC", ("lowest DSC", "median"), level_means[:, 0]
    elif np.isnan(change).all() or not change[~np.isnan(change)].any():
        by, ends = "the spread of their DSC over the levels", ("largest spread", "median spread")
        change = np.nan_to_num(-np.ptp(level_means, axis=1))
    else:
        by, ends = f"the change of DSC to {hardest_words(setting.levels)}", ("largest drop", "median drop")
    change = np.where(np.isnan(change), np.inf, change)
    order = [int(i) for i in np.argsort(change, kind="stable")]
    best = int(np.argmax(np.nan_to_num(nanmean(level_means, 1), nan=-1)))
    wanted = [(order[0], ends[0]), (order[len(order) // 2], ends[1]), (best, "best")]
    for some in ([i for i in order if setting.cases[i] in known], order):
        wanted += [(some[int(i)], "") for i in np.linspace(0, len(some) - 1, min(n, len(some))).round()]
    found: dict[int, str] = {}
    for index, why in wanted:
        if index in found and why:
            found[index] = f"{found[index]}, {why}" if found[index] else why
        else:
            found.setdefault(index, why)
    return [Choice(setting.cases[index], why, by) for index, why in list(found.items())[:n]]
