"""One plan for all networks of a data set, by nnU-Net's planners."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnunet_skipstudy.environment import required_folder
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.files import write_json, write_text
from nnunet_skipstudy.study.grid import OWN_SPLITS
from nnunet_skipstudy.study.states import read_record

SPLITS = "splits_final.json"


def plan_and_preprocess(settings: Mapping[str, Any], digest: str, *, processes: int, replace: bool = True) -> None:
    """Plan and preprocess a data set of ``nnUNet_raw``, unless it is done with these settings.

    Args:
        settings: ``dataset`` (its identifier), ``configuration`` and ``plans`` (the fields of a study's
            :class:`~nnunet_skipstudy.study.settings.Plans`, and ``architectures`` for the heaviest of them).
        digest: the hash of these settings, and of what they depend on.
        processes: how many nnU-Net starts; 0: none.
        replace: make plans anew that were made here with other settings.

    Raises:
        UserError: the planner is unknown, or there are plans of this name that are not to be replaced.
    """
    from nnunetv2.utilities.dataset_name_id_conversion import convert_id_to_dataset_name

    from nnunet_skipstudy.study import steps

    plans = settings["plans"]
    name = convert_id_to_dataset_name(settings["dataset"])
    folder = required_folder("nnUNet_preprocessed") / name
    finished = folder / f"{plans['name']}_{settings['configuration']}.finished.json"
    if read_record(finished).get("digest") == digest:
        return
    file, mark = folder / f"{plans['name']}.json", folder / f"{plans['name']}.skipstudy"
    if finished.exists() and replace:
        finished.unlink()
    elif finished.exists() or (file.exists() and not mark.exists()):
        raise UserError(f"{file}: plans that were made with other settings or by others; give yours another name")
    folder.mkdir(parents=True, exist_ok=True)
    mark.touch()
    steps.plan_and_preprocess(
        settings["dataset"],
        _planner(plans),
        plans["name"],
        settings["configuration"],
        gpu_memory_gb=plans["gpu_memory_gb"],
        processes=processes,
    )
    made = json.loads(file.read_text(encoding="utf-8"))["configurations"]
    if settings["configuration"] not in made:  # nnU-Net says so in passing, and preprocesses nothing
        raise UserError(
            f"{name}: {plans['planner']} plans no {settings['configuration']!r} for this data set; "
            f"choose one of {', '.join(made)} (configuration, -c)"
        )
    ensure_splits(folder)
    write_json(finished, {"digest": digest, "settings": dict(settings)})


def _planner(plans: dict[str, Any]) -> type[Any]:
    """The planner class: nnU-Net's of that name, changed by what the study says of sizes."""
    import nnunetv2
    from nnunetv2.utilities.find_class_by_name import recursive_find_python_class

    from nnunet_skipstudy.study.planners import heaviest_planner, sized_planner

    planner = recursive_find_python_class(
        str(Path(nnunetv2.__path__[0]) / "experiment_planning"),
        plans["planner"],
        current_module="nnunetv2.experiment_planning",
    )
    if planner is None:
        raise UserError(f"plans.planner: nnU-Net has no {plans['planner']!r}; ExperimentPlanner is its default")
    if plans["plan_for"] == "heaviest":
        planner = heaviest_planner(planner, plans["architectures"])
    sizes = {key: plans[key] for key in ("base_features", "max_features", "batch_size")}
    return sized_planner(planner, **sizes) if any(sizes.values()) else planner


def ensure_splits(folder: Path) -> None:
    """Draw nnU-Net's own splits where a data set has none: trainings that start at once would race to."""
    if (folder / SPLITS).is_file():
        return
    from nnunetv2.utilities.crossval_split import generate_crossval_split

    raw = required_folder("nnUNet_raw") / folder.name
    dataset = json.loads((raw / "dataset.json").read_text(encoding="utf-8"))
    ending = dataset["file_ending"]
    listed = dataset.get("dataset")
    cases = sorted(listed or (path.name.removesuffix(ending) for path in (raw / "labelsTr").glob(f"*{ending}")))
    if len(cases) < 5:
        raise UserError(f"{raw}: {len(cases)} training cases don't make 5 folds; write {folder / SPLITS} yourself")
    write_text(folder / OWN_SPLITS, "drawn by nnU-Net's rule, 5 folds, seed 12345\n")
    splits = generate_crossval_split(cases, seed=12345, n_splits=5)
    write_json(folder / SPLITS, [{part: [str(c) for c in split[part]] for part in split} for split in splits])


def check_fold(dataset: str, fold: int) -> None:
    """Refuse a fold that the data set lacks: nnU-Net would silently draw random cases for it.

    Raises:
        UserError: it does.
    """
    path = required_folder("nnUNet_preprocessed") / dataset / SPLITS
    if path.is_file():
        count = len(json.loads(path.read_text(encoding="utf-8")))
        if fold >= count:
            raise UserError(f"fold {fold}: {path} has folds 0 to {count - 1}; choose among these (folds)")


def costs_on_plan(dataset: str, plans: str, configuration: str) -> dict[str, Any]:
    """Batch size, patch, and forward GFLOP of each network on one patch of the plan."""
    from nnunet_skipstudy.study.plan_costs import plan_costs, plans_file

    chosen = json.loads(plans_file(dataset, plans).read_text(encoding="utf-8"))["configurations"][configuration]
    costs = plan_costs(dataset, plans, configuration)
    return {
        "folder": dataset,
        "batch_size": chosen["batch_size"],
        "patch_size": chosen["patch_size"],
        "gflop": {name: round(cost.forward_flops / 1e9, 4) for name, cost in costs.items()},
        "activation_mib": {name: round(cost.activation_bytes / 2**20, 1) for name, cost in costs.items()},
    }
