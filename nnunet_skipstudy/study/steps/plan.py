"""Plan: nnU-Net's plans and preprocessed data, once for all networks of a data set."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from nnunet_skipstudy.nnunet.calls import worker_processes
from nnunet_skipstudy.planning.preprocess import is_preprocessed, keep_foreign_plans, plan_and_preprocess, planner_class
from nnunet_skipstudy.registry import ARCHITECTURES
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.ownership import refuse_other_study
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.step import About, Measured, Step, Subject, Work

if TYPE_CHECKING:
    from nnunet_skipstudy.study.settings import Plans

CONFIGURATIONS = ("2d", "3d_fullres", "3d_lowres")
"""Those that nnU-Net's planners make and that a network can be trained on by itself, so no cascade's second stage."""


def settings(subject: Subject) -> dict[str, Any] | None:
    """Configuration, and all that is said of plans; None where nothing is trained."""
    study, dataset = subject.study, subject.dataset
    assert dataset
    if not dataset.train:
        return None
    return plan_settings(dataset.id, study.configuration_of(dataset), study.plans, study.networks)


def plan_settings(dataset: int, configuration: str, plans: "Plans", architectures: Iterable[str]) -> dict[str, Any]:
    """What decides a plan; the networks only where it is sized for the heaviest of them."""
    chosen = plans.model_dump()
    if plans.normalization == "nnunet":  # as before there was a choice
        del chosen["normalization"]
    if plans.plan_for == "heaviest":
        chosen["architectures"] = sorted(architectures)
    return {"dataset": dataset, "configuration": configuration, "plans": chosen}


def conduct(subject: Subject) -> dict[str, Any]:
    """Cores, whether worker processes are worth their start, and the networks whose costs are counted."""
    study = subject.study
    trainers = [f"nnUNetTrainer{name}" for name in study.networks if name not in ARCHITECTURES]
    return {"cpus": study.resources_of("plan").cpus, "small_data": study.small_data, "trainers": trainers}


def run(cell: Cell, work: Work) -> Measured:
    """Plan and preprocess; what networks cost on the plan is what is measured."""
    from nnunet_skipstudy.planning.costs import costs_on_plan  # imports torch

    chosen, root = cell.settings, work.places.root

    processes = worker_processes(cell.conduct["cpus"], small_data=cell.conduct["small_data"])
    plan_and_preprocess(
        chosen,
        cell.digest,
        data=cell.needed.values(),
        processes=processes,
        owner=root,
        refuse_replacing=lambda file, stamp: refuse_other_study(file, stamp, root),
    )
    folder = work.places.dataset_folder(chosen["dataset"]).name
    return costs_on_plan(folder, chosen["plans"]["name"], chosen["configuration"], cell.conduct["trainers"])


def stands(cell: Cell, places: Places, dataset: str) -> bool:
    """Whether the data are there, preprocessed by this plan."""
    chosen = cell.settings
    return is_preprocessed(places.preprocessed / dataset, chosen["plans"]["name"], chosen["configuration"], cell.digest)


def lines(cell: Cell, places: Places) -> Iterator[list[object]]:
    """``nnUNetv2_plan_and_preprocess``, or ``skipstudy plan`` where that has no option for what is asked."""
    chosen, plans = cell.settings, cell.settings["plans"]
    sizes = [
        word
        for key in ("base_features", "max_features", "batch_size")
        if plans[key]
        for word in (f"--{key.replace('_', '-')}", plans[key])
    ]
    heaviest = ("--plan-for", "heaviest", "--architectures", *plans.get("architectures", ()))
    normalized = ("--normalization", plans["normalization"]) if "normalization" in plans else ()
    changed = [*(heaviest if plans["plan_for"] == "heaviest" else ()), *sizes, *normalized]
    memory = ("-gpu_memory_target", f"{plans['gpu_memory_gb']:g}") if plans["gpu_memory_gb"] else ()
    name = ("-overwrite_plans_name", plans["name"]) if memory or plans["name"] != "nnUNetPlans" else ()
    yield [
        *(("skipstudy", "plan") if changed else ("nnUNetv2_plan_and_preprocess",)),
        *("-d", chosen["dataset"], "-c", chosen["configuration"]),
        *("-pl", plans["planner"], *memory, *name, *changed),
    ]


def refusals(cell: Cell, places: Places) -> Iterator[str]:
    """A configuration or a planner that nnU-Net lacks, volumes' of flat images, plans of others under this name."""
    identifier, configuration, plans = (cell.settings[key] for key in ("dataset", "configuration", "plans"))
    if configuration not in CONFIGURATIONS:
        yield f"data set {identifier}: configuration {configuration!r}; choose one of {', '.join(CONFIGURATIONS)}"
    if plans["planner"] != "ExperimentPlanner":  # whose look-up imports torch
        planner_class(plans["planner"])
    name = places.found_name(identifier)
    if name:
        keep_foreign_plans(places.preprocessed / name, plans["name"])
    if configuration != "2d" and name and (places.raw / name).is_dir():
        from nnunet_skipstudy.nnunet.cases import read_description
        from nnunet_skipstudy.nnunet.images import NATURAL_ENDINGS

        ending = read_description(places.raw / name).ending
        if ending in NATURAL_ENDINGS:
            yield f"data set {identifier}: configuration {configuration!r} of flat images ({ending}); choose 2d"


STEP = Step(
    "plan", About.DATASET, settings, run, stands, lines, 30.0, needs=("convert",), conduct=conduct, refusals=refusals
)
