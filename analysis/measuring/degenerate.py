"""Networks that ignore their input: their spread is 0, so they would look perfectly robust."""

import pandas as pd

from nnunet_skipstudy.analysis.measuring.columns import TRAINING, groups
from nnunet_skipstudy.registry import METRICS

RESULTS: tuple[str, ...] = (*TRAINING, "label")
"""What tells one training's results for one label from another's."""


NEARLY_ALL = 0.98
"""The share of predictions that have to be empty, or of an image that has to be foreground."""
SAME_SIZE = 0.01
"""Predicted sizes whose range is at most this share of their mean are one size."""
VARIED_SIZE = 0.05
"""Reference sizes whose range is more than this share of their mean are not."""
MIN_IMAGES = 5
"""So many predictions of one size are no chance."""
MIN_LEVELS = 3
"""Equal predictions at so many levels are no chance."""


def degenerate_trainings(cases: pd.DataFrame) -> pd.DataFrame:
    """The trainings whose predictions don't depend on the image, over all levels and cases.

    Returns:
        One row per such training and label, with :data:`RESULTS` and ``reason``: (nearly) everything empty,
        everything foreground, (nearly) one size for all of five or more images although the references' differ, or
        each case's prediction the same at all of three or more levels. Absent predictions say nothing.
    """
    found = []
    for keys, rows in groups(cases[cases["predicted_size"].notna()], *RESULTS):
        reason = _reason(rows)
        if reason:
            found.append(dict(zip(RESULTS, keys, strict=True)) | {"reason": reason})
    return pd.DataFrame(found, columns=[*RESULTS, "reason"])


def _reason(rows: pd.DataFrame) -> str:
    predicted, reference = rows["predicted_size"].astype(float), rows["reference_size"].astype(float)
    wanted = reference > 0
    if wanted.any() and (predicted[wanted] == 0).mean() >= NEARLY_ALL:
        everything = (predicted == 0).all()
        return "every prediction is empty" if everything else "nearly every prediction is empty"
    full = NEARLY_ALL * rows["image_size"]
    if (predicted >= full).all() and (reference < full).any():
        return "every prediction is foreground all over"
    if len(rows) >= MIN_IMAGES and _spread(predicted) <= SAME_SIZE and _spread(reference) > VARIED_SIZE:
        return "every prediction has the same size, whatever the image"
    if _same_over_levels(rows):
        return "every prediction is the same at all levels, whatever was done to the image"
    return ""


def _spread(sizes: pd.Series) -> float:
    """The range of sizes as a share of their mean; 0 where all are 0."""
    mean = float(sizes.mean())
    return float(sizes.max() - sizes.min()) / mean if mean else 0.0


def _same_over_levels(rows: pd.DataFrame) -> bool:
    """Whether no case's prediction changes between levels. Perfect ones may well not."""
    if rows["level"].nunique() < MIN_LEVELS or (rows["dsc"].fillna(1) == 1).all():
        return False
    same = rows.groupby("case")[["predicted_size", *METRICS]].nunique(dropna=False)
    return bool((same == 1).all(axis=None))


def mark_degenerate(cases: pd.DataFrame, trainings: pd.DataFrame) -> pd.Series:
    """Whether each row of ``cases`` is of a degenerate training, aligned with ``cases``."""
    bad = set(trainings[list(RESULTS)].itertuples(index=False, name=None))
    marks = pd.Series(False, index=cases.index)
    for keys, rows in groups(cases, *RESULTS):
        marks.loc[rows.index] = keys in bad
    return marks
