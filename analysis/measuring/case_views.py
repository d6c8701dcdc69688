"""Single cases to look at: image, reference outline and every network's prediction, level by level."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from nnunet_skipstudy.analysis.inputs.labels import LabelMap, region_mask
from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.inputs.references import VALIDATION_FOLDERS
from nnunet_skipstudy.analysis.inputs.runs import Run, case_files
from nnunet_skipstudy.analysis.measuring.columns import TRAINING, NetworkKey, TrainingKey, groups
from nnunet_skipstudy.analysis.measuring.outlines import Outlines, outlines
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import read_image
from nnunet_skipstudy.registry import UNPERTURBED, in_order, level_order
from nnunet_skipstudy.support.files import led_to
from nnunet_skipstudy.support.tables import read_rows

Pixels = npt.NDArray[np.uint8]
Scores = dict[tuple[str, ...], tuple[float, ...]]

MAX_TRAININGS = 3
MAX_SLICES = 9
"""Of a volume that was chosen for a reason; of others, one."""


@dataclass(frozen=True)
class Choice:
    """A case worth looking at, why, and by what it was chosen."""

    case: str
    why: str
    by: str = ""


@dataclass(frozen=True)
class Gate:
    """Where an attention gate looks in a case's image, as attention.csv has it.

    ``depth``: the gate's level of the network, 0 = full resolution. ``picture``: its weights on the image's grid, of
    the slice ``index``. ``mass``: share of all weight that lies in the reference; ``inside``: share of all voxels.
    """

    depth: int
    picture: Path
    index: int
    mass: float
    inside: float


Gates = dict[tuple[str, ...], list[Gate]]
"""By data set, trainer, plans, configuration, fold, level and case."""


class Place(NamedTuple):
    """Which of a case's predictions."""

    training: str
    network: NetworkKey
    level: str


@dataclass(frozen=True)
class Plane:
    """A flat picture of a case: an image, or one slice of a volume.

    ``index``: of the slice, ``None`` for a flat image. ``images``: by level, 8-bit, (row, column) or (row, column, 3),
    brightness stretched alike at all levels and slices. ``reference`` and ``predictions``: outlines, one for each of
    the view's labels.
    """

    index: int | None
    images: dict[str, Pixels]
    reference: tuple[Outlines, ...]
    predictions: dict[Place, tuple[Outlines, ...]]


@dataclass(frozen=True)
class CaseView:
    """A case's flat pictures, all of one ``shape`` (row, column).

    ``planes``: of a volume, slices from the first to the last with reference foreground; ``fullest``: which of them
    holds most of it. ``dsc``: of the very prediction that is shown, the mean over ``labels``, then each of them, NaN
    where it has none. ``empty``: the predictions without any label. ``notes``: what is known of the image at a level,
    its TD and how it was perturbed, in words. ``gates``: of attention networks, where each looks: 8-bit weights of
    ``shape``.
    """

    dataset: str
    choice: Choice
    shape: tuple[int, int]
    labels: tuple[str, ...]
    planes: tuple[Plane, ...]
    fullest: int
    dsc: dict[Place, tuple[float, ...]]
    empty: frozenset[Place]
    notes: dict[str, str]
    gates: dict[Place, list[tuple[Gate, Pixels]]] = field(default_factory=dict)

    @property
    def levels(self) -> list[str]:
        """Those that have an image."""
        return in_order(self.planes[0].images)


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


def case_views(
    comparison: Comparison, cases: pd.DataFrame, choices: Sequence[Choice], gates: Gates
) -> Iterator[CaseView]:
    """Read the chosen cases' files.

    Of several seeds and like folds the first is shown; of more than three training sets the first, the middle and
    the last. A case without an image at any level is left out, as is a level without one.

    Args:
        comparison: of one data set.
        cases: the table of cases.
        choices: what to read.
        gates: of attention networks; those of other trainings than the one that is shown are left out.
    """
    levels = in_order(run.level for run in comparison.runs)
    folders = image_folders(comparison, levels)
    files = {level: case_files(folder) for level, folder in folders.items()}
    runs = _first_runs(comparison)
    scores, notes = _scores(cases, comparison, choices), _notes(comparison)
    for choice in choices:
        paths = {level: files[level].get(f"{choice.case}_0000") for level in files}
        known = {level: path for level, path in paths.items() if path is not None}
        if not known:
            continue
        try:
            view = _view(comparison, choice, known, runs, scores, gates)
        except UserError:  # an image that nobody can read is no reason to lose the numbers
            continue
        if view.planes[0].images:
            yield replace(view, notes={level: notes[choice.case, level] for level in known})


def _notes(comparison: Comparison) -> dict[tuple[str, str], str]:
    """What the data set's tables say of a case's image at a level; empty where they say nothing."""
    found: dict[tuple[str, str], str] = defaultdict(str)
    for place, disparity in comparison.reference.disparities.items():
        found[place] = f"TD {disparity:.3f}"
    table = comparison.reference.beside("perturbations.csv")
    for row in read_rows(table, ("case",)) if table else []:
        place = (row["case"], row.get("level", ""))
        leak = f"leak probe {row['leak']}" if row.get("leak") else ""
        words = (found[place], row.get("parameters", "").replace(":", " "), leak)
        found[place] = ", ".join(word for word in words if word)
    return found


