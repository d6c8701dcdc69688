"""One piece of a study's work, and the file in which the processes that work on them find all of them."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nnunet_skipstudy.support.files import write_text


@dataclass(frozen=True)
class Cell:
    """One piece of work."""

    step: str  # one of STEPS
    name: str  # what is worked on, d501-UNet-fold0-seed1-spatial
    settings: Mapping[str, Any]  # what decides the result, as JSON
    conduct: Mapping[str, Any] = field(default_factory=dict)  # what decides only how it is computed, as JSON
    needs: tuple[str, ...] = ()  # the keys of the cells that come before it
    digest: str = ""  # the hash of settings and of the needed cells' hashes
    needed: Mapping[str, str] = field(default_factory=dict)  # the hashes of the needed cells, by key

    @property
    def key(self) -> str:
        """The cell's name among all: ``train/d501-UNet-fold0-seed1-spatial``."""
        return f"{self.step}/{self.name}"

    @property
    def file_name(self) -> str:
        """The key with the hash, as a file's name without ending."""
        return f"{self.key}.{self.digest}"

    def needed_digest(self, step: str) -> str:
        """The hash of the needed cell of a step."""
        return next(digest for key, digest in self.needed.items() if key.startswith(f"{step}/"))


Grid = dict[str, Cell]
"""Cells by key; each stands after those that it needs."""


def write_cells(path: Path, grid: Grid, **beside: Any) -> None:
    """Write cells as JSON, under ``cells``, and what else their readers have to know beside them."""
    cells = {key: asdict(cell) for key, cell in grid.items()}
    write_text(path, json.dumps({**beside, "cells": cells}, separators=(",", ":")))


def read_cells(path: Path) -> tuple[Grid, dict[str, Any]]:
    """What :func:`write_cells` has written: the cells, and what stands beside them."""
    content = json.loads(path.read_text(encoding="utf-8"))
    cells = {key: Cell(**{**cell, "needs": tuple(cell["needs"])}) for key, cell in content.pop("cells").items()}
    return cells, content
