"""What each architecture costs on a data set's plan."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nnunet_skipstudy.architectures.cost import NetworkCost, network_cost
from nnunet_skipstudy.architectures.matching import built_by_name, plan_of
from nnunet_skipstudy.architectures.network import build_network
from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.nnunet.cases import read_description
from nnunet_skipstudy.nnunet.environment import required_folder
from nnunet_skipstudy.nnunet.trainer_name import TRAINERS, parse_trainer_name
from nnunet_skipstudy.support.files import read_object


def plans_file(dataset: str, plans: str) -> Path:
    """The plans of a data set. Raises UserError: there are none."""
    folder = required_folder("nnUNet_preprocessed") / dataset
    path = folder / f"{plans}.json"
    if not path.is_file():
        there = sorted(p.stem for p in folder.glob("*Plans.json"))
        other = f"; there are {', '.join(there)}" if there else ""
        raise UserError(f"{path}: no such plans{other}; make them with nnUNetv2_plan_and_preprocess")
    return path


def planned(dataset: str, plans: str, configuration: str) -> tuple[Any, dict[str, Any]]:
    """nnU-Net's manager of plans, and dataset.json. Raises UserError: there is no such plan, or configuration in it."""
    from nnunetv2.utilities.plans_handling.plans_handler import PlansManager

    path = plans_file(dataset, plans)
    manager = PlansManager(read_object(path))
    if configuration not in manager.available_configurations:
        known = ", ".join(manager.available_configurations)
        raise UserError(f"{path}: has no configuration {shown(configuration)}; choose one of {known} (-c)")
    return manager, dict(read_description(path.parent).content)


def plan_costs(dataset: str, plans: str, configuration: str, trainers: Iterable[str] = ()) -> dict[str, NetworkCost]:
    """The cost of every architecture on one configuration's patch, and of the networks of further ``trainers``.

    ``dataset`` is the data set's folder name; networks come under the names under which they are compared.

    Raises:
        UserError: the plans or the configuration don't exist, or a trainer is none of ours.
    """
    from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels

    manager, dataset_json = planned(dataset, plans, configuration)
    chosen = manager.get_configuration(configuration)
    n_inputs = determine_num_input_channels(manager, chosen, dataset_json)
    n_outputs = manager.get_label_manager(dataset_json).num_segmentation_heads
    channels, costs = (n_inputs, n_outputs), {}
    for trainer in (*TRAINERS, *trainers):
        name = parse_trainer_name(trainer)
        plan, decoding = built_by_name(name, plan_of(chosen), chosen.patch_size, channels, deep_supervision=True)
        network = build_network(name.architecture, *plan, *channels, **decoding)
        costs[name.network] = network_cost(network, n_inputs, chosen.patch_size)
    return costs


def costs_on_plan(dataset: str, plans: str, configuration: str, trainers: Iterable[str]) -> dict[str, Any]:
    """Batch size, patch, and forward GFLOP on one patch of the plan of each network, those of further trainers too."""
    chosen = read_object(plans_file(dataset, plans))["configurations"][configuration]
    costs = plan_costs(dataset, plans, configuration, trainers)
    return {
        "folder": dataset,
        "batch_size": chosen["batch_size"],
        "patch_size": chosen["patch_size"],
        "gflop": {name: round(cost.forward_flops / 1e9, 4) for name, cost in costs.items()},
        "activation_mib": {name: round(cost.activation_bytes / 2**20, 1) for name, cost in costs.items()},
    }
