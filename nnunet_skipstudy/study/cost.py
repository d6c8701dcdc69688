"""How long the cells of a study take: measured where a cell of its kind has been, else derived from FLOPs.

Before a data set has a plan, a cell's FLOPs are those of its network on a nominal one. The rate is that of the
study's finished trainings and predictions; before there are any, what ``skipstudy run --dry-run --measure`` has timed
on this machine; else the study's own ``cost.tflops``, an assumption (on a CPU :data:`CPU_TFLOPS`, measured elsewhere).
"""

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nnunet_skipstudy.nnunet.trainer_name import NNUNET_EPOCHS, NNUNET_ITERATIONS, TrainerOptions, known_trainer
from nnunet_skipstudy.planning.nominal import NOMINAL_BATCH, NOMINAL_FEATURES, NOMINAL_SIDE, nominal_gflop
from nnunet_skipstudy.planning.speed import read_speed
from nnunet_skipstudy.study.cell import Cell, Grid
from nnunet_skipstudy.study.cells import CellState, State
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.settings import AUGMENTATIONS, FOREIGN, Study
from nnunet_skipstudy.study.steps import STEPS
from nnunet_skipstudy.study.steps.step import Load, Measured

NOMINAL_TEST_CASES = 100
LARGEST_SIDE = 4096
"""Of images that are counted whole."""
NOMINAL_WORDS = "nnU-Net's 2D plan on 256 x 256 images (or the size and features that the study names)"
CPU_TFLOPS = 0.14
"""Measured: nnU-Net's U-Net ran at 0.12 to 0.17 TFLOP/s on two shared AMD cores, forward and backward."""


@dataclass
class Estimate:
    """Seconds of each cell, by key, and where they come from, in words."""

    seconds: dict[str, float]
    grounds: list[str] = field(default_factory=list)

    def hours(self, cells: Iterable[Cell]) -> float:
        """The sum over cells."""
        return sum(self.seconds[cell.key] for cell in cells) / 3600


def parts(made: Estimate, cells: Iterable[Cell], study: Study) -> dict[str, dict[str, float]]:
    """Hours by each key of ``study.yaml`` that has several values, and by its values: what leaving one out saves.

    ``cells``: trainings and predictions. Data sets with folds of their own are a part of their own.
    """
    own = {dataset.id for dataset in study.datasets if dataset.folds}
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for cell in cells:
        parsed, dataset = known_trainer(cell.settings["trainer"]), cell.settings["dataset"]
        values = {
            "datasets": dataset,
            f"folds of {dataset}" if dataset in own else "folds": cell.settings["fold"],
            "architectures": _names(cell)[0],
            "augmentation": _augmentation(parsed.options) if parsed else None,
            "seeds": parsed.options.seed if parsed else None,
        }
        for key, value in values.items():
            sums[key]["other trainers" if value is None else str(value)] += made.seconds[cell.key] / 3600
    return {key: dict(hours) for key, hours in sums.items() if len(hours) > 1}


def _augmentation(options: TrainerOptions) -> str:
    chosen = {"spatial_augmentation": options.spatial_augmentation, "augmentation": options.augmentation}
    own = {field: value for field, value in chosen.items() if value}
    return next(name for name, fields in AUGMENTATIONS.items() if fields == own)


def estimate(
    study: Study, grid: Grid, found: Iterable[CellState], places: Places, *, unplanned_too: bool = True
) -> Estimate:
    """How long each cell takes on its device, finished ones included, which say by ``found`` what they measured.

    ``unplanned_too``: count the networks of data sets that have no plan yet on a nominal one, which takes torch's
    seconds; else their cells take nan.
    """
    done = {state.cell.key: state.measured for state in found if state.state is State.DONE}
    plans = {grid[key].settings["dataset"]: measured for key, measured in done.items() if "gflop" in measured}
    tflop = {cell.key: _tflop(cell, study, plans, unplanned_too) for cell in grid.values() if STEPS[cell.step].tflop}
    rates = _Rates(study, places)
    for key in tflop.keys() & done.keys():
        rates.learn(grid[key], tflop[key], done[key])
    seconds = {
        cell.key: STEPS[cell.step].seconds + (tflop[cell.key] / rates.of(cell) if cell.key in tflop else 0.0)
        for cell in grid.values()
    }
    grounds = [rates.words()]
    planned = {grid[key].settings["dataset"] for key in tflop}
    if unplanned := sorted(planned - set(plans)):
        batch = study.plans.batch_size or NOMINAL_BATCH
        listed = ", ".join(map(str, unplanned))
        grounds.append(f"data sets without a plan yet ({listed}): {NOMINAL_WORDS}, batch {batch}, are assumed")
    if study.trainers:
        grounds.append(
            "trainers that are no network of the study count as the U-Net; without numbers of epochs and iterations in "
            f"their names (_<n>epochs, _<n>iters) as {NNUNET_EPOCHS} of {NNUNET_ITERATIONS}"
        )
    return Estimate(seconds, grounds)


