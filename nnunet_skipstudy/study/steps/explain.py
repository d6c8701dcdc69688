"""Explain: which skip carries the loss of one trained network, where the study asks for it."""

from collections.abc import Iterator
from typing import Any

from nnunet_skipstudy.explain import TABLES
from nnunet_skipstudy.nnunet import calls
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.ownership import claim, is_stamped
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.step import About, Load, Measured, Step, Subject, Work
from nnunet_skipstudy.study.steps.train import START_SECONDS, training_of


def settings(subject: Subject) -> dict[str, Any] | None:
    """The model, and what is done to it; None where the study doesn't ask for it, or a data set lacks a level.

    Networks of other people's trainers are left out: only of ours is it known beforehand that their parts are.
    """
    study, dataset = subject.study, subject.dataset
    assert dataset
    others = {name.replace("<seed>", str(seed)) for name in study.trainers for seed in study.seeds}
    if study.explain is None or subject.model["trainer"] in others:
        return None
    there = study.levels_of(dataset)
    levels = [level for level in study.explain.levels or there if level in there]
    chosen = {"levels": levels, "cases": study.explain.cases, "interventions": study.explain.interventions}
    return {**subject.model, **chosen, "mirroring": study.tta} if levels else None


def conduct(subject: Subject) -> dict[str, Any]:
    """Device and cores; one for small data, whose maps are done before a second one is at it."""
    study = subject.study
    cpus = study.resources_of("explain").cpus or (1 if study.small_data else None)
    return {"device": study.device, "cpus": cpus}


def run(cell: Cell, work: Work) -> Measured:
    """Explain one model, at the levels that are not its own. Raises UserError: a level, or the device, is absent."""
    from nnunet_skipstudy.explain.request import Request, labelled_cases, reference_level, spread
    from nnunet_skipstudy.explain.run import explain

    chosen, training = cell.settings, training_of(cell, work.places)
    raw = work.places.raw / training.dataset
    reference = reference_level(raw, training.fold)
    calls.check_device(cell.conduct["device"])
    calls.use_threads(cell.conduct["device"], cell.conduct["cpus"])
    calls.restore_model_files(training)
    output = work.places.explained_folder(training.dataset, chosen)
    claim(output, cell, work.places)
    request = Request(
        training,
        raw,
        reference,
        tuple(level for level in chosen["levels"] if level != reference),
        tuple(spread(labelled_cases(raw), chosen["cases"])),
        tuple(chosen["interventions"]),
        {},
        mirroring=chosen["mirroring"],
    )
    explain(request, output, device=cell.conduct["device"], progress=lambda done, n: work.progress(done / n))
    return {"device": calls.device_name(cell.conduct["device"]), "cases": len(request.cases)}


def stands(cell: Cell, places: Places, dataset: str) -> bool:
    """Whether the tables are there, of these settings."""
    folder = places.explained_folder(dataset, cell.settings)
    return is_stamped(folder, cell.digest) and all((folder / name).is_file() for name in TABLES)


def lines(cell: Cell, places: Places) -> Iterator[list[object]]:
    """``skipstudy explain``."""
    chosen = cell.settings
    dataset = places.found_name(chosen["dataset"]) or f"Dataset{chosen['dataset']:03d}_NAME"
    yield [
        *("skipstudy", "explain", "-d", chosen["dataset"], "-c", chosen["configuration"], "-tr", chosen["trainer"]),
        *("-f", chosen["fold"], "-p", chosen["plans"], "--levels", *chosen["levels"], "--cases", chosen["cases"]),
        *("--interventions", *chosen["interventions"], "-device", cell.conduct["device"]),
        *(() if chosen["mirroring"] else ("--disable_tta",)),
        *("-o", places.explained_folder(dataset, chosen)),
    ]


def tflop(cell: Cell, load: Load) -> float:
    """Forward: of each case, at each level, as many decodings as there are places and kinds; about half a pass each."""
    passes = 4 if cell.settings["mirroring"] else 1
    decodings = 5 * (2 + len(cell.settings["interventions"]))
    cases = min(float(cell.settings["cases"]), load.test_cases)
    levels = 1 + len(cell.settings["levels"])
    return float(load.gflop * passes * decodings * cases * levels / 1000)


STEP = Step(
    *("explain", About.MODEL, settings, run, stands, lines, START_SECONDS),
    needs=("predict",),
    conduct=conduct,
    tflop=tflop,
)
