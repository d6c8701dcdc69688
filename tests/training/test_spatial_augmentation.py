"""The augmentation that leaves texture alone."""

import numpy as np
import pytest
import torch
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms

from nnunet_skipstudy.training.seeding import seed_everything
from nnunet_skipstudy.training.spatial_augmentation import interchangeable_axes, spatial_transforms


@pytest.mark.parametrize(
    ("patch_size", "spacing", "axes"),
    [
        ((64, 64), (1, 1), {0, 1}),
        ((64, 48), (1, 1), set()),
        ((64, 64), (1, 2), set()),
        ((16, 64, 64), (5, 1, 1), {1, 2}),
        ((64, 64, 64), (5, 1, 1), {1, 2}),
        ((64, 64, 64), (1, 1, 1), {0, 1, 2}),
    ],
)
def test_only_axes_of_equal_length_and_spacing_are_rotated(patch_size, spacing, axes) -> None:
    assert interchangeable_axes(patch_size, spacing) == axes


def test_values_are_moved_never_changed() -> None:
    """All eight orientations of a square occur, image and label alike, and no grey value is new."""
    image = torch.arange(16.0).reshape(1, 4, 4)
    transform = spatial_transforms((4, 4), (1.0, 1.0), (0, 1), ComposeTransforms([]))
    seed_everything(0)
    seen = set()
    for _ in range(200):
        result = transform(image=image.clone(), segmentation=image.clone())
        assert torch.equal(result["image"], result["segmentation"])
        seen.add(tuple(result["image"].flatten().tolist()))
    assert len(seen) == 8
    assert all(sorted(orientation) == list(range(16)) for orientation in seen)


def test_a_patch_that_is_not_square_keeps_its_shape() -> None:
    image = torch.from_numpy(np.random.default_rng(0).random((1, 4, 6)))
    transform = spatial_transforms((4, 6), (1.0, 1.0), (0, 1), ComposeTransforms([]))
    for _ in range(20):
        assert transform(image=image.clone(), segmentation=image.clone())["image"].shape == image.shape
