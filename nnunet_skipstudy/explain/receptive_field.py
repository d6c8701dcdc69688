"""How much of what a network could see for one voxel it looks at: the effective receptive field.

The gradient of the centre voxel's margin, by the image, averaged over images (Luo et al. 2016); of a U-Net the share
of the theoretical field that it fills (Loos et al. 2024, arXiv 2406.16701).
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

SIGNIFICANT = 0.0455
"""Of the largest gradient: what lies beyond two standard deviations of a Gaussian (Luo et al. 2016)."""
_NORMS = (nn.modules.batchnorm._NormBase, nn.GroupNorm, nn.LayerNorm)
_CONVOLUTIONS = (nn.modules.conv._ConvNd,)


def effective_field(network: nn.Module, images: Sequence[Tensor]) -> Tensor:
    """Mean size of the gradient of the centre voxel's margin between its two most likely classes.

    Args:
        network: in evaluation mode, one prediction out.
        images: (1, input channels, *size) each, of one size.

    Returns:
        (*size), at least 0, summed over input channels.
    """
    total = torch.zeros(images[0].shape[2:], device=images[0].device)
    for image in images:
        seen = image.detach().clone().requires_grad_()
        first, second = _centre(network(seen)).topk(2).values
        (gradient,) = torch.autograd.grad(first - second, seen)
        total += gradient.abs().sum((0, 1))
    return total / len(images)


def theoretical_field(network: nn.Module, image: Tensor) -> Tensor:
    """Where the image could matter to the centre voxel, through convolutions alone; normalisations see all of it.

    Args:
        network: as of :func:`effective_field`; not changed.
        image: its size counts, the field ends where it does.

    Returns:
        (*size), boolean.
    """
    positive: Any = copy.deepcopy(network).double()
    for module in list(positive.modules()):
        for name, child in module.named_children():
            if isinstance(child, _NORMS):
                setattr(module, name, nn.Identity())
    for module in positive.modules():
        if isinstance(module, _CONVOLUTIONS):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    seen = torch.ones_like(image, dtype=torch.double, requires_grad=True)
    (gradient,) = torch.autograd.grad(_centre(positive(seen)).sum(), seen)
    return gradient.abs().sum((0, 1)) > 0


def _centre(logits: Tensor) -> Tensor:
    found = logits[0]
    for n in logits.shape[2:]:
        found = found.select(1, n // 2)
    return found


def centre(image: Tensor, patch: Sequence[int]) -> Tensor:
    """The patch around an image's centre, zeros where the image, (channels, *size), is smaller."""
    for axis, n in enumerate(patch, start=1):
        missing = max(0, n - image.shape[axis])
        image = nn.functional.pad(image.movedim(axis, -1), (missing // 2, missing - missing // 2)).movedim(-1, axis)
        image = image.narrow(axis, (image.shape[axis] - n) // 2, n)
    return image


def field_sizes(network: nn.Module, images: Sequence[Tensor]) -> dict[str, float]:
    """Voxels of both fields, of the effective one those of at least :data:`SIGNIFICANT`; and its share."""
    effective = effective_field(network, images)
    seen = int((effective >= SIGNIFICANT * effective.max()).sum()) if effective.max() > 0 else 0
    possible = int(theoretical_field(network, images[0]).sum())
    return {"effective_voxels": seen, "theoretical_voxels": possible, "field_share": seen / possible}
