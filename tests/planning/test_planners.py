"""Plans sized by other networks than nnU-Net's own."""

from typing import Any

import pytest
from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner

from nnunet_skipstudy.planning.planners import heaviest_planner, plan_words, sized_planner


@pytest.fixture(autouse=True)
def one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("nnUNet_n_proc_DA", "1")  # nnU-Net's planner hands it to torch.set_num_threads


SPACING, SHAPE = [1.0, 1.0], [512, 512]


def bare(planner: type[ExperimentPlanner], gpu_memory_gb: float) -> Any:
    """A planner without a data set behind it."""
    made = object.__new__(planner)
    made.dataset_json = {"channel_names": {"0": "grey"}, "labels": {"background": 0, "object": 1}}
    made.dataset_fingerprint = {"median_relative_size_after_cropping": 1.0}
    made.UNet_class = ExperimentPlanner.__init__.__globals__["PlainConvUNet"]
    made.UNet_base_num_features, made.UNet_max_features_2d = 32, 512
    made.UNet_reference_val_2d, made.UNet_reference_val_corresp_GB = 85_000_000, 8
    made.UNet_reference_val_corresp_bs_2d, made.UNet_reference_com_nfeatures = 12, 32
    made.UNet_vram_target_GB, made.UNet_min_batch_size = gpu_memory_gb, 2
    made.UNet_featuremap_min_edge_length, made.max_dataset_covered = 4, 0.05
    made.UNet_blocks_per_stage_encoder = made.UNet_blocks_per_stage_decoder = (2,) * 12
    made.preprocessor_name, made.suppress_transpose = "DefaultPreprocessor", False
    made.overwrite_target_spacing = None
    return made


def plan(planner: type[ExperimentPlanner], gpu_memory_gb: float = 4.0) -> dict[str, Any]:
    return bare(planner, gpu_memory_gb).get_plans_for_configuration(SPACING, SHAPE, "x_2d", 1e12, {})


def activations(planner: type[ExperimentPlanner], made: dict[str, Any]) -> int:
    architecture = made["architecture"]
    return made["batch_size"] * planner.static_estimate_VRAM_usage(
        made["patch_size"],
        1,
        2,
        architecture["network_class_name"],
        architecture["arch_kwargs"],
        architecture["_kw_requires_import"],
    )


def test_the_heaviest_network_fits_where_nnunets_own_plan_is_too_large_for_it() -> None:
    heaviest = heaviest_planner(ExperimentPlanner, ["UNet", "UNetPlusPlus"])
    budget = 85_000_000 * 12 / 8 * 4  # what nnU-Net's planner allows a batch at 4 GB
    own, shared = plan(ExperimentPlanner), plan(heaviest)
    assert activations(heaviest, own) > 2 * budget
    assert activations(heaviest, shared) <= 1.1 * budget
    assert shared["batch_size"] < own["batch_size"]


def test_with_the_unet_alone_the_plan_is_nnunets() -> None:
    own, shared = plan(ExperimentPlanner), plan(heaviest_planner(ExperimentPlanner, ["UNet"]))
    assert (shared["patch_size"], shared["batch_size"]) == (own["patch_size"], own["batch_size"])


def test_a_little_memory_shrinks_the_patch_too() -> None:
    heaviest = heaviest_planner(ExperimentPlanner, ["UNetPlusPlus"])
    assert plan(heaviest, 1.0)["patch_size"][0] < plan(ExperimentPlanner, 1.0)["patch_size"][0]


def test_a_batch_size_can_be_named() -> None:
    planner = sized_planner(ExperimentPlanner, base_features=None, max_features=None, batch_size=3)
    assert plan(planner)["batch_size"] == 3


def test_the_report_says_what_the_plan_was_sized_for() -> None:
    heaviest = {"plan_for": "heaviest", "gpu_memory_gb": 8.0, "architectures": ["UNet", "UNetPlusPlus"]}
    (words,) = plan_words(heaviest)
    assert "most demanding of UNet, UNetPlusPlus fits 8 GB" in words
    assert plan_words({"plan_for": "unet"}) == []


def test_a_network_with_a_suffix_is_sized_as_its_name_says() -> None:
    """No-Skip with the U-Net's parameters is wider than by itself; what is concatenated is no convolution's output."""
    sizes = {}
    for name in ("NoSkip", "NoSkip_matchedParams", "UNet", "UNet_skips3", "UNet_skipDropout50"):
        planner = heaviest_planner(ExperimentPlanner, [name])
        sizes[name] = activations(planner, plan(ExperimentPlanner))
    assert sizes["NoSkip"] < sizes["NoSkip_matchedParams"]
    assert sizes["UNet_skips3"] == sizes["UNet"] == sizes["UNet_skipDropout50"]
