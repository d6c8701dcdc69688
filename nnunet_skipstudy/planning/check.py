"""Can nnU-Net train on a data set? Looked at once, before it plans: it finds out late, or never, and in a traceback."""

import codecs
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.nnunet.cases import Case, Description, read_channel, read_description, read_labels, training_cases
from nnunet_skipstudy.nnunet.survey import survey
from nnunet_skipstudy.support.parallel import parallel_map


def check_dataset(folder: Path, *, workers: int = 1) -> tuple[str, ...]:
    """Read all that nnU-Net trains on in a folder of nnUNet_raw; say in sentences what is odd, but no obstacle for it.

    Raises:
        UserError: nnU-Net can't plan, or would train on something else than what is meant; names file and value.
    """
    description, cases = check_description(folder)
    remarks = survey(cases, workers=workers).remarks
    filled = parallel_map(partial(_checked_case, description), cases, workers=workers, title="checking")
    if not any(filled):
        raise UserError(f"{folder}: all {len(cases)} label maps are empty; give some with an object")
    return remarks


def check_description(folder: Path) -> tuple[Description, list[Case]]:
    """dataset.json, and that all its files are there; no image is read. Raises UserError: as :func:`check_dataset`."""
    path = folder / "dataset.json"
    if path.is_file() and path.read_bytes().startswith(codecs.BOM_UTF8):
        raise UserError(f"{path}: starts with a byte order mark, which nnU-Net can't read; remove it")
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


def _checked_case(description: Description, case: Case) -> bool:
    """Whether the label map holds an object; image and label map must be of one shape, and as dataset.json says."""
    labels, n_channels = read_labels(case, description), 0
    for channel in range(len(case.images)):
        shape = read_channel(case, channel, labels).array.shape
        n_channels += shape[2] if len(shape) > labels.ndim else 1
    if n_channels != description.n_channels:
        raise UserError(
            f"{case.images[0]}: case {case.name!r} has {n_channels} channels, {description.source} names "
            f"{description.n_channels}; correct one of them"
        )
    return bool(labels.any())
