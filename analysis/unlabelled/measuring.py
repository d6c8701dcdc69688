"""Predictions without a reference: how they agree with each other, and how their volumes change."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from nnunet_skipstudy.analysis.inputs.labels import (
    LabelMap,
    LabelSet,
    find_label_set,
    label_set_of_values,
    region_mask,
    values_of,
)
from nnunet_skipstudy.analysis.inputs.matching import check_values, flatten
from nnunet_skipstudy.analysis.inputs.runs import Run, case_files
from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.metrics.overlap import dice
from nnunet_skipstudy.nnunet.images import read_label_map
from nnunet_skipstudy.registry import UNPERTURBED, in_order, level_alpha

QUANTITIES = ("agreement", "seed_agreement", "volume_change")
CASE_COLUMNS: tuple[str, ...] = (
    *("dataset", "architecture", "trainer", "plans", "configuration", "fold", "seed", "level", "case", "label"),
    *("predicted_size", "reference_level", *QUANTITIES),
)
TABLE_COLUMNS: tuple[str, ...] = (
    *("dataset", *PUBLISHED, "level", "label", "quantity", "reference_level"),
    *("n_cases", "n_trainings", "mean", "sd", "lowest", "highest"),
)


@dataclass(frozen=True)
class Predicted:
    """The predictions of one data set: ``files[run][case]``, and which level each is held against; empty for none."""

    dataset: str
    labels: LabelSet
    files: dict[Run, dict[str, Path]]
    reference_levels: dict[Run, str]

    @property
    def cases(self) -> list[str]:
        """Every case that any run predicted."""
        return list(dict.fromkeys(case for files in self.files.values() for case in files))

    @property
    def comparable(self) -> bool:
        """Whether two predictions of one case can be held against each other."""
        shifted = any(level not in ("", run.level) for run, level in self.reference_levels.items())
        return shifted or len({(_network(run), run.seed) for run in self.files}) > len(set(map(_network, self.files)))


def find_predicted(dataset: str, runs: Sequence[Run], root: Path, reference_level: str | None) -> Predicted:
    """The predictions of one data set, and what they segment: by their dataset.json, else by their own values.

    ``root`` is the folder the user gave: a dataset.json is looked for no higher. ``reference_level``: that changes are
    counted from; default: unperturbed, of alphas the smallest: which one a network was trained on is not known without
    the labels' tables.
    """
    predicted = {run.level for run in runs}
    alphas = predicted and all(level_alpha(level) is not None for level in predicted)
    wanted = reference_level or (in_order(predicted)[-1] if alphas else UNPERTURBED)
    files = {run: case_files(run.folder) for run in runs}
    places = dict.fromkeys(
        place for run in runs for place in (run.folder, *run.folder.parents) if place.is_relative_to(root)
    )
    labels = find_label_set(places) or label_set_of_values(_values(files))
    if not labels.regions:
        raise UserError(f"{root}: every prediction is empty and no dataset.json names what is segmented; add one")
    with_it = {_training(run) for run in runs if run.level == wanted}
    return Predicted(dataset, labels, files, {run: wanted if _training(run) in with_it else "" for run in runs})


def _values(files: Mapping[Run, Mapping[str, Path]]) -> set[int]:
    return {
        value for paths in files.values() for path in paths.values() for value in values_of(read_label_map(path).array)
    }


def _training(run: Run) -> tuple[Any, ...]:
    return (*_network(run)[:-1], run.trainer, run.seed)


def _network(run: Run) -> tuple[Any, ...]:
    return (run.architecture, run.network, run.plans, run.configuration, run.fold, run.level)


def measure_agreement(data: Predicted, both_empty_counts: bool, progress: bool) -> pd.DataFrame:
    """How each prediction agrees with others of its case.

    Returns:
        One row per run, case and label, with :data:`CASE_COLUMNS` and ``network``. ``agreement``: DSC with the same
        training's prediction at its ``reference_level``. ``seed_agreement``: mean DSC with the other seeds of the
        network and fold at the same level. ``volume_change``: the predicted size against that at the reference level,
        relative, signed. Two empty predictions agree perfectly, or count as nothing; what can't be told is NaN.

    Raises:
        UserError: a file can't be read, holds an unknown value, or two predictions of a case differ in shape.
    """
    rows: list[dict[str, Any]] = []
    for case in tqdm(data.cases, desc="comparing", unit="case", disable=not progress):
        maps = _read(data, case)
        for label, region in data.labels.regions.items():
            masks = {run: region_mask(values, region) for run, values in maps.items()}
            sizes = {run: int(np.count_nonzero(mask)) for run, mask in masks.items()}
            scores = {(one, two): dice(masks[one], masks[two]) for one, two in _pairs(data, list(masks))}
            if both_empty_counts:
                scores = {pair: 1.0 if np.isnan(found) else found for pair, found in scores.items()}
            rows += [_row(data, run, case, label, sizes, scores) for run in masks]
    order = {run: index for index, run in enumerate(data.files)}
    rows.sort(key=lambda row: order[row["run"]])
    return pd.DataFrame(rows)[["network", *CASE_COLUMNS]].astype({"seed": "Int64", "predicted_size": "Int64"})


def _read(data: Predicted, case: str) -> dict[Run, LabelMap]:
    maps: dict[Run, LabelMap] = {}
    first: tuple[Path, tuple[int, ...]] | None = None
    for run, files in data.files.items():
        if case not in files:
            continue
        image = read_label_map(files[case])
        check_values(files[case], image, data.labels)
        maps[run] = flatten(image)[0]
        first = first or (files[case], maps[run].shape)
        if maps[run].shape != first[1]:
            raise UserError(
                f"{files[case]} has shape {maps[run].shape}, {first[0]} {first[1]}; give predictions of a case on one "
                "grid"
            )
    return maps


def _pairs(data: Predicted, runs: Sequence[Run]) -> Iterator[tuple[Run, Run]]:
    """The predictions that are held against each other: a training's with its reference level's, and seeds'."""
    for one, two in combinations(runs, 2):
        of_levels = _training(one) == _training(two) and data.reference_levels[one] in (one.level, two.level)
        if of_levels or _network(one) == _network(two):
            yield one, two


