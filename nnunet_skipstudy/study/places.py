"""Where a study's things lie.

``ROOT/nnUNet_raw``, ``nnUNet_preprocessed``, ``nnUNet_results``, ``predictions``, ``analysis`` and ``logs`` are for the
user; ``ROOT/.skipstudy`` holds the engine's own: markers of finished cells, records of started ones, locks.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.datasets import found_dataset
from nnunet_skipstudy.nnunet.environment import study_environment
from nnunet_skipstudy.registry import UNPERTURBED
from nnunet_skipstudy.study.cell import Cell

ENGINE = ".skipstudy"
"""The engine's own folder under a study's root."""


class Places:
    """The folders of one study; ``nnunet`` holds nnU-Net's by the variable's name.

    Attributes:
        engine: the engine's own folder.
        predictions: the prediction tree.
        analysis: tables, figures and ``report``, the page.
        superseded: results of settings that the study no longer has: moved here, never deleted.
        speed: how fast this study's networks train here, if it was measured.
        contents: the hashes of files of data, as :class:`~nnunet_skipstudy.support.contents.Contents` keeps them.
        grid: the cells of the present or last run, as the processes that work on them read them.
        lock: held by the process that runs the study.
    """

    def __init__(self, root: Path, nnunet: Mapping[str, Path]) -> None:
        self.root, self.nnunet, self.engine = root, nnunet, root / ENGINE
        self.predictions, self.analysis, self.superseded = (
            root / name for name in ("predictions", "analysis", "superseded")
        )
        self.report = self.analysis / "report.html"
        self.speed, self.contents, self.grid, self.lock = (
            self.engine / name for name in ("speed.json", "contents.json", "grid.json", "run.lock")
        )

    @property
    def raw(self) -> Path:
        """nnU-Net's folder of raw data."""
        return self.nnunet["nnUNet_raw"]

    @property
    def preprocessed(self) -> Path:
        """nnU-Net's folder of plans, splits and preprocessed data."""
        return self.nnunet["nnUNet_preprocessed"]

    def marker(self, cell: Cell) -> Path:
        """Is there when the cell is finished; holds when and what it measured."""
        return self.engine / "cells" / f"{cell.file_name}.json"

    def record(self, cell: Cell) -> Path:
        """When the cell was started, and how it failed."""
        return self.engine / "started" / f"{cell.file_name}.json"

    def cell_lock(self, cell: Cell) -> Path:
        """Held by the process that works on the cell, whatever its settings: they share the results' folder."""
        return self.engine / "locks" / f"{cell.key}.lock"

    def log(self, cell: Cell) -> Path:
        """What the cell printed."""
        return self.root / "logs" / f"{cell.key}.log"

    def environment(self) -> dict[str, str]:
        """nnU-Net's variables."""
        ours = study_environment(self.root, os.environ)
        return {**ours, **{variable: str(folder) for variable, folder in self.nnunet.items()}}

    def found_name(self, identifier: int) -> str | None:
        """The name of a data set, under whichever of nnU-Net's folders it still is; None: under none."""
        found = (found_dataset(root, identifier, self.nnunet.values()) for root in self.nnunet.values())
        return next((folder.name for folder in found if folder is not None), None)

    def found(self, identifier: int) -> Path | None:
        """The folder of a raw data set; None: there is none. Raises UserError: the identifier is that of several."""
        return found_dataset(self.raw, identifier, self.nnunet.values())

    def dataset_folder(self, identifier: int) -> Path:
        """The folder of a raw data set. Raises UserError: there is none, or several."""
        found = self.found(identifier)
        if found is None:
            raise UserError(f"{self.raw}: holds no data set {identifier}; convert it, or name a converter in the study")
        return found

    def fold_folder(self, dataset: str, model: Mapping[str, Any]) -> Path:
        """Where nnU-Net puts a fold's checkpoints."""
        return self.nnunet["nnUNet_results"] / dataset / _fold_of(model)

    def prediction_folder(self, dataset: str, model: Mapping[str, Any]) -> Path:
        """Where the predictions of a model go, a folder a level."""
        return self.predictions / dataset / _fold_of(model)

    def explained_folder(self, dataset: str, model: Mapping[str, Any]) -> Path:
        """Where what a model's failure comes from goes."""
        return self.root / "explain" / dataset / _fold_of(model)


def _fold_of(model: Mapping[str, Any]) -> Path:
    return Path(f"{model['trainer']}__{model['plans']}__{model['configuration']}") / f"fold_{model['fold']}"


def test_folder(level: str) -> str:
    """The folder of a level's test images: ``imagesTs_hardest``; of the unperturbed ones ``imagesTs``."""
    return "imagesTs" if level == UNPERTURBED else f"imagesTs_{level}"


def missing_levels(dataset: Path, levels: Iterable[str]) -> list[str]:
    """The levels without a folder of test images."""
    return [level for level in levels if not (dataset / test_folder(level)).is_dir()]
