"""Small prediction trees, made by hand."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.nnunet.images import write_image

LabelMap = npt.NDArray[np.uint8]
DATASET = "Dataset901_Drawn"


def draw(*rows: str) -> LabelMap:
    """A label map from rows of digits; a dot is background."""
    return np.array([[0 if cell == "." else int(cell) for cell in row] for row in rows], dtype=np.uint8)


def write_cases(folder: Path, cases: Mapping[str, LabelMap]) -> Path:
    """Write label maps as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    for case, labels in cases.items():
        write_image(folder / f"{case}.png", labels)
    return folder


def write_dataset_json(folder: Path, labels: Mapping[str, object]) -> None:
    """Write a dataset.json with these labels."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "dataset.json").write_text(json.dumps({"labels": {"background": 0, **labels}}), encoding="utf-8")


def level_folder(
    root: Path, trainer: str, level: str, fold: int = 0, dataset: str = DATASET, configuration: str = "2d"
) -> Path:
    """The folder of one run in a prediction tree."""
    return root / dataset / f"{trainer}__nnUNetPlans__{configuration}" / f"fold_{fold}" / level
