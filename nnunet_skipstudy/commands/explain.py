"""``skipstudy explain``: which skip carries a trained network's failure."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.datasets import find_dataset
from nnunet_skipstudy.registry import INTERVENTIONS
from nnunet_skipstudy.support.parser import Parser

if TYPE_CHECKING:
    from nnunet_skipstudy.explain.request import Request

EPILOG = """\
interventions, on one skip and on all; patch and reverse also on all but one, on the bottleneck and on what comes up to
each level from below:
{interventions}
The share of a skip is (DSC patched - DSC perturbed) / (DSC reference - DSC perturbed), empty where the loss is below
0.05. 'skipstudy analyze PREDICTIONS --explain OUT' puts shares with intervals into the report.

example:
  skipstudy explain -d 502 -c 2d -tr nnUNetTrainerUNet -f 0 --levels hardest easiest --cases 40 -o explain/UNet"""


def parser() -> Parser:
    """The command's arguments."""
    told = "\n".join(f"  {name:<8} {does}" for name, (does, _) in INTERVENTIONS.items())
    made = Parser(
        prog="skipstudy explain",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description="Change what one skip of a trained network hands on, at test time and without training, and see "
        "what becomes of\nthe Dice: explain.csv. How far each level's mean activations move: susceptibility.csv. What "
        "the network looks at:\nreceptive_field.csv, attention.csv (attention gates, at all levels).\nAny trained fold "
        "of this package's trainers, and of nnU-Net's own. The same command again continues.",
        epilog=EPILOG.format(interventions=told),
    )
    add = made.add_argument
    add("-d", required=True, metavar="ID", help="the data set, in $nnUNet_raw, with imagesTs_LEVEL and labelsTs")
    add("-c", default="2d", metavar="CONFIGURATION", help="2d (default), 3d_fullres ...")
    add("-tr", required=True, metavar="TRAINER", help="the trainer with its suffixes, or nnUNetTrainer")
    add("-f", type=int, required=True, metavar="FOLD", help="the fold")
    add("-p", default="nnUNetPlans", metavar="PLANS", help="the plans' identifier (nnUNetPlans)")
    add("-o", type=Path, metavar="OUT", help="default: explain/DATASET/TRAINER__PLANS__CONFIGURATION/fold_FOLD")
    add("--levels", nargs="+", metavar="LEVEL", help="perturbed levels (default: all that the data set has)")
    add(
        "--reference",
        metavar="LEVEL",
        help="the level they are held against (default: unperturbed, or the alpha trained on)",
    )
    add("--cases", nargs="+", metavar="N|CASE", help="a number of cases, evenly spaced, or their names (default: all)")
    add(
        "--interventions",
        nargs="+",
        choices=list(INTERVENTIONS),
        default=list(INTERVENTIONS),
        metavar="NAME",
        help=f"some of {', '.join(INTERVENTIONS)}",
    )
    add("--scale", nargs="+", type=float, metavar="X", help="strengths of scale, 1 … 0 (default: 0.5 0)")
    add("--noise", nargs="+", type=float, metavar="X", help="strengths of noise, in standard deviations (default: 1)")
    add("--seed", type=int, default=0, metavar="N", help="of the noise (default: 0)")
    add("--disable_tta", action="store_true", help="no mirroring, as of nnUNetv2_predict")
    add("-device", default="cuda", choices=("cpu", "cuda", "mps"), help="default: cuda")
    add("-np", type=int, metavar="N", help="threads on a CPU (default: all cores)")
    return made


def main(argv: list[str]) -> int:
    """Explain, and say where the tables lie. Raises UserError: an argument is wrong, or what it names is not there."""
    arguments = parser().parse_args(argv)
    _check(arguments)
    from tqdm import tqdm

    from nnunet_skipstudy.explain.run import explain
    from nnunet_skipstudy.nnunet.calls import check_device, use_threads

    request = _request(arguments)
    check_device(arguments.device)
    use_threads(arguments.device, arguments.np)
    training = request.training
    folder = f"{training.trainer}__{training.plans}__{training.configuration}"
    output = arguments.o or Path("explain") / training.dataset / folder / f"fold_{training.fold}"
    with tqdm(desc="explaining", unit="case", disable=not sys.stderr.isatty()) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        table = explain(request, output, device=arguments.device, progress=progress)
    print(f"{len(request.cases)} cases at {len(request.levels)} levels against {request.reference}: {table}")
    print(f"next: skipstudy analyze PREDICTIONS --labels LABELS --explain {output} -o OUT")
    return 0


def _check(arguments: argparse.Namespace) -> None:
    for name, most in (("scale", 1.0), ("noise", 100.0)):
        for value in getattr(arguments, name) or ():
            if not 0 <= value <= most:
                raise UserError(f"--{name} {value}: give numbers from 0 to {most:g}")
    if arguments.np is not None and arguments.np < 1:
        raise UserError(f"-np {arguments.np}: no threads; give a number of at least 1")
    if arguments.seed < 0:
        raise UserError(f"--seed {arguments.seed}; give 0 or a positive number")


def _request(arguments: argparse.Namespace) -> "Request":
    from nnunet_skipstudy.explain.request import Request, level_folders, reference_level
    from nnunet_skipstudy.nnunet.calls import Training

    raw = find_dataset(arguments.d)
    reference = reference_level(raw, arguments.f, arguments.reference)
    levels = arguments.levels or [level for level in level_folders(raw) if level != reference]
    if reference in levels:
        raise UserError(f"--levels {reference}: is the level that others are held against; leave it out")
    if not levels:
        raise UserError(f"{raw}: has no level but {reference}; make some with 'skipstudy perturb -d {arguments.d}'")
    strengths = {name: getattr(arguments, name) for name in ("scale", "noise") if getattr(arguments, name)}
    return Request(
        Training(raw.name, arguments.tr, arguments.p, arguments.c, arguments.f),
        raw,
        reference,
        tuple(dict.fromkeys(levels)),
        tuple(_cases(raw, arguments.cases)),
        tuple(dict.fromkeys(arguments.interventions)),
        strengths,
        mirroring=not arguments.disable_tta,
        seed=arguments.seed,
    )


def _cases(raw: Path, asked: list[str] | None) -> list[str]:
    from nnunet_skipstudy.explain.request import labelled_cases, spread

    there = labelled_cases(raw)
    if not asked:
        return there
    if len(asked) == 1 and asked[0] not in there and asked[0].isdecimal():
        if int(asked[0]) < 1:
            raise UserError(f"--cases {asked[0]}: give at least 1, or names of cases")
        return spread(there, int(asked[0]))
    if unknown := next((case for case in asked if case not in there), None):
        raise UserError(f"{raw / 'labelsTs'}: has no case {unknown!r}; give a number or names of cases (--cases)")
    return list(dict.fromkeys(asked))
