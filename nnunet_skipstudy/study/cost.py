"""How long the cells of a study take: measured where a cell of its kind has been, else derived from FLOPs.

Before a data set has a plan, a cell's FLOPs are those of its network on a nominal one. The rate is that of the
study's finished trainings; before there are any, what ``skipstudy run --dry-run --measure`` has timed on this machine;
else the study's own ``cost.tflops``, an assumption (on a CPU :data:`CPU_TFLOPS`, which was measured elsewhere).
"""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from nnunet_skipstudy.nnunet.trainer_name import parse_trainer_name
from nnunet_skipstudy.planning.nominal import NOMINAL_BATCH, NOMINAL_FEATURES, NOMINAL_SIDE
from nnunet_skipstudy.planning.speed import Speed, read_speed
from nnunet_skipstudy.study.cells import CellState, State
from nnunet_skipstudy.study.grid import Cell, Grid
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.settings import Study
from nnunet_skipstudy.support.files import read_record

NOMINAL_GFLOP: Mapping[str, float] = {
    "NoSkip": 23.18,
    "NoSkipVNet": 85.44,
    "UNet": 29.52,
    "VNet": 104.46,
    "AttentionUNet": 29.93,
    "UNetPlusPlus": 130.05,
    "NoTopSkip": 28.32,
}
"""Forward GFLOP of one 256 x 256 patch on nnU-Net's 2D plan of 7 stages, counted by ``architectures.cost``."""
NOMINAL_TEST_CASES = 100
NOMINAL_WORDS = "nnU-Net's 2D plan on 256 x 256 images (or the size and features that the study names)"
CPU_TFLOPS = 0.14
"""Measured: nnU-Net's U-Net ran at 0.12 to 0.17 TFLOP/s on two shared AMD cores, forward and backward."""
NNUNET_EPOCHS, NNUNET_ITERATIONS = 1000, 250
FORWARD_AND_BACKWARD = 3.0
VALIDATION = 0.2
"""nnU-Net validates one batch for every five that it trains on: forward only."""
FIXED_SECONDS = {"convert": 20.0, "perturb": 20.0, "plan": 30.0, "analyze": 20.0}
START_SECONDS = 6.0
"""Importing nnU-Net and loading a model: 4 to 6 seconds measured."""


@dataclass
class Estimate:
    """Seconds of each cell, by key, and where they come from, in words."""

    seconds: dict[str, float]
    grounds: list[str] = field(default_factory=list)

    def hours(self, cells: Iterable[Cell]) -> float:
        """The sum over cells."""
        return sum(self.seconds[cell.key] for cell in cells) / 3600


def estimate(study: Study, grid: Grid, found: Iterable[CellState], places: Places) -> Estimate:
    """How long each cell takes on its device, finished ones included.

    Args:
        study: for the rate and the batch that the user named.
        grid: all cells.
        found: their states; finished ones are read for what they measured.
        places: where their markers lie.
    """
    done = [state.cell for state in found if state.state is State.DONE and state.cell.step in ("plan", "train")]
    measured = {cell.key: read_record(places.marker(cell)).get("measured", {}) for cell in done}
    plans = {cell.settings["dataset"]: measured[cell.key] for cell in done if cell.step == "plan"}
    work = {cell.key: _tflop(cell, study, plans) for cell in grid.values() if cell.step in ("train", "predict")}
    speed = read_speed(places.speed)
    rate, timed, words = _rate(study, [cell for cell in done if cell.step == "train"], measured, work, speed)
    seconds = {}
    for cell in grid.values():
        alike = timed.get(_kind(cell)) if cell.step == "train" else None
        if alike is not None:
            seconds[cell.key] = START_SECONDS + alike * _iterations(cell)
        elif cell.key in work:
            seconds[cell.key] = START_SECONDS + work[cell.key] / rate[_kind(cell)[1]]
        else:
            seconds[cell.key] = FIXED_SECONDS[cell.step]
    grounds = [words]
    unplanned = sorted({c.settings["dataset"] for c in grid.values() if c.step == "plan"} - set(plans))
    if unplanned:
        batch = study.plans.batch_size or NOMINAL_BATCH
        listed = ", ".join(str(identifier) for identifier in unplanned)
        grounds.append(f"data sets without a plan yet ({listed}): {NOMINAL_WORDS}, batch {batch}, are assumed")
    return Estimate(seconds, grounds)


