"""What networks are compared in: one data set, one training set, one label; as arrays, replicates averaged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from nnunet_skipstudy.analysis.case_metrics import METRICS
from nnunet_skipstudy.analysis.looks import NetworkKey
from nnunet_skipstudy.analysis.statistics.bootstrap import Floats, nanmean
from nnunet_skipstudy.analysis.tables import NETWORK, groups
from nnunet_skipstudy.registry import level_alpha, level_order

ALL_LEVELS = "(mean of levels)"
ALL_LABELS = "(mean of labels)"
ALL_TRAININGS = "(mean of trainings)"

LOWER_IS_BETTER: tuple[str, ...] = ("hd", "hd95", "assd")


@dataclass(frozen=True)
class Setting:
    """Everything that was measured of all networks on the same cases.

    Attributes:
        dataset: and ``training``, ``label``: what was compared; ``ALL_…`` for a mean.
        cases: with ``groups``, each case's unit of leakage (the case itself where none is known).
        networks: and ``levels``: the axes.
        values: (case, network, level, metric), NaN where there is no value; seeds and like folds averaged.
        changes: as ``values``, minus the same case's at the reference level.
        disparities: (case, level), the texture disparity (TD) of the case's image there, NaN where not known.
        references: each network's reference level, empty for none.
        eligible: (network,), whether it takes part in rankings and tests.
        replicates: (network,), how many trainings were averaged.
    """

    dataset: str
    training: str
    label: str
    cases: tuple[str, ...]
    groups: tuple[str, ...]
    networks: tuple[NetworkKey, ...]
    levels: tuple[str, ...]
    values: Floats
    changes: Floats
    disparities: Floats
    references: tuple[str, ...]
    eligible: npt.NDArray[np.bool_]
    replicates: npt.NDArray[np.int64]

    @cached_property
    def codes(self) -> npt.NDArray[np.int64]:
        """Each case's group as a number from 0."""
        return np.unique(np.array(self.groups, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)

    @property
    def ranked(self) -> list[int]:
        """The positions of the networks that take part in rankings and tests."""
        return [int(index) for index in np.flatnonzero(self.eligible)]

    def group_means(self, values: Floats) -> Floats:
        """Means of (case, …) over each group's cases that have a value: (group, …)."""
        codes = self.codes
        sums = np.zeros((codes.max(initial=-1) + 1, *values.shape[1:]))
        counts = np.zeros_like(sums)
        np.add.at(sums, codes, np.nan_to_num(values))
        np.add.at(counts, codes, ~np.isnan(values))
        result: Floats = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
        return result


def settings(cases: pd.DataFrame, networks: Sequence[NetworkKey], include_degenerate: bool = False) -> list[Setting]:
    """The settings of a study.

    Args:
        cases: the table of cases, with ``reference_level`` and ``degenerate``.
        networks: in the order of tables.
        include_degenerate: let degenerate networks take part in rankings and tests.

    Returns:
        One per data set, training and label; where there are several labels one more for their mean, and for
        synthetic data trained at several alphas one more for their mean.
    """
    found: list[Setting] = []
    for (dataset,), rows in groups(cases, "dataset"):
        trainings = sorted(rows["training"].unique(), key=level_order)
        by_training = [
            list(_by_label(rows[rows["training"] == training], dataset, training, networks, include_degenerate))
            for training in trainings
        ]
        if len(trainings) > 1 and all(level_alpha(training) is not None for training in trainings):
            found += [
                _mean(alike, training=ALL_TRAININGS) for alike in zip(*by_training, strict=True) if _comparable(alike)
            ]
        found += [setting for of_training in by_training for setting in of_training]
    return found


def _by_label(
    rows: pd.DataFrame, dataset: str, training: str, networks: Sequence[NetworkKey], include_degenerate: bool
) -> Iterator[Setting]:
    keys = list(rows[list(NETWORK[1:])].itertuples(index=False, name=None))
    present = tuple(key for key in networks if key in set(keys))
    case_names = tuple(dict.fromkeys(rows["case"]))
    group_of = dict(zip(rows["case"], rows["group"], strict=True))
    levels = tuple(sorted(rows["level"].unique(), key=level_order))
    labels = tuple(dict.fromkeys(rows["label"]))
    position = pd.DataFrame(
        {
            "case": pd.Categorical(rows["case"], case_names).codes,
            "network": [present.index(key) for key in keys],
            "level": pd.Categorical(rows["level"], levels).codes,
            "label": pd.Categorical(rows["label"], labels).codes,
        }
    ).astype(np.int64)
    of_training = (rows["trainer"] + "\n" + rows["fold"]).groupby(position["network"].to_numpy()).nunique()
    replicates = [int(of_training.get(index, 0)) for index in range(len(present))]
    disparities = np.full((len(case_names), len(levels)), np.nan)
    disparities[position["case"], position["level"]] = rows["disparity"].to_numpy(dtype=float)
    made = []
    for number, label in enumerate(labels):
        chosen = (position["label"] == number).to_numpy()
        at = tuple(position.loc[chosen, name].to_numpy() for name in ("case", "network", "level"))
        shape = (len(case_names), len(present), len(levels), len(METRICS))
        values = _averaged(rows.loc[chosen, list(METRICS)].to_numpy(dtype=float), at, shape)
        part = rows.loc[chosen]
        references, eligible = [], []
        for index in range(len(present)):
            own = part[at[1] == index]
            references.append(str(own["reference_level"].iloc[0]) if len(own) else "")
            bad = own["degenerate"].all() and not include_degenerate
            eligible.append(bool(len(own) and not bad and (own["outcome"] != "absent").any()))
        made.append(
            Setting(
                dataset,
                training,
                label,
                case_names,
                tuple(group_of[case] or f"case {case}" for case in case_names),
                present,
                levels,
                values,
                _changes(values, levels, references),
                disparities,
                tuple(references),
                np.array(eligible, dtype=bool),
                np.array(replicates, dtype=np.int64),
            )
        )
    if len(made) > 1:
        yield _mean(made, label=ALL_LABELS)
    yield from made


def _averaged(values: Floats, at: tuple[npt.NDArray[np.int64], ...], shape: tuple[int, ...]) -> Floats:
    sums, counts = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, at, np.nan_to_num(values))
    np.add.at(counts, at, ~np.isnan(values))
    result: Floats = np.divide(sums, counts, out=np.full(shape, np.nan), where=counts > 0)
    return result


