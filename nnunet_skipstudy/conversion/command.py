"""The command line that all converters share: ``skipstudy convert NAME SOURCE`` and ``python NAME.py -i SOURCE``."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nnunet_skipstudy.conversion.description import PROTOCOLS, DatasetDescription
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.parser import Parser


@dataclass(frozen=True)
class Converter:
    """What one converter's command line has of its own.

    Attributes:
        command: its name in ``skipstudy convert``.
        dataset_id: nnU-Net's identifier by default.
        dataset_name: likewise.
        about: what it makes, for ``--help``.
        study: what ``--protocol study`` does, for ``--help``.
        describe: the parsed arguments to the description.
        add_arguments: adds options of its own.
        examples: command lines.
    """

    command: str
    dataset_id: int
    dataset_name: str
    about: str
    study: str
    describe: Callable[[argparse.Namespace], DatasetDescription]
    add_arguments: Callable[[Parser], None] = lambda parser: None
    examples: tuple[str, ...] = ()


OUTPUT = """\
Made are training pool, test set and its four perturbed copies (hardest, harder, easier, easiest), cases.csv,
perturbations.csv, and eleven folds (folds.csv): 0-4 wide (cross-validation, spread over strata and texture disparity),
5-9 narrow (fold 0's validation cases; trained on one fifth of its training cases by disparity, hardest to easiest),
10 matched (as many as narrow, over the whole range). No group straddles a split. It appears in $nnUNet_raw and
$nnUNet_preprocessed when it is complete; a finished one is left as it is."""


def build_parser(converter: Converter) -> Parser:
    """The command's arguments."""
    examples = (f"skipstudy convert {converter.command} DOWNLOAD -d {converter.dataset_id}", *converter.examples)
    parser = Parser(
        prog=f"skipstudy convert {converter.command}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"{converter.about}\n\n{OUTPUT}",
        epilog="examples:\n" + "\n".join(f"  {example}" for example in examples),
    )
    add = parser.add_argument
    add("source", nargs="?", metavar="SOURCE", type=Path, help="the download: its folder, at any depth, or zip or tar")
    add("-i", "--source", dest="source_option", metavar="SOURCE", type=Path, help="the same")
    number, name = converter.dataset_id, converter.dataset_name
    add("-d", "--dataset-id", type=int, default=number, metavar="ID", help=f"identifier (default: {number})")
    add("--name", default=name, help=f"the data set's name (default: {name})")
    add("--protocol", default="native", metavar="|".join(PROTOCOLS), help=converter.study)
    converter.add_arguments(parser)
    add("--seed", type=int, default=0, help="of all that is drawn (default: 0)")
    add(
        "-np", "--num-processes", type=int, metavar="N", help="cases worked on at a time (default: processors, up to 4)"
    )
    add("--overwrite", action="store_true", help="replace the data set, and what nnU-Net preprocessed of it")
    return parser


def run(converter: Converter, argv: list[str]) -> int:
    """Convert as the arguments say, and print what was made and what comes next.

    Raises:
        UserError: arguments, environment or download are at fault.
    """
    arguments = build_parser(converter).parse_args(argv)
    given = [path for path in (arguments.source, arguments.source_option) if path is not None]
    if len(given) != 1:
        raise UserError(
            f"{len(given) or 'no'} sources; give the download's folder or archive once, as SOURCE or with -i "
            f"(skipstudy convert {converter.command} --help)"
        )
    if arguments.protocol not in PROTOCOLS:
        raise UserError(f"protocol {arguments.protocol!r}; choose one of {', '.join(PROTOCOLS)}")
    description = converter.describe(arguments)

    from nnunet_skipstudy.conversion.engine import convert

    folder = convert(
        description,
        given[0],
        dataset_id=arguments.dataset_id,
        name=arguments.name,
        seed=arguments.seed,
        overwrite=arguments.overwrite,
        workers=arguments.num_processes,
    )
    n_pool, n_test = (len(list((folder / labels).iterdir())) for labels in ("labelsTr", "labelsTs"))
    print(
        f"{folder}\n"
        f"  {n_pool} cases to train and validate in 11 folds (folds.csv); {n_test} test cases at 5 levels\n"
        f"next: nnUNetv2_plan_and_preprocess -d {arguments.dataset_id} -c {description.configuration}"
    )
    return 0


def refuse_with_study(arguments: argparse.Namespace, **options: str) -> None:
    """Refuse options that the study's protocol settles.

    Args:
        arguments: parsed.
        options: each option's spelling by its name in the arguments; given means that it is not falsy.

    Raises:
        UserError: one is given with ``--protocol study``.
    """
    for name, spelling in options.items():
        if arguments.protocol == "study" and getattr(arguments, name):
            raise UserError(f"--protocol study settles {spelling}; leave it out, or take --protocol native")