def _scores(cases: pd.DataFrame, comparison: Comparison, choices: Sequence[Choice]) -> Scores:
    """The DSC of each prediction of the chosen cases: the mean over labels, then each label's."""
    chosen = {choice.case for choice in choices}
    own = cases[(cases["dataset"] == comparison.reference.dataset) & cases["case"].isin(chosen)]
    return {
        place: (float(rows["dsc"].mean()), *_by_label(rows, comparison))
        for place, rows in groups(own, *TRAINING, "level", "case")
    }


def _by_label(rows: pd.DataFrame, comparison: Comparison) -> list[float]:
    values = dict(zip(rows["label"], rows["dsc"], strict=True))
    return [float(values.get(label, float("nan"))) for label in comparison.labels.regions]


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
    gates: Gates,
) -> CaseView:
    reference = read_image(comparison.reference.cases[choice.case]).array
    slices, fullest = _slices(reference, MAX_SLICES if choice.why else 1)
    pictures = {level: read_image(path).array for level, path in images.items()}
    pictures = {level: array for level, array in pictures.items() if _fits(array, reference)}
    window = _window(pictures, fullest)
    labels = comparison.labels.regions
    drawn: dict[Place, list[tuple[Outlines, ...]]] = {}
    dsc, empty = {}, set()
    for place, run in runs.items():
        path = comparison.predictions[run].get(choice.case)
        if path is None or place.level not in pictures:
            continue
        predicted = read_image(path).array
        drawn[place] = [_of_labels(_flat(predicted, index), labels) for index in slices]
        if not any(region_mask(predicted, values).any() for values in labels.values()):
            empty.add(place)
        training = _training_of(run, comparison.reference.dataset)
        dsc[place] = scores.get((*training, run.level, choice.case), (float("nan"),) * (1 + len(labels)))
    planes = tuple(
        Plane(
            index,
            {level: _stretched(_flat(array, index), window) for level, array in pictures.items()},
            _of_labels(_flat(reference, index), labels),
            {place: by_slice[number] for place, by_slice in drawn.items()},
        )
        for number, index in enumerate(slices)
    )
    rows, columns = _flat(reference, fullest).shape
    return CaseView(
        *(comparison.reference.dataset, choice, (rows, columns), tuple(labels), planes, slices.index(fullest), dsc),
        empty=frozenset(empty),
        notes={},
        gates={
            place: list(_weights(gates, run, comparison, choice.case, (rows, columns))) for place, run in runs.items()
        },
    )


def _weights(
    gates: Gates, run: Run, comparison: Comparison, case: str, shape: tuple[int, int]
) -> Iterator[tuple[Gate, Pixels]]:
    """The gates of one prediction with their pictures, as far as these are there and of the case's shape."""
    dataset = comparison.reference.dataset
    place = (dataset, run.trainer, run.plans, run.configuration, run.fold, run.level, case)
    for gate in gates.get(place, []):
        with suppress(UserError):
            weights = read_image(gate.picture).array
            if weights.shape == shape:
                yield gate, weights


def _slices(labels: LabelMap, n: int) -> tuple[list[int | None], int | None]:
    """Up to ``n`` slices with foreground, evenly from first to last, the fullest among them; and the fullest."""
    if labels.ndim < 3:
        return [None], None
    filled = np.count_nonzero(labels, axis=(1, 2))
    fullest = int(np.argmax(filled))
    with_some = np.flatnonzero(filled)
    if n == 1 or not len(with_some):
        return [fullest], fullest
    even = with_some[np.linspace(0, len(with_some) - 1, min(n, len(with_some))).round().astype(int)]
    nearest = int(np.argmin(np.abs(even - fullest)))
    return [fullest if place == nearest else int(index) for place, index in enumerate(even)], fullest


def _fits(picture: LabelMap, reference: LabelMap) -> bool:
    """Whether an image has the reference's grid; a flat one may have colours behind it."""
    return picture.shape[: reference.ndim] == reference.shape


def _of_labels(flat: LabelMap, labels: dict[str, tuple[int, ...]]) -> tuple[Outlines, ...]:
    return tuple(outlines(region_mask(flat, values)) for values in labels.values())


def _flat(array: LabelMap, index: int | None) -> LabelMap:
    """One slice of a volume (slice, row, column); flat images as they are."""
    return array if index is None or array.ndim < 3 else array[index]


def _window(pictures: dict[str, LabelMap], index: int | None) -> tuple[float, float]:
    """The brightness that becomes black, and white: of 8-bit images 0 and 255, else the outermost half per cent."""
    if not pictures:
        return 0.0, 255.0
    picture = _flat(pictures.get(UNPERTURBED, next(iter(pictures.values()))), index)
    if picture.dtype == np.uint8:
        return 0.0, 255.0
    low, high = np.percentile(picture.astype(float), [0.5, 99.5])
    return float(low), float(high) if high > low else float(low) + 1


def _stretched(picture: LabelMap, window: tuple[float, float]) -> Pixels:
    low, high = window
    scaled = (picture[..., :3].astype(float) if picture.ndim == 3 else picture.astype(float)) - low
    return np.clip(scaled * (255 / (high - low)), 0, 255).round().astype(np.uint8)
