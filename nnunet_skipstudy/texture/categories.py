"""Cases sorted by texture disparity into five categories."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CATEGORIES: tuple[str, ...] = ("hardest", "harder", "medium", "easier", "easiest")
"""The quintiles of the cases' texture disparity, smallest disparity (hardest) first."""


def disparity_categories(disparities: Sequence[float], among: Sequence[float] | None = None) -> list[str]:
    """The quintile of each value; equal values share a category.

    A value on the border between two quintiles belongs to the harder one; NaN has no category: "". The quintiles are
    those of the values ``among`` which they are sorted; None: their own.
    """
    values = np.asarray(disparities, dtype=np.float64)
    known = np.isfinite(values)
    borders = category_borders(values if among is None else among)
    if not borders:
        return [""] * len(values)
    places = np.searchsorted(borders, values, side="left")
    return [CATEGORIES[place] if finite else "" for place, finite in zip(places, known, strict=True)]


def category_borders(disparities: Sequence[float] | npt.NDArray[np.float64]) -> list[float]:
    """The four values between the five categories, NaN left out; none where no value is left."""
    values = np.asarray(disparities, dtype=np.float64)
    values = values[np.isfinite(values)]
    return [float(border) for border in np.quantile(values, [0.2, 0.4, 0.6, 0.8])] if values.size else []
