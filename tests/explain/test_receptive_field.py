"""Receptive fields where they are known."""

import pytest
import torch
from small_plans import PLANS, network_for
from torch import nn

from nnunet_skipstudy.explain.receptive_field import centre, effective_field, field_sizes, theoretical_field


def test_one_convolution_is_exact() -> None:
    """Its gradient is the difference of the two classes' kernels, at its place; its field has its size."""
    torch.manual_seed(0)
    network = nn.Conv2d(2, 2, (3, 5), padding=(1, 2))
    images = [torch.randn(1, 2, 11, 13) for _ in range(3)]
    expected = torch.zeros(11, 13)
    expected[4:7, 4:9] = (network.weight[0] - network.weight[1]).abs().sum(0)
    torch.testing.assert_close(effective_field(network, images), expected)
    assert torch.equal(theoretical_field(network, images[0]), expected > 0)
    sizes = field_sizes(network, images)
    assert sizes["theoretical_voxels"] == 15
    assert sizes["effective_voxels"] == int((expected >= 0.0455 * expected.max()).sum())


def test_two_convolutions_with_a_norm_between_add_their_reach() -> None:
    """The norm sees everything, which is no reach of the convolutions'."""
    network = nn.Sequential(
        nn.Conv3d(1, 2, 3, padding=1), nn.InstanceNorm3d(2), nn.LeakyReLU(), nn.Conv3d(2, 2, 3, padding=1)
    )
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    field = theoretical_field(network, torch.zeros(1, 1, 9, 9, 9))
    assert int(field.sum()) == 5**3
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())


@pytest.mark.parametrize("architecture", ["UNet", "NoSkip", "AttentionUNet", "UNetPlusPlus", "VNet"])
def test_a_network_reaches_as_far_as_its_strides_and_kernels_say(architecture: str) -> None:
    """All of a patch of three halvings; what it looks at is part of it, and less for the voxel's own surroundings."""
    plan = PLANS["2d"]
    torch.manual_seed(0)
    network = network_for(plan, architecture, deep_supervision=False).eval()
    sizes = field_sizes(network, [torch.randn(1, plan.input_channels, *plan.size) for _ in range(2)])
    assert sizes["theoretical_voxels"] == plan.size[0] * plan.size[1]
    assert 0 < sizes["field_share"] <= 1


def test_the_centre_of_an_image_fills_the_patch() -> None:
    """Cut where the image is larger, zeros around where it is smaller."""
    image = torch.arange(1.0, 11).reshape(1, 2, 5)
    assert centre(image, (4, 3)).tolist() == [[[0, 0, 0], [2, 3, 4], [7, 8, 9], [0, 0, 0]]]
