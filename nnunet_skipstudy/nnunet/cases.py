"""Reading any nnU-Net data set: its folder, what dataset.json says of it, its cases and their files."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.images import (
    MEDICAL_ENDINGS,
    NATURAL_ENDINGS,
    Image,
    ending_of,
    file_parts,
    read_image,
    read_label_map,
)
from nnunet_skipstudy.nnunet.labels import named_labels
from nnunet_skipstudy.support.files import expanded, read_object, sha256_of_file

CHANNEL = re.compile(r"(.+)_(\d{4})")
LEVEL_FOLDER = "imagesTs_"
COLOUR_CHANNELS = (3, 4)
ENDINGS = (*NATURAL_ENDINGS, *MEDICAL_ENDINGS)
BESIDE = {".json", ".csv", ".txt", ".md", ".raw", ".zraw"}
"""Endings of files that lie beside images and are none of their own."""
Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class Case:
    """One case: a file a channel, in the channels' order, and its label map."""

    name: str
    images: tuple[Path, ...]
    label: Path


@dataclass(frozen=True)
class Description:
    """What a dataset.json says.

    ``labels`` gives each label's values (several for a region that joins labels) without the background,
    ``ignore`` the value of pixels that don't count, ``members`` the cases that it lists with their files, ``content``
    all of it, as it is written.
    """

    source: Path
    ending: str
    n_channels: int
    labels: dict[str, tuple[int, ...]]
    ignore: int | None = None
    members: dict[str, Any] = field(default_factory=dict)
    content: dict[str, Any] = field(default_factory=dict)


def read_description(folder: Path) -> Description:
    """Read a data set's dataset.json. Raises UserError: it is absent, no JSON, or lacks what nnU-Net needs."""
    path = folder / "dataset.json"
    if not path.is_file():
        raise UserError(f"{path}: no such file; give the folder of an nnU-Net data set")
    content = read_object(path)
    try:
        channels = content["modality"] if "modality" in content else content["channel_names"]  # as nnU-Net takes them
        ending, n_channels = str(content["file_ending"]), len(channels)
        members = dict(content.get("dataset") or {})
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise UserError(
            f"{path}: lacks what nnU-Net v2 needs ({type(error).__name__}: {error}); it wants channel_names, "
            "file_ending, and labels as name: value"
        ) from error
    labels, ignore = named_labels(content.get("labels"), path)
    return Description(path, ending, n_channels, labels, ignore, members, content)


def training_cases(folder: Path, description: Description) -> list[Case]:
    """The training pool of a data set. Raises UserError: there is none, or files are missing."""
    if description.members:
        return list(_listed_cases(folder, description))
    return described_cases(folder / "imagesTr", folder / "labelsTr", description)


def _listed_cases(folder: Path, description: Description) -> Iterator[Case]:
    """The cases under ``dataset`` in dataset.json, whose paths may lead anywhere."""
    for name, files in sorted(description.members.items()):
        try:
            images = tuple(folder / expanded(str(path)) for path in files["images"])
            label = folder / expanded(str(files["label"]))
        except (KeyError, TypeError) as error:
            raise UserError(
                f"{description.source}: case {name!r} of its 'dataset' needs 'images' and 'label'; add them"
            ) from error
        yield Case(name, images, label)


def test_levels(folder: Path) -> dict[str, Path]:
    """The folders ``imagesTs_<level>`` of a data set by level, in no particular order."""
    found = (path for path in folder.glob(f"{LEVEL_FOLDER}*") if path.is_dir())
    return {path.name.removeprefix(LEVEL_FOLDER): path for path in found}


def described_cases(images: Path, labels: Path, description: Description) -> list[Case]:
    """The cases of an image folder of a data set, by name; every channel must be there, and a label map.

    A flat colour image is one file for several channels of dataset.json, as nnU-Net reads it.

    Raises:
        UserError: a folder or a file is missing, or two files could be meant by one name.
    """
    cases = paired_cases(images, labels, ending=description.ending)
    colour = description.ending.lower() in NATURAL_ENDINGS and description.n_channels in COLOUR_CHANNELS
    for case in cases:
        if len(case.images) != description.n_channels and not (colour and len(case.images) == 1):
            raise UserError(
                f"{images}: case {case.name!r} has {len(case.images)} image files for {description.n_channels} "
                f"channels in {description.source.name}; add the missing ones or remove the others"
            )
    return cases


def paired_cases(images: Path, labels: Path, *, ending: str | None = None) -> list[Case]:
    """The cases of a folder of images and a folder of label maps, by name.

    Args:
        images: ``case_0000.png``, a file a channel; without an ``ending`` to go by also ``case.png``.
        labels: ``case.png``.
        ending: that of a data set's files; None: any that nnU-Net reads, one for all images.

    Raises:
        UserError: a folder is missing or empty, an image has no label map, a channel is missing, or two files
            could be meant by one name.
    """
    label_files = _files_by_stem(labels, ending)
    image_files = _files_by_stem(images, ending)
    channels: dict[str, dict[int, Path]] = {}
    for stem, path in sorted(image_files.items()):
        numbered = CHANNEL.fullmatch(stem)
        if ending is None and stem in label_files:
            name, channel = stem, 0
        elif numbered is not None:
            name, channel = numbered[1], int(numbered[2])
        elif ending is None:
            name, channel = stem, 0
        else:
            raise UserError(f"{path}: has no channel number in its name; call it {stem}_0000{ending}")
        if name not in label_files:
            raise UserError(f"{path}: has no label map {name}{ending or '.*'} in {labels}; add it, or remove the image")
        channels.setdefault(name, {})[channel] = path
    for name, files in channels.items():
        if sorted(files) != list(range(len(files))):
            raise UserError(
                f"{images}: case {name!r} has channels {', '.join(map(str, sorted(files)))}; "
                "number them from 0 on without a gap"
            )
    return [
        Case(name, tuple(files[number] for number in sorted(files)), label_files[name])
        for name, files in sorted(channels.items())
    ]


