"""The texture disparity of every case of a data set, as one tidy table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.cases import (
    Case,
    Description,
    about,
    described_cases,
    read_channel,
    read_description,
    read_labels,
    test_levels,
    training_cases,
)
from nnunet_skipstudy.registry import EXCESS, STUDYS_TD, UNPERTURBED, level_order
from nnunet_skipstudy.support.parallel import parallel_map
from nnunet_skipstudy.texture.case_disparity import CaseDisparity, case_disparity
from nnunet_skipstudy.texture.categories import disparity_categories
from nnunet_skipstudy.texture.disparity import Disparity
from nnunet_skipstudy.texture.null import DRAWS, null_draws

NULL_COLUMNS: tuple[str, ...] = ("disparity_null", "disparity_excess", "disparity_percentile")
COLUMNS: tuple[str, ...] = (
    *("case", "set", "level", "label"),
    *("definition", "background", "disparity", "category", "reason"),
    *(*NULL_COLUMNS, "size_px", "sorted_by"),
)
UNION = "union"
"""The label of the rows that stand for all labels together."""
TRAIN, TEST = "train", "test"


@dataclass(frozen=True)
class Measure:
    """How disparity is taken: see :func:`~nnunet_skipstudy.texture.case_disparity.case_disparity`.

    ``channel`` is that of a case with several image files; colour images are one channel, taken in grey.
    ``axis`` is that across which a volume's planes lie. ``n_draws`` and ``seed`` are those of
    :func:`~nnunet_skipstudy.texture.null.null_draws`. ``by``: what categories go by, the excess or the value.
    """

    definition: str = "kamath2025"
    background: str = "all"
    channel: int = 0
    axis: int = 0
    n_draws: int = 0
    seed: int = 0
    by: str = EXCESS

    @property
    def sorted_by(self) -> str:
        """What categories go by: without a null the definition's own value."""
        return EXCESS if self.by == EXCESS and self.n_draws else self.definition


@dataclass(frozen=True)
class Part:
    """A folder of cases: the training pool or one level of the test set."""

    set: str
    level: str
    cases: tuple[Case, ...]


@dataclass(frozen=True)
class DisparityRow:
    """One case and label; ``disparity`` is NaN exactly where ``reason`` says why, and what needs a null without one."""

    case: str
    set: str
    level: str
    label: str
    definition: str
    background: str
    disparity: float
    category: str
    reason: str
    disparity_null: float
    disparity_excess: float
    disparity_percentile: float
    size_px: int
    sorted_by: str

    @property
    def sorted_value(self) -> float:
        """What the category goes by."""
        return self.disparity_excess if self.sorted_by == EXCESS else self.disparity

    @property
    def cells(self) -> dict[str, Any]:
        """The row as it stands in the CSV: nine decimals, empty where there is none."""
        cells = {name: getattr(self, name) for name in COLUMNS}
        return {name: rounded(cell) if isinstance(cell, float) else cell for name, cell in cells.items()}


def sorting_texture(
    image: npt.NDArray[Any], label: npt.NDArray[Any], case: str, by: str, *, axis: int = 0
) -> tuple[Disparity, float]:
    """A case's texture disparity by the study's definition with its null, and what the case is sorted by.

    The latter to nine decimals, as tables have it: equal values stay equal when they are read back.
    """
    texture = case_disparity(image, label, axis=axis, draws=null_draws(case, DRAWS)).union
    value = texture.excess if by == EXCESS else texture.value
    if by not in (EXCESS, STUDYS_TD):
        value = case_disparity(image, label, axis=axis, definition=by).union.value
    return texture, round(value, 9)


def sorting_cells(texture: Disparity, by: str, value: float) -> dict[str, Any]:
    """What cases.csv says of a null, and of what the case is sorted by."""
    return {**null_cells(texture), "sorted_by": by, "sorted_value": rounded(value)}


def null_cells(texture: Disparity) -> dict[str, float | None]:
    """What a table says of a disparity's null, by its columns."""
    numbers = (texture.null_mean, texture.excess, texture.percentile)
    return dict(zip(NULL_COLUMNS, map(rounded, numbers), strict=True))


def sorted_by(measure: str) -> dict[str, str]:
    """What a data set's own record says of the measure that its cases are sorted by.

    Nothing of the study's: data sets made before there was a choice are sorted by it.
    """
    return {} if measure == STUDYS_TD else {"sorted_by": measure}


