"""Shift: predict another data set's test images with one trained network: a shift that nobody made."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import UNPERTURBED
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.ownership import TEST, TRAINING, is_stamped
from nnunet_skipstudy.study.places import Places, test_folder
from nnunet_skipstudy.study.steps import convert, predict
from nnunet_skipstudy.study.steps.step import About, Load, Measured, Step, Subject, Work
from nnunet_skipstudy.study.steps.train import START_SECONDS
from nnunet_skipstudy.support.contents import Contents

Content = Mapping[str, Any]


def settings(subject: Subject) -> dict[str, Any]:
    """The model, the other data set and, where others made it, what it holds; whether images are mirrored."""
    return {**subject.model, **subject.tested, "mirroring": subject.study.tta}


def conduct(subject: Subject) -> dict[str, Any]:
    """Device and cores; how the study converts the two data sets."""
    made = {}
    for dataset in subject.study.datasets:
        if dataset.converter and dataset.id in (subject.model["dataset"], subject.tested["tested_on"]):
            made[str(dataset.id)] = convert.settings(Subject("", subject.study, subject.facts, subject.base, dataset))
    return {**predict.conduct(subject), "converted": made, "base": str(subject.base)}


def run(cell: Cell, work: Work) -> Measured:
    """Predict the other data set's unperturbed test images, beside the levels of the model's own.

    Raises:
        UserError: the two data sets don't fit together, or as predicting the own one.
    """
    for words in refusals(cell, work.places):
        raise UserError(words)
    images = work.places.dataset_folder(cell.settings["tested_on"]) / test_folder(UNPERTURBED)
    output = _output(cell, work.places, work.places.dataset_folder(cell.settings["dataset"]).name)
    return predict.predict(cell, work, output, {images: output})


def _output(cell: Cell, places: Places, dataset: str) -> Path:
    other = places.found_name(cell.settings["tested_on"]) or f"Dataset{cell.settings['tested_on']:03d}_NAME"
    return places.prediction_folder(dataset, cell.settings) / other


def stands(cell: Cell, places: Places, dataset: str) -> bool:
    """Whether the folder is there, of these settings."""
    return is_stamped(_output(cell, places, dataset), cell.digest)


def lines(cell: Cell, places: Places) -> Iterator[list[object]]:
    """``nnUNetv2_predict`` with the other data set's images."""
    model = cell.settings
    output = _output(cell, places, places.found_name(model["dataset"]) or f"Dataset{model['dataset']:03d}_NAME")
    yield predict.line(cell, places.raw / output.name / test_folder(UNPERTURBED), output)


def refusals(cell: Cell, places: Places) -> Iterator[str]:
    """Data sets whose labels, channels or formats differ; no test set, or one that was trained on."""
    own, other = cell.settings["dataset"], cell.settings["tested_on"]
    contents = [made for identifier in (own, other) if (made := _content(identifier, cell, places)) is not None]
    if str(other) not in cell.conduct["converted"]:
        folder = places.dataset_folder(other)
        for part in [part for part in TEST if not (folder / part).is_dir()]:
            yield f"test_on: {folder}: has no {part}; add the test set that networks are tested on, unperturbed"
    if len(contents) == 2 and (what := _difference(*contents)):
        yield (
            f"test_on: networks trained on data set {own} can't be tested on {other}: {what}; give both the same, or "
            f"leave {other} out of test_on"
        )
    folders = places.found(own), places.found(other)
    if folders[0] and folders[1] and (seen := _seen(folders[0] / TRAINING[1], folders[1] / TEST[0], places.contents)):
        yield (
            f"test_on: test images of {folders[1].name} are training images of {folders[0].name} ({len(seen)}, such as "
            f"{seen[0]}); remove these cases, or leave {other} out of test_on"
        )


@cache
def _seen(trained: Path, tested: Path, hashes: Path) -> list[str]:
    """The names of images for testing that are, byte for byte, among those for training; ``hashes``: the known ones."""
    if not (trained.is_dir() and tested.is_dir()):
        return []
    digest, alike = Contents(hashes).of, defaultdict(list)
    for path in filter(Path.is_file, trained.iterdir()):
        alike[path.stat().st_size].append(path)
    return [
        path.name
        for path in sorted(filter(Path.is_file, tested.iterdir()))
        if any(digest(path) == digest(other) for other in alike[path.stat().st_size])
    ]


def _content(identifier: int, cell: Cell, places: Places) -> Content | None:
    """What a data set's dataset.json says, or will say once it is converted; None: nothing yet."""
    chosen = cell.conduct["converted"].get(str(identifier))
    made = convert.promised(Cell("convert", "", chosen, {"base": cell.conduct["base"]})) if chosen else None
    if made and identifier == cell.settings["tested_on"] and UNPERTURBED not in made.levels:
        raise UserError(
            f"test_on: networks can't be tested on {identifier}: the converter makes no {test_folder(UNPERTURBED)}"
        )
    if folder := places.found(identifier):
        from nnunet_skipstudy.nnunet.cases import read_description

        return read_description(folder).content
    return made.content if made else None


def _difference(own: Content, other: Content) -> str:
    """What doesn't agree, in words; empty where all does."""
    from nnunet_skipstudy.analysis.inputs.labels import difference_of_labels, parse_label_set

    if what := difference_of_labels(
        *(parse_label_set(dict(content), Path("dataset.json")) for content in (own, other))
    ):
        return f"their labels differ ({what})"
    for named, of in (("channels", _channels), ("file endings", lambda content: content["file_ending"])):
        if of(own) != of(other):
            return f"their {named} differ ({of(own)} and {of(other)})"
    return ""


def _channels(content: Content) -> str:
    named = content["channel_names"] if "channel_names" in content else content["modality"]
    return ", ".join(str(named[key]).casefold() for key in sorted(named, key=int))


def tflop(cell: Cell, load: Load) -> float:
    """Forward, of as many cases as the own test set has."""
    return predict.tflop_of(cell, load, 1)


STEP = Step(
    *("shift", About.ELSEWHERE, settings, run, stands, lines, START_SECONDS),
    needs=("predict",),
    conduct=conduct,
    refusals=refusals,
    tflop=tflop,
    timed=predict.timed,
)
