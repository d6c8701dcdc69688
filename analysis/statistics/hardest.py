"""Which of the levels at hand is the hardest: as they are named, else as the networks found."""

import math
from collections.abc import Collection, Mapping

from nnunet_skipstudy.registry import in_order, known_order

AS_NAMED = "the hardest level"
AS_FOUND = "the level with the lowest mean DSC"


def hardest_level(means: Mapping[str, float], easiest: bool = False) -> str:
    """The hardest level, or the ``easiest``, by name, else by the mean DSC; NaN where there is none; not empty."""
    levels = in_order(means)
    known = [level for level in levels if math.isfinite(means[level])]
    if known_order(levels) or not known:
        return levels[-1 if easiest else 0]
    return (max if easiest else min)(known, key=lambda level: means[level])


def hardest_words(levels: Collection[str]) -> str:
    """What :func:`hardest_level`'s level may be called."""
    return AS_NAMED if known_order(levels) else AS_FOUND


def axis_title(levels: Collection[str], what: str = "test level", gap: int = 6) -> str:
    """A level axis' title: which end is harder only where the levels' names tell."""
    return f"← harder{' ' * gap}{what}{' ' * gap}easier →" if known_order(levels) and len(levels) > 1 else what
