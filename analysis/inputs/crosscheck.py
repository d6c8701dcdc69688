"""nnU-Net's own evaluation as a check on ours: two programs that disagree on the DSC can't both be right."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.inputs.runs import Run
from nnunet_skipstudy.metrics import Outcome
from nnunet_skipstudy.nnunet.images import ending_of
from nnunet_skipstudy.support.files import read_json

SUMMARY = "summary.json"
"""What nnUNetv2_evaluate_folder, and nnU-Net's validation, write beside the predictions."""
AGREEMENT = 1e-6
"""How far two DSC of the same masks may lie apart."""
SHOWN = 5
"""How many cases a warning names."""
Key = tuple[str, str]
"""A case, and a label as nnU-Net writes it: ``1``, or ``(1, 2)`` for a region (a lone ``(1,)`` isn't compared)."""


def disagreements(comparisons: Sequence[Comparison], cases: pd.DataFrame) -> list[str]:
    """One warning for each summary.json beside the runs that has another DSC than ours, or can't be read.

    nnU-Net leaves the DSC of two empty masks undefined; those aren't compared, nor what only one of the two knows.
    """
    found = []
    for comparison in comparisons:
        for run in comparison.runs:
            path = run.folder / SUMMARY
            if path.is_file():
                warning = _of_run(comparison, path, _rows(cases, comparison, run))
                found += [f"{run.place}/{SUMMARY}: {warning}"] if warning else []
    return found


def _rows(cases: pd.DataFrame, comparison: Comparison, run: Run) -> pd.DataFrame:
    same = cases["dataset"] == comparison.reference.dataset
    same &= cases["seed"].isna() if run.seed is None else cases["seed"].eq(run.seed).fillna(False)
    for name in ("architecture", "trainer", "plans", "configuration", "fold", "level"):
        same &= cases[name] == getattr(run, name)
    return cases[same]


def _of_run(comparison: Comparison, path: Path, rows: pd.DataFrame) -> str:
    try:
        theirs = dict(_read(path))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        kind = type(error).__name__
        return f"can't be read as nnU-Net's evaluation ({kind}), so our DSC was not checked against it."
    names = {name: str(region if len(region) > 1 else region[0]) for name, region in comparison.labels.regions.items()}
    different = []
    present = rows[rows["outcome"] != Outcome.ABSENT.value]
    for case, label, dsc in zip(present["case"], present["label"], present["dsc"], strict=True):
        value = theirs.get((case, names[label]))
        if value is not None and not abs(dsc - value) <= AGREEMENT:
            different.append(f"{case}, label {label}: {value:.4f} there, {dsc:.4f} here")
    if not different:
        return ""
    listed = "; ".join(different[:SHOWN]) + ("; …" if len(different) > SHOWN else "")
    return (
        f"nnU-Net's DSC differs from ours in {len(different)} of {len(rows)} rows ({listed}); "
        "predictions or labels have probably changed since it was written."
    )


def _read(path: Path) -> Iterator[tuple[Key, float]]:
    content = read_json(path)
    for entry in content["metric_per_case"]:
        file = entry["prediction_file"].replace("\\", "/").rsplit("/", 1)[-1]
        case = file[: -len(ending)] if (ending := ending_of(Path(file))) else file
        for label, metrics in entry["metrics"].items():
            value = metrics.get("Dice")
            if value is not None and value == value:  # NaN: not defined
                yield (case, label), float(value)
