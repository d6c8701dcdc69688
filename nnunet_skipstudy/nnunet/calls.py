"""nnU-Net's steps, run in this process and made repeatable: what is done already is not done again.

nnU-Net reads its environment variables, and some of them only once, when it is imported: call :func:`set_environment`
before anything else of this module.
"""

import contextlib
import io
import json
import os
import subprocess
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.nnunet.environment import TRAINER_VARIABLE, required_folder
from nnunet_skipstudy.support.files import naming, write_json


@dataclass(frozen=True)
class Training:
    """One cell of a study's grid: what nnU-Net keys its results folder by."""

    dataset: str
    trainer: str
    plans: str
    configuration: str
    fold: int

    @property
    def model_folder(self) -> Path:
        """Where nnU-Net puts all folds of this model."""
        name = f"{self.trainer}__{self.plans}__{self.configuration}"
        return required_folder("nnUNet_results") / self.dataset / name

    @property
    def fold_folder(self) -> Path:
        """Where nnU-Net puts this fold's checkpoints."""
        return self.model_folder / f"fold_{self.fold}"

    @property
    def is_finished(self) -> bool:
        """Whether the training came to its end."""
        return (self.fold_folder / "checkpoint_final.pth").is_file()


def set_environment(variables: Mapping[str, str], *, cpus: int | None, small_data: bool) -> None:
    """Set nnU-Net's variables, and size its worker pools: what the user has set himself stays.

    ``cpus``: cores of this process; None: all. ``small_data``: start no worker process, which would cost more.
    """
    os.environ.update(variables)
    if small_data:
        os.environ.update(nnUNet_def_n_proc="1", nnUNet_n_proc_DA="0")
    else:
        os.environ.setdefault("nnUNet_def_n_proc", str(worker_processes(cpus)))
        os.environ.setdefault("nnUNet_n_proc_DA", str(max(1, min(12, cores(cpus) - 1))))


def cores(granted: int | None = None) -> int:
    """The cores that this process may use: those granted, or all that the machine or the cluster's job allows."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(granted, allowed) if granted else allowed


def worker_processes(granted: int | None = None, *, small_data: bool = False) -> int:
    """How many processes nnU-Net starts for preprocessing and export: none for small data, at most its own 8."""
    return 0 if small_data else min(8, cores(granted))


def visible_gpus() -> list[str]:
    """The GPUs that this process may use, as CUDA_VISIBLE_DEVICES names them; found without importing torch."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name.strip()]
    try:
        listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [str(number) for number, _ in enumerate(line for line in listed.splitlines() if line.startswith("GPU "))]


def use_threads(device: str, threads: int | None) -> None:
    """On a CPU, compute with this many threads; None: as many as there are cores."""
    if device == "cpu":
        import torch

        torch.set_num_threads(threads or cores())


def device_name(device: str) -> str:
    """What a measured time belongs to: ``NVIDIA H100`` for one, or ``cpu x 2``."""
    import torch

    if device == "cuda":
        return str(torch.cuda.get_device_name(0))
    return f"cpu x {torch.get_num_threads()}" if device == "cpu" else device


@cache
def trainer_class(name: str) -> type[Any]:
    """The trainer that nnU-Net's own look-up finds. Raises UserError: there is none, or it can't be imported."""
    said = io.StringIO()
    try:
        # nnU-Net prints each module that it inspects, and ours say what a name may be that is none of theirs.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
            from nnunetv2.utilities.find_objects import recursive_find_trainer_class_by_name

            found: type[Any] = recursive_find_trainer_class_by_name(name)
    except (Exception, SystemExit) as error:
        hints = [line.removeprefix("skipstudy: ") for line in said.getvalue().splitlines() if "skipstudy: " in line]
        reason = " ".join((hints or [str(error) or type(error).__name__])[0].split())
        raise UserError(
            f"trainer {shown(name)}: nnU-Net doesn't find it ({reason[:300]}); mend the name, or list the folder of "
            f"its file in {TRAINER_VARIABLE}"
        ) from error
    return found


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


