"""nnU-Net's steps, run in this process and made repeatable: what is done already is not done again.

nnU-Net reads its environment variables, and some of them only once, when it is imported: call :func:`set_environment`
before anything else of this module.
"""

import contextlib
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nnunet_skipstudy.environment import required_folder, study_environment
from nnunet_skipstudy.errors import UserError

CONFIGURATION = "2d"


@dataclass(frozen=True)
class Training:
    """One cell of a study's grid: what nnU-Net keys its results folder by."""

    dataset: str
    trainer: str
    plans: str
    configuration: str
    fold: int

    @property
    def model_name(self) -> str:
        """The folder of all folds of this model."""
        return f"{self.trainer}__{self.plans}__{self.configuration}"

    @property
    def model_folder(self) -> Path:
        """Where nnU-Net puts it."""
        return required_folder("nnUNet_results") / self.dataset / self.model_name

    @property
    def fold_folder(self) -> Path:
        """Where nnU-Net puts this fold's checkpoints."""
        return self.model_folder / f"fold_{self.fold}"

    @property
    def is_finished(self) -> bool:
        """Whether the training came to its end."""
        return (self.fold_folder / "checkpoint_final.pth").is_file()


def set_environment(root: Path, *, small_data: bool) -> None:
    """Point nnU-Net to ``root``; for small data keep it from starting worker processes that cost more than they do."""
    os.environ.update(study_environment(root))
    if small_data:
        os.environ.update(nnUNet_def_n_proc="1", nnUNet_n_proc_DA="0")


@contextlib.contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Send what is printed, and warnings, to the end of a log file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with (
        log.open("a", encoding="utf-8") as stream,
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("default")
        yield


@contextlib.contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


def plan_and_preprocess(dataset_id: int, planner: type[Any], plans: str, configuration: str) -> None:
    """Plan and preprocess a data set, unless the plans and every preprocessed case are there.

    Args:
        dataset_id: the data set.
        planner: a subclass of nnU-Net's ``ExperimentPlanner``.
        plans: the name that the plans get.
        configuration: what to preprocess, ``2d`` for one.
    """
    from nnunetv2.experiment_planning import plan_and_preprocess_api as nnunet
    from nnunetv2.utilities.dataset_name_id_conversion import convert_id_to_dataset_name

    folder = required_folder("nnUNet_preprocessed") / convert_id_to_dataset_name(dataset_id)
    finished = folder / f"{plans}_{configuration}.finished"
    if finished.is_file():
        return
    nnunet.extract_fingerprint_dataset(dataset_id, num_processes=1)
    with _variable("nnUNet_n_proc_DA", "1"):  # the planner hands it to torch.set_num_threads, which refuses 0
        nnunet.plan_experiment_dataset(dataset_id, planner, overwrite_plans_name=plans)
    nnunet.preprocess_dataset(dataset_id, plans, (configuration,), (1,))
    finished.touch()


def train(cell: Training, *, device: str, after_iteration: Callable[[], None] = lambda: None) -> None:
    """Train a cell to its end, from its last checkpoint where there is one; nothing if it is finished.

    nnU-Net's final validation is left out: the predictions of the test levels take its place.

    Args:
        cell: what to train.
        device: ``cpu``, ``cuda`` or ``mps``.
        after_iteration: called after each training iteration.
    """
    if cell.is_finished:
        return
    import torch
    from nnunetv2.run.run_training import get_trainer_from_args, maybe_load_checkpoint

    if device == "cpu":
        torch.set_num_threads(os.cpu_count() or 1)
    resume = any((cell.fold_folder / f"checkpoint_{which}.pth").is_file() for which in ("latest", "best"))
    trainer: Any = get_trainer_from_args(
        cell.dataset, cell.configuration, cell.fold, cell.trainer, cell.plans, resume, torch.device(device)
    )
    maybe_load_checkpoint(trainer, resume, validation_only=False)
    train_step = trainer.train_step

    def counted_step(batch: Any) -> Any:
        result = train_step(batch)
        after_iteration()
        return result

    trainer.train_step = counted_step
    trainer.run_training()


def check_device(device: str) -> None:
    """Refuse a device that this machine lacks.

    Raises:
        UserError: it does.
    """
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(device, False):
        usable = ", ".join(name for name, there in available.items() if there)
        raise UserError(f"device {device!r} is not available on this machine; choose one of {usable} (-device)")


def say(line: str) -> None:
    """One line to the user about the progress of long work, on stderr."""
    print(line, file=sys.stderr, flush=True)