def fingerprint(cases: Sequence[Case], n_channels: int | None = None) -> str:
    """64 hexadecimal digits that change with the name or the content of any case.

    Args:
        cases: in an order that is always the same.
        n_channels: only the first so many image files of each case count; None: all.
    """
    digest = sha256()
    for case in cases:
        for path in (part for file in (*case.images[:n_channels], case.label) for part in file_parts(file)):
            digest.update(f"{case.name}/{sha256_of_file(path)}\n".encode())
    return digest.hexdigest()


def _files_by_stem(folder: Path, ending: str | None) -> dict[str, Path]:
    """The images in a folder by name without ending; hidden files (macOS writes ``._case.png``) are left out."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; check the path")
    found = case_files(folder, ending)
    if not found:
        there = ", ".join(sorted({f"*{path.suffix}" for path in visible_files(folder)})) or "no files"
        wanted = f"*{ending}" if ending else f"of a kind that nnU-Net reads ({', '.join(sorted(ENDINGS))})"
        raise UserError(f"{folder}: holds no image {wanted}, but {there}; check the path, or convert the images")
    _refuse_twins(folder)
    return found


def case_files(folder: Path, ending: str | None = None) -> dict[str, Path]:
    """The images of a folder by case (the name without its ending), by name; hidden files are left out.

    Args:
        folder: where they lie.
        ending: theirs; None: any that nnU-Net reads.

    Raises:
        UserError: a name can't stand in a table, or two files give one case. With ``x.nii`` beside ``x.nii.gz`` the
            usual readers, nnU-Net's too, return the pixels of the wrong one without a word.
    """
    found: dict[str, Path] = {}
    for path in visible_files(folder):
        known = ending_of(path) if ending is None else ending if path.name.endswith(ending) else None
        if known is None:
            continue
        case = path.name[: -len(known)]
        if case in found:
            raise UserError(f"{folder}: holds both {found[case].name} and {path.name} for one case; remove one of them")
        found[case] = path
    return found


def visible_files(folder: Path) -> list[Path]:
    """A folder's files by name, no hidden ones. Raises UserError: it can't be read, or no table could hold a name."""
    try:
        found = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise UserError(f"{folder}: can't be read ({error.strerror}); check its permissions") from error
    for path in found:
        checked_name(path)
    return found


def checked_name(path: Path) -> str:
    """A path's own name, for tables and report. Raises UserError: it is not UTF-8, or holds a line end or the like."""
    if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in path.name):
        raise UserError(f"{path.parent}: the name {path.name!a} in it is not UTF-8 of one line; rename it")
    return path.name


def left_out(cases: Sequence[Case]) -> Iterator[str]:
    """A sentence for each folder of these cases in which other files lie than they end in."""
    used: dict[Path, set[Path]] = {}
    for case in cases:
        for path in (*case.images, case.label):
            used.setdefault(path.parent, set()).update(file_parts(path))
    for folder, files in used.items():
        endings = tuple({ending_of(path) or path.suffix for path in files} | BESIDE)
        others = [path.name for path in visible_files(folder) if not path.name.lower().endswith(endings)]
        if others:
            yield f"{folder}: {len(others)} files of another ending are left out ({', '.join(others[:3])})"


def _refuse_twins(folder: Path) -> None:
    """Refuse ``x.nii`` beside ``x.nii.gz``: SimpleITK asked for the latter silently reads the former."""
    for path in sorted(folder.glob("*.nii")):
        twin = path.with_name(f"{path.name}.gz")
        if twin.exists():
            raise UserError(f"{folder}: {path.name} beside {twin.name}, readers mix them up; remove one of them")


def read_channel(case: Case, channel: int, labels: Labels) -> Image:
    """The image of one channel of a case, of whose label map it must have the shape.

    Raises:
        UserError: there is no such channel, the file can't be read, or it has another shape.
    """
    if not 0 <= channel < len(case.images):
        raise UserError(
            f"case {case.name!r} has no channel {channel}; give one from 0 to {len(case.images) - 1} (--channel)"
        )
    image = read_image(case.images[channel], volume=labels.ndim == 3)
    if image.array.shape[: labels.ndim] != labels.shape or (labels.ndim == 3 and image.array.ndim > 3):
        raise UserError(
            f"{case.label}: label map of shape {labels.shape} for an image of shape {image.array.shape}, "
            f"{case.images[channel]}; give the label map that belongs to it, one image file a channel"
        )
    return image


def read_labels(case: Case, description: Description | None = None) -> Labels:
    """A case's label map. Raises UserError: it is none, or holds values that dataset.json doesn't name."""
    labels = read_label_map(case.label).array
    if description is not None:
        known = {value for values in description.labels.values() for value in values} | {0, description.ignore}
        unknown = [f"{value:g}" for value in _values(labels) if value not in known]
        if unknown:
            raise UserError(
                f"{case.label}: holds the value {', '.join(unknown[:5])}, which {description.source} doesn't name; "
                "correct the label map or the labels"
            )
    return labels


def _values(labels: Labels) -> Labels:
    """The different values, without the sorting of ``numpy.unique``, which takes seconds on a volume."""
    if labels.dtype.kind == "u" and labels.dtype.itemsize <= 2:
        return np.flatnonzero(np.bincount(labels.ravel()))
    return np.unique(labels)


@contextmanager
def about(path: Path) -> Iterator[None]:
    """Put a file's name before the complaint of a function of arrays. Raises UserError: the block did."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{path}: {error}") from error