def plan_and_preprocess(
    dataset_id: int,
    planner: type[Any],
    plans: str,
    configuration: str,
    processes: int = 0,
    gpu_memory_gb: float | None = None,
) -> None:
    """Plan and preprocess a data set.

    Args:
        dataset_id: the data set.
        planner: a subclass of nnU-Net's ``ExperimentPlanner``.
        plans: the name that the plans get.
        configuration: what to preprocess, ``2d`` for one.
        processes: how many nnU-Net starts; 0: none, a thread does their work, which on small data is sooner done
            than Python and torch are started.
        gpu_memory_gb: what the plan is sized for; None: the planner's default.

    Raises:
        UserError: one of the processes was killed.
    """
    from unittest.mock import patch

    from nnunetv2.experiment_planning import plan_and_preprocess_api as nnunet

    from nnunet_skipstudy.nnunet.workers import watched_pools

    workers = max(1, processes)
    with naming(required_folder("nnUNet_preprocessed")), watched_pools(threads=not processes):
        nnunet.extract_fingerprint_dataset(dataset_id, num_processes=workers)
        with patch.dict(
            os.environ, nnUNet_n_proc_DA="1"
        ):  # the planner hands it to torch.set_num_threads, which refuses 0
            nnunet.plan_experiment_dataset(
                dataset_id, planner, gpu_memory_target_in_gb=gpu_memory_gb, overwrite_plans_name=plans
            )
        nnunet.preprocess_dataset(dataset_id, plans, (configuration,), (workers,))


def train(
    cell: Training,
    *,
    device: str,
    threads: int | None = None,
    on_start: Callable[[int, int], None] = lambda done, total: None,
    after_iteration: Callable[[], None] = lambda: None,
) -> None:
    """Train a cell to its end, from its last checkpoint where there is one; nothing if it is finished.

    nnU-Net's final validation is left out: the predictions of the test levels take its place.

    Args:
        cell: what to train.
        device: ``cpu``, ``cuda`` or ``mps``.
        threads: on a CPU; None: as many as there are cores. Results agree bit for bit for one number of threads only.
        on_start: called with the iterations that are done already and those of the whole training.
        after_iteration: called after each training iteration.

    Raises:
        UserError: one of nnU-Net's augmenting processes has died, or a checkpoint doesn't fit on the disk.
    """
    if cell.is_finished:
        return
    import torch
    from nnunetv2.run.run_training import get_trainer_from_args, maybe_load_checkpoint

    from nnunet_skipstudy.nnunet.workers import watched_augmenters

    use_threads(device, threads)
    resume = any((cell.fold_folder / f"checkpoint_{which}.pth").is_file() for which in ("latest", "best"))
    trainer: Any = get_trainer_from_args(
        cell.dataset, cell.configuration, cell.fold, cell.trainer, cell.plans, resume, torch.device(device)
    )
    maybe_load_checkpoint(trainer, resume, validation_only=False)
    per_epoch = trainer.num_iterations_per_epoch
    on_start(trainer.current_epoch * per_epoch, trainer.num_epochs * per_epoch)
    train_step = trainer.train_step

    def counted_step(batch: Any) -> Any:
        result = train_step(batch)
        after_iteration()
        return result

    trainer.train_step = counted_step
    with _checkpoints_written_to(cell.fold_folder), watched_augmenters():
        trainer.run_training()


@contextlib.contextmanager
def _checkpoints_written_to(folder: Path) -> Iterator[None]:
    """Torch meets a full disk, too, but says so in the words of its archive's writer."""
    try:
        with naming(folder):
            yield
    except RuntimeError as error:
        if "inline_container" not in str(error) and "PytorchStreamWriter" not in str(error):
            raise
        raise UserError(f"{folder}: a checkpoint can't be written; make space, then run again") from error


def restore_model_files(cell: Training) -> None:
    """Put a finished training's own plans and data description beside its folds, where predictors read them.

    They lie one level above the fold, so that a training of other settings, which has since moved away, may have left
    its own there. The checkpoint carries those that it was trained with.
    """
    import torch

    checkpoint = torch.load(cell.fold_folder / "checkpoint_final.pth", map_location="cpu", weights_only=False)
    for name, key in (("plans.json", "plans"), ("dataset.json", "dataset_json")):
        path, wanted = cell.model_folder / name, checkpoint["init_args"][key]
        if not path.is_file() or json.loads(path.read_text(encoding="utf-8")) != json.loads(json.dumps(wanted)):
            write_json(path, wanted)


def check_device(device: str) -> None:
    """Refuse a device that this machine lacks. Raises UserError."""
    import torch

    available = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not available.get(device, False):
        usable = ", ".join(name for name, there in available.items() if there)
        raise UserError(f"device {device!r} is not available on this machine; choose one of {usable} (-device)")
