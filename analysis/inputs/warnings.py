"""What was odd about the input, for the reader of the results."""

from collections.abc import Iterator, Sequence

import pandas as pd

from nnunet_skipstudy.analysis.inputs.crosscheck import disagreements
from nnunet_skipstudy.analysis.inputs.find import unused_validation
from nnunet_skipstudy.analysis.inputs.matching import Comparison, elsewhere
from nnunet_skipstudy.analysis.inputs.runs import Run
from nnunet_skipstudy.registry import in_order

SHOWN = 5
"""How many cases a warning names."""


def input_warnings(comparisons: Sequence[Comparison], cases: pd.DataFrame) -> list[str]:
    """A sentence for all that was absent, left out, not known, or contradicts nnU-Net's own evaluation."""
    return [
        *_absent(comparisons),
        *_missing_levels(comparisons),
        *_without_disparity(cases),
        *disagreements(comparisons, cases),
        *_extra(comparisons),
        *(f"{c.reference.dataset}: {remark}" for c in comparisons for remark in c.reference.remarks),
        *_unknown_validation(comparisons),
        *(text for comparison in comparisons for text in elsewhere(comparison)),
        *(
            f"{place} was left out: test levels lie beside it, which have other labels."
            for comparison in comparisons
            for place in unused_validation(comparison.runs)
        ),
    ]


def _absent(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for comparison in comparisons:
        for run in comparison.runs:
            cases = comparison.absent(run)
            if cases:
                yield (
                    f"{run.place}: {len(cases)} of {len(comparison.cases(run))} predictions are absent "
                    f"({listed(cases)}); each counts as a failure."
                )


def _without_disparity(cases: pd.DataFrame) -> Iterator[str]:
    """Levels whose TD is not known for all that have an object, where that of others is."""
    known = cases[cases.groupby("dataset")["disparity"].transform("count") > 0]
    lacking = known[(known["reference_size"] > 0) & known["disparity"].isna()]
    for dataset, rows in lacking.groupby("dataset", sort=False):
        yield (
            f"{dataset}: the texture disparity (TD) of {rows['case'].nunique()} cases is not known at "
            f"{listed(list(rows['level'].unique()))}, so what is drawn or reckoned over TD goes without them; "
            "'skipstudy disparity' measures it, into disparity.csv beside the labels."
        )


def _missing_levels(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Levels of a data set that a training has no predictions for, although others have."""
    for comparison in comparisons:
        levels = in_order(run.level for run in comparison.runs)
        predicted: dict[tuple[object, ...], tuple[str, set[str]]] = {}
        for run in comparison.runs:
            training = (run.architecture, run.trainer, run.plans, run.configuration, run.fold, run.seed)
            predicted.setdefault(training, (_training(run), set()))[1].add(run.level)
        missing = [f"{name}: {', '.join(lost)}" for name, own in predicted.values()
                   if (lost := [level for level in levels if level not in own])]  # fmt: skip
        if missing:
            yield (
                f"{comparison.reference.dataset}: {len(missing)} of {len(predicted)} trainings were not predicted at "
                f"every level ({listed(missing, '; ')}); what joins the levels, or compares networks at these, "
                "goes without them."
            )


def _training(run: Run) -> str:
    name = run.trainer or run.architecture
    if run.seed is not None and not run.trainer:
        name += f" seed {run.seed}"
    same = [word for word in (run.plans, run.configuration) if word]
    return name + (f" ({', '.join(same)})" if same else "") + (f" fold {run.fold}" if run.fold else "")


def _extra(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for comparison in comparisons:
        for run in comparison.runs:
            cases = comparison.extra.get(run)
            if cases:
                n = len(cases)
                yield f"{run.place}: {n} extra prediction{'s' * (n > 1)} without a label left out ({listed(cases)})."


def _unknown_validation(comparisons: Sequence[Comparison]) -> Iterator[str]:
    for comparison in comparisons:
        for run in comparison.runs:
            if run.validation and run.fold != "all" and comparison.validation_cases(run) is None:
                yield (
                    f"{run.place}: which cases fold {run.fold} validates on is not known (no splits_final.json "
                    "beside the labels that tells), so absent predictions can't be noticed."
                )


def listed(cases: Sequence[str], separator: str = ", ") -> str:
    """The first few names."""
    return separator.join(cases[:SHOWN]) + (f"{separator}…" if len(cases) > SHOWN else "")
