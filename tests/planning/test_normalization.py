"""Normalisation as a planner's option: nnU-Net's own classes, named in the plan."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager
from tiny_training import plans

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.planning.planners import NORMALIZATIONS, normalizing_planner, plan_words

SEEN = {"mean": 100.0, "std": 20.0, "percentile_00_5": 50.0, "percentile_99_5": 150.0}


class Planner:
    """What a planner of nnU-Net's is asked for here: two channels, one of them CT's, in brains that fill little."""

    dataset_fingerprint: dict[str, Any] = {"foreground_intensity_properties_per_channel": {"0": SEEN, "1": SEEN}}  # noqa: RUF012

    def determine_normalization_scheme_and_whether_mask_is_used_for_norm(self) -> tuple[list[str], list[bool]]:
        return ["ZScoreNormalization", "CTNormalization"], [True, False]


def test_every_channel_is_normalised_alike() -> None:
    """Each image by itself within the mask that nnU-Net found; by the training cases without one, as CT."""
    schemes = {
        name: normalizing_planner(Planner, name)().determine_normalization_scheme_and_whether_mask_is_used_for_norm()
        for name in NORMALIZATIONS
    }
    assert schemes["image"] == (["ZScoreNormalization"] * 2, [True, False])
    assert schemes["training"] == (["CTNormalization"] * 2, [False, False])


@pytest.mark.parametrize("wrong", [{"std": 0.0}, {"mean": math.nan}, {"percentile_99_5": math.inf}])
def test_training_cases_without_spread_can_t_normalise(wrong: dict[str, float]) -> None:
    class Empty(Planner):
        dataset_fingerprint = {"foreground_intensity_properties_per_channel": {"0": SEEN, "1": {**SEEN, **wrong}}}  # noqa: RUF012

    with pytest.raises(UserError, match=r"labels' pixels of channel 1 have no spread .*; choose normalization image"):
        normalizing_planner(Empty, "training")().determine_normalization_scheme_and_whether_mask_is_used_for_norm()


def test_a_brighter_image_stays_brighter_by_the_training_cases_alone(tmp_path: Path) -> None:
    """Nnu-Net's preprocessor on a plan's names: 20 grey values are one standard deviation, or nothing."""
    image = np.linspace(80, 120, 64).reshape(1, 1, 8, 8).astype(np.float32)
    shifts = {}
    for name, scheme in NORMALIZATIONS.items():
        content = plans()
        content["configurations"]["2d"]["normalization_schemes"] = [scheme]
        content["foreground_intensity_properties_per_channel"] = {"0": SEEN}
        manager = PlansManager(content)
        normalised = [
            DefaultPreprocessor(verbose=False)._normalize(
                (image + by).copy(),
                np.zeros_like(image),
                manager.get_configuration("2d"),
                manager.foreground_intensity_properties_per_channel,
            )
            for by in (0, 20)
        ]
        shifts[name] = normalised[1] - normalised[0]
    assert shifts["image"] == pytest.approx(0, abs=1e-5)
    assert shifts["training"] == pytest.approx(1, abs=1e-5)


def test_the_report_says_whose_statistics_they_are() -> None:
    assert plan_words({"plan_for": "unet", "normalization": "training"}) == [
        "Each image is normalised by the training cases' statistics (CTNormalization)."
    ]
    assert plan_words({"plan_for": "unet", "normalization": "nnunet"}) == []
