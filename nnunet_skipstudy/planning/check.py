"""Can nnU-Net train on a data set? Looked at once, before it plans: it finds out late, or never, and in a traceback."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.nnunet.cases import Case, Description, read_description, read_labels, training_cases
from nnunet_skipstudy.nnunet.images import Geometry, read_image
from nnunet_skipstudy.support.parallel import parallel_map

TOLERANCES: dict[str, float] = {"spacing": 1e-4, "direction": 1e-3, "origin": 1e-2}
"""How far an image and its label map may differ: NIfTI keeps its geometry in single precision."""


def check_dataset(folder: Path, *, workers: int = 1) -> list[str]:
    """Read all that nnU-Net trains on; nothing is written.

    Args:
        folder: of a data set in nnUNet_raw.
        workers: threads.

    Returns:
        A sentence about each kind of thing that is odd, and is no obstacle for nnU-Net.

    Raises:
        UserError: nnU-Net can't plan, or would train on something else than what is meant; names file and value.
    """
    description, cases = check_description(folder)
    looked_at = parallel_map(partial(_checked_case, description), cases, workers=workers, title="checking")
    if not any(filled for filled, _ in looked_at):
        raise UserError(f"{folder}: all {len(cases)} label maps are empty; give some with an object")
    odd = [words for _, words in looked_at if words]
    like_that = (
        f"({len(odd)} of {len(cases)} cases are like that); nnU-Net goes by the voxels alone: see that they match"
    )
    return [f"{words} {like_that}" for words in odd[:1]]


def check_description(folder: Path) -> tuple[Description, list[Case]]:
    """What can be told of a data set without reading its images: dataset.json, and that all files are there.

    Raises:
        UserError: as :func:`check_dataset`.
    """
    description = read_description(folder)
    for complaint in _label_complaints(description):
        raise UserError(f"{description.source}: {complaint}")
    cases = training_cases(folder, description)
    for path in (path for case in cases for path in (*case.images, case.label) if not path.is_file()):
        raise UserError(f"{path}: no such file, though {description.source} wants it; add it")
    told = description.content.get("numTraining", len(cases))
    if told != len(cases):
        raise UserError(
            f"{description.source}: numTraining is {shown(told)}, but there are {len(cases)} training cases; add the "
            "missing ones, or correct the number"
        )
    return description, cases


def _label_complaints(description: Description) -> Iterator[str]:
    """What nnU-Net's label manager would refuse, which takes torch's seconds to ask."""
    labels, ignore = description.content["labels"], description.ignore
    if labels.get("background") != 0:
        yield f"labels: background is {shown(labels.get('background'))}; nnU-Net wants it to be 0"
    named = {value for values in description.labels.values() for value in values} | {0}
    values = sorted(named if ignore is None else {*named, ignore})
    if values != list(range(len(values))):
        yield f"labels have the values {shown(values)}; nnU-Net wants 0, 1, 2 ... without a gap, in the label maps too"
    if ignore is not None and (ignore in named or ignore != values[-1]):
        yield f"labels: ignore is {ignore}; nnU-Net wants it above all others"
    order = description.content.get("regions_class_order")
    if any(len(values) > 1 for values in description.labels.values()) and not (
        isinstance(order, list) and len(order) == len(description.labels)
    ):
        yield f"regions_class_order is {shown(order)}; labels that join values need it, an entry for each label"


def _checked_case(description: Description, case: Case) -> tuple[bool, str | None]:
    """Whether the label map holds an object, and how its header differs from an image's."""
    labels = read_labels(case, description)
    geometry, n_channels, odd = read_image(case.label).geometry, 0, None
    for path in case.images:
        image = read_image(path)
        shape = image.array.shape
        colours = 0 if image.geometry or len(shape) < 3 else shape[2]
        n_channels += colours or 1
        if (shape[:2] if colours else shape) != labels.shape:
            raise UserError(
                f"{case.label}: shape {labels.shape}, but {path} has {shape}; give the one that belongs to it"
            )
        if image.geometry and geometry:
            odd = odd or _difference(path, image.geometry, case.label, geometry)
    if n_channels != description.n_channels:
        raise UserError(
            f"{case.images[0]}: case {case.name!r} has {n_channels} channels, {description.source} names "
            f"{description.n_channels}; correct one of them"
        )
    return bool(labels.any()), odd


def _difference(image: Path, ours: Geometry, label: Path, theirs: Geometry) -> str | None:
    """How two headers differ.

    Raises:
        UserError: in the spacing, which nnU-Net's own check refuses.
    """
    for name, tolerance in TOLERANCES.items():
        first, second = getattr(ours, name), getattr(theirs, name)
        if not np.allclose(first, second, rtol=1e-4, atol=tolerance):
            words = f"{label} has the {name} {_listed(second)}, its image {image} {_listed(first)}"
            if name == "spacing":
                raise UserError(f"{words}; mend the header that is wrong")
            return words
    return None


def _listed(values: Sequence[float]) -> str:
    return f"({', '.join(f'{value:g}' for value in values)})"
