"""Accuracy against robustness: who can't be beaten in both at once."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.hardest import hardest_level
from nnunet_skipstudy.analysis.statistics.resampled import Row
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics


@dataclass(frozen=True)
class Point:
    """One network: two numbers, each with its interval (low, high), NaN where there is none.

    ``on_front``: no eligible network beats it in one of the two without losing in the other.
    """

    key: NetworkKey
    x: float
    x_bounds: tuple[float, float]
    y: float
    y_bounds: tuple[float, float]
    eligible: bool
    on_front: bool


def tradeoff_points(statistics: Statistics, setting: Setting) -> tuple[str, list[Point]]:
    """The level that performance is taken at, and points of mean DSC there and the CV of the DSC across levels.

    The level is the reference level that all networks share, else the mean of all levels.
    """
    level = setting.shared_reference or ALL_LEVELS
    means = statistics.by_network(setting, "mean", level)
    spreads = statistics.by_network(setting, "cv_across_levels")
    steady = statistics.contestants(setting, "cv_across_levels")
    return level, _points(setting, means, spreads, steady, better_y=-1)


def hardest_points(statistics: Statistics, setting: Setting) -> tuple[str, str, list[Point]] | None:
    """The reference and the hardest level, and points of the mean DSC at each; None where they are one, or not shared.

    Degenerate networks are not eligible.
    """
    reference = setting.shared_reference
    means = {level: statistics.by_network(setting, "mean", level) for level in setting.levels}
    over_networks = {level: float(np.mean([row["estimate"] for row in rows.values()])) for level, rows in means.items()}
    hardest = hardest_level(over_networks)
    if not reference or reference == hardest:
        return None
    eligible = {setting.networks[index] for index in setting.ranked}
    return reference, hardest, _points(setting, means[reference], means[hardest], eligible, better_y=1)


def comparable_settings(statistics: Statistics, dataset: str) -> Iterator[Setting]:
    """Those that speak for a data set where its networks share a reference level; else of each training set."""
    overall = statistics.overall(dataset)[:1]
    if overall and not overall[0].shared_reference:
        overall = [one for one in statistics.settings if one.dataset == dataset and one.label == overall[0].label]
    yield from overall


def _points(
    setting: Setting,
    xs: dict[NetworkKey, Row],
    ys: dict[NetworkKey, Row],
    eligible: Collection[NetworkKey],
    *,
    better_y: int,
) -> list[Point]:
    """A point for each network that has both; larger is better of x, and of ``better_y`` times y."""
    both = [key for key in setting.networks if key in xs and key in ys]
    both = [key for key in both if np.isfinite([xs[key]["estimate"], ys[key]["estimate"]]).all()]
    places = {key: (float(xs[key]["estimate"]), float(ys[key]["estimate"])) for key in both}
    merits = {key: (x, better_y * y) for key, (x, y) in places.items()}
    rivals = [merits[key] for key in both if key in eligible]
    return [
        Point(
            *(key, places[key][0], (xs[key]["low"], xs[key]["high"])),
            *(places[key][1], (ys[key]["low"], ys[key]["high"])),
            key in eligible,
            key in eligible and not any(x >= own[0] and y >= own[1] and (x, y) != own for x, y in rivals),
        )
        for key, own in merits.items()
    ]
