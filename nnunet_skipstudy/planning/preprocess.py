"""One plan for all networks of a data set, by nnU-Net's planners, and the data preprocessed by it."""

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet import calls
from nnunet_skipstudy.nnunet.datasets import find_dataset
from nnunet_skipstudy.nnunet.environment import required_folder
from nnunet_skipstudy.planning.planners import heaviest_planner, normalizing_planner, sized_planner
from nnunet_skipstudy.support.contents import DIGITS, settings_hash
from nnunet_skipstudy.support.files import atomic_path, read_json, read_record, sha256_of_file, write_json

SPLITS = "splits_final.json"
OWN_SPLITS = "skipstudy_splits.json"
"""Lies beside splits that were drawn here, for want of any, and holds their hash: they are no setting of the user's."""
FINISHED = ".finished.json"


def plan_and_preprocess(
    settings: Mapping[str, Any],
    digest: str,
    *,
    processes: int,
    owner: Path,
    data: Iterable[str] = (),
    refuse_replacing: Callable[[Path, Mapping[str, Any]], None],
) -> None:
    """Plan and preprocess a data set of ``nnUNet_raw``, unless it is done with these settings.

    A plans file is shared by its configurations: made anew for one of them, it takes the others' data with it.

    Args:
        settings: ``dataset`` (its identifier), ``configuration`` and ``plans`` (the fields of a study's
            :class:`~nnunet_skipstudy.study.settings.Plans`, and ``architectures`` for the heaviest of them).
        digest: the hash of these settings, and of the data.
        processes: how many nnU-Net starts; 0: none.
        owner: the study that makes them, or the folder that stands for one; noted beside the plans.
        data: the hashes of what the plans depend on, beside the settings.
        refuse_replacing: raises where plans that were made here with other settings are to stay; is told their file
            and what was noted beside it.

    Raises:
        UserError: the data set is broken, planner or configuration is unknown, or plans of this name are to stay.
    """
    from nnunet_skipstudy.planning.check import check_dataset  # imports SimpleITK

    plans, configuration = settings["plans"], settings["configuration"]
    folder = required_folder("nnUNet_preprocessed") / find_dataset(settings["dataset"]).name
    file, mark = folder / f"{plans['name']}.json", folder / f"{plans['name']}.skipstudy"
    if is_preprocessed(folder, plans["name"], configuration, digest):
        return
    shared = settings_hash({"dataset": settings["dataset"], "plans": plans}, data)
    stamp = read_record(mark)
    other = stamp.get("digest") != shared
    if file.exists() and other:
        (refuse_replacing if stamp else keep_plans)(file, stamp)
    planner = _planner(plans)
    for remark in check_dataset(required_folder("nnUNet_raw") / folder.name, workers=max(1, processes)):
        print(f"skipstudy: warning: {remark}", file=sys.stderr, flush=True)
    finished = finished_mark(folder, plans["name"], configuration)
    for path in folder.glob(f"{plans['name']}_*{FINISHED}") if other else [finished]:
        path.unlink(missing_ok=True)
    write_json(mark, {"digest": shared, "study": str(owner)})
    sizes = {"gpu_memory_gb": plans["gpu_memory_gb"], "processes": processes}
    calls.plan_and_preprocess(settings["dataset"], planner, plans["name"], configuration, **sizes)
    _refuse_unplanned(file, folder.name, plans["planner"], configuration)
    ensure_splits(folder)
    write_json(finished, {"digest": digest, "settings": dict(settings)})


def _refuse_unplanned(file: Path, dataset: str, planner: str, configuration: str) -> None:
    """Say that plans lack a configuration: nnU-Net says so in passing, and preprocesses nothing."""
    made = json.loads(file.read_text(encoding="utf-8"))["configurations"]
    if configuration not in made:
        raise UserError(
            f"{dataset}: {planner} plans no {configuration!r} for this data set; "
            f"choose one of {', '.join(made)} (configuration, -c)"
        )


def keep_plans(file: Path, stamp: Mapping[str, Any]) -> None:
    """Never replace plans of other settings. Always raises UserError."""
    raise UserError(
        f"{file}: plans that were made with other settings or by others; give yours another name (plans.name in "
        "study.yaml, -overwrite_plans_name)"
    )


def keep_foreign_plans(folder: Path, plans: str) -> None:
    """Say before any work that plans of that name are others', so that they stay. Raises UserError: so it is."""
    file = folder / f"{plans}.json"
    if file.exists() and not read_record(file.with_suffix(".skipstudy")):
        keep_plans(file, {})


