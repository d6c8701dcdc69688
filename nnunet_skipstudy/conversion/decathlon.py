"""What the tasks of the Medical Segmentation Decathlon (MSD, Antonelli et al. 2022) share: all but a few names."""

import argparse
import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from nnunet_skipstudy.conversion.command import Converter, of_download
from nnunet_skipstudy.conversion.description import DatasetDescription, Division, Sizes, SourceCase
from nnunet_skipstudy.conversion.source import Layout, add_once
from nnunet_skipstudy.conversion.volumes import Window, add_slices_argument, volumes_or_slices
from nnunet_skipstudy.errors import UserError


def decathlon_converter(
    command: str,
    dataset_id: int,
    task: str,
    what: str,
    *,
    label: str,
    modality: str,
    study: Sizes,
    prefix: str = "",
    window: Window | None = None,
) -> Converter:
    """The converter of one task.

    Its volumes are called ``<prefix>_2.nii.gz``, by the command where no prefix is given; ``study`` has in each part
    as many as the study had, all that are labelled; ``window`` is black and white of slices, or where there is none
    the volume's own percentiles.
    """
    name, (train, val, test) = command.capitalize(), (study.train, study.val, study.test)
    prefix = prefix or command
    layout = Layout(
        images=_pattern(prefix),
        unused=r"imagesTs/.*",  # they have no labels
        expected=f"'imagesTr/{prefix}_2.nii.gz', 'labelsTr/{prefix}_2.nii.gz' and so on",
    )

    def describe(arguments: argparse.Namespace) -> DatasetDescription:
        sizes = Division(sizes=study, first_fold="study_train_val")
        return DatasetDescription(
            name=name,
            layout=layout,
            list_cases=cases_of,
            labels={"background": 0, label: 1},
            division=sizes if arguments.protocol == "study" else Division(),
            published=(train + val + test, "labelled volumes"),
            **volumes_or_slices(arguments, modality, window),
        )

    return of_download(
        describe,
        partial(add_slices_argument, window=window),
        command=command,
        dataset_id=dataset_id,
        dataset_name=name,
        about=f"Make an nnU-Net data set of the Decathlon's {task}, {what}: the labelled volumes, a fifth\n"
        "of them the test set.",
        study="native: volumes; study: 2D as in --slices, but each slice stretched by its own minimum and maximum, "
        f"of {train} volumes to train, {val} to validate and {test} to test (default: native)",
        examples=(f"skipstudy convert {command} {task}.tar -d {dataset_id + 10} --name {name}Study --protocol study",),
    )


def cases_of(root: Path, names: Sequence[str]) -> list[SourceCase]:
    """The labelled volumes by number, each its own group. Raises UserError: an image or label map lacks the other."""
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
    return rf"(?P<folder>imagesTr|labelsTr)/(?P<case>{prefix}_(?P<number>\d{{1,9}}))\.nii(?:\.gz)?"
