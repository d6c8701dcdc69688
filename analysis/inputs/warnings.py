"""What was odd about the input, for the reader of the results.

nnU-Net's own evaluation is a check on ours: two programs that disagree on the DSC can't both be right.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from nnunet_skipstudy.analysis.inputs.find import unused_validation
from nnunet_skipstudy.analysis.inputs.matching import Comparison, elsewhere
from nnunet_skipstudy.analysis.inputs.runs import Run
from nnunet_skipstudy.metrics import Outcome
from nnunet_skipstudy.nnunet.images import ending_of
from nnunet_skipstudy.registry import in_order
from nnunet_skipstudy.support.files import read_json

SUMMARY = "summary.json"
"""What nnUNetv2_evaluate_folder, and nnU-Net's validation, write beside the predictions."""
AGREEMENT = 1e-6
"""How far two DSC of the same masks may lie apart."""
SHOWN = 5
"""How many cases a warning names."""
Compared = tuple[Comparison, Run]


def input_warnings(comparisons: Sequence[Comparison], cases: pd.DataFrame) -> list[str]:
    """A sentence for all that was absent, left out, not known, or contradicts nnU-Net's own evaluation."""
    runs = [(comparison, run) for comparison in comparisons for run in comparison.runs]
    return [
        *_absent(runs),
        *_missing_levels(comparisons),
        *_without_disparity(cases),
        *_disagreements(runs, cases),
        *_extra(runs),
        *(f"{c.reference.dataset}: {remark}" for c in comparisons for remark in c.reference.remarks),
        *_unknown_validation(runs),
        *(text for comparison in comparisons for text in elsewhere(comparison)),
        *(
            f"{place} was left out: test levels lie beside it, which have other labels."
            for comparison in comparisons
            for place in unused_validation(comparison.runs)
        ),
    ]


def _absent(runs: Sequence[Compared]) -> Iterator[str]:
    for comparison, run in runs:
        if cases := comparison.absent(run):
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


def _extra(runs: Sequence[Compared]) -> Iterator[str]:
    for comparison, run in runs:
        if cases := comparison.extra.get(run):
            n = len(cases)
            yield f"{run.place}: {n} extra prediction{'s' * (n > 1)} without a label left out ({listed(cases)})."


def _unknown_validation(runs: Sequence[Compared]) -> Iterator[str]:
    for comparison, run in runs:
        if run.validation and run.fold != "all" and comparison.validation_cases(run) is None:
            yield (
                f"{run.place}: which cases fold {run.fold} validates on is not known (no splits_final.json "
                "beside the labels that tells), so absent predictions can't be noticed."
            )


def listed(cases: Sequence[str], separator: str = ", ") -> str:
    """The first few names."""
    return separator.join(cases[:SHOWN]) + (f"{separator}…" if len(cases) > SHOWN else "")


def _disagreements(runs: Sequence[Compared], cases: pd.DataFrame) -> Iterator[str]:
    """One warning for each summary.json beside the runs that has another DSC than ours, or can't be read.

    nnU-Net leaves the DSC of two empty masks undefined; those aren't compared, nor what only one of the two knows.
    """
    for comparison, run in runs:
        path = run.folder / SUMMARY
        if path.is_file() and (warning := _of_run(comparison, path, _rows(cases, comparison, run))):
            yield f"{run.place}/{SUMMARY}: {warning}"


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
    return (
        f"nnU-Net's DSC differs from ours in {len(different)} of {len(rows)} rows ({listed(different, '; ')}); "
        "predictions or labels have probably changed since it was written."
    )


def _read(path: Path) -> Iterator[tuple[tuple[str, str], float]]:
    """DSC by case, and label as nnU-Net writes it: ``1``, or ``(1, 2)`` for a region; ``(1,)`` isn't compared."""
    content = read_json(path)
    for entry in content["metric_per_case"]:
        file = entry["prediction_file"].replace("\\", "/").rsplit("/", 1)[-1]
        case = file[: -len(ending)] if (ending := ending_of(Path(file))) else file
        for label, metrics in entry["metrics"].items():
            value = metrics.get("Dice")
            if value is not None and value == value:  # NaN: not defined
                yield (case, label), float(value)
