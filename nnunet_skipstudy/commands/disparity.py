"""``skipstudy disparity``: how far apart object and background are, case by case."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from math import isfinite, nan
from pathlib import Path

import numpy as np

from nnunet_skipstudy.commands.case_parser import case_parser
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.disparity import COLUMNS, DisparityRow, Measure, Part, dataset_parts, disparity_table
from nnunet_skipstudy.nnunet.cases import paired_cases
from nnunet_skipstudy.nnunet.datasets import find_dataset
from nnunet_skipstudy.nnunet.survey import survey
from nnunet_skipstudy.registry import EXCESS, STUDYS_TD, TD_MEASURES, UNPERTURBED
from nnunet_skipstudy.support.files import write_csv
from nnunet_skipstudy.support.parallel import number_of_workers
from nnunet_skipstudy.support.parser import Parser
from nnunet_skipstudy.texture.case_disparity import check_measure
from nnunet_skipstudy.texture.null import DRAWS, null_draws


def parser() -> Parser:
    """The command's arguments."""
    made = case_parser(
        "disparity",
        "Texture disparity (TD) of each case of an nnU-Net data set, or of a folder of images and one of\n"
        "masks: how different the texture inside the mask is from that outside. Larger = easier.\n"
        "Writes a table with each case's TD and category, and a histogram a split and level.",
        "A volume is taken slice by slice over the slices that hold the label. Of several labels each has its\n"
        "rows, and so has their union. Categories are the quintiles of the unperturbed cases,\n"
        "by excess (see below) unless --by says otherwise.\n"
        "A small object scores high whatever its texture: disparity_null is what its shape scores where there\n"
        "is no object, disparity_excess the rest, and disparity_percentile where among the null's draws the\n"
        "object lies: above 95, its texture is told from its surroundings. Printed beside the quartiles: the\n"
        "median excess, and the rank correlations of both with the object's size.\n\n"
        "examples:\n"
        "  skipstudy disparity -d 502\n"
        "  skipstudy disparity -d 505 --background ring --definition jensen_shannon -o spleen.csv\n"
        "  skipstudy disparity -i images --masks masks -o disparity.csv",
    )
    add = made.add_argument
    add(
        "-o",
        "--output",
        type=Path,
        metavar="CSV",
        help="the table; the figures go into a folder of its name (default with -d: disparity.csv in the data set)",
    )
    add(
        "--definition",
        metavar="|".join(TD_MEASURES[1:]),
        help=f"the study's measure, or one that is symmetric and bounded (default: --by's, else {STUDYS_TD})",
    )
    add(
        "--background",
        default="all",
        metavar="all|ring",
        help="everything outside the object, or a band of 16 px (of 256) around it (default: all)",
    )
    add("--null", type=int, default=DRAWS, metavar="N", help=f"draws of each object's null (default: {DRAWS}; 0: none)")
    add("--seed", type=int, default=0, help="of the draws (default: 0)")
    add("--by", choices=TD_MEASURES, help=f"what categories go by (default: {EXCESS}; a definition: its value)")
    add("--channel", type=int, default=0, metavar="N", help="of cases with several image files (default: 0, the first)")
    return made


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 when done. Raises UserError: the input is at fault; nothing is written then."""
    arguments = parser().parse_args(argv)
    _check(arguments)
    workers = number_of_workers(arguments.workers)
    by, definition = _measure(arguments)
    check_measure(definition, arguments.background)
    null_draws("", arguments.null)
    if arguments.dataset is not None:
        folder = find_dataset(arguments.dataset)
        description, parts, remarks = dataset_parts(folder)
        title, output = folder.name, arguments.output or folder / "disparity.csv"
    else:
        cases = paired_cases(arguments.images, arguments.masks)
        description, parts, remarks = None, [Part("", UNPERTURBED, tuple(cases))], []
        title, output = arguments.images.resolve().name, arguments.output
    _check_places(output)
    seen = survey([case for part in parts for case in part.cases], parts[0].cases, workers=workers)
    for remark in (*remarks, *seen.remarks):
        print(f"skipstudy: {remark}", file=sys.stderr)
    null = {"n_draws": arguments.null, "seed": arguments.seed}
    measure = Measure(definition, arguments.background, arguments.channel, seen.axis, **null, by=by)
    if measure.sorted_by != by:
        print(f"skipstudy: no null was drawn (--null 0): categories go by {measure.sorted_by}", file=sys.stderr)
    rows = disparity_table(parts, measure, description=description, workers=workers)
    write_csv(output, COLUMNS, [row.cells for row in rows])
    figures = _draw(rows, output.with_suffix(""), title)
    print("\n".join(_summary(rows)))
    print(f"table: {output}\nfigures: {figures}")
    if arguments.dataset is not None:
        print("next: train and predict; skipstudy analyze reads the table")
    return 0


def _measure(arguments: argparse.Namespace) -> tuple[str, str]:
    """What categories go by, and the definition: a value that categories go by is of that definition."""
    by, definition = arguments.by or EXCESS, arguments.definition
    if by != EXCESS and definition not in (None, by):
        raise UserError(f"--by {by} with --definition {definition}; give one of them, or --by {EXCESS}")
    return by, definition or (STUDYS_TD if by == EXCESS else by)


def _check(arguments: argparse.Namespace) -> None:
    folders = (arguments.images, arguments.masks)
    if arguments.dataset is not None and any(folders):
        raise UserError("-d and -i are two ways to name the images; give one of them")
    if arguments.dataset is None and not (all(folders) and arguments.output):
        raise UserError("what to measure is missing; give -d ID, or -i IMAGES --masks MASKS -o CSV")
    if arguments.output is not None and arguments.output.suffix != ".csv":
        raise UserError(f"-o {arguments.output}: the table is a CSV file; give a name that ends in .csv")


def _check_places(output: Path) -> None:
    """Refuse a place for table and figures that something else takes, before the long work."""
    figures = output.with_suffix("")
    if output.is_dir():
        raise UserError(f"-o {output}: is a folder; give a file's name")
    if figures.exists() and not figures.is_dir():
        raise UserError(f"-o {output}: the figures go into a folder {figures}, which is a file; give another name")
    above = next(path for path in output.absolute().parents if path.exists())
    if not above.is_dir():
        raise UserError(f"-o {output}: {above} is a file, no folder; give another place")


def _draw(rows: Sequence[DisparityRow], folder: Path, title: str) -> Path:
    """Draw the histograms and put each in place when it is complete."""
    from nnunet_skipstudy.analysis.figures.disparity_histograms import disparity_histograms  # imports matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    drawn = Path(tempfile.mkdtemp(prefix=".writing-", dir=folder))
    try:
        for svg in disparity_histograms(rows, drawn, title):
            for figure in (svg, svg.with_suffix(".png")):
                figure.replace(folder / figure.name)
    finally:
        shutil.rmtree(drawn, ignore_errors=True)
    return folder


def _summary(rows: Sequence[DisparityRow]) -> Iterator[str]:
    """A line a split, level and label: cases, and the quartiles of their disparity, with its size in it and without."""
    wide, wider = max(11, *(len(row.level) for row in rows)) + 2, max(14, *(len(row.label) for row in rows)) + 2
    yield (
        f"{'set':<7}{'level':<{wide}}{'label':<{wider}}{'cases':>6}{'25 %':>10}{'median':>10}{'75 %':>10}{'excess':>10}"
        f"{'TD~size':>10}{'ex.~size':>10}"
    )
    for split, level, label in dict.fromkeys((row.set, row.level, row.label) for row in rows):
        group = [row for row in rows if (row.set, row.level, row.label) == (split, level, label)]
        values, excess = [row.disparity for row in group], [row.disparity_excess for row in group]
        known = np.array(values)[np.isfinite(values)]
        numbers = np.quantile(known, [0.25, 0.5, 0.75]) if known.size else []
        shown = "".join(f"{number:>10.4f}" for number in numbers) or f"{'none':>10}"
        without = f"   ({len(values) - known.size} without)" if known.size < len(values) else ""
        sizes = [row.size_px for row in group]
        beyond = np.array(excess)[np.isfinite(excess)]
        more = (
            np.median(beyond) if beyond.size else nan,
            _rank_correlation(values, sizes),
            _rank_correlation(excess, sizes),
        )
        shown += "".join(f"{number:>10.4f}" if isfinite(number) else f"{'-':>10}" for number in more)
        yield f"{split or '-':<7}{level:<{wide}}{label:<{wider}}{len(values):>6}{shown}{without}"


def _rank_correlation(values: Sequence[float], sizes: Sequence[float]) -> float:
    """Spearman's, of the cases that have a value; NaN of fewer than three or of equal ones."""
    from scipy.stats import rankdata

    known = np.isfinite(values)
    ranks = [rankdata(np.asarray(numbers)[known]) for numbers in (values, sizes)]
    if known.sum() < 3 or not all(np.ptp(one) for one in ranks):
        return nan
    return float(np.corrcoef(*ranks)[0, 1])
