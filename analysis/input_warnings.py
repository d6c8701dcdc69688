"""What was odd about the input, for the reader of the results."""

from collections.abc import Iterator, Sequence

import pandas as pd

from nnunet_skipstudy.analysis.crosscheck import disagreements
from nnunet_skipstudy.analysis.finding import unused_validation
from nnunet_skipstudy.analysis.matching import Comparison

SHOWN = 5
"""How many cases a warning names."""


def input_warnings(comparisons: Sequence[Comparison], cases: pd.DataFrame) -> list[str]:
    """A sentence for all that was absent, left out, not known, or contradicts nnU-Net's own evaluation."""
    return [
        *_absent(comparisons),
        *disagreements(comparisons, cases),
        *_extra(comparisons),
        *_unknown_validation(comparisons),
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


def listed(cases: Sequence[str]) -> str:
    """The first few names."""
    return ", ".join(cases[:SHOWN]) + (", …" if len(cases) > SHOWN else "")
