"""``skipstudy init``: a commented study.yaml."""

import argparse
from pathlib import Path

from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import TEST_LEVELS
from nnunet_skipstudy.support.parser import Parser


def parser() -> Parser:
    """The command's arguments."""
    made = Parser(
        prog="skipstudy init",
        description="Write a commented study.yaml: the demo, a search for better networks, or the full study. Edit it, "
        "then 'skipstudy run STUDY.yaml --dry-run'.",
    )
    which = made.add_mutually_exclusive_group(required=True)
    which.add_argument("--demo", action="store_true", help="synthetic textures, sized for a CPU")
    which.add_argument(
        "--search", action="store_true", help="which skips to keep, and how often to drop them, on the demo's textures"
    )
    which.add_argument("--full", action="store_true", help="the papers' study, or a controlled one (--protocol)")
    made.add_argument("-o", dest="output", type=Path, default=Path("study.yaml"), help="default: study.yaml")
    made.add_argument(
        "--plan-for",
        choices=("heaviest", "unet"),
        help="with --full: what patch and batch are sized for, the most demanding network (default) or the U-Net",
    )
    made.add_argument(
        "--protocol",
        choices=("papers", "controlled"),
        help="with --full: the study as the papers have it (default); or with controls of object size, outline, noise, "
        "capacity and augmentation",
    )
    made.add_argument(
        "--levels",
        choices=TEST_LEVELS,
        help="with --full: test levels of the medical data sets instead of the protocol's: the study's five; "
        "controlled, which hide the object's outline and have no noise; or factorial, the study's and the 2 x 2 of "
        "texture and distortion",
    )
    return made


def main(argv: list[str]) -> int:
    """Write the file and say what comes next. Raises UserError: the file is there already, or can't be written."""
    arguments = parser().parse_args(argv)
    _check(arguments)
    output: Path = arguments.output

    from nnunet_skipstudy.study.templates import demo_text, full_text, search_text
    from nnunet_skipstudy.support.files import write_text

    if output.exists():
        raise UserError(f"{output}: is there already; remove it or give another -o")
    try:
        small = search_text if arguments.search else demo_text
        full = full_text(
            CONVERTERS,
            plan_for=arguments.plan_for or "heaviest",
            protocol=arguments.protocol or "papers",
            levels=TEST_LEVELS.get(arguments.levels),
        )
        write_text(output, full if arguments.full else small())
    except OSError as error:
        raise UserError(f"{output}: can't be written ({error.strerror}); give another -o") from error
    print(f"{output}\nnext: skipstudy run {output} --dry-run")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.plan_for and not arguments.full:
        raise UserError("--plan-for belongs to --full: the other plans have a batch size of their own")
    if arguments.protocol and not arguments.full:
        raise UserError("--protocol belongs to --full: the others are studies in small")
    if arguments.levels and not arguments.full:
        raise UserError("--levels belongs to --full: the others' levels are those of their synthetic textures")