def finished_mark(folder: Path, plans: str, configuration: str) -> Path:
    """Lies in a data set's preprocessed folder when all cases of a configuration are preprocessed."""
    return folder / f"{plans}_{configuration}{FINISHED}"


def is_preprocessed(folder: Path, plans: str, configuration: str, digest: str) -> bool:
    """Whether a configuration's data are there, by the plans of that hash."""
    if read_record(finished_mark(folder, plans, configuration)).get("digest") != digest:
        return False
    chosen = read_record(folder / f"{plans}.json").get("configurations", {}).get(configuration)
    if chosen is None:
        return False
    identifier: str = chosen.get("data_identifier", f"{plans}_{configuration}")
    return (folder / identifier).is_dir()


def planner_class(name: str) -> type[Any]:
    """nnU-Net's planner of that name. Raises UserError: it has none."""
    import nnunetv2
    from nnunetv2.utilities.find_class_by_name import recursive_find_python_class

    found: type[Any] | None = recursive_find_python_class(
        str(Path(nnunetv2.__path__[0]) / "experiment_planning"), name, current_module="nnunetv2.experiment_planning"
    )
    if found is None:
        raise UserError(f"plans.planner: nnU-Net has no {name!r}; ExperimentPlanner is its default")
    return found


def _planner(plans: Mapping[str, Any]) -> type[Any]:
    """nnU-Net's planner of that name, changed by what the study says of sizes."""
    planner = planner_class(plans["planner"])
    if plans["plan_for"] == "heaviest":
        planner = heaviest_planner(planner, plans["architectures"])
    sizes = {key: plans[key] for key in ("base_features", "max_features", "batch_size")}
    planner = sized_planner(planner, **sizes) if any(sizes.values()) else planner
    normalization = plans.get("normalization")
    return normalizing_planner(planner, normalization) if normalization else planner


def ensure_splits(folder: Path) -> None:
    """Draw nnU-Net's own splits where a data set has none: trainings that start at once would race to.

    Splits that were drawn here are drawn anew when the cases have changed; the user's own are left alone.

    Raises:
        UserError: the splits that are there are none, or there are too few cases for any.
    """
    from nnunetv2.utilities.crossval_split import generate_crossval_split

    from nnunet_skipstudy.nnunet.cases import read_description, training_cases

    splits = folder / SPLITS
    there = read_splits(splits) if splits.is_file() else []
    if there and read_record(folder / OWN_SPLITS).get("splits") != sha256_of_file(splits)[:DIGITS]:
        return
    raw = required_folder("nnUNet_raw") / folder.name
    cases = sorted(case.name for case in training_cases(raw, read_description(raw)))
    if there and cases == sorted({*there[0]["train"], *there[0]["val"]}):
        return
    if len(cases) < 5:
        raise UserError(f"{raw}: {len(cases)} training cases don't make 5 folds; write {splits} yourself")
    folds = generate_crossval_split(cases, seed=12345, n_splits=5)
    content = [{part: [str(case) for case in fold[part]] for part in fold} for fold in folds]
    with atomic_path(splits) as temporary:  # the note first: without it, the splits would be taken for the user's
        write_json(temporary, content)
        how = "drawn by nnU-Net's rule, 5 folds, seed 12345"
        write_json(folder / OWN_SPLITS, {"splits": sha256_of_file(temporary)[:DIGITS], "how": how})


def check_fold(preprocessed: Path, fold: int) -> None:
    """Refuse a fold that splits lack: nnU-Net would draw random cases. Raises UserError: so it is, or no splits."""
    path = preprocessed / SPLITS
    if not path.is_file():
        return
    count = len(read_splits(path))
    if fold >= count:
        raise UserError(f"fold {fold}: {path} has folds 0 to {count - 1}; choose among these (folds)")


def read_splits(path: Path) -> list[dict[str, list[str]]]:
    """The folds in a splits_final.json, each with the names of its cases under ``train`` and ``val``; at least one.

    Raises:
        UserError: it holds something else.
    """
    try:
        splits = read_json(path)
        if not isinstance(splits, list) or not splits:
            raise ValueError("it is no list of folds")
        for number, fold in enumerate(splits):
            parts = [fold.get(part) if isinstance(fold, dict) else None for part in ("train", "val")]
            if not all(isinstance(part, list) and all(isinstance(case, str) for case in part) for part in parts):
                raise ValueError(f"fold {number} has no lists of cases under train and val")
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: can't be read as splits ({error}); mend or remove it") from error
    return splits
