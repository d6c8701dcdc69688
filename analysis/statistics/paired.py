"""What may be set against what: values of one training with each other, before trainings are averaged."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.measuring.columns import NETWORK, TRAINING
from nnunet_skipstudy.metrics import Outcome
from nnunet_skipstudy.registry import METRICS

FAILURES: tuple[str, ...] = (Outcome.MISSED.value, Outcome.SPURIOUS.value, Outcome.ABSENT.value)
"""The outcomes that are no measurement of a prediction: each metric has its worst value there."""


def training_numbers(cases: pd.DataFrame) -> pd.Series:
    """A number for each training, aligned with ``cases``."""
    return cases.groupby(list(TRAINING), sort=False, dropna=False).ngroup()


def before(cases: pd.DataFrame, columns: Collection[str] = METRICS) -> pd.DataFrame:
    """The value of each row's own training at the row's ``reference_level``, of the same case and label.

    Another training's value is no measure of a change: where one lacks its reference level there is none. The columns
    (the metrics') are aligned with ``cases``; NaN where the row, or its training there, has no value.
    """
    place = _places(cases)
    values = cases.reindex(columns=list(columns)).to_numpy(dtype=float, na_value=np.nan)
    at_reference = np.full((int(place.max(initial=-1)) + 1, len(columns)), np.nan)
    here = (cases["level"] == cases["reference_level"]).to_numpy(dtype=bool)
    at_reference[place[here]] = values[here]
    found = np.where(np.isnan(values), np.nan, at_reference[place])
    return pd.DataFrame(found, index=cases.index, columns=list(columns))


def volume_change(cases: pd.DataFrame) -> pd.Series:
    """The predicted volume against that of the same training's prediction of the case at its ``reference_level``.

    Difference by volume there, -1…∞, aligned with ``cases``; NaN where that is 0 or one of the two is absent.
    """
    reference = before(cases, ("predicted_size",))["predicted_size"]
    own = cases["predicted_size"].astype("Float64").astype(float)
    return (own - reference) / reference.where(reference > 0)


def at_all_levels(cases: pd.DataFrame) -> pd.Series:
    """Whether the row's training has the row's case at every level that its network has among ``cases``.

    A spread over levels is taken from such rows alone: with a training that lacks a level, it would show how
    trainings differ, not levels.
    """
    place = _places(cases)
    tested = np.bincount(place, minlength=int(place.max(initial=-1)) + 1)[place]
    levels = cases.groupby(list(NETWORK), sort=False, dropna=False)["level"].transform("nunique")
    return pd.Series(tested == levels.to_numpy(), index=cases.index, dtype=bool)


def failed(cases: pd.DataFrame) -> pd.Series:
    """Whether each row is a failure: 1 or 0, and NaN where it counts nowhere (a correct empty one left out)."""
    share = cases["outcome"].isin(FAILURES).astype(float)
    return share.where(cases["dsc"].notna())


def _places(cases: pd.DataFrame) -> np.ndarray:
    """A number for each training, label and case; at each level it has one row."""
    numbers = cases[["label", "case"]].assign(training_number=training_numbers(cases))
    return numbers.groupby(["training_number", "label", "case"], sort=False).ngroup().to_numpy()
