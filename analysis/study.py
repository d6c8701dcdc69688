"""One analysis' results as plain data: what tables, figures and report are made from."""

from dataclasses import dataclass

import pandas as pd

from nnunet_skipstudy.analysis.degenerate import degenerate_trainings, mark_degenerate
from nnunet_skipstudy.analysis.looks import Look, NetworkKey, looks
from nnunet_skipstudy.analysis.matching import Comparison
from nnunet_skipstudy.analysis.robustness import NETWORK, reference_levels, summarize
from nnunet_skipstudy.metrics import BothEmpty


@dataclass(frozen=True)
class Study:
    """``cases``: a row per prediction and label. ``summary``: seeds and like folds pooled. See the makers.

    ``notes``: what the caller has to say about the study; they stand before the warnings.
    """

    comparisons: tuple[Comparison, ...]
    both_empty: BothEmpty
    cases: pd.DataFrame
    summary: pd.DataFrame
    degenerate: pd.DataFrame
    looks: dict[NetworkKey, Look]
    notes: tuple[str, ...] = ()


def make_study(
    comparisons: tuple[Comparison, ...],
    cases: pd.DataFrame,
    both_empty: BothEmpty,
    reference_level: str | None = None,
    notes: tuple[str, ...] = (),
) -> Study:
    """Find reference levels and degenerate networks in the measured cases, and summarize them."""
    degenerate = degenerate_trainings(cases)
    cases = cases.assign(
        reference_level=reference_levels(cases, reference_level),
        degenerate=mark_degenerate(cases, degenerate),
    )
    keys = cases[list(NETWORK[1:])].drop_duplicates().itertuples(index=False, name=None)
    return Study(comparisons, both_empty, cases, summarize(cases, ("training",)), degenerate, looks(keys), notes)


def warnings_of(study: Study) -> list[str]:
    """What a reader has to know before trusting the numbers, most serious first."""
    return [
        *study.notes,
        *_absent(study),
        *_degenerate(study),
        *_few(study),
        *_empty(study),
        *_without_reference_level(study),
        *(
            f"{comparison.reference.dataset}: labels were taken from {comparison.labels.origin}."
            for comparison in study.comparisons
            if comparison.labels.source is None
        ),
    ]


def _absent(study: Study) -> list[str]:
    found = []
    for comparison in study.comparisons:
        for run in comparison.runs:
            cases = comparison.absent(run)
            if cases:
                listed = ", ".join(cases[:5]) + (", …" if len(cases) > 5 else "")
                found.append(
                    f"{run.place}: {len(cases)} of {len(comparison.reference.cases)} predictions are absent "
                    f"({listed}); each counts as a failure."
                )
    return found


def _degenerate(study: Study) -> list[str]:
    found = []
    for row in study.degenerate.to_dict("records"):
        fold = f", fold {row['fold']}" if row["fold"] else ""
        found.append(
            f"{row['trainer'] or row['architecture']}{fold}, {row['dataset']}, label {row['label']}: "
            f"{row['reason']}. A network that ignores its input looks robust; it is never named best."
        )
    return found


def _few(study: Study) -> list[str]:
    return [
        f"{comparison.reference.dataset}: one case only; its numbers say nothing about others."
        for comparison in study.comparisons
        if len(comparison.reference.cases) == 1
    ]


def _empty(study: Study) -> list[str]:
    n = int((study.cases["outcome"] == "both_empty").sum())
    if not n:
        return []
    counted = (
        "are left out of all means"
        if study.both_empty is BothEmpty.EXCLUDE
        else "count as perfect (DSC 1, NSD 1, distances 0)"
    )
    return [f"{n} of {len(study.cases)} rows have neither reference nor prediction (both_empty); they {counted}."]


def _without_reference_level(study: Study) -> list[str]:
    without = study.cases.loc[study.cases["reference_level"] == "", "dataset"].unique()
    return [
        f"{dataset}: some networks have no level to count changes from (neither 'unperturbed' nor the level "
        "trained on was predicted); their changes are empty. Name one with --reference-level."
        for dataset in without
    ]
