"""The analysis of a study: of the predictions that belong to it now, and of nothing else that lies beside them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.study.cell import read_cells
from nnunet_skipstudy.study.data_facts import dataset_folder
from nnunet_skipstudy.study.grid import Cell
from nnunet_skipstudy.study.ownership import version_words
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.steps.train import fold_folder, prediction_folder


def analyze_study(cell: Cell, places: Places) -> dict[str, Any]:
    """Measure, tabulate and report.

    Raises:
        UserError: nothing has been predicted.
    """
    from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions, analyze
    from nnunet_skipstudy.metrics import BothEmpty

    if not cell.needs:
        raise UserError("there are no predictions to analyze; mend what failed, then run again")
    cells = read_cells(places.grid)
    tree = places.engine / "analyzed"
    _link(tree, [cells[key] for key in cell.needs], places)
    settings = cell.settings
    versions = version_words(_folders([cells[key] for key in cell.needs], places))
    result = analyze(
        AnalyzeOptions(
            predictions=tree,
            labels=places.nnunet["nnUNet_raw"],
            output=places.analysis,
            reference_level=settings["reference_level"],
            tolerance=settings["tolerance"],
            both_empty=BothEmpty(settings["both_empty"]),
            notes=(*cell.conduct["notes"], *versions),
        )
    )
    tables = [
        {
            "title": table.title,
            "columns": list(table.columns),
            "rows": [[{"text": entry.text, "best": bool(entry.best)} for entry in row] for row in table.rows],
        }
        for table in result.overview
    ]
    return {"warnings": list(result.warnings), "tables": tables}


def _folders(predictions: list[Cell], places: Places) -> Iterator[Path]:
    """Where the trainings and the predictions lie."""
    for cell in predictions:
        dataset = dataset_folder(places.nnunet["nnUNet_raw"], cell.settings["dataset"]).name
        yield fold_folder(places, dataset, cell)
        yield prediction_folder(places, dataset, cell)


def _link(tree: Path, predictions: list[Cell], places: Places) -> None:
    """A prediction tree of links to the levels that were asked for."""
    if tree.exists():
        shutil.rmtree(tree)  # links and folders of ours only
    for cell in predictions:
        dataset = dataset_folder(places.nnunet["nnUNet_raw"], cell.settings["dataset"]).name
        source = prediction_folder(places, dataset, cell)
        target = tree / source.relative_to(places.predictions)
        target.mkdir(parents=True)
        for level in cell.settings["levels"]:
            (target / level).symlink_to(source / level)
