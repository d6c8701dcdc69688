"""Predict: all levels with one trained network."""

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet import calls
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.ownership import claim, is_stamped
from nnunet_skipstudy.study.places import Places, missing_levels, test_folder
from nnunet_skipstudy.study.steps.step import About, Load, Measured, Step, Subject, Work
from nnunet_skipstudy.study.steps.train import START_SECONDS, training_of

MIRRORED = 4
"""Passes of a network over an image and its mirrored copies, in two directions."""


def settings(subject: Subject) -> dict[str, Any]:
    """The model, the levels, and whether images are mirrored."""
    study, dataset = subject.study, subject.dataset
    assert dataset
    return {**subject.model, "levels": study.levels_of(dataset), "mirroring": study.tta}


def conduct(subject: Subject) -> dict[str, Any]:
    """Device and cores."""
    study = subject.study
    return {"device": study.device, "cpus": study.resources_of("predict").cpus, "small_data": study.small_data}


def run(cell: Cell, work: Work) -> Measured:
    """Predict all levels with one model, loaded once.

    Raises:
        UserError: a level, or the device, is absent, or the model or what was predicted is another's.
    """
    raw, levels = work.places.dataset_folder(cell.settings["dataset"]), cell.settings["levels"]
    if missing := missing_levels(raw, levels):
        raise UserError(f"{raw}: has no {test_folder(missing[0])}; make this level, or leave it out of the study")
    output = work.places.prediction_folder(raw.name, cell.settings)
    return predict(cell, work, output, {raw / test_folder(level): output / level for level in levels})


def predict(cell: Cell, work: Work, output: Path, folders: Mapping[Path, Path]) -> Measured:
    """Predict folders of images into folders, all below ``output``, which becomes the cell's.

    Raises:
        UserError: the device is absent, or the model or what was predicted is another's.
    """
    from nnunet_skipstudy.nnunet.prediction import Predictor  # imports torch

    places, device = work.places, cell.conduct["device"]
    training = training_of(cell, places)
    if not is_stamped(training.fold_folder, cell.needed_digest("train")):
        raise UserError(
            f"{training.fold_folder}: is no training of this study's settings (any more); run the study again"
        )
    calls.restore_model_files(training)
    claim(output, cell, places)
    calls.check_device(device)
    calls.use_threads(device, cell.conduct["cpus"])
    mirroring = cell.settings["mirroring"]
    predictor = Predictor(training.model_folder, training.fold, device=device, mirroring=mirroring)
    total = sum(1 for images in folders for _ in images.iterdir()) or 1
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        work.progress(min(done / total, 1.0))

    started = time.monotonic()
    predicted = sum(predictor.predict_folder(*pair, after_case=count) for pair in folders.items())
    seconds = round(time.monotonic() - started, 3)
    return {"device": calls.device_name(device), "cases": predicted, "seconds_predicting": seconds}


def stands(cell: Cell, places: Places, dataset: str) -> bool:
    """Whether a folder of each level is there, of these settings."""
    folder = places.prediction_folder(dataset, cell.settings)
    return is_stamped(folder, cell.digest) and all((folder / level).is_dir() for level in cell.settings["levels"])


def lines(cell: Cell, places: Places) -> Iterator[list[object]]:
    """``nnUNetv2_predict``, once a level."""
    model = cell.settings
    dataset = places.found_name(model["dataset"]) or f"Dataset{model['dataset']:03d}_NAME"
    for level in model["levels"]:
        images, output = places.raw / dataset / test_folder(level), places.prediction_folder(dataset, model) / level
        yield line(cell, images, output)


def line(cell: Cell, images: Path, output: Path) -> list[object]:
    """``nnUNetv2_predict`` of one folder of images."""
    model = cell.settings
    return [
        *("nnUNetv2_predict", "-d", model["dataset"], "-c", model["configuration"]),
        *("-f", model["fold"], "-tr", model["trainer"], "-p", model["plans"], "-i", images, "-o", output),
        *("-device", cell.conduct["device"], *(() if model["mirroring"] else ("--disable_tta",))),
    ]


def refusals(cell: Cell, places: Places) -> Iterator[str]:
    """Levels that a finished conversion has left out."""
    raw = places.found(cell.settings["dataset"])
    made = {key.partition("/")[0]: f"{key}.{digest}.json" for key, digest in cell.needed.items()}
    if raw and "convert" in made and (places.engine / "cells" / made["convert"]).is_file():
        for level in missing_levels(raw, cell.settings["levels"]):
            yield f"{raw}: has no {test_folder(level)}; have it converted with this level, or leave the level out"


def tflop(cell: Cell, load: Load) -> float:
    """Forward, of every test case at every level."""
    return tflop_of(cell, load, len(cell.settings["levels"]))


def tflop_of(cell: Cell, load: Load, n_levels: int) -> float:
    """Forward, of as many test sets."""
    passes = MIRRORED if cell.settings["mirroring"] else 1
    return load.gflop * passes * load.test_cases * n_levels / 1000


def timed(cell: Cell, measured: Measured) -> float | None:
    """What it took, unless all was there."""
    return measured.get("seconds_predicting") if measured.get("cases") else None


STEP = Step(
    *("predict", About.MODEL, settings, run, stands, lines, START_SECONDS),
    needs=("train", "perturb"),
    conduct=conduct,
    refusals=refusals,
    tflop=tflop,
    timed=timed,
)