def _kind(cell: Cell) -> tuple[int, str]:
    return cell.settings["dataset"], parse_trainer_name(cell.settings["trainer"]).architecture


def _iterations(cell: Cell) -> int:
    options = parse_trainer_name(cell.settings["trainer"]).options
    return (options.epochs or NNUNET_EPOCHS) * (options.iterations or NNUNET_ITERATIONS)


def _tflop(cell: Cell, study: Study, plans: Mapping[int, Mapping[str, Any]]) -> float:
    """The work of a training or prediction, in TFLOP."""
    identifier, architecture = _kind(cell)
    plan = plans.get(identifier, {})
    gflop = plan["gflop"][architecture] if plan else NOMINAL_GFLOP[architecture] * _nominal_size(study, identifier)
    if cell.step == "train":
        batch = plan.get("batch_size") or study.plans.batch_size or NOMINAL_BATCH
        return float((FORWARD_AND_BACKWARD + VALIDATION) * gflop * batch * _iterations(cell)) / 1000
    passes = 4 if cell.settings["mirroring"] else 1
    n_cases = _number(study, identifier, "test", NOMINAL_TEST_CASES)
    return float(gflop * passes * n_cases * len(cell.settings["levels"])) / 1000


def _number(study: Study, identifier: int, option: str, nominal: float) -> float:
    """An option of a data set's converter where it is a number; what else it may be is the converter's to judge."""
    options = next(dataset.options for dataset in study.datasets if dataset.id == identifier)
    value = options.get(option)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return nominal
    return value if 0 < value < math.inf else nominal


def _nominal_size(study: Study, identifier: int) -> float:
    """The FLOPs of a plan that is not made yet, as a share of the nominal one's, from what the study says of sizes."""
    size = _number(study, identifier, "size", NOMINAL_SIDE)
    features = study.plans.base_features or NOMINAL_FEATURES
    return float((size / NOMINAL_SIDE) ** 2 * (features / NOMINAL_FEATURES) ** 2)


def _rate(
    study: Study,
    trained: list[Cell],
    measured: Mapping[str, Mapping[str, Any]],
    work: Mapping[str, float],
    speed: Speed | None,
) -> tuple[dict[str, float], dict[tuple[int, str], float], str]:
    """TFLOP/s by network, seconds an iteration by kind of training, and their origin."""
    times: dict[tuple[int, str], list[float]] = {}
    rates, devices = [], set()
    for cell in trained:
        if seconds := measured[cell.key].get("seconds_per_iteration"):
            times.setdefault(_kind(cell), []).append(seconds)
            rates.append(work[cell.key] / _iterations(cell) / seconds)
            devices.add(str(measured[cell.key].get("device")))
    timed = {kind: statistics.median(values) for kind, values in times.items()}
    if rates:
        rate = statistics.median(rates)
        words = (
            f"measured in {len(rates)} finished training{'s' if len(rates) > 1 else ''} of this study on "
            f"{', '.join(sorted(devices))}; others by their FLOPs at the median rate ({rate:.3g} TFLOP/s)"
        )
        return dict.fromkeys(study.architectures, rate), timed, words
    if speed and set(study.architectures) <= set(speed.tflops):
        rates_of = {name: speed.tflops[name] for name in study.architectures}
        each = ", ".join(f"{name} {value:.3g}" for name, value in rates_of.items())
        words = (
            f"training steps timed by --measure on {speed.machine} (batch {speed.batch}, without data loading), in "
            f"TFLOP/s: {each}"
        )
        return rates_of, timed, words
    hint = "; 'skipstudy run STUDY.yaml --dry-run --measure' times this machine"
    if study.device == "cpu":
        rate, words = CPU_TFLOPS, f"FLOPs at {CPU_TFLOPS} TFLOP/s, measured on two shared cores, not on this machine"
    else:
        rate = study.cost.tflops
        words = f"FLOPs at {rate:g} TFLOP/s, an assumption that was not measured; set cost.tflops to your GPU's"
    return dict.fromkeys(study.architectures, rate), timed, words + hint
