"""What networks are compared in: one data set, one training set, one label; as arrays, replicates averaged."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey, groups, metrics_of, network_keys
from nnunet_skipstudy.analysis.statistics.between_trainings import deviations, replicate_numbers
from nnunet_skipstudy.analysis.statistics.bootstrap import ROUNDING, Floats, averaged, divide, nanmean
from nnunet_skipstudy.analysis.statistics.hardest import hardest_level
from nnunet_skipstudy.analysis.statistics.paired import at_all_levels, before, failed
from nnunet_skipstudy.analysis.statistics.td_axis import TdLine, axis_measure, on_axis, theil_sen
from nnunet_skipstudy.registry import METRICS, STUDYS_TD, in_order, level_alpha, level_order

ALL_LEVELS = "(mean of levels)"
ALL_LABELS = "(mean of labels)"
ALL_TRAININGS = "(mean of trainings)"


@dataclass(frozen=True)
class Setting:
    """Everything that was measured of all networks on the same cases; seeds and like folds averaged."""

    dataset: str
    training: str
    label: str  # ALL_LABELS for their mean, as the training may be ALL_TRAININGS
    cases: tuple[str, ...]
    eligible: npt.NDArray[np.bool_]  # (network,), whether it takes part in rankings and tests
    groups: tuple[str, ...]  # each case's unit of leakage, the case itself where none is known
    values: Floats  # (case, network, level, metric), NaN where there is no value
    changes: Floats  # as values, minus the same case's and training's at the reference level, then averaged
    before: Floats  # as values, what the changes are counted from; NaN where they are
    profiles: Floats  # as values, of the trainings alone that were tested at all of their network's levels
    failures: Floats  # (case, network, level), the share of predictions that failed; NaN where none counts
    disparities: Floats  # (case, level), the texture disparity (TD) of the case's image there, NaN where not known
    deviations: tuple[Floats, ...]  # of each training set (replicate, network, level, metric), see between_trainings
    change_deviations: tuple[Floats, ...]  # likewise, of the changes; NaN at the reference level
    trainings: npt.NDArray[np.int64]  # (case, network, level), how many were averaged
    paired: npt.NDArray[np.int64]  # as trainings, how many of them have the reference level, too
    networks: tuple[NetworkKey, ...]
    levels: tuple[str, ...]
    references: tuple[str, ...]  # each network's reference level, empty for none
    metrics: tuple[str, ...] = field(default_factory=lambda: tuple(METRICS))  # measured ones; others' values are NaN
    measure: str = STUDYS_TD  # of TD, see td_axis

    @property
    def dsc(self) -> Floats:
        """(case, network, level): the DSC among the ``values``."""
        return self.values[..., metric_index("dsc")]

    @property
    def dsc_changes(self) -> Floats:
        """(case, network, level): those of the DSC."""
        return self.changes[..., metric_index("dsc")]

    @cached_property
    def dsc_lines(self) -> dict[NetworkKey, TdLine]:
        """How each network's DSC follows TD; empty where TD isn't known or doesn't vary."""
        known = self.disparities[~np.isnan(self.disparities)]
        if not len(known) or np.ptp(known) < 1e-12:
            return {}
        return {
            key: TdLine(self.disparities, values, theil_sen(self.disparities.ravel(), values.ravel()))
            for key, values in zip(self.networks, np.moveaxis(self.dsc, 1, 0), strict=True)
        }

    @cached_property
    def codes(self) -> npt.NDArray[np.int64]:
        """Each case's group as a number from 0."""
        return np.unique(np.array(self.groups, dtype=object).astype(str), return_inverse=True)[1].astype(np.int64)

    @cached_property
    def replicates(self) -> npt.NDArray[np.int64]:
        """(network, level), how many trainings each case was averaged over, at least; 0 for none."""
        return fewest(self.trainings)

    @cached_property
    def level_cvs(self) -> Floats:
        """(case, network, metric): each case's sd over the levels by its mean over them.

        NaN where a level lacks, and where every prediction of the case failed: a constant penalty is no steadiness.
        """
        return np.where(never_right(self.failures, 2)[..., None], np.nan, level_cvs(self.profiles, 2))

    @property
    def shared_reference(self) -> str:
        """The reference level of all networks; empty where they differ, or have none."""
        return self.references[0] if len(set(self.references)) == 1 else ""

    @cached_property
    def hardest(self) -> str:
        """The hardest level by name, else to the ranked networks (all, where none is)."""
        networks = self.ranked or list(range(len(self.networks)))
        return hardest_level(dict(zip(self.levels, nanmean(nanmean(self.dsc[:, networks], 1)).tolist(), strict=True)))

    @property
    def ranked(self) -> list[int]:
        """The positions of the networks that take part in rankings and tests."""
        return [int(index) for index in np.flatnonzero(self.eligible)]

    def group_sums(self, values: Floats) -> Floats:
        """Sums of (case, …) over each group's cases, NaN as 0: (group, …)."""
        sums = np.zeros((self.codes.max(initial=-1) + 1, *values.shape[1:]))
        np.add.at(sums, self.codes, np.nan_to_num(values))
        return sums

    def group_means(self, values: Floats) -> Floats:
        """Means of (case, …) over each group's cases that have a value: (group, …)."""
        return divide(self.group_sums(values), self.group_sums((~np.isnan(values)).astype(float)))


