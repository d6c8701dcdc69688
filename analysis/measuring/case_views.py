"""Single cases to look at: image, reference outline and every network's prediction, level by level."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nnunet_skipstudy.analysis.inputs.labels import LabelMap
from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.inputs.references import VALIDATION_FOLDERS
from nnunet_skipstudy.analysis.inputs.runs import Run, case_files
from nnunet_skipstudy.analysis.measuring.columns import TRAINING, NetworkKey, TrainingKey, groups
from nnunet_skipstudy.analysis.measuring.outlines import Outlines, outlines
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import read_image
from nnunet_skipstudy.registry import UNPERTURBED, in_order, level_order
from nnunet_skipstudy.support.files import led_to

Pixels = npt.NDArray[np.uint8]
Scores = dict[tuple[str, ...], float]

MAX_TRAININGS = 3


@dataclass(frozen=True)
class Choice:
    """A case worth looking at, why, and by what it was chosen; ``telling``: a page shows it before others."""

    case: str
    why: str
    by: str = ""
    telling: bool = False


class Place(NamedTuple):
    """Which of a case's predictions."""

    training: str
    network: NetworkKey
    level: str


@dataclass(frozen=True)
class CaseView:
    """A case's flat pictures, all of one ``shape`` (row, column).

    ``slice_index``: of a volume, the slice with the most reference foreground; ``None`` for a flat image.
    ``reference`` and ``predictions``: outlines. ``images``: by level, 8-bit, (row, column) or (row, column, 3),
    brightness stretched alike at all levels. ``dsc``: the mean over labels of the very prediction that is shown.
    """

    dataset: str
    choice: Choice
    slice_index: int | None
    shape: tuple[int, int]
    reference: Outlines
    images: dict[str, Pixels]
    predictions: dict[Place, Outlines]
    dsc: dict[Place, float]


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
    return {place: float(rows["dsc"].mean()) for place, rows in groups(own, *TRAINING, "level", "case")}


def _training_of(run: Run, dataset: str) -> TrainingKey:
    seed = "" if run.seed is None else str(run.seed)
    return TrainingKey(dataset, *_network_of(run), run.trainer, run.fold, seed)


def _network_of(run: Run) -> NetworkKey:
    return NetworkKey(run.architecture, run.network, run.plans, run.configuration)


def _first_runs(comparison: Comparison) -> dict[Place, Run]:
    """The first run of each training, network and level."""
    found: dict[Place, Run] = {}
    for run in comparison.runs:
        fold = comparison.reference.folds.get(run.fold)
        found.setdefault(Place(fold.training if fold else "", _network_of(run), run.level), run)
    trainings = sorted({place.training for place in found}, key=level_order)
    if len(trainings) > MAX_TRAININGS:
        trainings = [trainings[0], trainings[len(trainings) // 2], trainings[-1]]
    return {place: run for place, run in found.items() if place.training in trainings}


def _view(
    comparison: Comparison,
    choice: Choice,
    images: dict[str, Path],
    runs: dict[Place, Run],
    scores: Scores,
) -> CaseView:
    reference = read_image(comparison.reference.cases[choice.case]).array
    index = _fullest_slice(reference)
    flat = _flat(reference, index)
    rows, columns = flat.shape
    pictures = {level: _flat(read_image(path).array, index) for level, path in images.items()}
    window = _window(pictures.get(UNPERTURBED, next(iter(pictures.values()))))
    predictions, dsc = {}, {}
    for place, run in runs.items():
        path = comparison.predictions[run].get(choice.case)
        if path is None or place.level not in images:
            continue
        predictions[place] = outlines(_flat(read_image(path).array, index))
        training = _training_of(run, comparison.reference.dataset)
        dsc[place] = scores.get((*training, run.level, choice.case), float("nan"))
    return CaseView(
        comparison.reference.dataset,
        choice,
        index,
        (rows, columns),
        outlines(flat),
        {level: _stretched(picture, window) for level, picture in pictures.items() if picture.shape[:2] == flat.shape},
        predictions,
        dsc,
    )


def _fullest_slice(labels: LabelMap) -> int | None:
    if labels.ndim < 3:
        return None
    return int(np.argmax(np.count_nonzero(labels, axis=(1, 2))))


def _flat(array: LabelMap, index: int | None) -> LabelMap:
    """One slice of a volume (slice, row, column); flat images as they are."""
    return array if index is None or array.ndim < 3 else array[index]


def _window(picture: LabelMap) -> tuple[float, float]:
    """The brightness that becomes black, and white: of 8-bit images 0 and 255, else the outermost half per cent."""
    if picture.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.percentile(picture.astype(float), [0.5, 99.5])
    return float(low), float(high) if high > low else float(low) + 1


def _stretched(picture: LabelMap, window: tuple[float, float]) -> Pixels:
    low, high = window
    scaled = (picture[..., :3].astype(float) if picture.ndim == 3 else picture.astype(float)) - low
    return np.clip(scaled * (255 / (high - low)), 0, 255).round().astype(np.uint8)
