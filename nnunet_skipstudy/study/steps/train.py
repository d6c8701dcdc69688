"""Train: one network, on one fold, with one seed."""

import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet import calls
from nnunet_skipstudy.nnunet.trainer_name import counts_of, known_trainer
from nnunet_skipstudy.planning.preprocess import SPLITS, check_fold, is_preprocessed
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.locks import waited_for
from nnunet_skipstudy.study.ownership import claim, is_stamped
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.step import About, Load, Measured, Step, Subject, Work

FORWARD_AND_BACKWARD = 3.0
VALIDATION = 0.2
"""nnU-Net validates one batch for every five that it trains on: forward only."""
START_SECONDS = 6.0
"""Importing nnU-Net and loading a model: 4 to 6 seconds measured."""


def settings(subject: Subject) -> dict[str, Any]:
    """The model, and whether worker processes augment, which decides what random numbers are drawn."""
    return {**subject.model, "small_data": subject.study.small_data}


def conduct(subject: Subject) -> dict[str, Any]:
    """Device, cores, and how often it can be continued from."""
    study = subject.study
    return {
        "device": study.device,
        "cpus": study.resources_of("train").cpus,
        "small_data": study.small_data,
        "checkpoints": study.checkpoints.model_dump(),
    }


def training_of(cell: Cell, places: Places) -> calls.Training:
    """What nnU-Net calls the cell's model."""
    model = cell.settings
    dataset = places.dataset_folder(model["dataset"]).name
    return calls.Training(dataset, model["trainer"], model["plans"], model["configuration"], model["fold"])


def run(cell: Cell, work: Work) -> Measured:
    """Train to the end, from the last checkpoint where there is one.

    Raises:
        UserError: the folder of results is not this study's, the plans are not, or the fold or the device is absent.
    """
    training = training_of(cell, work.places)
    with waited_for(training.model_folder / f".fold_{training.fold}.lock", _say_who):  # another study may share it
        claim(training.fold_folder, cell, work.places)
        if training.is_finished:
            calls.restore_model_files(training)
            return {}
        preprocessed = work.places.preprocessed / training.dataset
        if not is_preprocessed(preprocessed, training.plans, training.configuration, cell.needed_digest("plan")):
            raise UserError(
                f"{preprocessed / training.plans}.json: these plans, or the data preprocessed by them, are not this "
                "study's (any more); run the study again, or give its plans another name (plans.name)"
            )
        check_fold(preprocessed, training.fold)
        calls.check_device(cell.conduct["device"])
        checkpoints = cell.conduct["checkpoints"]
        os.environ["SKIPSTUDY_CHECKPOINT_EPOCHS"] = str(checkpoints["epochs"])
        os.environ["SKIPSTUDY_CHECKPOINT_MINUTES"] = str(checkpoints["minutes"] or "")
        clock = _Clock(work.progress)
        calls.train(
            training,
            device=cell.conduct["device"],
            threads=cell.conduct["cpus"],
            on_start=clock.start,
            after_iteration=clock.tick,
        )
    return {"device": calls.device_name(cell.conduct["device"]), **clock.measured()}


def _say_who(holder: str) -> None:
    print(f"skipstudy: another study trains here ({holder}); waiting for its end", file=sys.stderr, flush=True)


class _Clock:
    """Counts iterations and times them, leaving out the first, which waits for workers and kernels."""

    def __init__(self, progress: Callable[[float], None]) -> None:
        self._progress = progress
        self._total = 0
        self._before = 0
        self._count = 0
        self._first = 0.0
        self._last = 0.0

    def start(self, done: int, total: int) -> None:
        self._before, self._total = done, total
        self._progress(done / max(total, 1))

    def tick(self) -> None:
        self._count += 1
        self._last = time.monotonic()
        self._first = self._first or self._last
        self._progress((self._before + self._count) / max(self._total, 1))

    def measured(self) -> Measured:
        """Seconds an iteration, validation and checkpoints included; nothing where too few were done here."""
        if self._count < 2:
            return {}
        seconds = round((self._last - self._first) / (self._count - 1), 5)
        return {"iterations": self._count, "seconds_per_iteration": seconds}


def stands(cell: Cell, places: Places, dataset: str) -> bool:
    """Whether the last checkpoint is there, of these settings."""
    folder = places.fold_folder(dataset, cell.settings)
    return (folder / "checkpoint_final.pth").is_file() and is_stamped(folder, cell.digest)


def lines(cell: Cell, places: Places) -> Iterator[list[object]]:
    """``nnUNetv2_train``."""
    model = cell.settings
    yield [
        *("nnUNetv2_train", model["dataset"], model["configuration"], model["fold"]),
        *("-tr", model["trainer"], "-p", model["plans"], "-device", cell.conduct["device"]),
    ]


def refusals(cell: Cell, places: Places) -> Iterator[str]:
    """A trainer that nnU-Net doesn't find; a fold that a data set lacks which is there."""
    if known_trainer(cell.settings["trainer"]) is None:
        from unittest.mock import patch  # half of what a cell imports

        with patch.dict(os.environ):
            calls.set_environment(places.environment(), cpus=None, small_data=cell.conduct["small_data"])
            calls.trainer_class(cell.settings["trainer"])
    raw, fold = places.found(cell.settings["dataset"]), cell.settings["fold"]
    if raw is None:
        return
    folders = [folder for folder in (places.preprocessed / raw.name, raw) if (folder / SPLITS).is_file()]
    if folders:
        check_fold(folders[0], fold)
    elif fold >= 5:
        yield f"{raw}: has no splits of its own, nnU-Net draws folds 0 to 4, not {fold}; choose among these (folds)"


def iterations(cell: Cell) -> int:
    """All of the training's."""
    return math.prod(counts_of(cell.settings["trainer"]))


def tflop(cell: Cell, load: Load) -> float:
    """Forward and backward, and the validation's forward."""
    return (FORWARD_AND_BACKWARD + VALIDATION) * load.gflop * load.batch * iterations(cell) / 1000


def timed(cell: Cell, measured: Measured) -> float | None:
    """All iterations at the speed of those that were timed."""
    seconds = measured.get("seconds_per_iteration")
    return seconds * iterations(cell) if seconds else None


STEP = Step(
    *("train", About.MODEL, settings, run, stands, lines, START_SECONDS),
    needs=("plan",),
    conduct=conduct,
    refusals=refusals,
    tflop=tflop,
    timed=timed,
)
