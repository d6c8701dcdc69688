"""The command line that all converters share: ``skipstudy convert NAME SOURCE`` and ``python NAME.py -i SOURCE``."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from nnunet_skipstudy.conversion.description import PROTOCOLS, DatasetDescription
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.publishing import Promised, json_content
from nnunet_skipstudy.registry import EXCESS, LEVELS, STUDYS_TD, TD_MEASURES
from nnunet_skipstudy.support.parser import Parser

N_FOLDS = 11
DOWNLOAD = """\
Made are training pool, test set and its four perturbed copies (hardest, harder, easier, easiest), cases.csv,
perturbations.csv, and eleven folds (folds.csv): 0-4 wide (cross-validation, spread over strata and texture disparity),
5-9 narrow (fold 0's validation cases; trained on one fifth of its training cases by disparity, hardest to easiest; the
disparity's excess over what the object's size alone scores, unless --by says otherwise),
10 matched (as many as narrow, over the whole range). No group straddles a split. It appears in $nnUNet_raw and
$nnUNet_preprocessed when it is complete; a finished one is left as it is."""

BY = (
    "what folds and categories go by: texture disparity beyond what the object's size alone scores, or the value of a "
    f"definition (default: {EXCESS}; with --protocol study {STUDYS_TD})"
)

STRENGTHS = (
    "strengths of the test levels: the study's in pixels of 256 x 256, others where these don't move texture disparity "
    "as the levels are named (ladder); or the study's in the images' own pixels (default: ladder; with --protocol "
    "study study)"
)


class Made(NamedTuple):
    """What a converter has made: the folder in nnUNet_raw, a line about its content, nnU-Net's configuration for it."""

    folder: Path
    content: str
    configuration: str


@dataclass(frozen=True, kw_only=True)
class Converter:
    """What one converter's command line has of its own."""

    command: str  # its name in skipstudy convert
    dataset_id: int  # nnU-Net's identifier by default
    dataset_name: str  # by default, too
    about: str  # what it makes, for --help
    add_arguments: Callable[[Parser], None]  # adds what it is made from, and options of its own
    # what the parsed arguments ask for, nothing read or written; raises UserError where they contradict
    promise: Callable[[argparse.Namespace], Promised]
    make: Callable[[argparse.Namespace], Made]  # makes it; raises UserError
    examples: tuple[str, ...]  # command lines
    epilog: str = ""  # text before the examples

    def main(self, argv: list[str]) -> int:
        """Convert; print what was made. Raises UserError: arguments, environment or source are at fault."""
        arguments = self._parser().parse_intermixed_args(argv)
        made = self.make(arguments)
        print(
            f"{made.folder}\n  {made.content}\n"
            f"next: nnUNetv2_plan_and_preprocess -d {arguments.dataset_id} -c {made.configuration}"
        )
        return 0

    def promised(self, argv: list[str]) -> Promised:
        """What these arguments would make, told at once. Raises UserError: they are at fault."""
        return self.promise(self._parser().parse_intermixed_args(argv))

    def _parser(self) -> Parser:
        parser = Parser(
            prog=f"skipstudy convert {self.command}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            description=self.about,
            epilog=self.epilog + "examples:\n" + "\n".join(f"  {example}" for example in self.examples),
        )
        add, number, name = parser.add_argument, self.dataset_id, self.dataset_name
        add("-d", "--dataset-id", type=int, default=number, metavar="ID", help=f"identifier (default: {number})")
        add("--name", default=name, help=f"the data set's name (default: {name})")
        self.add_arguments(parser)
        add("--seed", type=int, default=0, help="of all that is drawn (default: 0)")
        add("--by", choices=TD_MEASURES, help=BY)
        add("--overwrite", action="store_true", help="replace the data set, and what nnU-Net preprocessed of it")
        return parser


def of_download(
    describe: Callable[[argparse.Namespace], DatasetDescription],
    add_arguments: Callable[[Parser], None] = lambda parser: None,
    *,
    command: str,
    dataset_id: int,
    dataset_name: str,
    about: str,
    study: str,
    examples: tuple[str, ...],
) -> Converter:
    """The converter of a publisher's download: by a description made from the arguments, with options of its own.

    ``study`` says what ``--protocol study`` does; the rest is as :class:`Converter` has it.
    """

    def add_all(parser: Parser) -> None:
        add = parser.add_argument
        add("source", nargs="?", metavar="SOURCE", type=Path, help="the download: its folder at any depth, zip or tar")
        add("-i", "--source", dest="source_option", metavar="SOURCE", type=Path, help="the same")
        add("--protocol", default="native", metavar="|".join(PROTOCOLS), help=study)
        add_arguments(parser)
        add("--levels", choices=("ladder", "study"), help=STRENGTHS)
        add("-np", "--num-processes", type=int, metavar="N", help="cases at a time (default: processors, up to 4)")

    def promise(arguments: argparse.Namespace) -> Promised:
        _source(arguments, command)
        made = describe(arguments)
        return Promised(LEVELS, N_FOLDS, json_content(made.channel_names, made.labels, made.ending))

    def make(arguments: argparse.Namespace) -> Made:
        source = _source(arguments, command)
        return _converted(describe(arguments), source, arguments)

    plainest = f"skipstudy convert {command} DOWNLOAD -d {dataset_id}"
    return Converter(
        command=command,
        dataset_id=dataset_id,
        dataset_name=dataset_name,
        about=f"{about}\n\n{DOWNLOAD}",
        add_arguments=add_all,
        promise=promise,
        make=make,
        examples=(plainest, *examples),
    )


def _source(arguments: argparse.Namespace, command: str) -> Path:
    """Where the download is, given once."""
    given = [path for path in (arguments.source, arguments.source_option) if path is not None]
    if len(given) != 1:
        raise UserError(
            f"{len(given) or 'no'} sources; give the download's folder or archive once, as SOURCE or with -i "
            f"(skipstudy convert {command} --help)"
        )
    if arguments.protocol not in PROTOCOLS:
        raise UserError(f"protocol {arguments.protocol!r}; choose one of {', '.join(PROTOCOLS)}")
    source: Path = given[0]
    return source


def _converted(description: DatasetDescription, source: Path, arguments: argparse.Namespace) -> Made:
    from nnunet_skipstudy.conversion.engine import convert

    folder = convert(
        description,
        source,
        dataset_id=arguments.dataset_id,
        name=arguments.name,
        seed=arguments.seed,
        by=measure_of(arguments),
        levels=arguments.levels or ("study" if arguments.protocol == "study" else "ladder"),
        overwrite=arguments.overwrite,
        workers=arguments.num_processes,
    )
    n_pool, n_test = (len(list((folder / labels).iterdir())) for labels in ("labelsTr", "labelsTs"))
    content = f"{n_pool} cases to train and validate in 11 folds (folds.csv); {n_test} test cases at 5 levels"
    return Made(folder, content, description.configuration)


def measure_of(arguments: argparse.Namespace) -> str:
    """What cases are to be sorted by: as asked for, else the study's measure in its protocol, and the excess."""
    study = getattr(arguments, "protocol", None) == "study"
    return str(arguments.by or (STUDYS_TD if study else EXCESS))


def refuse_with_study(arguments: argparse.Namespace, **options: str) -> None:
    """Refuse options, spelt out by their names in the arguments, that the study's protocol settles: a UserError."""
    for name, spelling in options.items():
        if arguments.protocol == "study" and getattr(arguments, name):
            raise UserError(f"--protocol study settles {spelling}; leave it out, or take --protocol native")
