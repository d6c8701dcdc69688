"""``skipstudy analyze``: predictions and labels in; tables, figures and a report out."""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nnunet_skipstudy.registry import SMALLEST_DIFFERENCE, TD_MEASURES
from nnunet_skipstudy.study.steps.analyze import as_json
from nnunet_skipstudy.support.parser import Parser

TREE = "DatasetXXX_Name/TRAINER__PLANS__CONFIGURATION/fold_K/LEVEL/CASE.png"


def parser() -> Parser:
    """The command's arguments."""
    made = Parser(
        prog="skipstudy analyze",
        description="Measure predictions against labels and write case_metrics.csv, robustness.csv, "
        "statistics.csv, wins.csv, tallies.csv, columns.csv, figures, report.html and report.md.",
    )
    _add_inputs(made)
    _add_names(made)
    _add_measuring(made)
    _add_output(made)
    return made


def _add_inputs(parser: Parser) -> None:
    add = parser.add_argument
    add(
        "predictions",
        type=Path,
        nargs="+",
        metavar="PREDICTIONS",
        help=f"a tree {TREE} (in LEVEL's place another data set's name, whose images were predicted), nnU-Net's "
        "results (fold_K/validation, crossval_results_folds_K), one folder of predictions, or a table predictions.csv "
        "of folders; or tables of scores, one row per case, such as case_metrics.csv",
    )
    add(
        "--labels",
        type=Path,
        metavar="LABELS",
        help="the folder of label maps, or one that holds DatasetXXX_Name/labelsTs, such as nnUNet_raw (default: "
        "what the table says, else nnU-Net's own by its environment variables; where there are none, predictions are "
        "compared with each other alone)",
    )
    add("--architecture", metavar="NAME", help="the network that made one folder of predictions")
    add("--level", metavar="NAME", help="the test level of one folder of predictions (default: unperturbed)")
    add(
        "--extra",
        choices=("refuse", "list"),
        default="refuse",
        help="predictions without a label, and cases that some networks lack in a table of scores, are an error, or "
        "are left out and listed (default: refuse)",
    )
    add(
        "--groups",
        metavar="REGEX|CSV",
        help="which cases belong together (slices of a patient): a regular expression for their names, whose first "
        "parentheses find the group, or a table.csv with the columns case and group (default: cases.csv's)",
    )

    add(
        "--explain",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders of what 'skipstudy explain' wrote of these networks: the report's section Why, and shares.csv",
    )


def _add_names(parser: Parser) -> None:
    """The options of what calls things by names of its own."""
    for option, whose, example in (
        ("--columns", "a table's own names of columns", "dsc=Dice,hd=HD95,architecture=model"),
        ("--levels", "a table's own names of levels", "unperturbed=clean,hardest=noise3"),
        ("--architectures", "a table's own names of networks, or other people's trainers", "NoSkip=nnUNetTrainerMine"),
    ):
        parser.add_argument(
            option, action="append", default=[], metavar="OURS=THEIRS,…", help=f"{whose}, such as {example}"
        )


def _add_measuring(parser: Parser) -> None:
    add = parser.add_argument
    add(
        "--reference-level",
        metavar="NAME",
        help="the level that changes are counted from (default: unperturbed, or the alpha trained on)",
    )
    add(
        "--tolerance",
        type=float,
        metavar="X",
        help="of the NSD, in the images' unit (default: 5 pixels, or 2 mm where images have a spacing)",
    )
    add(
        "--diagonal",
        metavar="X",
        help="what an infinite or missing distance of a failed prediction counts as in a table of scores: the image's "
        "diagonal in the unit of the distances (default: the table's column diagonal)",
    )
    add(
        "--both-empty",
        choices=("count", "exclude"),
        default="count",
        help="where the reference lacks a label, a correct empty prediction counts as perfect and any other as a "
        "failure, or the case is left out of all means, whatever was predicted (default: count)",
    )
    add(
        "--surface",
        choices=("voxel", "surfel"),
        default="voxel",
        help="distances between edge voxels, as in the study, or between surface elements weighted by area, as "
        "DeepMind's surface-distance (default: voxel)",
    )
    add(
        "--smallest-difference",
        type=float,
        default=SMALLEST_DIFFERENCE,
        metavar="X",
        help="of the DSC and other shares: networks whose difference surely lies within it are called equivalent; of "
        f"distances it is 1 pixel, or 1 mm (default: {SMALLEST_DIFFERENCE})",
    )
    add(
        "--include-degenerate",
        action="store_true",
        help="let networks that ignore their input be ranked and named best (default: they are listed only)",
    )


def _add_output(parser: Parser) -> None:
    add = parser.add_argument
    add(
        "--by",
        choices=TD_MEASURES[:2],
        help="the texture disparity (TD) that slopes go by: its excess over what the object's size alone scores, or "
        "its value (default: what the data set's cases are sorted by, else the excess, where it is known)",
    )
    add("-o", "--output", type=Path, required=True, metavar="OUT", help="where the results go")
    add(
        "--figures",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="draw the figures whose numbers have changed since OUT's last run, or leave all figures out (default: "
        "--figures)",
    )
    add("--details", action="store_true", help="draw recall, precision and relative volume error over levels, too")
    add("--latex", action="store_true", help="write the report's tables as tables/*.tex, too")
    add("-np", type=int, metavar="N", dest="workers", help="threads (default: up to 4, 1 for small images)")


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 when done. Raises UserError: the input is at fault; nothing is written then."""
    arguments = parser().parse_args(argv)
    # pandas, scipy and matplotlib take a second to import: --help must not wait for them
    from nnunet_skipstudy.analysis.explained.pipeline import analyze_explained
    from nnunet_skipstudy.analysis.inputs.matching import Extra
    from nnunet_skipstudy.analysis.inputs.references import NoLabelsError
    from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions
    from nnunet_skipstudy.analysis.unlabelled.pipeline import analyze_unlabelled
    from nnunet_skipstudy.registry import BothEmpty, Surface

    values = {name: value for name, value in vars(arguments).items() if name not in ("architectures", "explain")} | {
        "both_empty": BothEmpty(arguments.both_empty),
        "surface": Surface(arguments.surface),
        "extra": Extra(arguments.extra),
        "predictions": arguments.predictions[0],
        "tables": tuple(arguments.predictions[1:]),
        "columns": tuple(arguments.columns),
        "level_names": tuple(arguments.levels),
        "architecture_names": tuple(arguments.architectures),
        "levels": (),
    }
    options = AnalyzeOptions(**values)
    try:
        result = analyze_explained(options, arguments.explain)
    except NoLabelsError as lacking:
        result = analyze_unlabelled(options, lacking)
    for warning in result.warnings:
        print(f"skipstudy: warning: {warning}", file=sys.stderr)
    print_tables(map(as_json, result.overview))
    print(f"report: {result.report}")
    return 0


def print_tables(tables: Iterable[Mapping[str, Any]]) -> None:
    """Print tables as the analysis leaves them in its marker, their best cells marked with a star."""
    for table in tables:
        rows = [table["columns"], *[[cell["text"] + "*" * cell["best"] for cell in row] for row in table["rows"]]]
        first, *others = (max(map(len, column)) for column in zip(*rows, strict=True))
        print(table["title"] + " (* highest)" * any(cell["best"] for row in table["rows"] for cell in row))
        for name, *row in rows:
            texts = [name.ljust(first), *(text.rjust(width) for text, width in zip(row, others, strict=True))]
            print("  ".join(texts).rstrip())
        print()
