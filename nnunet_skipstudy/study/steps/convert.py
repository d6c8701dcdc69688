"""Convert: make a data set out of its download, or see that it is there."""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import MADE_BY_NAME
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.ownership import DataFacts
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.step import About, Measured, NotYet, Step, Subject, Work
from nnunet_skipstudy.support.files import read_record

if TYPE_CHECKING:
    from nnunet_skipstudy.nnunet.publishing import Promised


def settings(subject: Subject) -> dict[str, Any]:
    """Converter, source and options; of a data set without a converter what it holds."""
    dataset = subject.dataset
    assert dataset
    chosen: dict[str, Any] = {"dataset": dataset.id, "converter": dataset.converter}
    if dataset.converter is None:
        return {**chosen, "content": subject.facts.training(dataset.id)}
    return {**chosen, "source": dataset.source, "options": dataset.options}


def conduct(subject: Subject) -> dict[str, Any]:
    """Where relative sources start, and what the study wants of the data set."""
    study, dataset = subject.study, subject.dataset
    assert dataset
    wanted = {"levels": study.levels_of(dataset), "perturb": dataset.perturb, "folds": study.folds_of(dataset)}
    return {"base": str(subject.base), **(wanted if dataset.train else {"levels": [], "perturb": [], "folds": []})}


def run(cell: Cell, work: Work) -> Measured:
    """Make the data set, or see that it is there; one that this study made with other settings is made anew.

    Raises:
        UserError: there is none, the converter refuses, or made other data than before with the same settings.
    """
    identifier, places = cell.settings["dataset"], work.places
    if cell.settings["converter"] is None:
        return {"folder": places.dataset_folder(identifier).name}
    facts = DataFacts(places)
    known = read_record(facts.converted_record(identifier))
    arguments = _arguments(cell)
    gone = places.found(identifier) is None  # then what was preprocessed of it goes too
    if known and (gone or known.get("digest") != cell.digest):
        arguments.append("--overwrite")  # what the study made itself, and nothing else
    if code := work.command(arguments):
        raise RuntimeError(f"skipstudy {' '.join(arguments)} ended with exit code {code}")
    facts.note_converted(identifier, cell.digest)
    facts.contents.save()
    before = known.get("parts") if known.get("digest") == cell.digest else None
    if before and (differing := facts.differing(identifier, before)):
        raise UserError(
            f"data set {identifier}: was converted with the same settings to other data than before "
            f"({', '.join(differing)}; another version of this package?); give the study another root, since its "
            "results stand on the earlier data"
        )
    return {"folder": places.dataset_folder(identifier).name}


def _arguments(cell: Cell) -> list[str]:
    """Those of ``skipstudy convert``, its name first; sources that are there by their whole path."""
    chosen, base = cell.settings, Path(cell.conduct["base"])
    sources = [str(base / text) if (base / text).exists() else text for text in chosen["source"]]
    options = option_arguments(chosen["options"])
    return ["convert", chosen["converter"], *sources, "-d", str(chosen["dataset"]), *options]


def option_arguments(options: Mapping[str, Any]) -> list[str]:
    """A converter's options as command-line arguments: ``{"size": 64, "normal": True}`` is ``--size 64 --normal``."""
    arguments = []
    for name, value in options.items():
        if value is not False:
            values = value if isinstance(value, list) else [] if value is True else [value]
            arguments += [f"--{name.replace('_', '-')}", *(str(item) for item in values)]
    return arguments


def stands(cell: Cell, places: Places, dataset: str) -> bool:
    """Whether the data set is there; what it holds is looked at elsewhere."""
    return (places.raw / dataset).is_dir()


def lines(cell: Cell, places: Places) -> Iterator[list[object]]:
    """``skipstudy convert``; nothing for a data set that is there."""
    if cell.settings["converter"]:
        yield ["skipstudy", *_arguments(cell)]


def refusals(cell: Cell, places: Places) -> Iterator[str]:
    """A data set that is not there, not nnU-Net's, or ambiguous; a converter's unknown options or missing source."""
    identifier, converter = cell.settings["dataset"], cell.settings["converter"]
    places.found(identifier)
    if converter is None:
        from nnunet_skipstudy.planning.check import check_description  # imports SimpleITK

        check_description(places.dataset_folder(identifier))
    else:
        yield from _refusals_of_converter(cell)


def promised(cell: Cell) -> "Promised":
    """What the converter will make. Raises UserError: its options are at fault."""
    module = importlib.import_module(f"nnunet_skipstudy.dataset_conversion.{cell.settings['converter']}")
    made: Promised = module.CONVERTER.promised(_arguments(cell)[2:])
    return made


def _refusals_of_converter(cell: Cell) -> Iterator[str]:
    """What the converter says of its arguments, and what it will not make."""
    place, wanted = f"data set {cell.settings['dataset']}", cell.conduct
    made = promised(cell)
    for text in cell.settings["source"]:
        if not (cell.settings["converter"] == "synthetic" or (Path(wanted["base"]) / text).exists()):
            yield NotYet(f"{place}: source {text!r}: no such file or folder; fetch it, or mend the path")
    for level in wanted["levels"]:
        made_after = wanted["perturb"] or (level in MADE_BY_NAME and cell.settings["converter"] != "synthetic")
        if level not in made.levels and not made_after:
            yield f"{place}: level {level!r} is none that its converter makes ({', '.join(made.levels)})"
    for fold in wanted["folds"]:
        if fold >= made.n_folds:
            yield f"{place}: fold {fold}: its converter makes folds 0 to {made.n_folds - 1}; choose among these"


STEP = Step("convert", About.DATASET, settings, run, stands, lines, 20.0, conduct=conduct, refusals=refusals)
