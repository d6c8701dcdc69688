"""Augmentations that leave texture alone: nothing is interpolated, blurred, or changed in its grey values."""

from collections.abc import Sequence
from typing import Any

from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from batchgeneratorsv2.transforms.spatial.mirroring import MirrorTransform
from batchgeneratorsv2.transforms.spatial.rot90 import Rot90Transform
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
from batchgeneratorsv2.transforms.utils.remove_label import RemoveLabelTansform

from nnunet_skipstudy.errors import UserError


def interchangeable_axes(patch_size: Sequence[int], spacing: Sequence[float]) -> set[int]:
    """The largest set of axes that a rotation by 90 degrees may turn into each other.

    Axes are interchangeable where the patch is equally long and the voxels are equally wide (to 1 %): any other
    rotation would change the patch's shape or the texture's scale. Empty where no two axes are.
    """

    def alike(a: int, b: int) -> bool:
        width_a, width_b = spacing[a], spacing[b]
        return patch_size[a] == patch_size[b] and abs(width_a - width_b) <= 0.01 * max(width_a, width_b)

    axes = range(len(patch_size))
    groups = [{b for b in axes if alike(a, b)} for a in axes]
    largest = max(groups, key=len)
    return largest if len(largest) > 1 else set()


def label_transforms(augmentation: Any) -> BasicTransform:
    """The end of nnU-Net's augmentation, behind all that touches the image: what it makes of labels.

    In a cascade that includes the augmentation of the previous stage's masks, which come as further channels.

    Raises:
        UserError: this nnU-Net composes it otherwise.
    """
    parts = list(augmentation.transforms)
    starts = [place for place, part in enumerate(parts) if isinstance(part, RemoveLabelTansform)]
    if not starts:
        raise UserError("_spatialDA: this version of nnU-Net composes its augmentation otherwise; leave the suffix out")
    return ComposeTransforms(parts[starts[0] :])


def spatial_transforms(
    patch_size: Sequence[int], spacing: Sequence[float], mirror_axes: Sequence[int] | None, then: BasicTransform
) -> BasicTransform:
    """Rotations by 0, 90, 180 or 270 degrees, each as likely, and mirroring along each axis with probability 1/2.

    Args:
        patch_size: of the patches as the loader cuts them, in voxels.
        spacing: of the configuration, in mm (or pixels), in the same axis order.
        mirror_axes: the axes that may be mirrored.
        then: what follows the augmentation (:func:`label_transforms`).
    """
    transforms: list[Any] = []
    if axes := interchangeable_axes(patch_size, spacing):
        transforms.append(
            Rot90Transform(num_axis_combinations=1, num_rot_per_combination=(0, 1, 2, 3), allowed_axes=axes)
        )
    if mirror_axes:
        transforms.append(MirrorTransform(allowed_axes=tuple(mirror_axes)))
    return ComposeTransforms([*transforms, then])