def rounded(value: float) -> float | None:
    """A disparity as it stands in a table: nine decimals; None where there is none."""
    return round(value, 9) + 0.0 if isfinite(value) else None  # no -0.0


def dataset_parts(folder: Path) -> tuple[Description, list[Part], list[str]]:
    """What a data set's folder holds: the training pool, then the test set's levels, hardest first.

    Returns:
        The description, the parts, and a remark for each test folder left out for want of ``labelsTs``.

    Raises:
        UserError: dataset.json or a file is missing or damaged.
    """
    description = read_description(folder)
    if UNION in description.labels and len(description.labels) > 1:
        raise UserError(
            f"{description.source}: a label is called {UNION!r}, as the rows of all labels together are; rename it"
        )
    parts = [Part(TRAIN, UNPERTURBED, tuple(training_cases(folder, description)))]
    levels = test_levels(folder)
    if (folder / "imagesTs").is_dir() and any((folder / "imagesTs").iterdir()):
        levels[UNPERTURBED] = folder / "imagesTs"
    labels = folder / "labelsTs"
    if not labels.is_dir():
        remarks = [f"{path}: left out, since there is no {labels}" for path in sorted(levels.values())]
        return description, parts, remarks
    for level in sorted(levels, key=level_order):
        parts.append(Part(TEST, level, tuple(described_cases(levels[level], labels, description))))
    return description, parts, []


def disparity_table(
    parts: Sequence[Part], measure: Measure, *, description: Description | None = None, workers: int = 1
) -> list[DisparityRow]:
    """Measure every case: a row for all labels together and, where there are several, one for each.

    The categories are the quintiles, label by label, of the unperturbed cases (training pool and test set), and
    perturbed cases are sorted into the same ones, so that the categories show what a perturbation did. Where no
    test set is unperturbed, as with synthetic textures, all cases count.

    Args:
        parts: of :func:`dataset_parts`, or made by hand.
        measure: how.
        description: of the data set, for its labels; None: all that is not 0 is one object.
        workers: threads; each holds one case in memory.

    Raises:
        UserError: a file can't be read, or image and label map don't belong together; the message names it.
    """
    rows = [row for part in parts for row in _part_rows(part, measure, description, workers)]
    tested = any(part.set == TEST for part in parts)
    unperturbed = any(part.set == TEST and part.level == UNPERTURBED for part in parts)
    for label in dict.fromkeys(row.label for row in rows):
        places = [place for place, row in enumerate(rows) if row.label == label]
        among = [
            rows[place].sorted_value
            for place in places
            if rows[place].level == UNPERTURBED or (tested and not unperturbed)
        ]
        categories = disparity_categories([rows[place].sorted_value for place in places], among)
        for place, category in zip(places, categories, strict=True):
            rows[place] = replace(rows[place], category=category)
    return rows


def measured_cases(
    cases: Sequence[Case],
    measure: Measure,
    *,
    description: Description | None = None,
    ignore: int | None = None,
    workers: int = 1,
    title: str,
) -> list[CaseDisparity]:
    """Each case's disparity; ``ignore``: without a description. Raises UserError: as :func:`disparity_table`."""
    one = partial(_measured, measure=measure, description=description, ignore=ignore)
    return parallel_map(one, cases, workers=workers, title=title)


def _measured(case: Case, measure: Measure, description: Description | None, ignore: int | None) -> CaseDisparity:
    labels = read_labels(case, description)
    image = read_channel(case, measure.channel, labels)
    with about(case.images[measure.channel]):
        return case_disparity(
            image.array,
            labels,
            labels=description.labels if description is not None else None,
            ignore=description.ignore if description is not None else ignore,
            definition=measure.definition,
            background=measure.background,
            axis=measure.axis,
            draws=null_draws(case.name, measure.n_draws, seed=measure.seed),
        )


def _part_rows(part: Part, measure: Measure, description: Description | None, workers: int) -> Iterator[DisparityRow]:
    title = part.set if part.level == UNPERTURBED else f"{part.set} {part.level}"
    results = measured_cases(part.cases, measure, description=description, workers=workers, title=title)
    for case, result in zip(part.cases, results, strict=True):
        labels = result.labels if len(result.labels) > 1 else {}
        for label, disparity in {UNION: result.union, **labels}.items():
            yield DisparityRow(
                case.name,
                part.set,
                part.level,
                label,
                measure.definition,
                measure.background,
                disparity.value,
                "",
                disparity.reason or "",
                disparity.null_mean,
                disparity.excess,
                disparity.percentile,
                disparity.size_px,
                measure.sorted_by,
            )
