"""What networks cost on a plan that nnU-Net wrote, and on the nominal one."""

import json
from pathlib import Path

import pytest
from tiny_training import DATASET, DATASET_JSON, plans

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.planning.costs import plan_costs, plans_file
from nnunet_skipstudy.planning.nominal import NOMINAL_SIDE, nominal_network, nominal_plan
from nnunet_skipstudy.planning.planners import sized_planner
from nnunet_skipstudy.registry import ARCHITECTURES


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """nnU-Net's folder of a data set with plans, as ``nnUNetv2_plan_and_preprocess`` leaves it."""
    monkeypatch.setenv("nnUNet_preprocessed", str(tmp_path))
    folder = tmp_path / DATASET
    folder.mkdir()
    (folder / "nnUNetPlans.json").write_text(json.dumps(plans()), encoding="utf-8")
    (folder / "dataset.json").write_text(json.dumps(DATASET_JSON), encoding="utf-8")
    return folder


def test_the_unet_s_cost_by_hand(planned: Path) -> None:
    """Convolutions of 3 x 3 over 2, 4 and 4 channels at 16, 8 and 4 pixels a side; a multiplication counts 2."""
    cost = plan_costs(DATASET, "nnUNetPlans", "2d")["UNet"]
    convs = [(1, 2, 16), (2, 2, 16), (2, 4, 8), (4, 4, 8), (4, 4, 4), (4, 4, 4)]  # encoder: from, to, side
    convs += [(4 + 4, 4, 8), (4, 4, 8), (2 + 2, 2, 16), (2, 2, 16)]  # decoder: its first ones read the skip too
    transposed = [(4, 4, 8), (4, 2, 16)]  # each new pixel is made of one below
    heads = [(4, 2, 8), (2, 2, 16)]
    flops = sum(2 * 9 * one * other * side**2 for one, other, side in convs)
    flops += sum(2 * one * other * side**2 for one, other, side in (*transposed, heads[1]))
    assert cost.forward_flops == flops
    assert cost.activation_bytes == 4 * sum(other * side**2 for _, other, side in (*convs, *transposed, *heads))
    parameters = sum((9 * one + 3) * other for one, other, _ in convs)  # weights, a bias, the norm's two
    parameters += sum((4 * one + 1) * other for one, other, _ in transposed)
    assert cost.parameters == parameters + sum((one + 1) * other for one, other, _ in heads)


def test_networks_come_in_the_order_of_the_registry_and_skips_cost(planned: Path) -> None:
    costs = plan_costs(DATASET, "nnUNetPlans", "2d")
    assert list(costs) == list(ARCHITECTURES)
    by_cost = ["NoSkip", "NoTopSkip", "UNet", "AttentionUNet", "UNetPlusPlus"]
    for measure in ("forward_flops", "parameters"):
        values = [getattr(costs[name], measure) for name in by_cost]
        assert values == sorted(set(values)), measure


def test_further_trainers_come_under_their_networks_names(planned: Path) -> None:
    """With widths that match the plan, and after the registry's; a suffix of training alone is no other network."""
    costs = plan_costs(
        *(DATASET, "nnUNetPlans", "2d"),
        ["nnUNetTrainerUNet_skips1_seed3", "nnUNetTrainerNoSkip_matchedParams", "nnUNetTrainerVNet_5epochs_noDS"],
    )
    assert list(costs) == [*ARCHITECTURES, "UNet_skips1", "NoSkip_matchedParams"]
    assert costs["UNet_skips1"] == costs["NoTopSkip"]
    assert costs["NoSkip_matchedParams"].parameters == pytest.approx(costs["UNet"].parameters, rel=0.02)
    with pytest.raises(UserError, match="none of ours"):
        plan_costs(DATASET, "nnUNetPlans", "2d", ["nnUNetTrainer"])


def test_channels_in_and_classes_out_are_the_data_set_s(planned: Path) -> None:
    """Two images a case and three labels: more in the first convolution and in the heads, nowhere else."""
    plain = plan_costs(DATASET, "nnUNetPlans", "2d")["UNet"]
    content = {**DATASET_JSON, "channel_names": {"0": "T1", "1": "T2"}}
    content["labels"] = {"background": 0, "a": 1, "b": 2, "c": 3}
    (planned / "dataset.json").write_text(json.dumps(content), encoding="utf-8")
    more = plan_costs(DATASET, "nnUNetPlans", "2d")["UNet"]
    assert more.parameters - plain.parameters == 9 * 2 + 2 * (4 + 1) + 2 * (2 + 1)


def test_what_is_not_there_is_named_with_what_is(planned: Path) -> None:
    (planned / "otherPlans.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UserError, match=r"minePlans.json: no such plans; there are nnUNetPlans, otherPlans; make them"):
        plans_file(DATASET, "minePlans")
    with pytest.raises(UserError, match=r"no such plans; make them with nnUNetv2_plan_and_preprocess"):
        plan_costs("Dataset999_None", "nnUNetPlans", "2d")
    with pytest.raises(UserError, match=r"has no configuration '3d_fullres'; choose one of 2d \(-c\)"):
        plan_costs(DATASET, "nnUNetPlans", "3d_fullres")
    assert plans_file(DATASET, "nnUNetPlans") == planned / "nnUNetPlans.json"


def test_the_nominal_plan_is_nnunets_for_256_pixels() -> None:
    """Seven stages that end at four pixels, 32 channels doubled up to 512."""
    plan = nominal_plan()
    assert plan["features_per_stage"] == [32, 64, 128, 256, 512, 512, 512]
    halvings = sum(stride == [2, 2] for stride in plan["strides"])
    assert NOMINAL_SIDE // 2**halvings == 4
    assert plan["strides"][0] == [1, 1]
    assert nominal_plan(4, 8)["features_per_stage"] == [8, 16, 32, 64]
    assert nominal_plan(7, 8)["features_per_stage"][-1] == 128
    lengths = {len(plan[key]) for key in ("features_per_stage", "kernel_sizes", "strides", "n_conv_per_stage")}
    assert lengths == {plan["n_stages"]} == {len(plan["n_conv_per_stage_decoder"]) + 1}


def test_a_nominal_network_takes_its_channels_and_its_supervision() -> None:
    network = nominal_network("NoSkip", features=4, deep_supervision=False)
    assert network.encoder.output_channels == [4, 8, 16, 32, 64, 64, 64]
    assert not network.decoder.deep_supervision
    assert nominal_network("UNet", features=4).decoder.deep_supervision


class Planner:
    """What a planner of nnU-Net's is asked for here."""

    def __init__(self, dataset: str, *, suppress: bool = False) -> None:
        self.arguments = (dataset, suppress)
        self.UNet_base_num_features, self.UNet_max_features_2d, self.UNet_max_features_3d = 32, 512, 320

    def get_plans_for_configuration(self, name: str) -> dict[str, object]:
        return {"name": name, "batch_size": 49, "patch_size": [64, 64]}


@pytest.mark.parametrize(("base", "most", "batch"), [(None, None, None), (8, None, 3), (None, 16, None), (8, 16, 3)])
def test_only_the_sizes_that_are_given_change(base: int | None, most: int | None, batch: int | None) -> None:
    made = sized_planner(Planner, base, most, batch)("D", suppress=True)
    assert made.arguments == ("D", True)
    assert made.UNet_base_num_features == (base or 32)
    assert (made.UNet_max_features_2d, made.UNet_max_features_3d) == ((most, most) if most else (512, 320))
    plan = made.get_plans_for_configuration("2d")
    assert plan == {"name": "2d", "batch_size": batch or 49, "patch_size": [64, 64]}
