"""An analysis whose report says why as well."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nnunet_skipstudy.analysis.explained.picture import pictures
from nnunet_skipstudy.analysis.explained.shares import FIELD, SUSCEPTIBILITY, TABLE, losses, read_explained
from nnunet_skipstudy.analysis.explained.words import field_table, sentences, shares_table, tables
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
    scores, moved, fields = (read_explained(folders, name, references) for name in (TABLE, SUSCEPTIBILITY, FIELD))
    found = [one for one in losses(scores, moved, references) if one.key in study.looks]
    known = pd.Series([key in study.looks for key in network_keys(fields)], index=fields.index, dtype=bool)
    all_tables = [*tables(found, study.looks), *field_table(fields[known], study.looks)]
    why = Why(sentences(found, study.looks), all_tables)
    drawings = tuple(pictures(found, study.looks))
    return Addition(why=why, drawings=drawings, csv={"shares.csv": shares_table(found)})
