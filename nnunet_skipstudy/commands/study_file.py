"""The argument STUDY.yaml, which run, status and commands share."""

from pathlib import Path

from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.study.run import Opened, open_study
from nnunet_skipstudy.study.settings import read_study
from nnunet_skipstudy.support.parser import Parser


def study_parser(command: str, description: str, usage: str | None = None) -> Parser:
    """A parser of ``skipstudy <command> STUDY.yaml``."""
    parser = Parser(prog=f"skipstudy {command}", description=description, usage=usage)
    parser.add_argument("study", type=Path, metavar="STUDY.yaml", help="made by 'skipstudy init'")
    return parser


def open_file(path: Path) -> Opened:
    """Read a study's file and make its cells. Raises UserError: it can't be read, or a key or value is wrong."""
    return open_study(path, read_study(path, CONVERTERS))
