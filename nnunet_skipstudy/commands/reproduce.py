"""``skipstudy reproduce``: the original study's published scores, analysed anew with seeds counted."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from nnunet_skipstudy.support.parser import Parser


def main(argv: Sequence[str]) -> int:
    """Run; 0 when all published means and counts were met, else 1. Raises UserError: nothing can be written there."""
    parser = Parser(
        prog="skipstudy reproduce",
        description="Analyse the per-case scores that the original study published (6 networks, 4 data sets, 5 levels, "
        "3 seeds), compare with its means and counts, and write the same tables and report as 'skipstudy analyze', and "
        "reproduction.csv. Takes half a minute; needs no network.",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("reproduction"), metavar="OUT", help="default: reproduction"
    )
    parser.add_argument("--figures", action=argparse.BooleanOptionalAction, default=True, help="draw figures (default)")
    arguments = parser.parse_args(argv)
    # pandas, scipy and matplotlib take a second to import: --help must not wait for them
    from nnunet_skipstudy.analysis.published.reproduce import reproduce

    found = reproduce(arguments.output, arguments.figures)
    print("\n".join(found.lines))
    print(f"report: {found.result.report}")
    return 0 if found.met else 1
