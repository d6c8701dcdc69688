"""The values that describe a data set: what a converter's file has to say, and nothing else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.conversion.source import Layout
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import Geometry

PROTOCOLS: tuple[str, ...] = ("native", "study")
"""At the publisher's resolution; or as the study had it: grey, 256 x 256, with its split sizes."""
STUDY_SIDE_PX = 256


@dataclass(frozen=True)
class SourceCase:
    """What a download holds of one case; one or more cases of the data set come out of it."""

    case: str  # its identifier, good for nnU-Net: letters, digits, _ and -
    image: str  # path below the topmost folder
    masks: tuple[str, ...]  # likewise; several are merged, none means that nothing is labelled
    group: str  # what must not straddle a split
    stratum: str = ""  # class or disease, to be spread evenly over all parts; "" where there is none
    official: str = ""  # the set that the publisher put it in; "" where there is none
    label: int = 1  # of what a mask marks, where masks don't hold labels themselves


@dataclass(frozen=True)
class Rendered:
    """One case as it will be written; ``source`` is the part of the download that it is.

    ``geometry``: of a medical image. ``copy_of``: a file that holds the image in the data set's format, to be copied.
    ``whole``: a flat image's grey pixels before it was resized, for looking for copies; None: it wasn't.
    """

    case: str
    image: npt.NDArray[Any]
    label: npt.NDArray[np.uint8]
    source: str
    geometry: Geometry | None = None
    copy_of: Path | None = None
    whole: npt.NDArray[np.uint8] | None = None


Render = Callable[[SourceCase, Path, Mapping[str, int], int], Sequence[Rendered]]
"""(case, topmost folder, labels, seed) to the cases that come out of it; reads each file once. Raises UserError."""


class Sizes(NamedTuple):
    """How many cases (or groups: volumes) train, validate in fold 0 and test the networks."""

    train: int
    val: int
    test: int
    unit: str = "cases"

    def scaled(self, total: int) -> "Sizes":
        """The same proportions of another total, each at least 1. Raises UserError: fewer than 3."""
        if total < 3:
            raise UserError(f"{total} {self.unit} to be divided into training, validation and test; fetch all of them")
        whole = self.train + self.val + self.test
        val, test = (max(1, round(part * total / whole)) for part in (self.val, self.test))
        return Sizes(total - val - test, val, test, self.unit)


@dataclass(frozen=True)
class Division:
    """How the test set and fold 0's validation cases are chosen."""

    test_sets: tuple[str, ...] = ()  # official sets that are the test set, where the download has them with labels
    validation_sets: tuple[str, ...] = ()  # official sets that fold 0 validates with
    # where there is no official test set: the study's; None: TEST_PART of all is held out, and fold 0 is
    # one of five equal parts
    sizes: Sizes | None = None
    first_fold: str = ""  # fold 0's name, where its validation cases are chosen by these
    # official sets that must be there: without them, the parts would be others than described
    needed_sets: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetDescription:
    """A data set, its options settled."""

    name: str  # of the publisher's data set, for messages
    layout: Layout  # how to find its files
    # (topmost folder, names of its files) to cases, in the order of tables; raises UserError
    list_cases: Callable[[Path, Sequence[str]], list[SourceCase]]
    render: Render  # reads a case
    labels: Mapping[str, int]  # values by name, with background 0
    channel_names: tuple[str, ...]  # nnU-Net chooses the normalisation by them
    ending: str  # of images and labels
    configuration: str  # nnU-Net's that fits, 2d or 3d_fullres
    division: Division  # into training pool and test set
    # everything else that decides the content, as JSON, for the record
    options: Mapping[str, Any] = field(default_factory=dict)
    find_duplicates: bool = False  # look for near-duplicates among the images and keep them in one group
    caveats: tuple[str, ...] = ()  # lines that the user should read after the conversion
    # how many there are of what the publisher counts, and what that is; 0: not known
    published: tuple[int, str] = (0, "")
