"""What each kind of cell does. Each action can be repeated: what is done already is not done again."""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.study.data_facts import (
    DataFacts,
    dataset_folder,
    found_dataset,
    missing_levels,
    test_folder,
)
from nnunet_skipstudy.study.grid import Cell
from nnunet_skipstudy.study.locks import waited_for
from nnunet_skipstudy.study.ownership import check_stamp, claim
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.support.files import read_record, write_json

Measured = dict[str, Any]
"""What a finished cell leaves in its marker."""


@dataclass(frozen=True)
class Work:
    """What an action is given.

    Attributes:
        places: the study's folders.
        command: runs a command of ``skipstudy`` by its arguments, in this process.
        progress: is told the share that is done, 0 to 1.
    """

    places: Places
    command: Callable[[list[str]], int]
    progress: Callable[[float], None] = lambda share: None

    @property
    def raw(self) -> Path:
        """nnU-Net's folder of raw data."""
        return self.places.nnunet["nnUNet_raw"]


# Data


def convert(cell: Cell, work: Work) -> Measured:
    """Make the data set, or see that it is there; one that this study made with other settings is made anew.

    Raises:
        UserError: there is none, the converter refuses, or made other data than before with the same settings.
    """
    settings = cell.settings
    identifier, converter = settings["dataset"], settings["converter"]
    if converter is None:
        return {"folder": dataset_folder(work.raw, identifier).name}
    facts = DataFacts(work.places)
    known = read_record(facts.converted_record(identifier))
    base = Path(cell.conduct["base"])
    sources = [str(base / text) if (base / text).exists() else text for text in settings["source"]]
    arguments = ["convert", converter, *sources, "-d", str(identifier), *option_arguments(settings["options"])]
    gone = found_dataset(work.raw, identifier) is None  # then what was preprocessed of it goes too
    if known and (gone or known.get("digest") != cell.digest):
        arguments.append("--overwrite")  # what the study made itself, and nothing else
    _call(work, arguments)
    facts.note_converted(identifier, cell.digest)
    facts.save()
    before = known.get("parts") if known.get("digest") == cell.digest else None
    if before and (differing := facts.differing(identifier, before)):
        raise UserError(
            f"data set {identifier}: was converted with the same settings to other data than before "
            f"({', '.join(differing)}; another version of this package?); give the study another root, since its "
            "results stand on the earlier data"
        )
    return {"folder": dataset_folder(work.raw, identifier).name}


def option_arguments(options: Mapping[str, Any]) -> list[str]:
    """A converter's options as command-line arguments: ``{"size": 64, "normal": True}`` is ``--size 64 --normal``."""
    arguments = []
    for name, value in options.items():
        if value is not False:
            values = value if isinstance(value, list) else [] if value is True else [value]
            arguments += [f"--{name.replace('_', '-')}", *(str(item) for item in values)]
    return arguments


def _call(work: Work, arguments: list[str]) -> None:
    code = work.command(arguments)
    if code:
        raise RuntimeError(f"skipstudy {' '.join(arguments)} ended with exit code {code}")


def perturb(cell: Cell, work: Work) -> Measured:
    """Make the test levels that the data set lacks, and those that the study names arguments for.

    ``skipstudy perturb`` leaves alone what is there with the same settings, and refuses to touch the rest; what this
    study made with other settings, or of other test images, is made anew.
    """
    identifier, wanted, arguments = (cell.settings[key] for key in ("dataset", "levels", "arguments"))
    folder = dataset_folder(work.raw, identifier)
    ours = DataFacts(work.places).perturbed_record(identifier)
    record, before = read_record(ours), _level_folders(folder)
    made = set(record.get("levels", [])) & before
    outdated = record.get("digest") not in (None, cell.digest)
    if arguments or missing_levels(folder, wanted) or (outdated and made):
        again = outdated and before & _named_levels(arguments) <= made
        _call(work, ["perturb", "-d", str(identifier), *arguments, *(["--overwrite"] if again else [])])
        made |= _level_folders(folder) - before
        write_json(ours, {"digest": cell.digest, "levels": sorted(made)})
    if missing := missing_levels(folder, wanted):
        names = ", ".join(test_folder(level) for level in missing)
        raise UserError(f"{folder}: has no {names}; make them, or leave these levels out of the study")
    return {}


def _level_folders(dataset: Path) -> set[str]:
    return {path.name for path in dataset.glob(f"{test_folder('*')}") if path.is_dir()}


def _named_levels(arguments: list[str]) -> set[str]:
    """The folders of the levels that arguments of ``skipstudy perturb`` ask for."""
    from nnunet_skipstudy.texture.perturbation import STUDY_LEVELS

    options = ("--level", "--calibrate")
    named = [text for option, text in pairwise(arguments) if option in options]
    named += [text.partition("=")[2] for text in arguments if text.startswith(tuple(f"{o}=" for o in options))]
    return {test_folder(text.partition(":")[0]) for text in named or STUDY_LEVELS}


