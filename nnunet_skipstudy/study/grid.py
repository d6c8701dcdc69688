"""The grid as data: every cell of a study, what it needs, and the hash of all that decides its result.

A cell's hash covers its own settings and the hashes of the cells that it needs. It stands in the name of the marker
that a finished cell leaves, so that a changed setting makes exactly the cells wait again that depend on it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from nnunet_skipstudy.nnunet.trainer_name import format_trainer_name
from nnunet_skipstudy.study.cell import Cell, Grid
from nnunet_skipstudy.study.factors import named
from nnunet_skipstudy.study.ownership import DataFacts
from nnunet_skipstudy.study.settings import AUGMENTATIONS, Dataset, Study
from nnunet_skipstudy.study.steps import STEPS
from nnunet_skipstudy.study.steps.step import About, Subject
from nnunet_skipstudy.support.contents import settings_hash


def make_grid(study: Study, facts: DataFacts, base: Path) -> Grid:
    """All cells of a study; ``base`` is the folder that relative paths of its file start from."""
    grid: Grid = {}
    for dataset in sorted(study.datasets, key=lambda one: one.train):  # what fails cheaply fails before trainings
        name = f"d{dataset.id:03d}"
        subject = Subject(name, study, facts, base, dataset)
        _add(grid, About.DATASET, subject, [name])
        for model in _models(subject):
            _add(grid, About.MODEL, model, [model.name, name])
    converted = {dataset.id for dataset in study.datasets if dataset.converter}
    for dataset in study.datasets:
        for other in tested_on(study, dataset, facts):
            content = {} if other in converted else {"content": facts.testing(other, [])}
            for model in _models(Subject(f"d{dataset.id:03d}", study, facts, base, dataset)):
                on_other = replace(model, name=f"{model.name}-on-d{other:03d}", tested={"tested_on": other, **content})
                also = [f"train/{model.name}", f"convert/d{other:03d}"]
                _add(grid, About.ELSEWHERE, on_other, [model.name], also)
    names = list(dict.fromkeys(cell.name for cell in grid.values()))
    _add(grid, About.STUDY, Subject("study", study, facts, base), names)
    return grid


def _add(grid: Grid, about: About, subject: Subject, names: list[str], also: Sequence[str] = ()) -> None:
    """Add the cells of one subject; ``names`` are those of the cells that they may need, ``also`` keys of more."""
    for step in STEPS.values():
        settings = step.settings(subject) if step.about is about else None
        if settings is not None:
            keys = [*(key for need in step.needs for key in _keys(grid, need, names)), *also]
            needed = {key: grid[key].digest for key in keys if key in grid}
            digest = settings_hash(settings, needed.values())
            cell = Cell(step.name, subject.name, settings, step.conduct(subject), tuple(needed), digest, needed)
            grid[cell.key] = cell


def _keys(grid: Grid, step: str, names: list[str]) -> Iterator[str]:
    """The cells of a step; where it does nothing, those that it would need."""
    found = [key for name in names if (key := f"{step}/{name}") in grid]
    yield from found or (key for need in STEPS[step].needs for key in _keys(grid, need, names))


def _models(subject: Subject) -> Iterator[Subject]:
    """Every network that is trained on a data set."""
    study, dataset = subject.study, subject.dataset
    assert dataset
    for fold in study.folds_of(dataset) if dataset.train else ():
        for ending, trainer in _trainers(study, fold).items():
            model = {
                "dataset": dataset.id,
                "trainer": trainer,
                "plans": study.plans.name,
                "configuration": study.configuration_of(dataset),
                "fold": fold,
            }
            yield Subject(f"{subject.name}-{ending}", study, subject.facts, subject.base, dataset, model)


def tested_on(study: Study, dataset: Dataset, facts: DataFacts) -> list[int]:
    """The other data sets that a data set's networks are tested on. Raises UserError: a name is of none, or several."""
    named = study.test_on if dataset.test_on is None else dataset.test_on
    found = [one if isinstance(one, int) else facts.identifier(one, study.datasets) for one in named]
    return [one for one in dict.fromkeys(found) if one != dataset.id and dataset.train]


def _trainers(study: Study, fold: int) -> dict[str, str]:
    """All trainers by the ends of their cells' names: the networks' by each factor, then others as they are named."""
    ours = {
        f"{network}-fold{fold}-seed{seed}-{augmentation}": trainer_of(study, network, seed, augmentation)
        for augmentation in study.augmentation
        for seed in study.seeds
        for network in study.networks
    }
    named_with_seed = [trainer.replace("<seed>", str(seed)) for seed in study.seeds for trainer in study.trainers]
    return ours | {f"{name}-fold{fold}": name for name in named_with_seed if name not in ours.values()}


def trainer_of(study: Study, network: str, seed: int, augmentation: str) -> str:
    """The trainer's name for one point of the grid."""
    own = named(network)
    options = replace(
        own.options,
        epochs=study.schedule.epochs,
        iterations=study.schedule.iterations,
        seed=seed,
        deep_supervision=study.deep_supervision,
        **AUGMENTATIONS[augmentation],
    )
    return format_trainer_name(own.architecture, options)
