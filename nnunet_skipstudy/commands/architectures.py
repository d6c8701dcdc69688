"""``skipstudy architectures``: what each network costs on a data set's plan."""

import contextlib
import io
import json
import re
from dataclasses import asdict

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.datasets import find_dataset
from nnunet_skipstudy.registry import ARCHITECTURES
from nnunet_skipstudy.support.parser import Parser

ABOUT = """\
Parameters, FLOPs of one forward pass and activation memory of one patch, of each network on a data set's plan, with the
ratio to the U-Net's. nnU-Net sizes a plan for the U-Net: a network of ratio r in memory may need a plan made with less
memory (nnUNetv2_plan_experiment -gpu_memory_target)."""


def main(argv: list[str]) -> int:
    """Print one line a network."""
    parser = Parser(prog="skipstudy architectures", description=ABOUT)
    parser.add_argument("-d", type=int, required=True, metavar="ID", help="the data set's identifier")
    parser.add_argument("-c", default="2d", metavar="CONFIGURATION", help="2d (default), 3d_fullres ...")
    parser.add_argument("-p", default="nnUNetPlans", metavar="PLANS", help="the plans' identifier (nnUNetPlans)")
    parser.add_argument(
        *("-tr", "--trainers"),
        nargs="+",
        default=[],
        metavar="TRAINER",
        help="further networks: trainers with suffixes (nnUNetTrainerNoSkip_matchedParams)",
    )
    parser.add_argument("--json", action="store_true", help="print an object a network instead, without ratios")
    arguments = parser.parse_args(argv)
    dataset = find_dataset(arguments.d, "nnUNet_preprocessed").name
    if not re.fullmatch(r"\w+", arguments.p):
        raise UserError(f"plans {arguments.p!r}: give the identifier without folder and ending (-p nnUNetPlans)")
    with contextlib.redirect_stdout(io.StringIO()):
        from nnunet_skipstudy.planning.costs import plan_costs

        costs = plan_costs(dataset, arguments.p, arguments.c, arguments.trainers)
    if arguments.json:
        print(json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=1))
        return 0
    unet = costs["UNet"]
    print(f"{dataset}, {arguments.p}, {arguments.c}: one patch, without batch")
    print(f"{'network':<22} {'parameters (M)':>15} {'ratio':>6} {'GFLOP':>8} {'ratio':>6} {'act. MiB':>9} {'ratio':>6}")
    for name, cost in costs.items():
        print(
            f"{ARCHITECTURES[name].title if name in ARCHITECTURES else name:<22} "
            f"{cost.parameters / 1e6:15.2f} {cost.parameters / unet.parameters:6.2f} "
            f"{cost.forward_flops / 1e9:8.2f} {cost.forward_flops / unet.forward_flops:6.2f} "
            f"{cost.activation_bytes / 2**20:9.1f} {cost.activation_bytes / unet.activation_bytes:6.2f}"
        )
    print(f"next: nnUNetv2_train {arguments.d} {arguments.c} 0 -p {arguments.p} -tr nnUNetTrainerNoSkip")
    return 0
