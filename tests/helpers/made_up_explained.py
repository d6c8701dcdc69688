"""What ``skipstudy explain`` would have written of networks whose skips carry known shares of a known loss."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nnunet_skipstudy.explain.cases import Found
from nnunet_skipstudy.explain.interventions import Intervention, Part
from nnunet_skipstudy.explain.request import Request
from nnunet_skipstudy.explain.tables import (
    ATTENTION_COLUMNS,
    COLUMNS,
    FIELD_COLUMNS,
    SUSCEPTIBILITY_COLUMNS,
    attention_rows,
    field_rows,
    score_rows,
    susceptibility_rows,
)
from nnunet_skipstudy.nnunet.calls import Training
from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.support.files import write_csv

SHARES = {0: 0.7, 1: 0.2, 2: 0.02}
"""Of each skip; the bottleneck carries the rest."""
SHIFTS = {0: 2.0, 1: 1.0, 2: 1.9}
"""Of the mean activations, in standard deviations over cases: skip 2 moves and carries nothing."""


def write_explained(
    root: Path,
    raw: Path,
    *,
    architectures: Sequence[str] = ("UNet", "NoSkip"),
    seeds: Sequence[int] = (1, 2),
    shares: Mapping[int, float] = SHARES,
    drop: float = 0.4,
    of_trainings: float = 0.0,
    level: str = "hardest",
    seed: int = 0,
) -> Path:
    """Write a folder a training under ``root``; ``raw`` holds one data set, whose cases are taken.

    ``of_trainings``: the standard deviation between trainings of the first skip's share, taken from the bottleneck's.
    """
    rng = np.random.default_rng(seed)
    (dataset,) = (path for path in raw.iterdir() if path.is_dir())
    cases = tuple(sorted(path.name.removesuffix(".png") for path in (dataset / "labelsTs").iterdir()))
    for architecture in architectures:
        for number in seeds:
            trainer = f"nnUNetTrainer{architecture}_50epochs_seed{number}_spatialDA"
            training = Training(dataset.name, trainer, "nnUNetPlans", "2d", 0)
            request = Request(training, dataset, "unperturbed", (level,), cases, ("patch", "reverse", "zero"), {})
            own = dict(shares) if architecture != "NoSkip" else {}
            if own:
                own[0] += rng.normal(0, of_trainings)
            found = {}
            for case in cases:
                clean, lost = rng.uniform(0.85, 0.95), drop * rng.uniform(0.5, 1.5)
                found["unperturbed", case] = Found([(Intervention("none"), {"organ": clean})], _means(rng, own, 0))
                found[level, case] = Found(_scores(rng, own, clean, lost), _means(rng, own, 1))
            folder = root / f"{architecture}_{number}"
            folder.mkdir(parents=True)
            write_csv(folder / "explain.csv", COLUMNS, score_rows(request, found))
            fields = {"unperturbed": ({"effective_voxels": 9, "theoretical_voxels": 90, "field_share": 0.1}, 20)}
            write_csv(folder / "receptive_field.csv", FIELD_COLUMNS, field_rows(request, fields))
            looked = {(level, case): {"mass": {"0": 0.4}, "object": 0.1, "slice": 0} for case in cases}
            write_csv(folder / "attention.csv", ATTENTION_COLUMNS, attention_rows(request, looked))
            write_csv(folder / "susceptibility.csv", SUSCEPTIBILITY_COLUMNS, susceptibility_rows(request, found))
    return root


def write_gates(folder: Path, cases: Sequence[str], levels: Sequence[str], shape: tuple[int, int]) -> pd.DataFrame:
    """Attention of two gates for a folder of :func:`write_explained`, a picture and a mass of its own each."""
    model = pd.read_csv(folder / "attention.csv").iloc[0]
    rows: list[dict[str, Any]] = []
    for case in cases:
        for level in levels:
            for depth in (1, 2):
                mass = round(0.2 + len(rows) / 100, 2)
                picture = f"attention/{level}/{case}_skip{depth}.png"
                (folder / picture).parent.mkdir(parents=True, exist_ok=True)
                weights = np.tile(np.linspace(0, 255 * mass, shape[1]), (shape[0], 1))
                write_image(folder / picture, weights.round().astype(np.uint8))
                found = {"level": level, "case": case, "depth": depth, "mass_in_object": mass, "picture": picture}
                rows.append({**model, **found})
    table = pd.DataFrame(rows)
    table.to_csv(folder / "attention.csv", index=False)
    return table


def _scores(
    rng: np.random.Generator, shares: Mapping[int, float], clean: float, lost: float
) -> list[tuple[Intervention, dict[str, float]]]:
    """Putting back restores a place's share, give or take; the reverse brings half of it."""
    places = {Part("skip", depth): share for depth, share in shares.items()}
    places |= {Part("all"): sum(shares.values())} if shares else {}
    places[Part("bottleneck")] = 1 - sum(shares.values())
    made = [(Intervention("none"), {"organ": clean - lost})]
    for part, share in places.items():
        off = rng.normal(0, 0.1) if part.name == "skip" else 0.0
        made.append((Intervention("patch", part), {"organ": clean - lost + lost * (share + off)}))
        made.append((Intervention("reverse", part), {"organ": clean - lost * share / 2}))
        if part.name == "skip":
            made.append((Intervention("zero", part), {"organ": clean - lost + 0.05}))
    return made


def _means(rng: np.random.Generator, shares: Mapping[int, float], moved: int) -> dict[str, list[float]]:
    skips = {f"skip {depth}": list(rng.normal(moved * SHIFTS[depth], 1, 8)) for depth in shares}
    return {**skips, "encoder 3": list(rng.normal(0, 1, 8)), "decoder 0": list(rng.normal(0, 1, 8))}
