"""One analysis' results as plain data: what tables, figures and report are made from."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nnunet_skipstudy.analysis.figures.looks import Looks, looks
from nnunet_skipstudy.analysis.inputs.level_effects import effect_warnings
from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.inputs.references import suggested
from nnunet_skipstudy.analysis.inputs.warnings import input_warnings
from nnunet_skipstudy.analysis.measuring.columns import NETWORK, TRAINING, groups, network_keys
from nnunet_skipstudy.analysis.measuring.degenerate import (
    copied_trainings,
    degenerate_trainings,
    mark_degenerate,
    without_degenerate,
)
from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS
from nnunet_skipstudy.analysis.statistics.paired import volume_change
from nnunet_skipstudy.analysis.statistics.setting import settings
from nnunet_skipstudy.analysis.statistics.summary import reference_levels, summarize
from nnunet_skipstudy.analysis.statistics.table import Statistics, make_statistics
from nnunet_skipstudy.analysis.statistics.td_axis import moves_of, with_axis
from nnunet_skipstudy.metrics import Outcome
from nnunet_skipstudy.registry import SMALLEST_DIFFERENCE, BothEmpty, in_order


@dataclass(frozen=True)
class Study:
    """``cases``: a row per prediction and label. ``summary``: seeds and like folds pooled. See the makers.

    ``notes``: what the caller has to say about the study; they stand before the warnings.
    ``td_remarks``: what was odd about the measure of TD that slopes go by.
    """

    comparisons: tuple[Comparison, ...]
    both_empty: BothEmpty
    cases: pd.DataFrame
    summary: pd.DataFrame
    degenerate: pd.DataFrame
    looks: Looks
    statistics: Statistics
    include_degenerate: bool = False
    notes: tuple[str, ...] = ()
    td_remarks: tuple[str, ...] = ()


def make_study(
    comparisons: tuple[Comparison, ...],
    cases: pd.DataFrame,
    both_empty: BothEmpty,
    reference_level: str | None = None,
    include_degenerate: bool = False,
    notes: tuple[str, ...] = (),
    smallest_difference: float = SMALLEST_DIFFERENCE,
    by: str | None = None,
) -> Study:
    """Find reference levels and degenerate networks in the measured cases, summarize and compare them."""
    degenerate = degenerate_trainings(cases)
    cases = cases.assign(
        reference_level=reference_levels(cases, reference_level), degenerate=mark_degenerate(cases, degenerate)
    )
    cases = cases.assign(volume_change=volume_change(cases))
    cases, remarks = with_axis(cases, by, {c.reference.dataset: c.reference.sorted_by for c in comparisons})
    found = looks(network_keys(cases))
    counted = cases if include_degenerate else without_degenerate(cases, "training")
    return Study(
        comparisons,
        both_empty,
        cases,
        summarize(counted, ("training",)),
        degenerate,
        found,
        make_statistics(settings(counted, list(found), include_degenerate), smallest_difference),
        include_degenerate,
        notes,
        remarks,
    )


def warnings_of(study: Study) -> list[str]:
    """What a reader has to know before trusting the numbers, most serious first."""
    return [
        *study.notes,
        *filter(None, (suggested(comparison.reference) for comparison in study.comparisons)),
        *_few(study),
        *input_warnings(study.comparisons, study.cases),
        *study.td_remarks,
        *(
            f"{dataset}: {move.warning}."
            for (dataset,), rows in groups(study.cases, "dataset")
            for move in moves_of(rows)
            if move.warning
        ),
        *copied_trainings(study.cases),
        *_degenerate(study),
        *_empty(study),
        *(
            warning
            for comparison in study.comparisons
            for warning in effect_warnings(comparison.reference, in_order(run.level for run in comparison.runs))
        ),
        *_without_reference_level(study),
        *(
            f"{comparison.reference.dataset}: labels were taken from {comparison.labels.origin}."
            for comparison in study.comparisons
            if comparison.labels.source is None
        ),
    ]


def _degenerate(study: Study) -> list[str]:
    """One sentence for each network and reason, with the labels and trainings that it holds for."""
    found = []
    places = ["dataset", "architecture", "network", "plans", "configuration", "reason"]
    counted = study.cases if study.include_degenerate else without_degenerate(study.cases, "training")
    for (dataset, architecture, *_, reason), rows in groups(study.degenerate, *places):
        trainings = dict.fromkeys(
            (row["trainer"] or architecture) + _seed(row) + (f" fold {row['fold']}" if row["fold"] else "")
            for row in rows.to_dict("records")
        )
        labels = list(dict.fromkeys(rows["label"]))
        found.append(
            f"{', '.join(trainings)}, {dataset}, label{'s' if len(labels) > 1 else ''} {', '.join(labels)}: {reason}. "
            f"A network that ignores its input looks robust; {_consequence(study, counted, rows)}."
        )
    return found


def _consequence(study: Study, counted: pd.DataFrame, rows: pd.DataFrame) -> str:
    """What degenerate trainings of one network come to; ``counted``: the cases that averages are taken from."""
    if study.include_degenerate:
        return "it takes part here because --include-degenerate was given"
    bad = _trainings(rows)
    networks = {training[: len(NETWORK)] for training in bad}
    n_own = sum(training[: len(NETWORK)] in networks for training in _trainings(study.cases))
    if bad & _trainings(counted[counted["degenerate"]]):
        how_many = "its only training is" if n_own == 1 else f"{len(bad)} of its {n_own} trainings are"
        return f"{how_many} degenerate, so it is never named best"
    return f"averages and contests leave out {len(bad)} of its {n_own} trainings"


def _trainings(rows: pd.DataFrame) -> set[tuple[str, ...]]:
    return {training for training, _ in groups(rows, *TRAINING)}


def _seed(row: Mapping[Hashable, Any]) -> str:
    """The seed, where the trainer's name doesn't say it."""
    return f" seed {row['seed']}" if row["seed"] and f"_seed{row['seed']}" not in row["trainer"] else ""


def _few(study: Study) -> list[str]:
    found = []
    for comparison in study.comparisons:
        reference = comparison.reference
        n_cases = len(reference.cases)
        n_groups = len({reference.groups.get(case) or f"case {case}" for case in reference.cases})
        if n_cases == 1:
            found.append(f"{reference.dataset}: one case only; its numbers say nothing about others.")
        elif n_groups < MIN_GROUPS:
            found.append(
                f"{reference.dataset}: {n_cases} cases in {n_groups} independent groups are too few for intervals "
                "and tests; its means may be chance."
            )
    return found


def _empty(study: Study) -> list[str]:
    if study.both_empty is BothEmpty.EXCLUDE:
        n = int((study.cases["reference_size"] == 0).sum())
        told = "an empty reference; they are left out of all means, whatever was predicted there"
    else:
        n = int((study.cases["outcome"] == Outcome.BOTH_EMPTY.value).sum())
        told = "neither reference nor prediction (both_empty); they count as perfect (DSC 1, NSD 1, distances 0)"
    return [f"{n} of {len(study.cases)} rows have {told}."] if n else []


def _without_reference_level(study: Study) -> list[str]:
    without = study.cases.loc[study.cases["reference_level"] == "", "dataset"].unique()
    return [
        f"{dataset}: some trainings have no level to count changes from (neither 'unperturbed' nor the level "
        "trained on was predicted); their changes are empty. Name one with --reference-level."
        for dataset in without
    ]
