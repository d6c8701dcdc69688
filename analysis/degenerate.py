"""Networks that ignore their input: their spread is 0, so they would look perfectly robust."""

import pandas as pd

from nnunet_skipstudy.analysis.tables import groups

TRAINING: tuple[str, ...] = (
    *("dataset", "architecture", "trainer", "network", "plans", "configuration", "fold", "label"),
)
"""What tells one training's results for one label from another's."""


def degenerate_trainings(cases: pd.DataFrame) -> pd.DataFrame:
    """The trainings whose predictions don't depend on the image, over all levels and cases.

    Returns:
        One row per such training and label, with :data:`TRAINING` and ``reason``: everything empty, everything
        foreground, or one size throughout although the references' differ. Absent predictions say nothing.
    """
    found = []
    for keys, rows in groups(cases[cases["predicted_size"].notna()], *TRAINING):
        reason = _reason(rows)
        if reason:
            found.append(dict(zip(TRAINING, keys, strict=True)) | {"reason": reason})
    return pd.DataFrame(found, columns=[*TRAINING, "reason"])


def _reason(rows: pd.DataFrame) -> str:
    predicted, reference = rows["predicted_size"], rows["reference_size"]
    if (predicted == 0).all() and (reference > 0).any():
        return "every prediction is empty"
    if (predicted == rows["image_size"]).all() and (reference < rows["image_size"]).any():
        return "every prediction is foreground all over"
    if predicted.nunique() == 1 and reference.nunique() > 1:
        return "every prediction has the same size, whatever the image"
    return ""


def mark_degenerate(cases: pd.DataFrame, trainings: pd.DataFrame) -> pd.Series:
    """Whether each row of ``cases`` is of a degenerate training, aligned with ``cases``."""
    bad = set(trainings[list(TRAINING)].itertuples(index=False, name=None))
    marks = [row in bad for row in cases[list(TRAINING)].itertuples(index=False, name=None)]
    return pd.Series(marks, index=cases.index, dtype=bool)
