"""Synthetic data: mean DSC by the alpha trained on and the level tested on, and each network minus No-Skip U-Net."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey, by_network, groups
from nnunet_skipstudy.registry import level_alpha, level_order

BASELINE = "NoSkip"
"""The network that the others are compared with, as in the study."""
Matrices = dict[NetworkKey, pd.DataFrame]
"""Training alphas (rows, hardest first) x test levels (columns, hardest first), by network."""


@dataclass(frozen=True)
class AlphaMatrices:
    """Of one data set and label; ``label`` is empty where there is one only.

    ``differences``: minus the No-Skip U-Net that was trained alike; without networks that have none. ``reach``: the
    largest of them of a network that isn't degenerate, at least 0.05. ``alone``: networks that no No-Skip U-Net was
    trained alike, where there is any.
    """

    dataset: str
    label: str
    means: Matrices
    differences: Matrices
    reach: float
    alone: tuple[NetworkKey, ...]


def alpha_matrices(summary: pd.DataFrame, networks: Sequence[NetworkKey]) -> Iterator[AlphaMatrices]:
    """The matrices of each data set with several training alphas, and label; ``summary`` is the one by ``training``."""
    dsc = summary[summary["metric"] == "dsc"]
    synthetic = dsc[dsc["training"].map(lambda name: level_alpha(name) is not None)]
    for (dataset, label), rows in groups(synthetic, "dataset", "label"):
        if rows["training"].nunique() < 2:
            continue
        several = synthetic.loc[synthetic["dataset"] == dataset, "label"].nunique() > 1
        means = _means(rows, networks)
        differences = _differences(means)
        sound = _differences(_means(rows[~rows["degenerate"]], networks))
        alone = [key for key in means if key.architecture != BASELINE and key not in differences]
        yield AlphaMatrices(
            dataset,
            label if several else "",
            means,
            differences,
            max([0.05, *(float(np.nanmax(matrix.abs().to_numpy())) for matrix in sound.values())]),
            tuple(alone if any(key.architecture == BASELINE for key in means) else ()),
        )


def _means(rows: pd.DataFrame, networks: Sequence[NetworkKey]) -> Matrices:
    of_network = dict(by_network(rows))
    trained, tested = (sorted(rows[name].unique(), key=level_order) for name in ("training", "level"))
    return {
        key: of_network[key].pivot(index="training", columns="level", values="mean").reindex(trained, columns=tested)
        for key in networks
        if key in of_network
    }


def _differences(means: Matrices) -> Matrices:
    others = [key for key in means if key.architecture != BASELINE and key.trained_alike(BASELINE) in means]
    found = {key: means[key] - means[key.trained_alike(BASELINE)] for key in others}
    return {key: matrix for key, matrix in found.items() if matrix.notna().to_numpy().any()}
