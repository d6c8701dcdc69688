"""``skipstudy env``: the four variables that nnU-Net reads."""

import shlex
from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.environment import folder_fault, study_environment
from nnunet_skipstudy.support.parser import Parser

ABOUT = (
    "Print the export lines that make nnU-Net work under one folder and find the study's trainers. "
    'Use: eval "$(skipstudy env --root study)". Folders of other people in nnUNet_extTrainer are kept.'
)
WHERE = "where the study lies (default: this folder)"


def main(argv: list[str]) -> int:
    """Print one ``export`` line a variable. Raises UserError: the root can't be a folder."""
    parser = Parser(prog="skipstudy env", description=ABOUT)
    parser.add_argument("--root", type=Path, default=Path(), metavar="DIR", help=WHERE)
    root = parser.parse_args(argv).root.expanduser()
    if fault := folder_fault(str(root)):
        raise UserError(f"--root {root}: {fault}; give a folder")
    for variable, value in study_environment(root).items():
        print(f"export {variable}={shlex.quote(value)}")
    return 0
