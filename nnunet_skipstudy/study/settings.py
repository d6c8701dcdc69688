"""``study.yaml``: what a study compares, checked once, at the door.

What decides a result (data, plans, schedule …) and what only decides how it is computed (device, memory, checkpoints)
are told apart by each of :mod:`nnunet_skipstudy.study.steps`: the first kind is in each cell's settings hash.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from nnunet_skipstudy.errors import UserError, nearest, shown
from nnunet_skipstudy.nnunet.trainer_name import LARGEST_COUNT, LARGEST_SEED
from nnunet_skipstudy.registry import INTERVENTIONS, LEVELS, STUDY_ARCHITECTURES, alpha_level, level_alpha
from nnunet_skipstudy.study.factors import named, networks
from nnunet_skipstudy.support.unique_keys import KeyTwice, load_yaml

AUGMENTATIONS: dict[str, dict[str, Any]] = {
    "nnunet": {},
    "spatial": {"spatial_augmentation": True},
    "DA5": {"augmentation": "nnUNetTrainerDA5"},
    "none": {"augmentation": "nnUNetTrainerNoDA"},
}
"""Each augmentation's name, and the options that its trainers' names carry."""

FOREIGN = "UNet"
"""What another's trainer counts as, in the estimate of hours."""
Option = bool | int | float | str | list[int | float | str]


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _level(value: Any) -> Any:
    return alpha_level(value) if isinstance(value, float) else value


def _levels(value: Any) -> Any:
    return [_level(level) for level in _as_list(value)]


def _plans_name(value: str) -> str:
    if not re.fullmatch(r"[^\W_]+(_[^\W_]+)*", value):
        raise PydanticCustomError(
            "plans_name", "give letters, digits and single '_' between them: folders' names are split at '__'"
        )
    return value


def _skips(value: Any) -> str | list[int]:
    if value == "all":
        return "all"
    levels = value if isinstance(value, list) else []
    if not levels or any(type(level) is not int or not 0 <= level <= 9 for level in levels):
        raise PydanticCustomError("skips", "give all, or a list of levels, 0 = full resolution: skips: [all, [1, 2]]")
    return sorted(levels)


def _trainer(value: str) -> str:
    if not re.fullmatch(r"[^\W\d_](?:[^\W_]|_(?!_)|<seed>)*", value):
        raise PydanticCustomError("trainer", "give a class' name, with single '_', and <seed> where the seed stands")
    return value


Count = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Amount = Annotated[float, Field(ge=1e-6, le=1e6)]
Number = Annotated[int, Field(ge=0, le=LARGEST_COUNT)]
Numbers = Annotated[list[Number], BeforeValidator(_as_list), Field(min_length=1)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Seeds = Annotated[list[Seed], BeforeValidator(_as_list), Field(min_length=1)]
Trainer = Annotated[str, AfterValidator(_trainer)]
Skips = Annotated[
    list[Annotated[str | list[int], BeforeValidator(_skips)]], BeforeValidator(_as_list), Field(min_length=1)
]
Percents = Annotated[list[Annotated[int, Field(ge=0, le=99)]], BeforeValidator(_as_list), Field(min_length=1)]
Augmentations = Annotated[
    list[Literal["nnunet", "spatial", "DA5", "none"]], BeforeValidator(_as_list), Field(min_length=1)
]
Words = Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)]
LevelNames = Annotated[list[str], BeforeValidator(_levels), Field(min_length=1)]

Others = Annotated[list[Annotated[int, Field(ge=1, le=999)] | str], BeforeValidator(_as_list)]
"""Data sets by identifier or name."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, allow_inf_nan=False)


class Dataset(_Strict):
    """One data set: an identifier of one that is there, or a converter with source and options.

    ``folds``, ``levels``, ``configuration`` and ``test_on`` take the place of the study's own. ``train: false``: other
    data sets' networks are tested on it, and none is trained.
    """

    id: Annotated[int, Field(ge=1, le=999)]
    converter: str | None = None
    source: Annotated[list[str], BeforeValidator(_as_list)] = []
    options: dict[str, Option] = {}
    perturb: Annotated[list[str], BeforeValidator(_as_list)] = []
    folds: Numbers | None = None
    levels: LevelNames | None = None
    configuration: str | None = None
    test_on: Others | None = None
    train: bool = True


class Plans(_Strict):
    """nnU-Net's plans, made once a data set and shared by all networks."""

    name: Annotated[str, AfterValidator(_plans_name)] = "nnUNetPlans"
    planner: str = "ExperimentPlanner"
    plan_for: Literal["unet", "heaviest"] = "unet"
    gpu_memory_gb: Amount | None = None
    batch_size: Count | None = None
    base_features: Count | None = None
    max_features: Count | None = None
    normalization: Literal["nnunet", "image", "training"] = "nnunet"


class Schedule(_Strict):
    """How long each training is; nnU-Net's own is 1000 epochs of 250 iterations."""

    epochs: Count | None = None
    iterations: Count | None = None


