"""Case metrics, all of them: ours with both surfaces against MONAI's and DeepMind's, interleaved in one run.

One core, compiled code warm. Prints milliseconds per case and label, and how many times faster ours is than each
peer's, beside the bar.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from nnunet_skipstudy.metrics import measure_case
from nnunet_skipstudy.metrics.overlap import Mask
from nnunet_skipstudy.registry import Surface

BARS = {"MONAI": 15.0, "DeepMind": 2.0}
Metrics = dict[str, float]


@dataclass(frozen=True)
class Case:
    """An object whose outline is rough, and a prediction that is a little off."""

    name: str
    shape: tuple[int, ...]
    radii: tuple[float, ...]
    spacing: tuple[float, ...]
    tolerance: float
    rounds: int

    def masks(self, rng: np.random.Generator) -> tuple[Mask, Mask]:
        """Reference and prediction."""
        middle = np.array(self.shape) / 2
        off = np.array([0] * (len(self.shape) - 2) + [2, 3])
        return self._object(middle, rng), self._object(middle + off, rng)

    def _object(self, centre: np.ndarray, rng: np.random.Generator) -> Mask:
        grid = np.ogrid[tuple(slice(0, n) for n in self.shape)]
        ball = sum(((x - c) / r) ** 2 for x, c, r in zip(grid, centre, self.radii, strict=True))
        coarse = np.array(self.shape) // 8 + 1
        rough = ndimage.zoom(rng.standard_normal(coarse), np.array(self.shape) / coarse, order=1)
        return np.asarray(ball + 0.15 * rough < 1)


CASES = (
    Case("2D, 256 x 256", (256, 256), (60, 45), (1.0, 1.0), 5, 30),
    Case("ACDC-like, 10 x 256 x 216", (10, 256, 216), (4.2, 32, 30), (10.0, 1.25, 1.25), 2, 12),
    Case("spleen-like, 90 x 512 x 512", (90, 512, 512), (28, 55, 75), (5.0, 0.79, 0.79), 2, 5),
)


def ours(case: Case, reference: Mask, prediction: Mask, surface: Surface) -> Metrics:
    """Ours."""
    return measure_case(reference, prediction, case.spacing, tolerance=case.tolerance, surface=surface).values


def monai(case: Case, reference: Mask, prediction: Mask) -> Metrics:
    """MONAI's five metric classes, each of which finds the surfaces again."""
    import torch
    from monai import metrics

    y, y_pred = (torch.from_numpy(mask)[None, None].float() for mask in (reference, prediction))
    shared = {"include_background": True}
    surface = metrics.SurfaceDiceMetric([case.tolerance], use_subvoxels=False, **shared)
    return {
        "dsc": float(metrics.DiceMetric(**shared)(y_pred, y)),
        "hd": float(metrics.HausdorffDistanceMetric(**shared)(y_pred, y, spacing=case.spacing)),
        "hd95": float(metrics.HausdorffDistanceMetric(percentile=95, **shared)(y_pred, y, spacing=case.spacing)),
        "assd": float(metrics.SurfaceDistanceMetric(symmetric=True, **shared)(y_pred, y, spacing=case.spacing)),
        "nsd": float(surface(y_pred, y, spacing=case.spacing)),
    }


def deepmind(case: Case, reference: Mask, prediction: Mask) -> Metrics:
    """DeepMind's functions, on one set of distances; the two directed means are put together as ours is."""
    import surface_distance as peer

    distances = peer.compute_surface_distances(reference, prediction, case.spacing)
    areas = [distances[f"surfel_areas_{side}"].sum() for side in ("gt", "pred")]
    return {
        "dsc": float(peer.compute_dice_coefficient(reference, prediction)),
        "hd": float(peer.compute_robust_hausdorff(distances, 100)),
        "hd95": float(peer.compute_robust_hausdorff(distances, 95)),
        "assd": float(np.average(peer.compute_average_surface_distance(distances), weights=areas)),
        "nsd": float(peer.compute_surface_dice_at_tolerance(distances, case.tolerance)),
    }


def compare(case: Case, rng: np.random.Generator) -> None:
    """Time all four on one case, check that values agree, and print."""
    masks = case.masks(rng)
    tools: dict[str, Callable[[], Metrics]] = {
        "ours, voxel": lambda: ours(case, *masks, Surface.VOXEL),
        "ours, surfel": lambda: ours(case, *masks, Surface.SURFEL),
        "MONAI": lambda: monai(case, *masks),
        "DeepMind": lambda: deepmind(case, *masks),
    }
    values = {name: run() for name, run in tools.items()}
    for us, peer in (("ours, voxel", "MONAI"), ("ours, surfel", "DeepMind")):
        worst = max(abs(values[us][name] / values[peer][name] - 1) for name in values[us])
        if worst > 1e-4:
            raise SystemExit(f"{case.name}: {us} differs from {peer} by {worst:.1e}: {values[us]} {values[peer]}")
    times: dict[str, list[float]] = {name: [] for name in tools}
    for _ in range(case.rounds):
        for name, run in tools.items():
            start = time.perf_counter()
            run()
            times[name].append(1000 * (time.perf_counter() - start))
    medians = {name: statistics.median(measured) for name, measured in times.items()}
    print(f"\n{case.name}: {', '.join(f'{name} {value:.4g}' for name, value in values['ours, voxel'].items())}")
    print(f"  {'':14}{'ms':>10}{'times MONAI':>14}{'times DeepMind':>16}")
    for name, median in medians.items():
        ratios = [medians[peer] / median for peer in BARS]
        met = all(ratio >= bar for ratio, bar in zip(ratios, BARS.values(), strict=True))
        note = ("  bars met" if met else "  BARS MISSED") if name.startswith("ours") else ""
        print(f"  {name:14}{median:>10.2f}{ratios[0]:>14.1f}{ratios[1]:>16.1f}{note}")


def main() -> None:
    """Run every case, or those whose names start with what is given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="?", default="", help="the start of a case's name: 2D, ACDC or spleen")
    only = parser.parse_args().only
    warnings.simplefilter("ignore")  # the peers' own
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    import torch

    torch.set_num_threads(1)
    print(f"bars: at least {BARS['MONAI']:g} times faster than MONAI, {BARS['DeepMind']:g} times than DeepMind")
    for case in CASES:
        if case.name.startswith(only):
            compare(case, np.random.default_rng(0))


if __name__ == "__main__":
    main()