def settings(cases: pd.DataFrame, networks: Sequence[NetworkKey], include_degenerate: bool = False) -> list[Setting]:
    """The settings of a study.

    Args:
        cases: the table of cases, with ``reference_level`` and ``degenerate``; where a network has degenerate trainings
            left, it takes no part in rankings and tests.
        networks: in the order of tables.
        include_degenerate: let it take part.

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
        alphas = all(level_alpha(training) is not None for training in trainings)
        if len(trainings) > 1 and alphas and len({len(alike) for alike in by_training}) == 1:
            found += [
                _mean(alike, training=ALL_TRAININGS) for alike in zip(*by_training, strict=True) if _comparable(alike)
            ]
        found += [setting for of_training in by_training for setting in of_training]
    return found


def _by_label(
    rows: pd.DataFrame, dataset: str, training: str, networks: Sequence[NetworkKey], include_degenerate: bool
) -> Iterator[Setting]:
    keys = network_keys(rows)
    present = tuple(key for key in networks if key in set(keys))
    cases = tuple(dict.fromkeys(rows["case"]))
    group_of = dict(zip(rows["case"], rows["group"], strict=True))
    levels = tuple(in_order(rows["level"].unique()))
    labels = tuple(dict.fromkeys(rows["label"]))
    at = np.stack(
        [
            pd.Categorical(rows["case"], cases).codes,
            [present.index(key) for key in keys],
            pd.Categorical(rows["level"], levels).codes,
        ]
    ).astype(np.int64)
    shape = (len(cases), len(present), len(levels))
    disparities = np.full((len(cases), len(levels)), np.nan)
    disparities[at[0], at[2]] = on_axis(rows).to_numpy(dtype=float)
    numbers, replicates = _numbers(rows), replicate_numbers(rows)
    # whether each row's training was tested on the row's case at its reference level, too
    with_reference = before(rows.assign(**dict.fromkeys(METRICS, 0.0)))["dsc"].notna().to_numpy()
    apart = (len(cases), int(replicates.max(initial=0)) + 1, *shape[1:])
    made = []
    for label in labels:
        chosen = (rows["label"] == label).to_numpy()
        own, of_network = at[:, chosen], [rows[chosen & (at[1] == index)] for index in range(len(present))]
        means: dict[str, Any] = {name: averaged(array[chosen], tuple(own), shape) for name, array in numbers.items()}
        spread = [deviations(numbers[name][chosen], own, replicates[chosen], apart) for name in ("values", "changes")]
        setting = Setting(
            *(dataset, training, label, cases),
            groups=tuple(group_of[case] or f"case {case}" for case in cases),
            networks=present,
            levels=levels,
            **means,
            deviations=(spread[0],),
            change_deviations=(spread[1],),
            disparities=disparities,
            references=tuple(str(part["reference_level"].max()) if len(part) else "" for part in of_network),
            eligible=np.array([_eligible(part, include_degenerate) for part in of_network], dtype=bool),
            trainings=_counted(own, shape),
            paired=_counted(at[:, chosen & with_reference], shape),
            metrics=tuple(metrics_of(rows)),
            measure=axis_measure(rows),
        )
        made.append(replace(setting, change_deviations=(without_reference(setting, spread[1]),)))
    yield from [_mean(made, label=ALL_LABELS)] if len(made) > 1 else []
    yield from made


def _numbers(rows: pd.DataFrame) -> dict[str, Floats]:
    """What is averaged over trainings, (row, metric) or (row,)."""
    values, earlier = rows.reindex(columns=list(METRICS)).to_numpy(dtype=float), before(rows).to_numpy()
    return {
        "values": values,
        "changes": values - earlier,
        "before": earlier,
        "profiles": np.where(at_all_levels(rows).to_numpy()[:, None], values, np.nan),
        "failures": failed(rows).to_numpy(),
    }


def _eligible(rows: pd.DataFrame, include_degenerate: bool) -> bool:
    """Whether a network takes part: it has predictions, and is judged by no degenerate training."""
    sound = include_degenerate or not rows["degenerate"].any()
    return bool(len(rows) and sound and (rows["outcome"] != "absent").any())


def _counted(at: npt.NDArray[np.int64], shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    counts = np.zeros(shape, dtype=np.int64)
    np.add.at(counts, tuple(at), 1)
    return counts


def metric_index(metric: str) -> int:
    """A metric's place on the last axis."""
    return list(METRICS).index(metric)


