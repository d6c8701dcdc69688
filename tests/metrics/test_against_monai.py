"""The metrics equal MONAI's, the study's own tool."""

import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from random_masks import SPACINGS, pair

from nnunet_skipstudy.metrics import CaseMetrics, measure_case
from nnunet_skipstudy.metrics.overlap import Mask

TOLERANCE = 2.0


def monai_metrics(reference: Mask, prediction: Mask, spacing: Sequence[float]) -> dict[str, float]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MONAI's imports, on some installations
        import torch
        from monai import metrics

        y, y_pred = (torch.from_numpy(mask)[None, None].float() for mask in (reference, prediction))
        shared = {"include_background": True}
        surface = metrics.SurfaceDiceMetric([TOLERANCE], use_subvoxels=False, **shared)
        assd = metrics.SurfaceDistanceMetric(symmetric=True, **shared)
        values = {
            "dsc": metrics.DiceMetric(**shared)(y_pred, y),
            "hd": metrics.HausdorffDistanceMetric(**shared)(y_pred, y, spacing=spacing),
            "hd95": metrics.HausdorffDistanceMetric(percentile=95, **shared)(y_pred, y, spacing=spacing),
            "assd": assd(y_pred, y, spacing=spacing),
            "nsd": surface(y_pred, y, spacing=spacing),
        }
    return {name: float(value) for name, value in values.items()}


def assert_equal_to_monai(reference: Mask, prediction: Mask, spacing: Sequence[float]) -> None:
    measured: CaseMetrics = measure_case(reference, prediction, spacing, tolerance=TOLERANCE)
    for name, value in monai_metrics(reference, prediction, spacing).items():
        assert measured.values[name] == pytest.approx(value, rel=1e-5, abs=1e-5), name


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("shape", [(40, 31), (12, 25, 18)])
def test_random_masks(shape: tuple[int, ...], seed: int) -> None:
    reference, prediction = pair(seed, shape)
    for spacing in SPACINGS[len(shape)]:
        assert_equal_to_monai(reference, prediction, spacing)


@pytest.mark.parametrize("n_axes", [2, 3])
def test_one_voxel_objects_at_the_border_and_whole_images(n_axes: int) -> None:
    shape = (9, 7, 8)[:n_axes]
    corner, middle = np.zeros((2, *shape), dtype=bool)
    corner[(0,) * n_axes] = middle[(4,) * n_axes] = True
    everything = np.ones(shape, dtype=bool)
    for spacing in SPACINGS[n_axes]:
        assert_equal_to_monai(corner, middle, spacing)
        assert_equal_to_monai(everything, middle, spacing)
        assert_equal_to_monai(corner, corner, spacing)
