"""Who is best where: the form of the study's own claims ("best in 5 of 8")."""

from collections.abc import Iterator

import numpy as np

from nnunet_skipstudy.analysis.case_metrics import METRICS
from nnunet_skipstudy.analysis.looks import OTHER_GROUP
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, divide
from nnunet_skipstudy.analysis.statistics.ranks import stability
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row, is_lower_better, named
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS
from nnunet_skipstudy.registry import ARCHITECTURES

TIE = 5e-5
"""Values that are nearer than this read alike in a table, so both are best."""

WIN_COLUMNS: tuple[str, ...] = (
    *("dataset", "trained_on", "label", "metric", "level", "quantity"),
    *("architecture", "trainer", "plans", "configuration", "group"),
    *("eligible", "value", "best", "share_of_cases_best", "share_of_resamples_best", "n_cases", "n_groups"),
)


def wins(data: Resampled) -> Iterator[Row]:
    """Every network's value in every contest of a setting, and whether it is the best of the eligible.

    Contests: the highest DSC or NSD and the shortest distance (``mean``), the smallest coefficient of variation
    over cases (``cv``) at each level; and the smallest over levels (``cv_across_levels``, per case, averaged).
    ``share_of_cases_best`` counts cases, ``share_of_resamples_best`` cluster-bootstrap resamples; ties are shared.
    """
    cvs = divide(data.spreads, data.means)
    for metric, name in enumerate(METRICS):
        for level, level_name in enumerate(data.setting.levels):
            values = data.values[:, :, level, metric]
            yield from _contest(
                data, (name, level_name, "mean"), data.means[:, :, level, metric], values, is_lower_better(name)
            )
            yield from _contest(data, (name, level_name, "cv"), cvs[:, :, level, metric], None, True)
        if len(data.setting.levels) > 1:
            by_case = data.level_cvs[:, :, metric]
            rows = data.bootstrap.means(by_case)
            yield from _contest(data, (name, ALL_LEVELS, "cv_across_levels"), rows, by_case, True)


def _contest(
    data: Resampled, place: tuple[str, str, str], rows: Floats, by_case: Floats | None, lower: bool
) -> Iterator[Row]:
    """One contest: ``rows`` (row, network) of the bootstrap, ``by_case`` (case, network) where cases have a value."""
    metric, level, quantity = place
    known = [i for i in data.setting.ranked if not np.isnan(rows[0, i])]
    best = _best(rows[0], known, lower)
    shares: dict[int, float] = {}
    if known:
        stable = stability(np.nan_to_num(rows[:, known]), data.bootstrap.n_resamples, lower)
        shares = dict(zip(known, stable.share_first.tolist(), strict=True))
    of_cases = _case_shares(by_case, known, lower) if by_case is not None and known else {}
    case_level = min(data.levels.index(level), len(data.setting.levels) - 1) if level in data.levels else 0
    for index, key in enumerate(data.setting.networks):
        architecture = ARCHITECTURES.get(key[0])
        yield {
            **data.facts(metric, level, quantity),
            **named(key),
            "group": architecture.group.value if architecture else OTHER_GROUP,
            "eligible": bool(data.setting.eligible[index]),
            "value": float(rows[0, index]),
            "best": index in best,
            "share_of_cases_best": of_cases.get(index, np.nan),
            "share_of_resamples_best": shares.get(index, np.nan),
            **data.counts(data.values[:, index, case_level, METRICS.index(metric)]),
        }


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
