"""Analyze: of the predictions that belong to the study now, and of nothing else that lies beside them."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.study.cell import Cell, read_cells
from nnunet_skipstudy.study.ownership import version_words
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.step import About, Measured, Step, Subject, Work


def settings(subject: Subject) -> dict[str, Any]:
    """How predictions are measured, and what is made of the numbers."""
    study = subject.study
    chosen = study.metrics.model_dump()
    if chosen["by"] is None:  # what was added later is in the hash where it is used
        del chosen["by"]
    if study.groups is not None:
        content = subject.facts.contents.of(subject.base / study.groups) if _is_table(study.groups) else None
        chosen |= {"groups": study.groups, "groups_content": content}
    return chosen if study.figures else {**chosen, "figures": False}


def _is_table(groups: str) -> bool:
    return groups.lower().endswith(".csv")


def _groups(cell: Cell) -> str | None:
    """The regular expression, or the table's whole path."""
    groups: str | None = cell.settings.get("groups")
    return str(Path(cell.conduct["base"]) / groups) if groups and _is_table(groups) else groups


def conduct(subject: Subject) -> dict[str, Any]:
    """What a reader has to know beside the numbers; the levels in the study's order."""
    study = subject.study
    trained = [dataset for dataset in study.datasets if dataset.train]
    levels = dict.fromkeys(level for dataset in trained for level in study.levels_of(dataset))
    return {"notes": [], "levels": list(levels), "base": str(subject.base)}


def run(cell: Cell, work: Work) -> Measured:
    """Measure, tabulate and report. Raises UserError: nothing has been predicted."""
    from nnunet_skipstudy.analysis.explained.pipeline import analyze_explained  # imports pandas and matplotlib
    from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions
    from nnunet_skipstudy.registry import BothEmpty

    places = work.places
    if not cell.needs:
        raise UserError("there are no predictions to analyze; mend what failed, then run again")
    cells, _ = read_cells(places.grid)
    needed = [(places.dataset_folder(cells[key].settings["dataset"]).name, cells[key]) for key in cell.needs]
    predictions = [(name, made) for name, made in needed if made.step in ("predict", "shift")]
    explained = [places.explained_folder(name, made.settings) for name, made in needed if made.step == "explain"]
    tree = places.engine / "analyzed"
    _link(tree, predictions, places)
    folders = [
        folder
        for name, made in predictions
        for folder in (places.fold_folder(name, made.settings), places.prediction_folder(name, made.settings))
    ]
    result = analyze_explained(
        AnalyzeOptions(
            predictions=tree,
            labels=places.raw,
            output=places.analysis,
            reference_level=cell.settings["reference_level"],
            tolerance=cell.settings["tolerance"],
            both_empty=BothEmpty(cell.settings["both_empty"]),
            notes=(*cell.conduct["notes"], *version_words(folders)),
            groups=_groups(cell),
            levels=tuple(cell.conduct["levels"]),
            figures=cell.settings.get("figures", True),
            by=cell.settings.get("by"),
        ),
        explained,
    )
    return {"warnings": list(result.warnings), "tables": [as_json(table) for table in result.overview]}


def as_json(table: Any) -> dict[str, Any]:
    """A table of the report's (``analysis.report.page``), as a marker keeps it and as it is printed."""
    rows = [[{"text": entry.text, "best": bool(entry.best)} for entry in row] for row in table.rows]
    return {"title": table.title, "columns": list(table.columns), "rows": rows}


def _link(tree: Path, predictions: list[tuple[str, Cell]], places: Places) -> None:
    """A prediction tree of links to the levels, and other data sets, that were asked for."""
    if tree.exists():
        shutil.rmtree(tree)  # links and folders of ours only
    for name, cell in predictions:
        source = places.prediction_folder(name, cell.settings)
        target = tree / source.relative_to(places.predictions)
        target.mkdir(parents=True, exist_ok=True)
        other = cell.settings.get("tested_on")
        for level in cell.settings["levels"] if other is None else [places.dataset_folder(other).name]:
            (target / level).symlink_to(source / level)


def stands(cell: Cell, places: Places, dataset: str) -> bool:
    """Whether the page is there."""
    return places.report.is_file()


def lines(cell: Cell, places: Places) -> Iterator[list[object]]:
    """``skipstudy analyze``."""
    chosen = cell.settings
    options = {
        **{"--labels": places.raw, "--both-empty": chosen["both_empty"], "--tolerance": chosen["tolerance"]},
        **{"--reference-level": chosen["reference_level"], "--groups": _groups(cell), "--by": chosen.get("by")},
    }
    given = [word for option, value in options.items() if value is not None for word in (option, value)]
    figures = () if chosen.get("figures", True) else ("--no-figures",)
    why = any(key.startswith("explain/") for key in cell.needs)
    explained = ("--explain", places.root / "explain") if why else ()
    yield ["skipstudy", "analyze", places.predictions, *given, *figures, *explained, "-o", places.analysis]


def refusals(cell: Cell, places: Places) -> Iterator[str]:
    """A reference level that is not predicted; groups that are no table that is there and no regular expression."""
    reference, levels = cell.settings["reference_level"], cell.conduct["levels"]
    if reference is not None and reference not in levels:
        yield f"metrics.reference_level: {reference!r} is no level of the study; choose one of {', '.join(levels)}"
    groups = _groups(cell)
    if groups is None:
        return
    if _is_table(groups):
        if not Path(groups).is_file():
            yield f"groups: {groups}: no such file; give a table with the columns case and group, or mend the path"
        return
    try:
        re.compile(groups)
    except (re.error, RecursionError, OverflowError) as error:
        yield f"groups: {shown(groups)} is no regular expression ({error}); mend it, or give a .csv"


STEP = Step(
    "analyze",
    About.STUDY,
    settings,
    run,
    stands,
    lines,
    20.0,
    needs=("predict", "explain", "shift"),
    conduct=conduct,
    refusals=refusals,
)
