"""The grid as data: every cell of a study, what it needs, and the hash of all that decides its result.

A cell's hash covers its own settings and the hashes of the cells that it needs. It stands in the name of the marker
that a finished cell leaves, so that a changed setting makes exactly the cells wait again that depend on it.
"""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnunet_skipstudy.nnunet.trainer_name import TrainerOptions, format_trainer_name
from nnunet_skipstudy.study.settings import AUGMENTATIONS, Dataset, Plans, Study

if TYPE_CHECKING:
    from nnunet_skipstudy.study.data_facts import DataFacts

DIGITS = 12


@dataclass(frozen=True)
class Cell:
    """One piece of work.

    Attributes:
        step: one of :data:`~nnunet_skipstudy.study.settings.STEPS`.
        name: what is worked on, ``d501-UNet-fold0-seed1-spatial``.
        settings: what decides the result, as JSON.
        conduct: what decides only how it is computed, as JSON.
        needs: the keys of the cells that come before it.
        digest: the hash of ``settings`` and of the needed cells' hashes.
        needed: the hashes of the needed cells, by key.
    """

    step: str
    name: str
    settings: Mapping[str, Any]
    conduct: Mapping[str, Any] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    digest: str = ""
    needed: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The cell's name among all: ``train/d501-UNet-fold0-seed1-spatial``."""
        return f"{self.step}/{self.name}"

    @property
    def file_name(self) -> str:
        """The key with the hash, as a file's name without ending."""
        return f"{self.step}/{self.name}.{self.digest}"


Grid = dict[str, Cell]
"""Cells by key; each stands after those that it needs."""


def make_grid(study: Study, facts: "DataFacts", base: Path) -> Grid:
    """All cells of a study.

    Args:
        study: what is compared.
        facts: what lies on disk of data sets that others made.
        base: the folder that relative sources of converters start from.
    """
    grid: Grid = {}
    for cell in _cells(study, facts, base):
        needed = {key: grid[key].digest for key in cell.needs}
        digest = settings_hash(cell.settings, needed.values())
        grid[cell.key] = dataclasses.replace(cell, digest=digest, needed=needed)
    return grid


def settings_hash(settings: Mapping[str, Any], needed: Iterable[str] = ()) -> str:
    """The first digits of the SHA-256 of settings and needed hashes."""
    text = json.dumps([settings, sorted(needed)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


def trainer_of(study: Study, architecture: str, seed: int, augmentation: str) -> str:
    """The trainer's name for one point of the grid."""
    options = TrainerOptions(
        epochs=study.schedule.epochs,
        iterations=study.schedule.iterations,
        seed=seed,
        spatial_augmentation=AUGMENTATIONS[augmentation],
        deep_supervision=study.deep_supervision,
    )
    return format_trainer_name(architecture, options)


def _cells(study: Study, facts: "DataFacts", base: Path) -> Iterator[Cell]:
    predictions = []
    for dataset in study.datasets:
        prepared, cells = _preparation(study, dataset, facts, base)
        yield from cells
        for training, prediction in _models(study, dataset, prepared):
            yield training
            yield prediction
            predictions.append(prediction.key)
    yield Cell("analyze", "study", study.metrics.model_dump(), {"notes": []}, tuple(predictions))


def _preparation(study: Study, dataset: Dataset, facts: "DataFacts", base: Path) -> tuple[tuple[str, str], list[Cell]]:
    """A data set's cells before the first training, and the keys that trainings and predictions wait for."""
    name = f"d{dataset.id:03d}"
    settings: dict[str, Any] = {"dataset": dataset.id, "converter": dataset.converter}
    if dataset.converter is None:
        settings["content"] = facts.training(dataset.id)
    else:
        settings |= {"source": dataset.source, "options": dataset.options}
    cells = [Cell("convert", name, settings, {"base": str(base)})]
    tested = cells[0].key
    if dataset.converter != "synthetic":
        wanted = {"dataset": dataset.id, "levels": study.levels_of(dataset), "arguments": dataset.perturb}
        if dataset.converter is None:
            wanted["content"] = facts.testing(dataset.id, study.levels_of(dataset))
        cells.append(Cell("perturb", name, wanted, needs=(cells[0].key,)))
        tested = cells[-1].key
    plan = Cell(
        "plan",
        name,
        plan_settings(dataset.id, study.configuration_of(dataset), study.plans, study.architectures),
        {"cpus": study.resources_of("plan").cpus, "small_data": study.small_data},
        needs=(cells[0].key,),
    )
    cells.append(plan)
    return (plan.key, tested), cells


def plan_settings(dataset: int, configuration: str, plans: Plans, architectures: Iterable[str]) -> dict[str, Any]:
    """What decides a plan; the networks only where it is sized for the heaviest of them."""
    chosen = plans.model_dump()
    if plans.plan_for == "heaviest":
        chosen["architectures"] = sorted(architectures)
    return {"dataset": dataset, "configuration": configuration, "plans": chosen}


def _models(study: Study, dataset: Dataset, prepared: tuple[str, str]) -> Iterator[tuple[Cell, Cell]]:
    planned, tested = prepared
    for fold in study.folds_of(dataset):
        for augmentation in study.augmentation:
            for seed in study.seeds:
                for architecture in study.architectures:
                    name = f"d{dataset.id:03d}-{architecture}-fold{fold}-seed{seed}-{augmentation}"
                    model = {
                        "dataset": dataset.id,
                        "trainer": trainer_of(study, architecture, seed, augmentation),
                        "plans": study.plans.name,
                        "configuration": study.configuration_of(dataset),
                        "fold": fold,
                    }
                    # Whether worker processes augment decides which random numbers are drawn.
                    taught = {**model, "small_data": study.small_data}
                    training = Cell("train", name, taught, _training_conduct(study), (planned,))
                    conduct = {
                        "device": study.device,
                        "cpus": study.resources_of("predict").cpus,
                        "small_data": study.small_data,
                    }
                    wanted = {**model, "levels": study.levels_of(dataset), "mirroring": study.tta}
                    yield training, Cell("predict", name, wanted, conduct, (training.key, tested))


def _training_conduct(study: Study) -> dict[str, Any]:
    return {
        "device": study.device,
        "cpus": study.resources_of("train").cpus,
        "small_data": study.small_data,
        "checkpoints": study.checkpoints.model_dump(),
    }
