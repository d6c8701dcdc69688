"""Perturb: make the test levels that a data set lacks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.registry import LEVELS, MADE_BY_NAME
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.ownership import DataFacts
from nnunet_skipstudy.study.places import Places, missing_levels, test_folder
from nnunet_skipstudy.study.steps.step import About, Measured, Step, Subject, Work
from nnunet_skipstudy.support.files import read_record, write_json

OPTIONS: tuple[str, ...] = ("--level", "--levels", "--calibrate", "--seed", "--overwrite", "-np")
"""Those of ``skipstudy perturb`` that a study may name."""


def settings(subject: Subject) -> dict[str, Any] | None:
    """Levels, and the arguments of ``skipstudy perturb``; of a data set that others made what is tested on."""
    dataset = subject.dataset
    assert dataset
    if not dataset.train or dataset.converter == "synthetic":  # its levels are alphas, which its converter makes
        return None
    levels = subject.study.levels_of(dataset)
    wanted: dict[str, Any] = {"dataset": dataset.id, "levels": levels, "arguments": dataset.perturb}
    if dataset.converter is None:
        wanted["content"] = subject.facts.testing(dataset.id, levels)
    return wanted


def run(cell: Cell, work: Work) -> Measured:
    """Make the test levels that the data set lacks, by their names, or those that the study names arguments for.

    ``skipstudy perturb`` leaves alone what is there with the same settings, and refuses to touch the rest; what this
    study made with other settings, or of other test images, is made anew.

    Raises:
        UserError: a level can't be made.
    """
    identifier, wanted, arguments = (cell.settings[key] for key in ("dataset", "levels", "arguments"))
    folder = work.places.dataset_folder(identifier)
    ours = DataFacts(work.places).perturbed_record(identifier)
    record, before = read_record(ours), _level_folders(folder)
    made = set(record.get("levels", [])) & before
    outdated = record.get("digest") not in (None, cell.digest)
    arguments = arguments or _by_name(wanted, {*_missing(folder, wanted), *(made if outdated else ())})
    if arguments or missing_levels(folder, wanted) or (outdated and made):
        again = outdated and before & _named_folders(arguments) <= made
        command = ["perturb", "-d", str(identifier), *arguments, *(["--overwrite"] if again else [])]
        if code := work.command(command):
            raise RuntimeError(f"skipstudy {' '.join(command)} ended with exit code {code}")
        made |= _level_folders(folder) - before
        write_json(ours, {"digest": cell.digest, "levels": sorted(made)})
    if missing := missing_levels(folder, wanted):
        names = ", ".join(test_folder(level) for level in missing)
        raise UserError(f"{folder}: has no {names}; make them, or leave these levels out of the study")
    return {}


def _missing(folder: Path, levels: list[str]) -> set[str]:
    return {test_folder(level) for level in missing_levels(folder, levels)}


def _by_name(levels: list[str], folders: set[str]) -> list[str]:
    """The arguments that make those of the levels whose folders are given; none where they are the study's own."""
    named = [level for level in levels if level in MADE_BY_NAME and test_folder(level) in folders]
    return [word for level in named for word in ("--level", level)] if set(named) - set(LEVELS) else []


def _level_folders(dataset: Path) -> set[str]:
    return {path.name for path in dataset.glob(test_folder("*")) if path.is_dir()}


def _named_folders(arguments: list[str]) -> set[str]:
    """The folders of the levels that ``skipstudy perturb`` would make. Raises UserError: one of them is no level."""
    from nnunet_skipstudy.levels.calibrate import named_levels  # imports scikit-image

    return {test_folder(level) for level in named_levels(arguments)}


def _no_arguments(arguments: list[str]) -> Iterator[str]:
    """The words that ``skipstudy perturb`` would not take: unknown options, sets of levels, and values of none."""
    from nnunet_skipstudy.texture.perturbation import LEVEL_SETS

    option = ""
    for word in arguments:
        if word.startswith("-"):
            option, sign, _ = word.partition("=")
            if option not in OPTIONS:
                yield word
            option = "" if sign or option == "--overwrite" else option
        elif option == "--levels":
            if word not in LEVEL_SETS:
                yield word
        elif option:
            option = ""
        else:
            yield word


def stands(cell: Cell, places: Places, dataset: str) -> bool:
    """Whether the levels are there."""
    return not missing_levels(places.raw / dataset, cell.settings["levels"])


def lines(cell: Cell, places: Places) -> Iterator[list[object]]:
    """``skipstudy perturb`` where it has something to do, and what has to be there afterwards."""
    identifier, levels, arguments = (cell.settings[key] for key in ("dataset", "levels", "arguments"))
    found = places.found(identifier)
    lacking = _missing(found, levels) if found else {test_folder(level) for level in set(levels) - set(LEVELS)}
    arguments = arguments or _by_name(levels, lacking)
    if arguments or (found and lacking):
        yield ["skipstudy", "perturb", "-d", identifier, *arguments]
    yield [f"# data set {identifier} needs {', '.join(map(test_folder, levels))}"]


def refusals(cell: Cell, places: Places) -> Iterator[str]:
    """Words that are no arguments, and levels that are not there and that nothing makes."""
    identifier, levels, arguments = (cell.settings[key] for key in ("dataset", "levels", "arguments"))
    for word in _no_arguments(arguments):
        yield (
            f"data set {identifier}: perturb: {shown(word)} is no argument of 'skipstudy perturb'; write "
            "perturb: [--level, NAME] or [--levels, SET]"
        )
    named = _named_folders(arguments)
    found = places.found(identifier)
    for level in missing_levels(found, levels) if found else ():
        if test_folder(level) not in named and (arguments or level not in MADE_BY_NAME):
            yield (
                f"{found}: has no {test_folder(level)}, and nothing makes it; leave this level out of the study, or "
                f"make it (perturb: [--level, {level}:KIND:PARAMETER=NUMBER])"
            )


STEP = Step("perturb", About.DATASET, settings, run, stands, lines, 20.0, needs=("convert",), refusals=refusals)
