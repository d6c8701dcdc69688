"""``skipstudy commands``: a study as lines for a shell, for those who want to run nnU-Net's commands themselves."""

import shlex

from nnunet_skipstudy.commands.study_file import open_file, study_parser
from nnunet_skipstudy.study.steps import STEPS


def main(argv: list[str]) -> int:
    """Print the lines, in an order that works. Raises UserError: the study's file is at fault."""
    parser = study_parser(
        "commands",
        "Print the lines that do by hand what 'skipstudy run' does. Run by hand they leave no settings "
        "hash, so 'skipstudy run' will refuse to take over their results.",
    )
    opened = open_file(parser.parse_args(argv).study)
    for variable, value in opened.places.environment().items():
        print(f"export {variable}={shlex.quote(value)}")
    for cell in opened.grid.values():
        for words in STEPS[cell.step].lines(cell, opened.places):
            comment = str(words[0]).startswith("#")
            print(words[0] if comment else shlex.join(map(str, words)))
    return 0