def plan(cell: Cell, work: Work) -> Measured:
    """Plan and preprocess, once for all networks of the data set."""
    from nnunet_skipstudy.nnunet.calls import worker_processes
    from nnunet_skipstudy.planning.preprocess import costs_on_plan, plan_and_preprocess

    settings, conduct = cell.settings, cell.conduct
    processes = worker_processes(conduct["cpus"], small_data=conduct["small_data"])
    plan_and_preprocess(settings, cell.digest, data=cell.needed.values(), processes=processes, owner=work.places.root)
    folder = dataset_folder(work.raw, settings["dataset"]).name
    return costs_on_plan(folder, settings["plans"]["name"], settings["configuration"])


# Models


def train(cell: Cell, work: Work) -> Measured:
    """Train to the end, from the last checkpoint where there is one.

    Raises:
        UserError: the folder of results is not this study's, the plans are not, or the fold or the device is absent.
    """
    from nnunet_skipstudy.nnunet import calls
    from nnunet_skipstudy.planning.preprocess import check_fold, check_plans

    training = _training(cell, work)
    with waited_for(training.model_folder / f".fold_{training.fold}.lock", _say_who):  # another study may share it
        claim(training.fold_folder, cell, work.places)
        if training.is_finished:
            calls.restore_model_files(training)
            return {}
        check_plans(training, _needed(cell, "plan"))
        check_fold(training.dataset, training.fold)
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


def _needed(cell: Cell, step: str) -> str:
    """The hash of the needed cell of a step."""
    return next(digest for key, digest in cell.needed.items() if key.startswith(f"{step}/"))


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

    def tick(self) -> None:
        self._count += 1
        self._last = time.monotonic()
        self._first = self._first or self._last
        self._progress((self._before + self._count) / max(self._total, 1))

    def measured(self) -> Measured:
        """Seconds an iteration, validation and checkpoints included; nothing where too few were done here."""
        if self._count < 2:
            return {}
        return {
            "iterations": self._count,
            "seconds_per_iteration": round((self._last - self._first) / (self._count - 1), 5),
        }


def predict(cell: Cell, work: Work) -> Measured:
    """Predict all levels with one model, loaded once."""
    from nnunet_skipstudy.nnunet import calls
    from nnunet_skipstudy.nnunet.prediction import Predictor, TrainedModel

    training = _training(cell, work)
    raw = work.raw / training.dataset
    levels = cell.settings["levels"]
    if missing := missing_levels(raw, levels):
        raise UserError(f"{raw}: has no {test_folder(missing[0])}; make this level, or leave it out of the study")
    check_stamp(training.fold_folder, _needed(cell, "train"))
    calls.restore_model_files(training)
    output = prediction_folder(work.places, training.dataset, cell)
    claim(output, cell, work.places)
    device = cell.conduct["device"]
    calls.check_device(device)
    calls.use_threads(device, cell.conduct["cpus"])
    model = TrainedModel(training.model_folder, training.fold)
    predictor = Predictor(model, device=device, mirroring=cell.settings["mirroring"])
    total = sum(1 for level in levels for _ in (raw / test_folder(level)).iterdir()) or 1
    done = 0

    def count() -> None:
        nonlocal done
        done += 1
        work.progress(min(done / total, 1.0))

    started = time.monotonic()
    predicted = sum(
        predictor.predict_folder(raw / test_folder(level), output / level, after_case=count) for level in levels
    )
    seconds = time.monotonic() - started
    return {"device": calls.device_name(device), "cases": predicted, "seconds_predicting": round(seconds, 3)}


def prediction_folder(places: Places, dataset: str, cell: Cell) -> Path:
    """Where the predictions of a model go, a folder a level."""
    return places.predictions / _fold_of(dataset, cell)


def fold_folder(places: Places, dataset: str, cell: Cell) -> Path:
    """Where nnU-Net puts a fold's checkpoints."""
    return places.nnunet["nnUNet_results"] / _fold_of(dataset, cell)


def _fold_of(dataset: str, cell: Cell) -> Path:
    settings = cell.settings
    model = f"{settings['trainer']}__{settings['plans']}__{settings['configuration']}"
    return Path(dataset) / model / f"fold_{settings['fold']}"


def _training(cell: Cell, work: Work) -> Any:
    from nnunet_skipstudy.nnunet.calls import Training

    settings = cell.settings
    return Training(
        dataset_folder(work.raw, settings["dataset"]).name,
        settings["trainer"],
        settings["plans"],
        settings["configuration"],
        settings["fold"],
    )


def analyze(cell: Cell, work: Work) -> Measured:
    """Tables, figures and report of exactly the predictions that belong to the study as it is now."""
    from nnunet_skipstudy.study.steps.analyze import analyze_study

    return analyze_study(cell, work.places)


ACTIONS: dict[str, Callable[[Cell, Work], Measured]] = {
    "convert": convert,
    "perturb": perturb,
    "plan": plan,
    "train": train,
    "predict": predict,
    "analyze": analyze,
}
