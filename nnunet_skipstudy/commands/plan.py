"""``skipstudy plan``: nnU-Net's plans, sized for the most demanding network of a comparison, or for a small machine."""

import json
import os
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.calls import set_environment, worker_processes
from nnunet_skipstudy.nnunet.datasets import find_dataset
from nnunet_skipstudy.nnunet.environment import required_folder
from nnunet_skipstudy.planning.planners import NORMALIZATIONS, plan_words
from nnunet_skipstudy.planning.preprocess import keep_plans, plan_and_preprocess
from nnunet_skipstudy.registry import ARCHITECTURES, STUDY_ARCHITECTURES
from nnunet_skipstudy.study.factors import networks
from nnunet_skipstudy.study.settings import checked_plans
from nnunet_skipstudy.study.steps.plan import plan_settings
from nnunet_skipstudy.support.contents import settings_hash
from nnunet_skipstudy.support.parallel import MOST
from nnunet_skipstudy.support.parser import Parser


def parser() -> Parser:
    """The command's arguments; those that nnUNetv2_plan_and_preprocess has too have its names."""
    made = Parser(
        prog="skipstudy plan",
        description="Plan and preprocess a data set as nnUNetv2_plan_and_preprocess does, with sizes that it has no "
        "option for. A fair comparison needs one plan for all networks: --plan-for heaviest sizes patch and batch so "
        "that the most demanding of --architectures fits the memory target. In a study.yaml: plans.plan_for.",
    )
    add = made.add_argument
    add("-d", type=int, required=True, metavar="ID", help="the data set's identifier, in $nnUNet_raw")
    add("-c", default="2d", metavar="CONFIGURATION", help="2d (default), 3d_fullres ...")
    add(
        "-pl", default="ExperimentPlanner", metavar="PLANNER", help="ExperimentPlanner (default), ResEncUNetPlanner ..."
    )
    add("-overwrite_plans_name", dest="name", default="nnUNetPlans", metavar="NAME", help="default: nnUNetPlans")
    add("-gpu_memory_target", dest="memory", type=float, metavar="GB", help="default: the planner's own, 8 for most")
    add("--plan-for", choices=("unet", "heaviest"), default="unet", help="unet (default): nnU-Net's own way")
    add(
        "--architectures",
        nargs="+",
        default=list(STUDY_ARCHITECTURES),
        metavar="NAME",
        help=f"what heaviest is chosen from, of {', '.join(ARCHITECTURES)}, with suffixes (NoSkip_matchedParams; "
        "default: the study's six)",
    )
    add("--base-features", type=int, metavar="N", help="channels of the first stage (nnU-Net: 32)")
    add("--max-features", type=int, metavar="N", help="most channels of a stage (nnU-Net: 512 in 2D, 320 in 3D)")
    add("--batch-size", type=int, metavar="N", help="patches an iteration (nnU-Net: by the memory target)")
    add(
        "--normalization",
        choices=("nnunet", *NORMALIZATIONS),
        default="nnunet",
        help="nnunet (default): by the channel's name; image: each image by its own mean and spread; training: clipped "
        "and normalised by the labels' pixels of all training cases, as nnU-Net does with CT",
    )
    add("-np", type=int, default=None, metavar="N", help="processes; 0: none, the best on tiny data (default: up to 8)")
    add("--overwrite", action="store_true", help="replace plans that this command made with other settings")
    return made


def main(argv: list[str]) -> int:
    """Plan, preprocess, print patch and batch. Raises UserError: bad arguments, or others' plans of this name."""
    arguments = parser().parse_args(argv)
    if arguments.np is not None and not 0 <= arguments.np <= MOST:
        raise UserError(f"-np {arguments.np}; give 0 or a positive number up to {MOST}")
    plans = checked_plans(
        name=arguments.name,
        planner=arguments.pl,
        plan_for=arguments.plan_for,
        gpu_memory_gb=arguments.memory,
        batch_size=arguments.batch_size,
        base_features=arguments.base_features,
        max_features=arguments.max_features,
        normalization=arguments.normalization,
    )
    folder = find_dataset(arguments.d)
    settings = plan_settings(arguments.d, arguments.c, plans, networks(arguments.architectures, ["all"], [0]))
    _plan(settings, arguments.np, replace=arguments.overwrite)
    _print_plan(folder.name, settings)
    return 0


def _plan(settings: dict[str, Any], processes: int | None, *, replace: bool) -> None:
    if processes is None:
        processes = worker_processes()
    set_environment(os.environ, cpus=processes or None, small_data=processes == 0)
    digest = settings_hash(settings)
    owner = required_folder("nnUNet_preprocessed")  # no study: what it made, the command may make anew
    refuse = (lambda file, stamp: None) if replace else keep_plans
    plan_and_preprocess(settings, digest, processes=processes, owner=owner, refuse_replacing=refuse)


def _print_plan(dataset: str, settings: dict[str, Any]) -> None:
    from nnunet_skipstudy.planning.costs import plans_file  # imports torch

    path = plans_file(dataset, settings["plans"]["name"])
    chosen = json.loads(path.read_text(encoding="utf-8"))["configurations"][settings["configuration"]]
    print(f"{path}: {settings['configuration']}, patch {chosen['patch_size']}, batch {chosen['batch_size']}")
    for words in plan_words(settings["plans"]):
        print(words)
    print(f"next: nnUNetv2_train {dataset} {settings['configuration']} 0 -p {settings['plans']['name']} -tr TRAINER")
