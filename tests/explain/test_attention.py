"""Attention maps on the image's grid."""

from pathlib import Path

import numpy as np
import pytest
import torch
from made_up_model import plans, write_images, write_model
from small_plans import PLANS, REQUIRES_IMPORT, UNET_MODULE, arch_kwargs, coarse_attention, network_for

from nnunet_skipstudy.architectures.network import build_network
from nnunet_skipstudy.cli import main
from nnunet_skipstudy.explain.attention import mass_in
from nnunet_skipstudy.explain.passes import OpenNetwork
from nnunet_skipstudy.nnunet.images import read_image
from nnunet_skipstudy.support.tables import read_rows


def test_the_weights_are_those_that_the_gates_compute() -> None:
    """The hooks on the gates themselves see the same, before the interpolation to the finer grid."""
    torch.manual_seed(0)
    plan = PLANS["2d"]
    whole = network_for(plan, "AttentionUNet", deep_supervision=False).eval()
    network, image = OpenNetwork(whole), torch.randn(1, plan.input_channels, *plan.size)
    with torch.inference_mode():
        found = network.attention(network.run(image))
    coarse = coarse_attention(whole, image)
    assert network.gated_levels == list(coarse) == [1, 2]
    for fine, gate in zip(found, coarse.values(), strict=True):
        torch.testing.assert_close(fine, torch.nn.functional.interpolate(gate, size=fine.shape[2:], mode="bilinear"))
    assert OpenNetwork(network_for(plan, "UNet", deep_supervision=False)).gated_levels == []


def test_mass_inside() -> None:
    weights = np.array([[[0.5, 0.25], [0.25, 0.0]]], np.float32)
    assert mass_in(weights, np.array([[[True, True], [False, False]]])) == 0.75
    assert mass_in(np.zeros((1, 2, 2), np.float32), np.ones((1, 2, 2), bool)) is None


@pytest.mark.parametrize("dimensions", [2, 3])
def test_the_command_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dimensions: int) -> None:
    """A picture a case, level and gate, of the image's size, and how much of it lies in the object.

    At every level that has the cases, since it costs but one pass; all else is done at the levels asked for.
    """
    for name in ("nnUNet_raw", "nnUNet_results", "nnUNet_preprocessed"):
        monkeypatch.setenv(name, str(tmp_path / name))
    size, patch = ((40, 30), (32, 32)) if dimensions == 2 else ((8, 20, 24), (8, 16, 16))
    strides = [[1] * dimensions, [2] * dimensions, [2] * dimensions]
    kwargs = arch_kwargs(dimensions, [4, 6, 8], strides, [[3] * dimensions] * 3)
    torch.manual_seed(0)
    network = build_network(
        "AttentionUNet", f"{UNET_MODULE}.PlainConvUNet", kwargs, REQUIRES_IMPORT, 1, 2, deep_supervision=False
    )
    write_model(plans(kwargs, patch), network.state_dict(), "nnUNetTrainerAttentionUNet")
    label = np.zeros(size, np.uint8)
    label[..., 5:15, 5:15] = 1
    images = {"case": (40 + 90 * label).astype(np.uint8)}
    levels = dict.fromkeys(("unperturbed", "hardest", "easier"), images)
    write_images(tmp_path / "nnUNet_raw", {**levels, "easiest": {"another": images["case"]}}, {"case": label})
    arguments = ["explain", "-d", "779", "-c", "toy", "-f", "0", "-tr", "nnUNetTrainerAttentionUNet", "-device", "cpu"]
    arguments += ["-o", str(tmp_path / "out"), "--interventions", "patch", "--disable_tta", "-np", "1"]
    arguments += ["--levels", "hardest"]
    assert main(arguments) == 0
    rows = read_rows(tmp_path / "out" / "attention.csv", (), ("mass_in_object",))
    assert [(row["level"], row["depth"]) for row in rows] == [
        (level, "1") for level in ("unperturbed", "hardest", "easier")
    ]
    picture = read_image(tmp_path / "out" / rows[1]["picture"]).array
    assert rows[0]["slice"] == str(label.reshape(-1, *size[-2:]).sum((1, 2)).argmax())
    explained = read_rows(tmp_path / "out" / "explain.csv", ())
    assert {row["level"] for row in explained} == {"unperturbed", "hardest"}
    assert picture.shape == size[-2:]
    mask = label.reshape(-1, *size[-2:])[0] == 1
    if dimensions == 2:
        assert float(rows[0]["mass_in_object"]) == pytest.approx(picture[mask].sum() / picture.sum(), abs=0.01)
    assert float(rows[0]["object_share"]) == pytest.approx(label.mean())
