"""``skipstudy doctor``: is everything there that a study needs?"""

import json
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.nnunet.calls import trainer_class
from nnunet_skipstudy.nnunet.datasets import found_dataset
from nnunet_skipstudy.nnunet.environment import (
    FOLDER_VARIABLES,
    REMEDY,
    TRAINER_VARIABLE,
    existing_folder,
    folder_fault,
    trainer_folder,
)
from nnunet_skipstudy.nnunet.trainer_name import TRAINERS, parse_trainer_name
from nnunet_skipstudy.support.parser import Parser

OURS = "nnunet-skipstudy"
DISK_WANTED_GB = 10
IDENTIFIED = re.compile(r"Dataset(\d{3,})_")


@dataclass(frozen=True)
class Finding:
    """One line of the examination; a ``remedy`` makes it a fault, ``advice`` a hint."""

    subject: str
    state: str
    remedy: str = ""
    advice: str = ""


def _packages() -> Iterator[Finding]:
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    yield Finding(OURS, version(OURS))
    for requirement in map(Requirement, requires(OURS) or ()):
        marker = requirement.marker
        if marker and "extra" in str(marker):
            continue
        if marker and not marker.evaluate():
            yield Finding(
                requirement.name, "not for this Python", advice=f"needs {marker}; run works --executor inline"
            )
            continue
        remedy = f"pip install '{requirement.name}{requirement.specifier}'"
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            yield Finding(requirement.name, "not installed", remedy=remedy)
        else:
            fits = requirement.specifier.contains(found, prereleases=True)
            yield Finding(requirement.name, found, remedy="" if fits else remedy)


def _folders() -> Iterator[Finding]:
    seen: dict[Path, str] = {}
    for variable in FOLDER_VARIABLES:
        value = os.environ.get(variable)
        if not value:
            yield Finding(variable, "not set", remedy=REMEDY)
        elif fault := folder_fault(value):
            yield Finding(variable, f"{shown(value)} {fault}", remedy=REMEDY)
        elif (folder := Path(value).resolve()) in seen:
            yield Finding(variable, f"{value}: is {seen[folder]}, too", remedy=f"a folder for each; {REMEDY}")
        else:
            yield _place(variable, value, seen)
            seen[folder] = variable


def _place(variable: str, value: str, others: Mapping[Path, str]) -> Finding:
    """What is to be said of a folder that is one, or can be made."""
    folder, existing = Path(value), existing_folder(Path(value))
    try:
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        return Finding(variable, f"{value}: can't be written ({error.strerror})", remedy="choose a folder of yours")
    free = shutil.disk_usage(existing).free / 1e9
    whole = folder.resolve()
    within = [name for other, name in others.items() if other in whole.parents or whole in other.parents]
    advice = [
        *([f"less than {DISK_WANTED_GB} GB free: a study may not fit"] if free < DISK_WANTED_GB else []),
        *([] if folder.is_absolute() else ["another folder wherever a command is called; give its whole path"]),
        *(f"one inside the other: {name} and this; a folder for each is safer" for name in within),
    ]
    state = f"{value} ({free:.0f} GB free{'' if folder.exists() else ', made on first use'})"
    return Finding(variable, state, advice="; ".join(advice))


def _datasets() -> Iterator[Finding]:
    roots = [Path(os.environ[name]) for name in FOLDER_VARIABLES if os.environ.get(name)]
    names = {match[1] for root in roots for path in root.glob("Dataset*") if (match := IDENTIFIED.match(path.name))}
    for identifier in sorted(names):
        try:
            found_dataset(roots[0], identifier, roots[1:])
        except UserError as error:
            fault, _, remedy = str(error).partition("; ")
            yield Finding(f"data set {identifier}", fault, remedy=remedy)


def _trainers(asked: list[str]) -> Iterator[Finding]:
    value = os.environ.get(TRAINER_VARIABLE, "")
    if str(trainer_folder()) not in value.split(os.pathsep):
        state = value or "not set"
        yield Finding(TRAINER_VARIABLE, f"{state}: lacks {trainer_folder()}", remedy=REMEDY)
        return
    yield Finding(TRAINER_VARIABLE, value)
    for name in asked or TRAINERS:
        try:
            trainer_class(name)
            yield Finding(name, "found by nnU-Net")
        except UserError as error:
            yield Finding(name, str(error), remedy="pip install --force-reinstall nnunet-skipstudy")


def _device() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        yield Finding("device", f"cuda: {torch.cuda.get_device_name(0)}, {memory:.0f} GiB")
    elif torch.backends.mps.is_available():
        yield Finding("device", "mps", advice="add '-device mps' to nnU-Net's commands")
    else:
        yield Finding(
            "device", "no GPU", advice="add '-device cpu' to nnU-Net's commands; only small data is practical"
        )
    n_cpus = os.cpu_count() or 1
    processes = os.environ.get("nnUNet_def_n_proc")
    few = n_cpus < 8 and processes is None
    yield Finding(
        "nnUNet_def_n_proc",
        processes or "not set (nnU-Net starts 8 worker processes)",
        advice=f"export nnUNet_def_n_proc={n_cpus} on a machine of {n_cpus} cores" if few else "",
    )


def main(argv: list[str]) -> int:
    """Print the findings; 2 where something is wrong, with its remedy."""
    parser = Parser(
        prog="skipstudy doctor",
        description="Check versions, nnU-Net's folders, that nnU-Net's own lookup finds the study's trainers, device "
        "and disk. Exit code 0: ready; 2: something is wrong, and the last column says what to do.",
    )
    parser.add_argument(
        "-tr", dest="trainers", action="append", default=[], metavar="NAME", help="check this trainer's name instead"
    )
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of lines")
    arguments = parser.parse_args(argv)
    asked = arguments.trainers
    for name in asked:
        try:
            trainer_class(name)
        except UserError:
            parse_trainer_name(name)  # of a name that is nearly one of ours, it says what is wrong
    examinations: list[Callable[[], Iterator[Finding]]] = [
        _packages,
        _folders,
        _datasets,
        lambda: _trainers(asked),
        _device,
    ]
    found: list[Finding] = []
    for examination in examinations:
        for finding in examination():
            found.append(finding)
            if not arguments.json:
                mark = "WRONG" if finding.remedy else "hint " if finding.advice else "ok   "
                note = finding.remedy or finding.advice
                print(f"{mark} {finding.subject}: {finding.state}{f' -> {note}' if note else ''}")
    if arguments.json:
        print(json.dumps([asdict(finding) for finding in found], indent=1))
    if n_faults := sum(bool(finding.remedy) for finding in found):
        raise UserError(f"{n_faults} of these would stop a study; each line marked WRONG says what to do")
    if not arguments.json:
        print("next: skipstudy convert synthetic -d 501, or 'skipstudy init --full' for a whole study")
    return 0
