"""``skipstudy perturb``: the test levels of any nnU-Net data set."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isnan
from pathlib import Path
from statistics import pstdev

from nnunet_skipstudy.commands.case_parser import case_parser
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.calibrate import Wanted, calibrate_level, parse_wanted, recall, record
from nnunet_skipstudy.levels.disparity import Measure, measured_cases
from nnunet_skipstudy.levels.moves import level_moves
from nnunet_skipstudy.levels.perturb import (
    TABLE,
    Row,
    across,
    are_finished,
    level_folder,
    perturb_cases,
    planned_on,
    test_set,
)
from nnunet_skipstudy.levels.side_effects import level_warnings, side_effects, unmoved
from nnunet_skipstudy.nnunet.cases import Case, Description, fingerprint, paired_cases
from nnunet_skipstudy.nnunet.datasets import find_dataset
from nnunet_skipstudy.nnunet.survey import survey
from nnunet_skipstudy.support.parallel import number_of_workers
from nnunet_skipstudy.support.parser import Parser
from nnunet_skipstudy.texture.null import DRAWS
from nnunet_skipstudy.texture.perturbation import LEVEL_SETS, Perturbation, parse_level

EPILOG = (
    "kinds, with their strength:\n"
    "  speckle:variance=V           x + n x, n normal of this variance, x the image scaled to 0...1\n"
    "  blur_background:sigma_px=S   Gaussian blur of what is outside the mask, sigma in the image's pixels\n"
    "  speckle_256:variance=V, blur_background_256:sigma_px=S   the same in pixels of the image at 256 x 256, on\n"
    "                               which TD is taken: grains and blur follow the image's size\n"
    "  blur_elsewhere:leak=L        blur outside of a random region that holds the object; hides its outline\n"
    "  blend:alpha=A                the object's texture mixed with texture of the background; no noise\n"
    "  sham_KIND:PARAMETER=X        a grey-scale change of the PSNR that KIND has there, TD unmoved; called\n"
    "                               sham_NAME it has that of level NAME's very images\n"
    "  FIRST+SECOND                 the one, then the other\n"
    "known levels, by name alone (--level) or in sets (--levels):\n"
    + "".join(f"  {name}: " + ", ".join(levels) + "\n" for name, levels in LEVEL_SETS.items())
    + "  of each of study and controlled, its sham: sham_harder ...\n"
    "  (study: in the images' own pixels; native, and these names alone: in those of 256 x 256)\n"
    "leak, in the table: Dice of the best threshold on an image's sharpness with the object, unperturbed and at\n"
    "the level: what a level gives away beside texture.\n"
    "volumes are perturbed slice by slice, all channels of a case with one seed.\n"
    "The study's four levels follow the image's size, so that they lie where the study had them.\n\n"
    "A calibrated level's strength is searched for, until the test set's median texture disparity (TD) is the\n"
    "wanted one: a value in bits, or a quantile of the unperturbed test cases' TD.\n\n"
    "examples:\n"
    "  skipstudy perturb -d 502\n"
    "  skipstudy perturb -d 777 --level harder:speckle:variance=0.1 --level easier:blur_background:sigma_px=3\n"
    "  skipstudy perturb -d 777 --levels study controlled factorial\n"
    "  skipstudy perturb -d 777 --level easier_elsewhere --level sham_harder\n"
    "  skipstudy perturb -d 777 --calibrate harder:speckle:quantile=0.25\n"
    "  skipstudy perturb -d 777 --calibrate easier:blur_background:median=0.4\n"
    "  skipstudy perturb -i images --masks masks -o perturbed"
)


def parser() -> Parser:
    """The command's arguments."""
    made = case_parser(
        "perturb",
        "Perturb the test images of an nnU-Net data set: a folder imagesTs_<level> for each level,\n"
        "and perturbations.csv, whose rows replay the images bit for bit. Without --level, --levels and --calibrate\n"
        "these are the study's four: hardest and harder (speckle on the image, which makes textures alike), easier\n"
        "and easiest (blur outside the object, which sets them apart, and shows the object's outline).",
        EPILOG,
    )
    add = made.add_argument
    add("-o", "--output", type=Path, metavar="DIR", help="with -i: where the levels go")
    add(
        "--level",
        action="append",
        default=[],
        metavar="NAME:KIND:PARAMETER=X",
        help="a level of your own, or the name of a known one; repeatable",
    )
    add("--levels", nargs="+", default=[], choices=LEVEL_SETS, metavar="SET", help="sets of known levels")
    add(
        "--calibrate",
        action="append",
        default=[],
        metavar="NAME:KIND:median=TD|quantile=Q",
        help="a level as strong as it takes to bring the median TD there; repeatable",
    )
    add("--seed", type=int, default=0, help="that all cases' seeds come from (default: 0)")
    add("--overwrite", action="store_true", help="make these levels again, whatever is there")
    return made


