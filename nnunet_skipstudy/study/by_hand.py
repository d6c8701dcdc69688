"""The grid as lines for a shell, for those who want to run nnU-Net's commands themselves."""

import shlex
from collections.abc import Iterator
from pathlib import Path

from nnunet_skipstudy.study.data_facts import found_dataset, missing_levels, test_folder
from nnunet_skipstudy.study.grid import Cell, Grid
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.train import option_arguments


def lines(grid: Grid, places: Places) -> Iterator[str]:
    """The lines, in an order that works."""
    for variable, value in places.environment().items():
        yield f"export {variable}={shlex.quote(value)}"
    for cell in grid.values():
        yield from {
            "convert": _convert,
            "perturb": _perturb,
            "plan": _plan,
            "train": _train,
            "predict": _predict,
            "analyze": _analyze,
        }[cell.step](cell, places)


def _line(*words: object) -> str:
    return " ".join(shlex.quote(str(word)) for word in words)


def _convert(cell: Cell, places: Places) -> Iterator[str]:
    settings = cell.settings
    if settings["converter"]:
        base = Path(cell.conduct["base"])
        sources = [str(base / text) if (base / text).exists() else text for text in settings["source"]]
        options = option_arguments(settings["options"])
        yield _line("skipstudy", "convert", settings["converter"], *sources, "-d", settings["dataset"], *options)


def _perturb(cell: Cell, places: Places) -> Iterator[str]:
    identifier, levels, arguments = (cell.settings[key] for key in ("dataset", "levels", "arguments"))
    found = found_dataset(places.nnunet["nnUNet_raw"], identifier)
    if arguments or (found and missing_levels(found, levels)):
        yield _line("skipstudy", "perturb", "-d", identifier, *arguments)
    yield f"# data set {identifier} needs {', '.join(map(test_folder, levels))}"


def _plan(cell: Cell, places: Places) -> Iterator[str]:
    settings, plans = cell.settings, cell.settings["plans"]
    sizes = [
        word
        for key in ("base_features", "max_features", "batch_size")
        if plans[key]
        for word in (f"--{key.replace('_', '-')}", plans[key])
    ]
    heaviest = ("--plan-for", "heaviest", "--architectures", *plans.get("architectures", ()))
    changed = [*(heaviest if plans["plan_for"] == "heaviest" else ()), *sizes]
    memory = ("-gpu_memory_target", f"{plans['gpu_memory_gb']:g}") if plans["gpu_memory_gb"] else ()
    name = ("-overwrite_plans_name", plans["name"]) if memory or plans["name"] != "nnUNetPlans" else ()
    command = ("skipstudy", "plan") if changed else ("nnUNetv2_plan_and_preprocess",)  # which has no options for these
    yield _line(
        *(*command, "-d", settings["dataset"], "-c", settings["configuration"]),
        *("-pl", plans["planner"], *memory, *name, *changed),
    )


def _train(cell: Cell, places: Places) -> Iterator[str]:
    settings, conduct = cell.settings, cell.conduct
    yield _line(
        *("nnUNetv2_train", settings["dataset"], settings["configuration"], settings["fold"]),
        *("-tr", settings["trainer"], "-p", settings["plans"], "-device", conduct["device"]),
    )


def _predict(cell: Cell, places: Places) -> Iterator[str]:
    settings = cell.settings
    found = found_dataset(places.nnunet["nnUNet_raw"], settings["dataset"])
    dataset = found.name if found else f"Dataset{settings['dataset']:03d}_NAME"
    model = f"{settings['trainer']}__{settings['plans']}__{settings['configuration']}"
    for level in settings["levels"]:
        yield _line(
            *("nnUNetv2_predict", "-d", settings["dataset"], "-c", settings["configuration"]),
            *("-f", settings["fold"], "-tr", settings["trainer"], "-p", settings["plans"]),
            *("-i", places.nnunet["nnUNet_raw"] / dataset / test_folder(level)),
            *("-o", places.predictions / dataset / model / f"fold_{settings['fold']}" / level),
            *("-device", cell.conduct["device"]),
            *(() if settings["mirroring"] else ("--disable_tta",)),
        )


def _analyze(cell: Cell, places: Places) -> Iterator[str]:
    settings = cell.settings
    tolerance = () if settings["tolerance"] is None else ("--tolerance", settings["tolerance"])
    reference = () if settings["reference_level"] is None else ("--reference-level", settings["reference_level"])
    yield _line(
        *("skipstudy", "analyze", places.predictions, "--labels", places.nnunet["nnUNet_raw"]),
        *("--both-empty", settings["both_empty"], *tolerance, *reference, "-o", places.analysis),
    )
