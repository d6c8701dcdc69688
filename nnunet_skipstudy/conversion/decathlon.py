"""What the tasks of the Medical Segmentation Decathlon (MSD, Antonelli et al. 2022) share: their layout."""

import re
from collections.abc import Sequence
from pathlib import Path

from nnunet_skipstudy.conversion.description import SourceCase
from nnunet_skipstudy.conversion.numbering import add_once
from nnunet_skipstudy.conversion.source import Layout
from nnunet_skipstudy.errors import UserError


def layout(prefix: str) -> Layout:
    """Of the task whose files are called ``<prefix>_2.nii.gz``."""
    return Layout(
        images=_pattern(prefix),
        unused=r"imagesTs/.*",  # they have no labels
        expected=f"'imagesTr/{prefix}_2.nii.gz', 'labelsTr/{prefix}_2.nii.gz' and so on",
    )


def cases_of(root: Path, names: Sequence[str]) -> list[SourceCase]:
    """The labelled volumes in the order of their numbers, each its own group.

    Raises:
        UserError: an image lacks its label map, or the other way round.
    """
    files: dict[tuple[int, str, str], str] = {}
    for name in names:
        match = re.fullmatch(_pattern(r"[A-Za-z]+"), name, re.IGNORECASE)
        assert match is not None  # the layout chose the names
        add_once(files, (int(match["number"]), match["case"], match["folder"].lower()), name)
    cases = []
    for number, case, folder in sorted(files):
        other = "labelstr" if folder == "imagestr" else "imagestr"
        if (number, case, other) not in files:
            what = "label map" if folder == "imagestr" else "image"
            raise UserError(f"{files[number, case, folder]}: its {what} is missing; fetch the download again")
        if folder == "imagestr":
            cases.append(SourceCase(case, files[number, case, folder], (files[number, case, other],), case))
    return cases


def _pattern(prefix: str) -> str:
    return rf"(?P<folder>imagesTr|labelsTr)/(?P<case>{prefix}_(?P<number>\d+))\.nii(?:\.gz)?"
