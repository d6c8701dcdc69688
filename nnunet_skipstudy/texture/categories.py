"""Cases sorted by texture disparity into five categories."""

from collections.abc import Sequence

import numpy as np

CATEGORIES: tuple[str, ...] = ("hardest", "harder", "medium", "easier", "easiest")
"""The quintiles of the cases' texture disparity, smallest disparity (hardest) first."""


def disparity_categories(disparities: Sequence[float]) -> list[str]:
    """The quintile of each value among all of them; equal values share a category.

    A value on the border between two quintiles belongs to the harder one; NaN has no category: "".
    """
    values = np.asarray(disparities, dtype=np.float64)
    known = np.isfinite(values)
    if not known.any():
        return [""] * len(values)
    borders = np.quantile(values[known], [0.2, 0.4, 0.6, 0.8])
    places = np.searchsorted(borders, values, side="left")
    return [CATEGORIES[place] if finite else "" for place, finite in zip(places, known, strict=True)]
