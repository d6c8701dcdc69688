"""Networks that ignore their input or learnt nothing: having nothing to lose, they would look perfectly robust."""

from collections.abc import Iterator

import pandas as pd

from nnunet_skipstudy.analysis.inputs.runs import trained_and_tested
from nnunet_skipstudy.analysis.measuring.columns import NETWORK, TRAINING, groups, metrics_of
from nnunet_skipstudy.metrics import Outcome

RESULTS: tuple[str, ...] = (*TRAINING, "label")
"""What tells one training's results for one label from another's."""
SAME_OVER_LEVELS = "every prediction is the same at all levels, whatever was done to the image"

NEARLY_ALL = 0.98
"""The share of predictions that have to be empty, or of an image that has to be foreground."""
SAME_SIZE = 0.01
"""Predicted sizes whose range is at most this share of their mean are one size."""
VARIED_SIZE = 0.05
"""Reference sizes whose range is more than this share of their mean are not."""
MIN_IMAGES = 5
"""So many predictions of one size are no chance."""
SLIGHT = 0.2
"""Cohen's kappa below which agreement is slight at most (Landis and Koch 1977); chance alone gives 0."""
FEWEST_SCORES = 5
"""So many different scores two trainings don't have in common by chance."""
MIN_LEVELS = 3
"""Equal predictions at so many levels are no chance."""


def degenerate_trainings(cases: pd.DataFrame) -> pd.DataFrame:
    """The trainings whose predictions don't depend on the image, or agree with it by chance alone, over all levels.

    Returns:
        One row per such training and label, with :data:`RESULTS` and ``reason``: (nearly) everything empty,
        everything foreground, (nearly) one size for all of five or more images although the references' differ, each
        case's prediction the same at all of three or more levels, or hardly more agreement with the references than
        by chance at any level. Absent predictions say nothing. Of scores without sizes it is told where (nearly) all
        predictions of cases that hold the label were missed, and where scores are the same at all levels. A training
        that was tested on another data set, too, is judged by its own one's test set: failing elsewhere is a result.
    """
    found = []
    known = cases["predicted_size"].notna() | cases["image_size"].isna()  # the latter: scores without sizes
    parts = dict(groups(cases[known], *RESULTS))
    for keys in parts:
        home = (trained_and_tested(keys[0])[0], *keys[1:])
        if reason := _reason(parts[home if home in parts else keys]):
            found.append(dict(zip(RESULTS, keys, strict=True)) | {"reason": reason})
    return pd.DataFrame(found, columns=[*RESULTS, "reason"])


def _reason(rows: pd.DataFrame) -> str:
    if rows[["predicted_size", "reference_size", "image_size"]].isna().any(axis=None):
        rows = rows[rows["outcome"] != Outcome.ABSENT.value]
        held = rows["outcome"].isin([Outcome.BOTH.value, Outcome.MISSED.value])
        if held.any() and (rows.loc[held, "outcome"] == Outcome.MISSED.value).mean() >= NEARLY_ALL:
            return "nearly every prediction is empty"
        return SAME_OVER_LEVELS if _same_over_levels(rows) else ""
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
        return SAME_OVER_LEVELS
    if _kappa(rows).groupby(rows["level"]).mean().max() < SLIGHT:
        return f"agrees with the references hardly more than by chance (Cohen's kappa below {SLIGHT} at every level)"
    return ""


def _kappa(rows: pd.DataFrame) -> pd.Series:
    """Cohen's kappa of each prediction: agreement beyond what masks of these sizes have by chance, at most 1.

    NaN where the reference is empty or fills the image.
    """
    predicted, reference, n = (rows[name].astype(float) for name in ("predicted_size", "reference_size", "image_size"))
    overlap = rows["dsc"] * (predicted + reference) / 2
    apart = predicted * (n - reference) + reference * (n - predicted)
    kappa: pd.Series = 2 * (overlap * n - predicted * reference) / apart
    return kappa.where((reference > 0) & (reference < n))


def _spread(sizes: pd.Series) -> float:
    """The range of sizes as a share of their mean; 0 where all are 0."""
    mean = float(sizes.mean())
    return float(sizes.max() - sizes.min()) / mean if mean else 0.0


def _same_over_levels(rows: pd.DataFrame) -> bool:
    """Whether no case's prediction changes between levels. Perfect ones may well not."""
    if rows["level"].nunique() < MIN_LEVELS or (rows["dsc"].fillna(1) == 1).all():
        return False
    same = rows.groupby("case")[["predicted_size", *metrics_of(rows)]].nunique(dropna=False)
    return bool((same == 1).all(axis=None))


def mark_degenerate(cases: pd.DataFrame, trainings: pd.DataFrame) -> pd.Series:
    """Whether each row of ``cases`` is of a degenerate training, aligned with ``cases``."""
    bad = set(trainings[list(RESULTS)].itertuples(index=False, name=None))
    marks = pd.Series(False, index=cases.index)
    for keys, rows in groups(cases, *RESULTS):
        marks.loc[rows.index] = keys in bad
    return marks


def without_degenerate(cases: pd.DataFrame, *unit: str) -> pd.DataFrame:
    """The rows that averages are taken from: without a network's degenerate trainings, as long as others stand for it.

    They do where they are at least as many and were tested on the same cases at the same levels; else all rows stay.

    Args:
        cases: with ``degenerate``.
        unit: columns that, besides network and label, keep averages apart.
    """
    gone = []
    for _, rows in groups(cases[cases["degenerate"]], *NETWORK, *unit, "label"):
        same = cases.loc[(cases[[*NETWORK, *unit, "label"]] == rows.iloc[0][[*NETWORK, *unit, "label"]]).all(axis=1)]
        sound = same[~same["degenerate"]]
        n_bad, n_sound = (len(part[list(TRAINING)].drop_duplicates()) for part in (rows, sound))
        tested, left = (set(zip(part["case"], part["level"], strict=True)) for part in (same, sound))
        if n_bad <= n_sound and left == tested:
            gone += list(rows.index)
    return cases.drop(index=gone).reset_index(drop=True) if gone else cases


def copied_trainings(cases: pd.DataFrame) -> Iterator[str]:
    """A sentence for trainings that have the same scores throughout, as no two that were trained have."""
    place = ["level", "case", "label"]
    seen: dict[tuple[object, ...], str] = {}
    for (dataset, architecture, *_, trainer, fold, seed), own in groups(cases, *TRAINING):
        scores = own.sort_values(place)[[*place, "dsc"]]
        if scores["dsc"].nunique() < FEWEST_SCORES:
            continue
        words = (trainer or architecture, seed and not trainer and f"seed {seed}", fold and f"fold {fold}")
        name = " ".join(word for word in words if word)
        other = seen.setdefault((dataset, *scores.itertuples(index=False, name=None)), name)
        if other != name:
            yield (
                f"{dataset}: {other} and {name} have the same DSC in every row: that is one training counted as two, "
                "so that intervals and verdicts are too sure. Leave one out."
            )
