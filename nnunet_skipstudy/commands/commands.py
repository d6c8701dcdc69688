"""``skipstudy commands``: a study as plain lines for a shell."""

from pathlib import Path

from nnunet_skipstudy.parser import Parser


def main(argv: list[str]) -> int:
    """Print the lines.

    Raises:
        UserError: the study's file is at fault.
    """
    parser = Parser(
        prog="skipstudy commands",
        description="Print the lines that do by hand what 'skipstudy run' does. Run by hand they leave no settings "
        "hash, so 'skipstudy run' will refuse to take over their results.",
    )
    parser.add_argument("study", type=Path, metavar="STUDY.yaml", help="made by 'skipstudy init'")
    arguments = parser.parse_args(argv)

    from nnunet_skipstudy.commands.run import open_file
    from nnunet_skipstudy.study.by_hand import lines

    opened = open_file(arguments.study)
    print("\n".join(lines(opened.grid, opened.places)))
    return 0