class Metrics(_Strict):
    """How predictions are measured: see ``skipstudy analyze``."""

    tolerance: Annotated[float, Field(ge=0)] | None = None
    both_empty: Literal["count", "exclude"] = "count"
    reference_level: Annotated[str | None, BeforeValidator(_level)] = None
    by: Literal["excess", "kamath2025"] | None = None


class Explain(_Strict):
    """What is asked of each trained network: see ``skipstudy explain``. ``levels``: none means all."""

    levels: LevelNames | None = None
    cases: Count = 20
    interventions: Annotated[list[str], BeforeValidator(_as_list), Field(min_length=1)] = ["patch", "reverse", "zero"]


class Checkpoints(_Strict):
    """How often a training can be continued from: whichever of the two comes first."""

    epochs: Count = 10
    minutes: Amount | None = 30


class Resources(_Strict):
    """What one cell gets; on a cluster it asks for this. ``slurm``: further options of sbatch."""

    cpus: Count | None = None
    memory_gb: Amount | None = None
    gpus: Number | None = None
    hours: Amount | None = None
    partition: str | None = None
    account: str | None = None
    slurm: str | None = None


class Cost(_Strict):
    """What the estimate of GPU hours assumes where nothing was measured yet."""

    tflops: Amount = 20.0


class Study(_Strict):
    """A whole study. ``root``: where all of it lies, relative to the file."""

    root: str = "."
    nnunet_raw: str | None = None
    nnunet_preprocessed: str | None = None
    nnunet_results: str | None = None
    datasets: Annotated[list[Dataset], Field(min_length=1)]
    architectures: Annotated[list[str], BeforeValidator(_as_list)] = list(STUDY_ARCHITECTURES)
    trainers: Annotated[list[Trainer], BeforeValidator(_as_list)] = []
    skips: Skips = ["all"]
    skip_dropout: Percents = [0]
    configuration: str = "2d"
    plans: Plans = Plans()
    folds: Numbers = [0]
    seeds: Seeds = [1]
    schedule: Schedule = Schedule()
    augmentation: Augmentations = ["spatial"]
    deep_supervision: bool = True
    levels: LevelNames = list(LEVELS)
    test_on: Others = []
    tta: bool = True
    device: Literal["cpu", "cuda", "mps"] = "cuda"
    small_data: bool = False
    metrics: Metrics = Metrics()
    groups: Annotated[str, StringConstraints(pattern=r"\S")] | None = None
    figures: bool = True
    explain: Explain | None = None
    checkpoints: Checkpoints = Checkpoints()
    resources: dict[str, Resources] = {}
    cost: Cost = Cost()

    @property
    def networks(self) -> list[str]:
        """The names of all networks: each architecture with each choice of skips and of skip dropout."""
        return networks(self.architectures, self.skips, self.skip_dropout)

    @property
    def counted(self) -> list[str]:
        """The registry's networks that the study's are variants of; other trainers' count as the U-Net."""
        bases = [named(name).architecture for name in self.networks]
        return list(dict.fromkeys([*bases, FOREIGN] if self.trainers else bases))

    def levels_of(self, dataset: Dataset) -> list[str]:
        """The test levels of a data set."""
        return dataset.levels or self.levels

    def folds_of(self, dataset: Dataset) -> list[int]:
        """The folds trained on a data set."""
        return dataset.folds or self.folds

    def configuration_of(self, dataset: Dataset) -> str:
        """The configuration trained on a data set."""
        return dataset.configuration or self.configuration

    def resources_of(self, step: str) -> Resources:
        """What a cell of that step gets: its own, and what ``default`` says for the rest."""
        common = self.resources.get("default", Resources()).model_dump(exclude_none=True)
        own = self.resources.get(step, Resources()).model_dump(exclude_none=True)
        return Resources(**{**common, **own})


