"""A whole study made up: five levels, several labels, patients, seeds, texture disparity, images."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from made_up_predictions import LabelMap, level_folder, write_cases, write_dataset_json

from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.registry import LEVELS

DISPARITY = dict(zip(LEVELS, (0.3, 0.6, 1.0, 1.6, 2.4), strict=True))
LOSS = {"hardest": 5.0, "harder": 2.5, "unperturbed": 0.8, "easier": 1.2, "easiest": 2.0}
"""How far a prediction's outline is off at each level, in pixels, before a network's own factor."""
FACTOR = {"NoSkip": 0.7, "NoSkipVNet": 0.9, "UNet": 1.0, "VNet": 1.2, "AttentionUNet": 0.95, "UNetPlusPlus": 1.05}
GRID = 64
EVIL = "<script>alert(1)</script>"


def ellipse(centre: Sequence[float] | np.ndarray, radii: Sequence[float]) -> npt.NDArray[np.bool_]:
    rows, columns = np.mgrid[:GRID, : GRID + 8]
    inside: npt.NDArray[np.bool_] = (
        ((rows - centre[0]) / radii[0]) ** 2 + ((columns - centre[1]) / radii[1]) ** 2
    ) <= 1
    return inside


def label_map(centre: Sequence[float] | np.ndarray, radius: float, n_labels: int) -> LabelMap:
    """Nested ellipses: 1 outside, 2 within it, …"""
    labels = np.zeros((GRID, GRID + 8), dtype=np.uint8)
    for label in range(1, n_labels + 1):
        scale = 1 - (label - 1) / (n_labels + 0.5)
        labels[ellipse(centre, (radius * scale, 1.2 * radius * scale))] = label
    return labels


def write_study(
    root: Path,
    dataset: str = "Dataset902_MadeUp",
    n_patients: int = 10,
    per_patient: int = 2,
    architectures: Sequence[str] = tuple(FACTOR),
    seeds: Sequence[int] = (1, 2),
    labels: Sequence[str] = ("organ", "core"),
    degenerate: Sequence[str] = (),
    first_case: str = "",
    images: bool = True,
    disparity: Mapping[str, float] = DISPARITY,
    seed: int = 0,
) -> tuple[Path, Path]:
    """Write ``root/raw`` and ``root/predictions``; returns (predictions, raw).

    ``degenerate`` architectures predict one ellipse, always. ``first_case`` renames the first case.
    """
    rng = np.random.default_rng(seed)
    raw = root / "raw" / dataset
    cases: dict[str, tuple[np.ndarray, float, float]] = {}
    rows, perturbed = [], []
    for patient in range(n_patients):
        for part in range(per_patient):
            name = first_case if first_case and not cases else f"p{patient:02d}_{part}"
            centre, radius = rng.uniform(28, 36, 2), rng.uniform(12, 20)
            cases[name] = (centre, radius, rng.normal(0, 0.3) + patient % 3 * 0.2)
            rows.append((name, f"patient{patient:02d}", "test", disparity["unperturbed"] + rng.normal(0, 0.15)))
            for level in LEVELS:
                perturbed.append((name, level, f"{disparity[level] + rng.normal(0, 0.1):.4f}"))
    references = {name: label_map(centre, radius, len(labels)) for name, (centre, radius, _) in cases.items()}
    write_cases(raw / "labelsTs", references)
    write_dataset_json(raw, {name: i + 1 for i, name in enumerate(labels)})
    _write_csv(raw / "cases.csv", ("case", "group", "set", "disparity"), rows)
    _write_csv(raw / "perturbations.csv", ("case", "level", "disparity"), perturbed)
    if images:
        _write_images(raw, references, rng)
    for architecture in architectures:
        for number in seeds:
            for level in LEVELS:
                predicted = {}
                for name, (centre, radius, hard) in cases.items():
                    off = rng.normal(0, 0.35) + LOSS[level] * FACTOR.get(architecture, 1.1) * (1 + hard)
                    moved = (centre[0] + 0.5 * off, centre[1] - 0.4 * off)
                    predicted[name] = label_map(moved, max(3.0, radius - 0.5 * off), len(labels))
                    if architecture in degenerate:
                        predicted[name] = label_map((32, 32), 15, len(labels))
                trainer = f"nnUNetTrainer{architecture}_50epochs_seed{number}_spatialDA"
                write_cases(level_folder(root / "predictions", trainer, level, dataset=dataset), predicted)
    return root / "predictions", root / "raw"


def _write_images(raw: Path, references: dict[str, LabelMap], rng: np.random.Generator) -> None:
    noise = {"hardest": 60, "harder": 30, "unperturbed": 10, "easier": 5, "easiest": 2}
    for level in LEVELS:
        folder = raw / ("imagesTs" if level == "unperturbed" else f"imagesTs_{level}")
        folder.mkdir(parents=True, exist_ok=True)
        for name, labels in references.items():
            image = 60 + 50.0 * labels + rng.normal(0, noise[level], labels.shape)
            write_image(folder / f"{name}_0000.png", np.clip(image, 0, 255).astype(np.uint8))


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        writer.writerows(rows)
