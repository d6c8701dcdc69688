"""Performance against robustness: who can't be beaten in both at once."""

from dataclasses import dataclass

import numpy as np

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, Setting
from nnunet_skipstudy.analysis.statistics.table import Statistics


@dataclass(frozen=True)
class Point:
    """One network: mean DSC and the CV of the DSC across levels, each with its interval (low, high)."""

    key: NetworkKey
    performance: float
    performance_bounds: tuple[float, float]
    spread: float
    spread_bounds: tuple[float, float]
    eligible: bool
    on_front: bool


def tradeoff_points(statistics: Statistics, setting: Setting) -> tuple[str, list[Point]]:
    """The level that performance is taken at, and the points.

    The level is the reference level that all networks share, else the mean of all levels. On the Pareto front is
    whom no eligible network beats in one of the two without losing in the other.
    """
    shared = set(setting.references)
    level = next(iter(shared)) if len(shared) == 1 and "" not in shared else ALL_LEVELS
    means = statistics.by_network(setting, "mean", level)
    spreads = statistics.by_network(setting, "cv_across_levels")
    steady = statistics.contestants(setting, "cv_across_levels")
    both: dict[NetworkKey, bool] = {}
    for key, eligible in zip(setting.networks, [key in steady for key in setting.networks], strict=True):
        if key in means and key in spreads and np.isfinite([means[key]["estimate"], spreads[key]["estimate"]]).all():
            both[key] = bool(eligible)
    places = {key: (float(means[key]["estimate"]), float(spreads[key]["estimate"])) for key in both}
    rivals = [places[key] for key, eligible in both.items() if eligible]
    return level, [
        Point(
            key,
            places[key][0],
            (means[key]["low"], means[key]["high"]),
            places[key][1],
            (spreads[key]["low"], spreads[key]["high"]),
            eligible,
            eligible and not any(_beats(rival, places[key]) for rival in rivals),
        )
        for key, eligible in both.items()
    ]


def _beats(rival: tuple[float, float], own: tuple[float, float]) -> bool:
    return rival[0] >= own[0] and rival[1] <= own[1] and rival != own