def _names(cell: Cell) -> tuple[str, str]:
    """A cell's network, and the registry's that it is a variant of; another's trainer counts as the U-Net's."""
    parsed = known_trainer(cell.settings["trainer"])
    return (parsed.network, parsed.architecture) if parsed else (cell.settings["trainer"], FOREIGN)


def _tflop(cell: Cell, study: Study, plans: Mapping[int, Measured], unplanned_too: bool) -> float:
    """What a cell's network has to compute, on the plan of its data set or on a nominal one."""
    identifier, (network, architecture) = cell.settings["dataset"], _names(cell)
    plan = plans.get(identifier)
    if plan:
        gflop, batch = plan["gflop"].get(network, plan["gflop"][architecture]), plan["batch_size"]
    elif not unplanned_too:
        return math.nan
    else:
        side = math.ceil(min(_number(study, identifier, "size", NOMINAL_SIDE), LARGEST_SIDE))
        gflop = nominal_gflop(architecture, study.plans.base_features or NOMINAL_FEATURES, side)
        batch = study.plans.batch_size or NOMINAL_BATCH
    compute = STEPS[cell.step].tflop
    load = Load(gflop, batch, _number(study, identifier, "test", NOMINAL_TEST_CASES))
    return compute(cell, load) if compute else 0.0


def _number(study: Study, identifier: int, option: str, nominal: float) -> float:
    """An option of a data set's converter where it is a number; what else it may be is the converter's to judge."""
    options = next(dataset.options for dataset in study.datasets if dataset.id == identifier)
    value = options.get(option)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return nominal
    return value if 0 < value < math.inf else nominal


class _Rates:
    """TFLOP/s: of the same network in the same step, of all that was measured, or assumed."""

    def __init__(self, study: Study, places: Places) -> None:
        self._study = study
        speed = read_speed(places.speed)
        self._speed = speed if speed and set(study.counted) <= set(speed.tflops) else None
        self._seen: dict[tuple[str, int, str], list[float]] = defaultdict(list)
        self._devices: set[str] = set()

    def learn(self, cell: Cell, tflop: float, measured: Measured) -> None:
        """Take what a finished cell has measured."""
        seconds = STEPS[cell.step].timed(cell, measured)
        if seconds and not math.isnan(tflop):
            self._seen[cell.step, cell.settings["dataset"], _names(cell)[0]].append(tflop / seconds)
            self._devices.add(str(measured.get("device")))

    def _median(self, step: str | None = None) -> float | None:
        rates = [rate for key, seen in self._seen.items() if step in (None, key[0]) for rate in seen]
        return statistics.median(rates) if rates else None

    def of(self, cell: Cell) -> float:
        """The rate at which a cell's network is expected to compute."""
        network, architecture = _names(cell)
        if alike := self._seen.get((cell.step, cell.settings["dataset"], network)):
            return statistics.median(alike)
        return self._median(cell.step) or self._median() or self._before_any(architecture)

    def _before_any(self, architecture: str) -> float:
        if self._speed:
            return self._speed.tflops[architecture]
        return CPU_TFLOPS if self._study.device == "cpu" else self._study.cost.tflops

    def words(self) -> str:
        """Where the rates come from."""
        if rate := self._median():
            count = sum(map(len, self._seen.values()))
            return (
                f"measured in {count} finished trainings and predictions of this study on "
                f"{', '.join(sorted(self._devices))}; others by their FLOPs at the median rate ({rate:.3g} TFLOP/s)"
            )
        if self._speed:
            each = ", ".join(f"{name} {self._speed.tflops[name]:.3g}" for name in self._study.counted)
            return (
                f"training steps timed by --measure on {self._speed.machine} (batch {self._speed.batch}, without data "
                f"loading), in TFLOP/s: {each}"
            )
        hint = "; 'skipstudy run STUDY.yaml --dry-run --measure' times this machine"
        if self._study.device == "cpu":
            return f"FLOPs at {CPU_TFLOPS} TFLOP/s, measured on two shared cores, not on this machine{hint}"
        rate = self._study.cost.tflops
        return f"FLOPs at {rate:g} TFLOP/s, an assumption that was not measured; set cost.tflops to your GPU's{hint}"