def main(argv: Sequence[str]) -> int:
    """Run the command; 0 when done.

    Raises:
        UserError: the input is at fault, or a calibrated level can't be had; no level is written then.
    """
    arguments = parser().parse_args(argv)
    _check(arguments)
    workers = number_of_workers(arguments.workers)
    levels, wanted = _asked(arguments)
    folder, cases, description = _cases(arguments)
    seen = survey(cases, planned_on(folder, description), workers=workers)
    for remark in seen.remarks:
        print(f"skipstudy: warning: {remark}", file=sys.stderr)
    levels, ignore = across(levels, seen.axis), description.ignore if description else None
    search = _Search(folder, cases, ignore, seen.axis, arguments.seed, workers)
    found = {} if arguments.overwrite else search.recalled(wanted)
    if not arguments.overwrite:
        search.refuse_taken(set(wanted) - set(found))
        if are_finished(cases, folder, levels | found, seed=arguments.seed) and len(found) == len(wanted):
            names = ", ".join(levels | found)
            print(f"skipstudy: {folder}: {names} are finished, with the same settings; nothing to do", file=sys.stderr)
            return 0
    results = measured_cases(
        cases, Measure(axis=seen.axis, n_draws=DRAWS), ignore=ignore, workers=workers, title="unperturbed"
    )
    values = {case.name: result.union.value for case, result in zip(cases, results, strict=True)}
    before = {name: None if isnan(value) else value for name, value in values.items()}
    spreads = {
        case.name: pstdev(result.union.null) for case, result in zip(cases, results, strict=True) if result.union.null
    }
    for level in wanted.keys() - found.keys():
        found[level] = search.calibrated(level, wanted[level], [v for v in before.values() if v is not None])
    rows = perturb_cases(
        cases,
        folder,
        levels | found,
        seed=arguments.seed,
        workers=workers,
        overwrite=arguments.overwrite,
        description=description,
    )
    percentiles = {case.name: result.union.percentile for case, result in zip(cases, results, strict=True)}
    _report(rows, before, percentiles, spreads)
    print(f"table: {folder / TABLE}")
    if arguments.dataset is not None:
        print(f"next: nnUNetv2_predict -i {level_folder(folder, next(iter({**levels, **found})))} ..., or train first")
    return 0


def _cases(arguments: argparse.Namespace) -> tuple[Path, list[Case], Description | None]:
    """Where the levels go, the cases that they are made of, and what the data set's dataset.json says."""
    if arguments.dataset is None:
        return arguments.output, paired_cases(arguments.images, arguments.masks), None
    folder = find_dataset(arguments.dataset)
    return folder, *test_set(folder)


def _check(arguments: argparse.Namespace) -> None:
    folders = (arguments.images, arguments.masks, arguments.output)
    if arguments.dataset is not None and any(folders):
        raise UserError("-d and -i --masks -o are two ways to name the images; give one of them")
    if arguments.dataset is None and not all(folders):
        raise UserError("what to perturb is missing; give -d ID, or -i IMAGES --masks MASKS -o DIR")
    if arguments.seed < 0:
        raise UserError(f"--seed {arguments.seed}; give 0 or a positive number")


