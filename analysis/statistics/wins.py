"""Who is best where: the form of the study's own claims ("best in 5 of 8")."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np

from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, nanmean
from nnunet_skipstudy.analysis.statistics.ranks import stability
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, named
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS
from nnunet_skipstudy.registry import ARCHITECTURES, METRICS, OTHER_GROUP

TIE = 5e-5
"""Values that are nearer than this read alike in a table, so both are best."""
MORE_FAILURES = 0.1
"""A network with this share of cases more without a value than the one with the fewest is not ranked by CV."""
WIN_COLUMNS: tuple[str, ...] = (
    *("dataset", "trained_on", "label", "metric", "level", "quantity"),
    *(*PUBLISHED, "group"),
    *("eligible", "value", "best", "share_of_cases_best", "share_of_resamples_best", "n_cases", "n_groups"),
    "reason",
)


def wins(data: Resampled) -> Iterator[Row]:
    """Every network's value in every contest of a setting, and whether it is the best of the eligible.

    Contests: the highest DSC or NSD and the shortest distance (``mean``), being the only best one in the most cases
    (``most_cases``, the study's own form; cases in which networks tie count for none), the smallest coefficient of
    variation over cases (``cv``) at each level; and the smallest over levels, per case and averaged
    (``cv_across_levels``), and of the level means (``cv_of_level_means``).
    ``share_of_cases_best`` counts cases, ``share_of_resamples_best`` cluster-bootstrap resamples; ties are shared.
    ``reason``: why a network takes no part. In a contest for steadiness none does that steadily fails, or whose share
    of cases without a value exceeds the least of any network by more than :data:`MORE_FAILURES`: it would be measured
    on what is left, the cases it can do.
    """
    for metric, (name, row) in enumerate(METRICS.items()):
        if row.signed:
            continue
        for level, level_name in enumerate(data.setting.levels):
            values = data.values[:, :, level, metric]
            rows = data.means[:, :, level, metric]
            yield from _contest(data, (name, level_name, "mean"), rows, values, row.lower_is_better, True)
            alone = _alone_best(values, data.setting.ranked, row.lower_is_better)
            rows = data.bootstrap.means(alone)
            yield from _contest(data, (name, level_name, "most_cases"), rows, alone, False, False)
            rows = data.cvs[:, :, level, metric]
            out = _not_steady(data, level, row.lower_is_better)
            yield from _contest(data, (name, level_name, "cv"), rows, values, True, False, out)
        if len(data.setting.levels) > 1:
            by_case = data.setting.level_cvs[:, :, metric]
            rows = data.bootstrap.means(by_case)
            out = _undefined(data, by_case)
            yield from _contest(data, (name, ALL_LEVELS, "cv_across_levels"), rows, by_case, True, True, out)
            rows = data.cvs_of_level_means[:, :, metric]
            yield from _contest(data, (name, ALL_LEVELS, "cv_of_level_means"), rows, by_case, True, False, out)


def _alone_best(values: Floats, ranked: list[int], lower: bool) -> Floats:
    """(case, network): 1 where a ranked network alone is best, else 0; NaN where one of them has no value."""
    signed = np.round(-values if lower else values, 12)[:, ranked]
    known = ~np.isnan(signed).any(axis=1, keepdims=True)
    best = signed == signed.max(axis=1, keepdims=True, initial=-np.inf)
    found = np.full(values.shape, np.nan)
    found[:, ranked] = np.where(known, best & (best.sum(axis=1, keepdims=True) == 1), np.nan)
    return found


def _not_steady(data: Resampled, level: int, distance: bool) -> dict[int, str]:
    """The networks whose CV over the cases at a level is no merit, and why.

    Every failure has the same distance, the image's diagonal, so that many of them make a small CV of a distance; of
    the DSC and the NSD they make a large one.
    """
    found = {}
    tested = data.setting.trainings[:, :, level] > 0
    by_any = tested[:, data.setting.ranked].any(axis=1)
    failures = nanmean(data.setting.failures[:, :, level])
    least = min((float(failures[index]) for index in data.setting.ranked if failures[index] >= 0), default=0.0)
    for index in data.setting.ranked:
        lacking = int((by_any & ~tested[:, index]).sum())
        if data.all_failed[index, level]:
            found[index] = "every prediction fails"
        elif lacking:
            found[index] = f"{lacking} of {by_any.sum()} cases were not predicted"
        elif distance and failures[index] - least > MORE_FAILURES:
            found[index] = f"{failures[index]:.0%} of its predictions fail, all at the same distance"
    return found


def _undefined(data: Resampled, cvs: Floats) -> dict[int, str]:
    """The networks that have no CV over the levels in notably more cases than another, and why."""
    known = ~np.isnan(cvs)
    by_any = known[:, data.setting.ranked].any(axis=1)
    counts = {index: int((by_any & ~known[:, index]).sum()) for index in data.setting.ranked}
    found = {}
    for index, lacking in counts.items():
        if lacking - min(counts.values()) > MORE_FAILURES * by_any.sum():
            found[index] = f"no CV in {lacking} of {by_any.sum()} cases: at every level a failure, or a level lacks"
    return found


def _contest(
    data: Resampled,
    place: tuple[str, str, str],
    rows: Floats,
    by_case: Floats,
    lower: bool,
    cases_compete: bool,
    out: Mapping[int, str] = MappingProxyType({}),
) -> Iterator[Row]:
    """One contest at a ``place`` (metric, level, quantity): (row, network) of the bootstrap, made of (case, network).

    ``cases_compete``: whether the networks can be ranked case by case, too. ``out``: those that take no part, and why.
    """
    known = [i for i in data.setting.ranked if i not in out and not np.isnan(rows[0, i])]
    best = _best(rows[0], known, lower)
    shares = dict(zip(known, _resample_shares(data, rows[:, known], lower), strict=True)) if known else {}
    of_cases = _case_shares(by_case, known, lower) if cases_compete and known else {}
    for index, key in enumerate(data.setting.networks):
        architecture = ARCHITECTURES.get(key.architecture)
        yield {
            **data.facts(*place),
            **named(key),
            "group": architecture.group.value if architecture else OTHER_GROUP,
            "eligible": index in data.setting.ranked and index not in out,
            "value": float(rows[0, index]),
            "best": index in best,
            "share_of_cases_best": of_cases.get(index, np.nan),
            "share_of_resamples_best": shares.get(index, np.nan),
            **data.counts(by_case[:, index]),
            "reason": out.get(index, "" if index in data.setting.ranked else "degenerate, or without predictions"),
        }


def _resample_shares(data: Resampled, rows: Floats, lower: bool) -> list[float]:
    """In how many resamples each network is best; last where it has no value in one."""
    rows = rows[: 1 + data.bootstrap.n_resamples]
    rows = rows[~np.isnan(rows).all(axis=1)]
    if len(rows) < 2:
        return [float("nan")] * rows.shape[1]
    ranked = np.where(np.isnan(rows), np.inf if lower else -np.inf, rows)
    shares: list[float] = stability(ranked, len(rows) - 1, lower).share_first.tolist()
    return shares


def _best(values: Floats, known: list[int], lower: bool) -> set[int]:
    if not known:
        return set()
    signed = {index: (-values[index] if lower else values[index]) for index in known}
    highest = max(signed.values())
    return {index for index, value in signed.items() if value >= highest - TIE}


def _case_shares(by_case: Floats, known: list[int], lower: bool) -> dict[int, float]:
    complete = by_case[~np.isnan(by_case[:, known]).any(axis=1)][:, known]
    if not len(complete):
        return {}
    signed = np.round(-complete if lower else complete, 12)
    first = signed == signed.max(axis=1, keepdims=True)
    shares = (first / first.sum(axis=1, keepdims=True)).mean(axis=0)
    return {index: float(share) for index, share in zip(known, shares, strict=True)}
