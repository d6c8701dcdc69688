"""An analysis whose report says why as well."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nnunet_skipstudy.analysis.explained.picture import pictures
from nnunet_skipstudy.analysis.explained.shares import ATTENTION, FIELD, SUSCEPTIBILITY, TABLE, losses, read_explained
from nnunet_skipstudy.analysis.explained.words import attention_table, field_table, sentences, shares_table, tables
from nnunet_skipstudy.analysis.measuring.case_views import Gate, Gates
from nnunet_skipstudy.analysis.measuring.columns import network_keys
from nnunet_skipstudy.analysis.pipeline import Addition, AnalysisResult, AnalyzeOptions, analyze
from nnunet_skipstudy.analysis.report.page import Why
from nnunet_skipstudy.analysis.results import Study


def analyze_explained(options: AnalyzeOptions, explained: Sequence[Path]) -> AnalysisResult:
    """:func:`~nnunet_skipstudy.analysis.pipeline.analyze`, with what ``skipstudy explain`` wrote into folders.

    Raises:
        UserError: as there, or the folders hold no such tables, or of other data sets.
    """
    return analyze(options, lambda study: _addition(study, explained)) if explained else analyze(options)


def _addition(study: Study, folders: Sequence[Path]) -> Addition:
    references = {comparison.reference.dataset: comparison.reference for comparison in study.comparisons}
    names = (TABLE, SUSCEPTIBILITY, FIELD, ATTENTION)
    scores, moved, fields, looked = (read_explained(folders, name, references) for name in names)
    found = [one for one in losses(scores, moved, references) if one.key in study.looks]
    seen, reached = (attention_table, looked), (field_table, fields)
    more = [table for make, rows in (seen, reached) for table in make(_known(rows, study), study.looks)]
    all_tables = [*tables(found, study.looks), *more]
    told = sentences(found, study.looks)
    first = {one.key for one in found if (one.dataset, one.training) == (found[0].dataset, found[0].training)}
    why = Why(told[: len(first)], told[len(first) :], all_tables)
    drawings = tuple(pictures(found, study.looks))
    return Addition(why=why, drawings=drawings, csv={"shares.csv": shares_table(found)}, gates=_gates(looked))


def _gates(looked: pd.DataFrame) -> Gates:
    """The attention gates' maps, by prediction."""
    found: Gates = {}
    for row in looked.to_dict("records"):
        place = tuple(row[name] for name in ("dataset", "trainer", "plans", "configuration", "fold", "level", "case"))
        picture = Path(row["folder"], row["picture"])
        gate = Gate(int(row["depth"]), picture, int(row["slice"]), row["mass_in_object"], row["object_share"])
        found.setdefault(place, []).append(gate)
    return found


def _known(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The rows of networks that are analyzed."""
    return rows[pd.Series([key in study.looks for key in network_keys(rows)], index=rows.index, dtype=bool)]