def _row(
    data: Predicted, run: Run, case: str, label: str, sizes: Mapping[Run, int], scores: Mapping[tuple[Run, Run], float]
) -> dict[str, Any]:
    level = data.reference_levels[run]
    others = {pair[0] if pair[1] is run else pair[1]: value for pair, value in scores.items() if run in pair}
    start = next((other for other in sizes if _training(other) == _training(run) and other.level == level), None)
    seeds = [value for other, value in others.items() if _network(other) == _network(run)]
    names = ("architecture", "trainer", "network", "plans", "configuration", "fold", "seed", "level")
    return {
        "run": run,
        "dataset": data.dataset,
        **{name: getattr(run, name) for name in names},
        "case": case,
        "label": label,
        "predicted_size": sizes[run],
        "reference_level": level,
        "agreement": np.nan if start is None or start is run else others[start],
        "seed_agreement": float(np.mean(seeds)) if seeds else np.nan,
        "volume_change": (sizes[run] - sizes[start]) / sizes[start] if start is not None and sizes[start] else np.nan,
    }


def agreement_table(cases: pd.DataFrame) -> pd.DataFrame:
    """Means over cases, seeds and folds averaged first: a row per network, level, label and quantity that is known."""
    keys = ["dataset", "architecture", "network", "plans", "configuration", "level", "label"]
    rows = []
    for values, part in cases.groupby(keys, sort=False):
        for quantity in QUANTITIES:
            known = part[part[quantity].notna()]
            if known.empty or (quantity == "volume_change" and (known["level"] == known["reference_level"]).all()):
                continue
            by_case = known.groupby("case")[quantity].mean()
            facts = dict(zip(keys, values, strict=True))
            rows.append(
                {
                    **facts,
                    "trainer": facts["network"],
                    "quantity": quantity,
                    "reference_level": "" if quantity == "seed_agreement" else known["reference_level"].max(),
                    "n_cases": len(by_case),
                    "n_trainings": len(known[["trainer", "fold", "seed"]].drop_duplicates()),
                    "mean": by_case.mean(),
                    "sd": by_case.std(ddof=0),
                    "lowest": by_case.min(),
                    "highest": by_case.max(),
                }
            )
    return pd.DataFrame(rows, columns=list(TABLE_COLUMNS))
