"""The 2 x 2 of texture and distortion: what of a network's loss at both comes from which, and what from both at once.

Case by case, with the values at four levels (unperturbed 0, texture T, distortion D, both B): the texture's effect is
T - 0, the distortion's D - 0, the interaction B - T - D + 0, so that the three add up to the joint effect, B - 0. Of
cases alone that have all four, and of trainings that were tested at all levels.
"""

from collections.abc import Iterator

import numpy as np

from nnunet_skipstudy.analysis.statistics.between_trainings import between
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, nanmean
from nnunet_skipstudy.analysis.statistics.estimates import errors, estimate_row
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row
from nnunet_skipstudy.registry import BOTH, DISTORTION, FACTORIAL_LEVELS, TEXTURE, UNPERTURBED

EFFECTS: dict[str, dict[str, int]] = {
    "joint_effect": {BOTH: 1, UNPERTURBED: -1},
    "texture_effect": {TEXTURE: 1, UNPERTURBED: -1},
    "distortion_effect": {DISTORTION: 1, UNPERTURBED: -1},
    "interaction": {BOTH: 1, TEXTURE: -1, DISTORTION: -1, UNPERTURBED: 1},
}
"""Each quantity, and the sign with which each level takes part."""


def factorial(data: Resampled) -> Iterator[Row]:
    """Rows of the :data:`EFFECTS` of each network and metric, at the level of both; none without the four levels.

    Intervals are those of changes: t, from a jackknife over groups of cases and the variance between trainings. For
    either bound half a group of cases is made up whose value at the last of the effect's levels is the metric's worst,
    or best, where that of all others is the network's mean.
    """
    setting = data.setting
    if not set(FACTORIAL_LEVELS) <= set(setting.levels):
        return
    places = {level: setting.levels.index(level) for level in FACTORIAL_LEVELS}
    values = setting.profiles[:, :, list(places.values())]
    values = np.where(np.isnan(values).any(axis=2, keepdims=True), np.nan, values)  # case, network, level, metric
    of_level = dict(zip(places, np.moveaxis(values, 2, 0), strict=True))
    replicates = data.replicates(setting.trainings)[:, list(places.values())].min(axis=1)
    least, most = data.ends
    for quantity, signs in EFFECTS.items():
        parts = _contrast(of_level, signs)
        last = next(iter(signs))
        expected = -_contrast({level: nanmean(of_level[level]) for level in signs}, signs | {last: 0})
        spread = [_spread(deviations, places, signs) for deviations in data.spread_of_values]
        found = data.estimate(parts, between(spread), (least - expected, most - expected))
        for at in np.ndindex(found.estimate.shape):
            known = parts[:, at[0], at[1]]
            if not np.isnan(known).all():
                row = estimate_row(data, quantity, at, found, known, BOTH)
                yield row | errors(found, at) | {"n_replicates": int(replicates[at[0]])}


def _contrast(of_level: dict[str, Floats], signs: dict[str, int]) -> Floats:
    return np.asarray(sum(sign * of_level[level] for level, sign in signs.items()))


def _spread(deviations: Floats, places: dict[str, int], signs: dict[str, int]) -> Floats:
    """The effect's deviations, (replicate, network, metric), infinite where a training set is no part of it."""
    of_level = {level: deviations[:, :, places[level]] for level in signs}
    absent = np.any([np.isinf(part) for part in of_level.values()], axis=0)
    finite = {level: np.where(absent, 0, part) for level, part in of_level.items()}
    return np.where(absent, np.inf, _contrast(finite, signs))