def read_study(path: Path, converters: Collection[str]) -> Study:
    """Read and check a study's file; ``converters``: the names that ``skipstudy convert`` knows.

    Raises:
        UserError: it can't be read, or one of its keys or values is wrong; the message names it.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise UserError(f"{path}: can't be read ({reason}); make one with 'skipstudy init --demo -o {path}'") from error
    return checked_study(text, str(path), converters)


def checked_study(text: str, name: str, converters: Collection[str]) -> Study:
    """A study from the text of the file of this name; ``converters`` as for :func:`read_study`.

    Raises:
        UserError: one of its keys or values is wrong; the message names it.
    """
    try:
        content = load_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        problem = " ".join(str(getattr(error, "problem", None) or error).split())
        if isinstance(error, KeyTwice):
            raise UserError(f"{name}{line}: {problem}; keep one of them") from error
        raise UserError(f"{name}{line}: is not YAML that can be used ({problem}); mend that line") from error
    if not isinstance(content, dict):
        raise UserError(f"{name}: holds no keys; make one with 'skipstudy init --demo -o {name}'")
    try:
        study = Study.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{name}: {_complaint(error)}") from error
    try:
        complaint = next(_contradictions(study, converters), None)
    except UserError as error:
        complaint = str(error)
    if complaint:
        raise UserError(f"{name}: {complaint}")
    return study


def checked_plans(**fields: Any) -> Plans:
    """Plans from fields that no study says. Raises UserError: a value is wrong, or two contradict each other."""
    try:
        plans = Plans.model_validate(fields)
    except ValidationError as error:
        raise UserError(_complaint(error)) from error
    for complaint in _plan_contradictions(plans):
        raise UserError(complaint)
    return plans


def _complaint(error: ValidationError) -> str:
    """The first thing that is wrong, by its place, with the remedy."""
    first = error.errors(include_url=False)[0]
    place = ".".join(part if isinstance(part, str) and len(part) < 80 else shown(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        key, known = str(first["loc"][-1]), _known_keys(first["loc"][:-1])
        return f"unknown key {place!r}; {nearest(key, known)}"
    if first["type"] == "missing":
        return f"the key {place!r} is missing; add it ('skipstudy init --demo' shows one)"
    if first["type"] == "literal_error":
        return f"{place}: {shown(first['input'])}; choose {first['ctx']['expected']}"
    return f"{place}: {shown(first['input'])}: {first['msg'][0].lower()}{first['msg'][1:]}; mend this value"


def _known_keys(place: tuple[int | str, ...]) -> list[str]:
    """Of the model that stands under the first key, which is called as the key is."""
    models: dict[str, type[BaseModel]] = {model.__name__.lower(): model for model in _Strict.__subclasses__()}
    models["datasets"] = Dataset
    return list(models.get(str(place[0]) if place else "study", Study).model_fields)


def _contradictions(study: Study, converters: Collection[str]) -> Iterator[str]:
    lists: list[tuple[str, list[Any]]] = [
        ("architectures", study.networks),
        ("trainers", study.trainers),
        *((key, getattr(study, key)) for key in ("augmentation", "levels", "seeds", "folds")),
        *((f"datasets.{number}.levels", dataset.levels or []) for number, dataset in enumerate(study.datasets)),
        *((f"datasets.{number}.folds", dataset.folds or []) for number, dataset in enumerate(study.datasets)),
        *((f"explain.{key}", getattr(study.explain, key, None) or []) for key in ("levels", "interventions")),
    ]
    for name, values in lists:
        if (twice := _twice(values)) is not None:
            yield f"{name}: {shown(twice)} stands twice; keep one of them"
    if study.explain is not None:
        yield from _explain_contradictions(study, study.explain)
    if not any(dataset.train for dataset in study.datasets):
        yield "datasets: none is trained on (train: false); train on one at least"
    if not study.networks and not study.trainers:
        yield "architectures: there is nothing to train; name a network, or a trainer (trainers)"
    if study.plans.plan_for == "heaviest" and not study.networks:
        yield "plans: plan_for heaviest chooses among architectures, of which there are none; plan for the unet"
    if twice_id := _twice([dataset.id for dataset in study.datasets]):
        yield f"datasets: the identifier {twice_id} stands twice; give each data set its own"
    for complaint in _plan_contradictions(study.plans):
        yield f"plans: {complaint}"
    for number, dataset in enumerate(study.datasets):
        place = f"datasets.{number}"
        if dataset.converter is None and (dataset.source or dataset.options):
            yield f"{place}: has a source or options but no converter; name one of {', '.join(converters)}"
        if dataset.converter is not None and dataset.converter not in converters:
            yield f"{place}.converter: {shown(dataset.converter)}; {nearest(dataset.converter, converters)}"
        for level in study.levels_of(dataset) if dataset.train else ():
            named = f"{place}: level {shown(level)}"
            if not re.fullmatch(r"\w[\w.-]{0,63}", level):
                yield f"{named}; it is a folder's name: up to 64 letters, digits, '_', within it '.' and '-'"
            if dataset.converter == "synthetic" and level_alpha(level) is None:
                yield f"{named} is none of synthetic textures'; give it its own levels (alpha0.10 …)"


def _explain_contradictions(study: Study, explain: Explain) -> Iterator[str]:
    for name in explain.interventions:
        if name not in INTERVENTIONS:
            yield f"explain.interventions: {shown(name)}; {nearest(name, INTERVENTIONS)}"
    there = {level for dataset in study.datasets for level in study.levels_of(dataset)}
    for level in explain.levels or []:
        if level not in there:
            yield f"explain.levels: {shown(level)} is no level of the study; choose among {', '.join(sorted(there))}"


def _plan_contradictions(plans: Plans) -> Iterator[str]:
    if plans.plan_for == "heaviest" and plans.batch_size:
        yield "plan_for heaviest finds the batch size itself; leave out the batch size, or plan for the unet"


def _twice(values: list[Any]) -> Any:
    return next((value for value, count in Counter(values).items() if count > 1), None)