def fewest(trainings: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """The smallest number along the first axis, of those that aren't 0; 0 where all are."""
    most = np.iinfo(np.int64).max
    found = np.where(trainings > 0, trainings, most).min(axis=0, initial=most)
    return np.where(found == most, 0, found)


def level_cvs(profiles: Floats, axis: int = 1) -> Floats:
    """The population standard deviation over the levels by the mean; NaN where a level lacks, 0 of equal values."""
    means, spreads = profiles.mean(axis=axis), profiles.std(axis=axis)
    return divide(np.where(spreads < ROUNDING * means, 0, spreads), means)


def never_right(failures: Floats, axis: int = 1) -> npt.NDArray[np.bool_]:
    """Whether each share of failures along an axis is 1, and there is any."""
    shares = nanmean(failures, axis)
    result: npt.NDArray[np.bool_] = shares > 1 - 1e-9
    return result


def _comparable(alike: Sequence[Setting]) -> bool:
    return len({(one.label, one.cases, one.networks, one.levels) for one in alike}) == 1


def without_reference(setting: Setting, changes: Floats) -> Floats:
    """A copy of (case, network, level, …) with NaN at each network's own reference level."""
    found = changes.copy()
    for index, reference in enumerate(setting.references):
        if reference in setting.levels:
            found[:, index, setting.levels.index(reference)] = np.nan
    return found


def _mean(alike: Sequence[Setting], training: str | None = None, label: str | None = None) -> Setting:
    """The mean over settings that differ in the label, or in the training set, alone."""
    first = alike[0]
    same_reference = len({setting.references for setting in alike}) == 1

    def apart(name: str) -> tuple[Floats, ...]:
        """Other training sets are other trainings; labels are of the same."""
        strata = [getattr(setting, name) for setting in alike]
        if training is not None:
            return tuple(itertools.chain(*strata))
        return tuple(nanmean(np.stack(same)) for same in zip(*strata, strict=True))

    def mean(name: str) -> Floats:
        arrays = [getattr(setting, name) for setting in alike]
        if training is not None and name in ("changes", "before"):  # at its own reference level nothing can change
            arrays = [without_reference(setting, array) for setting, array in zip(alike, arrays, strict=True)]
        return nanmean(np.stack(arrays))

    joined: dict[str, Any] = {name: mean(name) for name in ("values", "changes", "before", "profiles", "failures")}
    joined |= {name: apart(name) for name in ("deviations", "change_deviations")}
    joined |= {
        name: fewest(np.stack([getattr(setting, name) for setting in alike])) for name in ("trainings", "paired")
    }
    return replace(
        first,
        training=first.training if training is None else training,
        label=first.label if label is None else label,
        references=first.references if same_reference else ("",) * len(first.networks),
        eligible=np.all([setting.eligible for setting in alike], axis=0),
        **joined,
    )
