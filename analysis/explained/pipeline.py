"""An analysis whose report says why as well."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nnunet_skipstudy.analysis.explained.picture import pictures
from nnunet_skipstudy.analysis.explained.read import contradictions, read_explained
from nnunet_skipstudy.analysis.explained.shares import losses
from nnunet_skipstudy.analysis.explained.words import attention_table, field_table, sentences, shares_table, tables
from nnunet_skipstudy.analysis.measuring.case_views import Gate, Gates
from nnunet_skipstudy.analysis.measuring.columns import network_keys
from nnunet_skipstudy.analysis.pipeline import Addition, AnalysisResult, AnalyzeOptions, analyze
from nnunet_skipstudy.analysis.report.page import Why
from nnunet_skipstudy.analysis.results import Study
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.explain import TABLE, TABLES
from nnunet_skipstudy.registry import BothEmpty


def analyze_explained(options: AnalyzeOptions, explained: Sequence[Path]) -> AnalysisResult:
    """:func:`~nnunet_skipstudy.analysis.pipeline.analyze`, with what ``skipstudy explain`` wrote into folders.

    Raises:
        UserError: as there, or the folders hold no such tables, or of other data sets or networks.
    """
    return analyze(options, lambda study: _addition(study, explained)) if explained else analyze(options)


def _addition(study: Study, folders: Sequence[Path]) -> Addition:
    references = {comparison.reference.dataset: comparison.reference for comparison in study.comparisons}
    scores, moved, fields, looked = (read_explained(folders, name, references) for name in TABLES)
    for dataset, remark in contradictions(scores, study.cases):
        references[dataset].remarks.append(remark)
    scores = _known(scores, study)
    if scores.empty:
        there = ", ".join(look.title for look in study.looks.values())
        raise UserError(f"{TABLE}: tells of no network that is analyzed ({there}); give others' (--explain)")
    found = losses(_counted(scores, study), moved, references)
    seen, reached = (attention_table, looked), (field_table, fields)
    more = [table for make, rows in (seen, reached) for table in make(_known(rows, study), study.looks)]
    all_tables = [*tables(found, study.looks), *more]
    told = sentences(found, study.looks)
    first = {one.key for one in found if (one.dataset, one.training) == (found[0].dataset, found[0].training)}
    why = Why(told[: len(first)], told[len(first) :], all_tables)
    drawings = tuple(pictures(found, study.looks))
    return Addition(why=why, drawings=drawings, csv={"shares.csv": shares_table(found)}, gates=_gates(looked))


def _counted(scores: pd.DataFrame, study: Study) -> pd.DataFrame:
    """The rows of labels that the analysis counts: without empty references, where it leaves these out."""
    if study.both_empty is not BothEmpty.EXCLUDE:
        return scores
    place = ["dataset", "case", "label"]
    empty = study.cases.loc[study.cases["reference_size"] == 0, place].drop_duplicates()
    return scores[scores.merge(empty, "left", place, indicator="found")["found"].eq("left_only").to_numpy()]


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
