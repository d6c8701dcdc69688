"""What the headers of volumes say, before long work: whether image and label map fit, and how nnU-Net cuts planes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.cases import Case, left_out
from nnunet_skipstudy.nnunet.geometry import difference
from nnunet_skipstudy.nnunet.images import read_grid
from nnunet_skipstudy.support.parallel import parallel_map


@dataclass(frozen=True)
class Survey:
    """The axis of (slice, row, column) across which planes lie, and what is odd about the files, in sentences."""

    axis: int
    remarks: tuple[str, ...]


def survey(cases: Sequence[Case], pool: Sequence[Case] = (), *, workers: int = 1) -> Survey:
    """Look at the headers of all files, if they are volumes.

    Args:
        cases: to be worked on.
        pool: the training cases, by whose median spacing nnU-Net chooses its planes; empty: the cases themselves.
        workers: threads.

    Raises:
        UserError: an image and its label map differ in shape or spacing, which nnU-Net refuses as well.
    """
    odd = [text for text in parallel_map(_oddity, cases, workers=workers, title="headers") if text]
    remarks = list(left_out(cases))
    if odd:
        remarks.append(
            f"{odd[0]} ({len(odd)} of {len(cases)} cases are like that); nnU-Net takes them as lying on one grid, and "
            "so does skipstudy: see that they do"
        )
    spacings = parallel_map(_spacing, pool or cases, workers=workers, title="headers")
    known = [spacing for spacing in spacings if len(spacing) == 3]
    axis = int(np.argmax(np.median(known, axis=0))) if known else 0
    if axis:
        remarks.append(f"planes lie across axis {axis} of (slice, row, column), the coarsest one, as nnU-Net's do")
    return Survey(axis, tuple(remarks))


def _spacing(case: Case) -> tuple[float, ...]:
    grid = read_grid(case.images[0])
    return grid.geometry.spacing if grid else ()


def _oddity(case: Case) -> str | None:
    """How the label map's place differs from an image's."""
    label, odd = read_grid(case.label), None
    for path in case.images if label else ():
        image = read_grid(path)
        if label is None or image is None:
            continue
        named = f"{path} and its label map {case.label} differ"
        if image.shape != label.shape:
            raise UserError(f"{named}: shape {image.shape} and {label.shape}; give the label map that belongs to it")
        if differs := difference(image.geometry, label.geometry, only=("spacing",)):
            raise UserError(f"{named}: {differs}; bring both to one grid, or mend the header that is wrong")
        differs = difference(image.geometry, label.geometry)
        odd = odd or (differs and f"{named}: {differs}")
    return odd