def _changes(values: Floats, levels: Sequence[str], references: Sequence[str]) -> Floats:
    changes = np.full_like(values, np.nan)
    for index, reference in enumerate(references):
        if reference in levels:
            before = values[:, index, [levels.index(reference)]]
            changes[:, index] = values[:, index] - before
    return changes


def _comparable(alike: Sequence[Setting]) -> bool:
    first = alike[0]
    return all((s.label, s.cases, s.networks, s.levels) == (first.label, first.cases, first.networks, first.levels)
               for s in alike)  # fmt: skip


def _mean(alike: Sequence[Setting], training: str | None = None, label: str | None = None) -> Setting:
    """The mean over settings that differ in the label, or in the training set, alone."""
    first = alike[0]
    changes = []
    for setting in alike:
        change = setting.changes.copy()
        if training is not None:  # a network's own reference level, at which nothing can change, is left out
            for index, reference in enumerate(setting.references):
                if reference in setting.levels:
                    change[:, index, setting.levels.index(reference)] = np.nan
        changes.append(change)
    same_reference = len({setting.references for setting in alike}) == 1
    return Setting(
        first.dataset,
        first.training if training is None else training,
        first.label if label is None else label,
        first.cases,
        first.groups,
        first.networks,
        first.levels,
        nanmean(np.stack([setting.values for setting in alike])),
        nanmean(np.stack(changes)),
        first.disparities,
        first.references if same_reference else ("",) * len(first.networks),
        np.all([setting.eligible for setting in alike], axis=0),
        np.sum([s.replicates for s in alike], axis=0, dtype=np.int64) if training is not None else first.replicates,
    )
