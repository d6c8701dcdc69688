"""Where a study's things lie.

``ROOT/nnUNet_raw``, ``nnUNet_preprocessed``, ``nnUNet_results``, ``predictions``, ``analysis`` and ``logs`` are for the
user; ``ROOT/.skipstudy`` holds the engine's own: markers of finished cells, records of started ones, locks.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nnunet_skipstudy.nnunet.environment import FOLDER_VARIABLES, study_environment
from nnunet_skipstudy.study.settings import Study

if TYPE_CHECKING:
    from nnunet_skipstudy.study.grid import Cell

ENGINE = ".skipstudy"
"""The engine's own folder under a study's root."""


@dataclass(frozen=True)
class Places:
    """The folders of one study; ``nnunet`` holds nnU-Net's by the variable's name."""

    root: Path
    nnunet: Mapping[str, Path]

    @property
    def engine(self) -> Path:
        """The engine's own folder."""
        return self.root / ENGINE

    @property
    def predictions(self) -> Path:
        """The prediction tree."""
        return self.root / "predictions"

    @property
    def analysis(self) -> Path:
        """Tables, figures and report."""
        return self.root / "analysis"

    @property
    def speed(self) -> Path:
        """How fast this study's networks train here, if it was measured."""
        return self.engine / "speed.json"

    @property
    def superseded(self) -> Path:
        """Results of settings that the study no longer has: moved here, never deleted."""
        return self.root / "superseded"

    @property
    def grid(self) -> Path:
        """The cells of the present or last run, as the processes that work on them read them."""
        return self.engine / "grid.json"

    @property
    def lock(self) -> Path:
        """Held by the process that runs the study."""
        return self.engine / "run.lock"

    def marker(self, cell: "Cell") -> Path:
        """Is there when the cell is finished; holds when and what it measured."""
        return self.engine / "cells" / f"{cell.file_name}.json"

    def record(self, cell: "Cell") -> Path:
        """When the cell was started, and how it failed."""
        return self.engine / "started" / f"{cell.file_name}.json"

    def cell_lock(self, cell: "Cell") -> Path:
        """Held by the process that works on the cell, whatever its settings: they share the results' folder."""
        return self.engine / "locks" / f"{cell.key}.lock"

    def log(self, cell: "Cell") -> Path:
        """What the cell printed."""
        return self.root / "logs" / f"{cell.key}.log"

    def environment(self) -> dict[str, str]:
        """nnU-Net's variables."""
        ours = study_environment(self.root, os.environ)
        return {**ours, **{variable: str(folder) for variable, folder in self.nnunet.items()}}


def places_of(file: Path, study: Study) -> Places:
    """The folders of the study that ``file`` describes; relative ones start from the file's folder."""
    root = (file.parent / Path(study.root).expanduser()).resolve()
    own = (study.nnunet_raw, study.nnunet_preprocessed, study.nnunet_results)
    nnunet = {
        variable: root / variable if folder is None else (file.parent / Path(folder).expanduser()).resolve()
        for variable, folder in zip(FOLDER_VARIABLES, own, strict=True)
    }
    return Places(root, nnunet)
