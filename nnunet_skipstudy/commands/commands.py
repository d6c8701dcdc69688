"""``skipstudy commands``: a study as plain lines for a shell."""

from nnunet_skipstudy.commands.study_file import open_file, study_parser


def main(argv: list[str]) -> int:
    """Print the lines.

    Raises:
        UserError: the study's file is at fault.
    """
    parser = study_parser(
        "commands",
        "Print the lines that do by hand what 'skipstudy run' does. Run by hand they leave no settings "
        "hash, so 'skipstudy run' will refuse to take over their results.",
    )
    arguments = parser.parse_args(argv)
    from nnunet_skipstudy.study.by_hand import lines

    opened = open_file(arguments.study)
    print("\n".join(lines(opened.grid, opened.places)))
    return 0
