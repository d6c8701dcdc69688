"""Single cases to look at: image, reference outline and every network's prediction, level by level."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.inputs.references import VALIDATION_FOLDERS
from nnunet_skipstudy.analysis.inputs.runs import Run, case_files
from nnunet_skipstudy.analysis.measuring.case_metrics import METRICS
from nnunet_skipstudy.analysis.measuring.columns import TRAINING, NetworkKey, groups
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, nanmean
from nnunet_skipstudy.analysis.statistics.hardest import hardest_level, hardest_words
from nnunet_skipstudy.analysis.statistics.setting import Setting
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import read_image
from nnunet_skipstudy.registry import UNPERTURBED, in_order, level_order
from nnunet_skipstudy.support.files import led_to

Pixels = npt.NDArray[np.uint8]
LabelPixels = npt.NDArray[np.generic]

Scores = dict[tuple[str, ...], float]

_PREDICTION: tuple[str, ...] = (*TRAINING, "level", "case")
"""What tells one prediction from another."""

MAX_TRAININGS = 3
LARGEST_DROP, LARGEST_SPREAD, LOWEST = "largest drop", "largest spread", "lowest DSC"


@dataclass(frozen=True)
class Choice:
    """A case worth looking at, why, and by what it was chosen."""

    case: str
    why: str
    by: str = ""


@dataclass(frozen=True)
class CaseView:
    """A case's flat pictures, all of one size: (row, column), images (row, column) or (row, column, 3).

    ``slice_index``: of a volume, the slice with the most reference foreground; ``None`` for a flat image.
    ``images``: by level, 8-bit, brightness stretched alike at all levels. ``predictions``: by training, network and
    level; ``dsc`` likewise, the mean over labels of the very prediction that is shown.
    """

    dataset: str
    choice: Choice
    slice_index: int | None
    reference: LabelPixels
    images: dict[str, Pixels]
    predictions: dict[tuple[str, NetworkKey, str], LabelPixels]
    dsc: dict[tuple[str, NetworkKey, str], float]


def choose_cases(setting: Setting, n: int) -> list[Choice]:
    """Up to ``n`` cases: the largest mean drop of the DSC to the hardest level, the median, the best; then others.

    Drop and mean are over the eligible networks (all, where none is). Where no level is counted from, the spread
    over levels stands for the drop; where there is one level only, the DSC. Ties go to the first case; others are
    taken evenly from one end to the other. The first reason is the most telling case's, see :func:`telling`.
    """
    networks = setting.ranked or list(range(len(setting.networks)))
    dsc = METRICS.index("dsc")
    level_means = nanmean(setting.values[..., dsc][:, networks], 1)  # case, level
    by_level = dict(zip(setting.levels, nanmean(level_means, 0).tolist(), strict=True))
    hardest = hardest_level(by_level)
    change = nanmean(setting.changes[:, networks, setting.levels.index(hardest), dsc], 1)
    if len(setting.levels) == 1:
        by, ends, change = "their DSC", (LOWEST, "median"), level_means[:, 0]
    elif np.isnan(change).all() or not change[~np.isnan(change)].any():
        by, ends = "the spread of their DSC over the levels", (LARGEST_SPREAD, "median spread")
        change = np.nan_to_num(-np.ptp(level_means, axis=1))
    else:
        by, ends = f"the change of DSC to {hardest_words(setting.levels)}", (LARGEST_DROP, "median drop")
    change = np.where(np.isnan(change), np.inf, change)
    order = [int(i) for i in np.argsort(change, kind="stable")]
    best = int(np.argmax(np.nan_to_num(nanmean(level_means, 1), nan=-1)))
    wanted = [(order[0], ends[0]), (order[len(order) // 2], ends[1]), (best, "best")]
    wanted += [(order[int(i)], "") for i in np.linspace(0, len(order) - 1, min(n, len(order))).round()]
    found: dict[int, str] = {}
    for index, why in wanted:
        if index in found and why:
            found[index] = f"{found[index]}, {why}" if found[index] else why
        else:
            found.setdefault(index, why)
    return [Choice(setting.cases[index], why, by) for index, why in list(found.items())[:n]]


def telling(choice: Choice) -> bool:
    """Whether it is the case that a page shows before others."""
    return choice.why.split(", ")[0] in (LARGEST_DROP, LARGEST_SPREAD, LOWEST)


def image_folders(comparison: Comparison, levels: Sequence[str]) -> dict[str, Path]:
    """The folder of images of each level that has one: beside ``labelsTs``, ``imagesTs_<level>``.

    Unperturbed images lie in ``imagesTs`` (of ``labelsTr``: in ``imagesTr``).
    """
    bases = list(dict.fromkeys(_images_name(folder.name) for folder in led_to(comparison.reference.folder)))
    found: dict[str, Path] = {}
    for level, place, base in product(levels, comparison.reference.places, bases):
        for name in (f"{base}_{level}", *([base] if level == UNPERTURBED else [])):
            if (place / name).is_dir():
                found.setdefault(level, place / name)
    return found


def _images_name(labels: str) -> str:
    """The folder of images that belongs to a folder of labels."""
    if labels == VALIDATION_FOLDERS[0]:
        return "imagesTr"
    return f"images{labels.removeprefix('labels')}" if labels.startswith("labels") else "imagesTs"


def case_views(comparison: Comparison, cases: pd.DataFrame, choices: Sequence[Choice]) -> Iterator[CaseView]:
    """Read the chosen cases' files.

    Of several seeds and like folds the first is shown; of more than three training sets the first, the middle and
    the last. A case without an image at any level is left out, as is a level without one.

    Args:
        comparison: of one data set.
        cases: the table of cases.
        choices: what to read.
    """
    levels = in_order(run.level for run in comparison.runs)
    folders = image_folders(comparison, levels)
    files = {level: case_files(folder) for level, folder in folders.items()}
    runs = _first_runs(comparison)
    scores = _scores(cases, comparison, choices)
    for choice in choices:
        paths = {level: files[level].get(f"{choice.case}_0000") for level in files}
        known = {level: path for level, path in paths.items() if path is not None}
        if not known:
            continue
        try:
            view = _view(comparison, choice, known, runs, scores)
        except UserError:  # an image that nobody can read is no reason to lose the numbers
            continue
        if view.images:
            yield view


def _scores(cases: pd.DataFrame, comparison: Comparison, choices: Sequence[Choice]) -> Scores:
    """The mean DSC over labels of each prediction of the chosen cases."""
    chosen = {choice.case for choice in choices}
    own = cases[(cases["dataset"] == comparison.reference.dataset) & cases["case"].isin(chosen)]
    return {place: float(rows["dsc"].mean()) for place, rows in groups(own, *_PREDICTION)}


def _score_of(run: Run, dataset: str, case: str, scores: Scores) -> float:
    facts = {**vars(run), "dataset": dataset, "case": case, "seed": "" if run.seed is None else run.seed}
    return scores.get(tuple(str(facts[name]) for name in _PREDICTION), float("nan"))


def _first_runs(comparison: Comparison) -> dict[tuple[str, NetworkKey, str], Run]:
    """The first run of each training, network and level."""
    found: dict[tuple[str, NetworkKey, str], Run] = {}
    for run in comparison.runs:
        fold = comparison.reference.folds.get(run.fold)
        key = (run.architecture, run.network, run.plans, run.configuration)
        found.setdefault((fold.training if fold else "", key, run.level), run)
    trainings = sorted({training for training, _, _ in found}, key=level_order)
    if len(trainings) > MAX_TRAININGS:
        trainings = [trainings[0], trainings[len(trainings) // 2], trainings[-1]]
    return {place: run for place, run in found.items() if place[0] in trainings}


def _view(
    comparison: Comparison,
    choice: Choice,
    images: dict[str, Path],
    runs: dict[tuple[str, NetworkKey, str], Run],
    scores: Scores,
) -> CaseView:
    reference = read_image(comparison.reference.cases[choice.case]).array
    index = _fullest_slice(reference)
    flat = _flat(reference, index)
    pictures = {level: _flat(read_image(path).array, index) for level, path in images.items()}
    window = _window(pictures.get(UNPERTURBED, next(iter(pictures.values()))))
    predictions, dsc = {}, {}
    for place, run in runs.items():
        path = comparison.predictions[run].get(choice.case)
        if path is None or place[2] not in images:
            continue
        predictions[place] = _flat(read_image(path).array, index)
        dsc[place] = _score_of(run, comparison.reference.dataset, choice.case, scores)
    return CaseView(
        comparison.reference.dataset,
        choice,
        index,
        flat,
        {level: _stretched(picture, window) for level, picture in pictures.items() if picture.shape[:2] == flat.shape},
        predictions,
        dsc,
    )


def _fullest_slice(labels: LabelPixels) -> int | None:
    if labels.ndim < 3:
        return None
    return int(np.argmax(np.count_nonzero(labels, axis=(1, 2))))


def _flat(array: LabelPixels, index: int | None) -> LabelPixels:
    """One slice of a volume (slice, row, column); flat images as they are."""
    return array if index is None or array.ndim < 3 else array[index]


def _window(picture: LabelPixels) -> tuple[float, float]:
    """The brightness that becomes black, and white: of 8-bit images 0 and 255, else the outermost half per cent."""
    if picture.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.percentile(picture.astype(float), [0.5, 99.5])
    return float(low), float(high) if high > low else float(low) + 1


def _stretched(picture: LabelPixels, window: tuple[float, float]) -> Pixels:
    low, high = window
    scaled = (picture[..., :3].astype(float) if picture.ndim == 3 else picture.astype(float)) - low
    return np.clip(scaled * (255 / (high - low)), 0, 255).round().astype(np.uint8)


def outlines(labels: LabelPixels) -> list[Floats]:
    """The outlines of all labels, as closed lines of (row, column) where a pixel's upper left corner is whole."""
    from skimage.measure import approximate_polygon, find_contours

    found: list[Floats] = []
    for value in np.setdiff1d(labels, [0]):
        padded = np.pad(labels == value, 1).astype(float)
        found += [approximate_polygon(line, 0.4) - 0.5 for line in find_contours(padded, 0.5)]
    return found
