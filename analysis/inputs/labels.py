"""What is segmented: the labels and regions of nnU-Net's dataset.json."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.labels import named_labels
from nnunet_skipstudy.support.files import read_object

LabelMap = npt.NDArray[np.generic]


@dataclass(frozen=True)
class LabelSet:
    """The labels of a data set.

    ``regions`` gives each label's values (one, or several for a region that joins labels), ``ignore`` the value
    of voxels that don't count, ``source`` the dataset.json (``None``: taken from the references).
    """

    regions: dict[str, tuple[int, ...]]
    ignore: int | None = None
    source: Path | None = None

    @property
    def known(self) -> frozenset[int]:
        """Every value that a label map may hold."""
        values = {value for region in self.regions.values() for value in region}
        return frozenset(values | {0} | ({self.ignore} if self.ignore is not None else set()))

    @property
    def origin(self) -> str:
        """Where the labels were read, in words."""
        if self.source is None:
            return "the values in the reference masks (no dataset.json was found)"
        return f"{self.source.absolute().parent.name}/{self.source.name}"


def find_label_set(folders: Iterable[Path]) -> LabelSet | None:
    """The labels of the first folder with a dataset.json. Raises UserError: as :func:`parse_label_set`."""
    for folder in folders:
        path = folder / "dataset.json"
        if path.is_file():
            return parse_label_set(read_object(path), path)
    return None


def parse_label_set(content: dict[str, Any], source: Path) -> LabelSet:
    """The ``labels`` of a dataset.json. Raises UserError: there is no label, or a value is no whole number."""
    regions, ignore = named_labels(content.get("labels"), source)
    if not regions:
        raise UserError(f"{source}: names no label but the background; add what the predictions segment")
    return LabelSet(regions, ignore, source)


def contradiction(one: LabelSet, other: LabelSet) -> str:
    """The first name with other values, or values with another name, in words; empty where there is none.

    Names that only one of the two has are no contradiction, nor are capitals.
    """
    values, others = _by_name(one), _by_name(other)
    for (name, region), (name_there, there) in product(values.items(), others.items()):
        if (name == name_there) != (region == there):
            return f"{name} is {_listed(region)} in one, {name_there} is {_listed(there)} in the other"
    return ""


def difference_of_labels(one: LabelSet, other: LabelSet) -> str:
    """As :func:`contradiction`, or else a name that only one of the two has."""
    only = sorted(_by_name(one).keys() ^ _by_name(other).keys())
    return contradiction(one, other) or (f"only one has {only[0]}" if only else "")


def _by_name(labels: LabelSet) -> dict[str, frozenset[int]]:
    ignore = {} if labels.ignore is None else {"ignore": (labels.ignore,)}
    return {name.strip().casefold(): frozenset(region) for name, region in (*labels.regions.items(), *ignore.items())}


def _listed(region: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(region)))


def label_set_of_values(values: Iterable[int]) -> LabelSet:
    """One label for each positive value, named as the value."""
    return LabelSet({str(value): (value,) for value in sorted(values) if value > 0})


def values_of(labels: LabelMap) -> frozenset[int]:
    """The values in a label map. Raises ValueError: a value is not a whole number."""
    if labels.dtype == np.uint8:
        present = np.flatnonzero(np.bincount(labels.ravel(), minlength=1))
    else:
        present = np.unique(labels)
    if not np.array_equal(present, present.astype(np.int64)):
        raise ValueError("holds values that are not whole numbers")
    return frozenset(int(value) for value in present)


def region_mask(labels: LabelMap, region: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """The voxels whose value belongs to a region."""
    mask: npt.NDArray[np.bool_] = labels == region[0]
    for value in region[1:]:
        mask |= labels == value
    return mask