def _asked(arguments: argparse.Namespace) -> tuple[dict[str, Perturbation], dict[str, Wanted]]:
    """The levels with a given strength, and those whose strength is to be found."""
    given = [parse_level(text) for text in arguments.level]
    given += [level for name in dict.fromkeys(arguments.levels) for level in LEVEL_SETS[name].items()]
    wanted = [parse_wanted(text) for text in arguments.calibrate]
    names = [name for name, _ in (*given, *wanted)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(f"level {', '.join(twice)} is asked for twice; give each level one name")
    return dict(given) if names else dict(LEVEL_SETS["native"]), dict(wanted)


@dataclass
class _Search:
    """The search for calibrated levels of one test set."""

    folder: Path
    cases: list[Case]
    ignore: int | None
    axis: int
    seed: int
    workers: int

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.cases, 1)  # a calibration rests on the first channel

    def recalled(self, wanted: dict[str, Wanted]) -> dict[str, Perturbation]:
        """The levels that an earlier run has found."""
        known = {level: recall(self.folder, level, wanted[level], self.seed, self.fingerprint) for level in wanted}
        return {level: perturbation for level, perturbation in known.items() if perturbation is not None}

    def refuse_taken(self, levels: set[str]) -> None:
        """Refuse levels that are to be searched for but are there: before the search, since it may take long."""
        for level in sorted(levels):
            if level_folder(self.folder, level).exists():
                raise UserError(
                    f"{level_folder(self.folder, level)}: is there already, made with other settings or of other "
                    "cases; --overwrite replaces it, or give the level another name"
                )

    def calibrated(self, level: str, wanted: Wanted, unperturbed: list[float]) -> Perturbation:
        """Find one level's strength, record it and say what is odd about it."""
        asked = (self.cases, level, wanted, unperturbed)
        found = calibrate_level(*asked, seed=self.seed, workers=self.workers, ignore=self.ignore, axis=self.axis)
        record(self.folder, level, wanted, self.seed, self.fingerprint, found)
        if found.remark:
            print(f"skipstudy: warning: level {level!r}: {found.remark}", file=sys.stderr)
        return found.perturbation


def _report(
    rows: Sequence[Row],
    before: Mapping[str, float | None],
    percentiles: Mapping[str, float],
    spreads: Mapping[str, float],
) -> None:
    """The levels' numbers on stdout; on stderr levels that are not what their names say, or show the object."""
    moves, effects = level_moves(rows, before, percentiles), side_effects(rows)
    beside = {effect.level: effect for effect in effects}
    shams = unmoved(rows, before, spreads)
    still = {sham.level: f"TD stays in {sham.n_within} of {sham.n_cases}" for sham in shams}
    names = [("level", "perturbation"), *((move.level, move.parameters) for move in moves)]
    widths = [max(map(len, texts)) + 2 for texts in zip(*names, strict=True)]
    print(
        f"{'level':<{widths[0]}}{'perturbation':<{widths[1]}}{'cases':>6}{'TD before':>11}{'after':>9}"
        f"{'PSNR, dB':>10}{'leak before':>13}{'after':>7}  as named (TD, PSNR: medians; leak: mean)"
    )
    for move in moves:
        effect = beside[move.level]
        named = "" if move.as_named is None else f"{move.as_named:.0%} of cases, against {move.neighbour}"
        print(
            f"{move.level:<{widths[0]}}{move.parameters:<{widths[1]}}{move.n_cases:>6}{move.before:>11.4f}"
            f"{move.after:>9.4f}{effect.psnr_db:>10.1f}{effect.leak_unperturbed:>13.2f}{effect.leak:>7.2f}"
            f"  {named or still.get(move.level, '')}".rstrip()
        )
    for warning in (*level_warnings(moves, effects), *(sham.warning for sham in shams if sham.warning)):
        print(f"skipstudy: warning: {warning}", file=sys.stderr)
