"""A U-Net built so that the skip of one level, and nothing else, carries the texture of its image.

Brightness goes through the bottleneck, by averages that a checkerboard leaves alone; the network also calls object
what has a checkerboard, which it sees in the skip of one level. All weights are set by hand.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from small_plans import arch_kwargs

OFFSET = 300.0
"""Added to the image, so that no unit cuts it off."""
BRIGHT, DARK, CONTRAST = 150, 60, 40
EDGES = 50.0
"""Of the roughness, what the edge of the object has and no more."""


def toy_kwargs(dimensions: int) -> dict[str, Any]:
    """Three levels of two channels, one convolution a stage, no normalisation."""
    strides = [[1] * dimensions, [2] * dimensions, [2] * dimensions]
    kwargs = arch_kwargs(dimensions, [2, 2, 2], strides, [[3] * dimensions] * 3)
    return {**kwargs, "n_conv_per_stage": [1] * 3, "n_conv_per_stage_decoder": [1] * 2, "norm_op": None}


def toy_weights(state: dict[str, torch.Tensor], carrier: int) -> dict[str, torch.Tensor]:
    """Weights in place of ``state``'s, of a network of :func:`toy_kwargs`; ``carrier``: the level, 0 or 1."""
    made = {name: torch.zeros_like(weight) for name, weight in state.items()}
    places = {key: key.replace("decoder.encoder.", "encoder.") for key in made}  # it is there under both names
    for name, weight in _wanted(made, carrier):
        for key, place in places.items():
            if place.startswith(name) and place.endswith("weight") and made[key].shape == weight.shape:
                made[key] = weight
    for key, place in places.items():
        if place.startswith("encoder.stages.0") and place.endswith("bias"):
            made[key] = torch.tensor([OFFSET, -EDGES])
        if place.startswith("decoder.seg_layers") and place.endswith("bias"):
            made[key] = torch.tensor([0.0, -(OFFSET + (BRIGHT + DARK) / 2)])
    return made


def _wanted(state: dict[str, torch.Tensor], carrier: int) -> Iterator[tuple[str, torch.Tensor]]:
    first = next(w for k, w in state.items() if k.startswith("encoder.stages.0") and k.endswith("weight"))
    dimensions = first.ndim - 2
    centre = (1,) * dimensions
    here = torch.zeros((3,) * dimensions)
    here[centre] = 1
    smooth = torch.ones(())
    for _ in range(dimensions):
        smooth = torch.outer(smooth.flatten(), torch.tensor([1.0, 2.0, 1.0]) / 4).flatten()
    smooth = smooth.reshape((3,) * dimensions)
    rough = here.clone()
    for axis in range(dimensions):
        for step in (0, 2):
            place = list(centre)
            place[axis] = step
            rough[tuple(place)] = -1 / (2 * dimensions)
    stem = torch.stack([here, rough])[:, None]
    down = torch.zeros(2, 2, *here.shape)
    down[0, 0] = smooth
    yield "encoder.stages.0", stem
    deepest = down.clone()
    down[1, 1] = smooth
    yield "encoder.stages.1", down
    yield "encoder.stages.2", deepest
    for s, level in enumerate((1, 0)):
        up = torch.zeros(2, 2, *[2] * dimensions)
        up[0, 0] = up[1, 1] = 1
        yield f"decoder.transpconvs.{s}", up
        join = torch.zeros(2, 4, *here.shape)
        join[0, 0], join[1, 1] = here, here
        if level == carrier:
            join[1, 3] = here
        yield f"decoder.stages.{s}", join
    for s in (0, 1):
        head = torch.zeros(2, 2, *[1] * dimensions)
        head[1, 0], head[1, 1] = 1, 10
        yield f"decoder.seg_layers.{s}", head


def toy_case(size: tuple[int, ...], number: int, *, textured: bool) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """A bright object on a dark ground, and its mask; with a checkerboard beside the object."""
    mask = np.zeros(size, np.uint8)
    mask[tuple(slice(n // 3 + 4 * number, 2 * n // 3 + 4 * number) for n in size)] = 1
    image = np.where(mask == 1, BRIGHT, DARK)
    if textured:
        board = np.indices(size).sum(axis=0) % 2 * 2 - 1
        strip = np.indices(size)[-1] >= size[-1] - size[-1] // 6 - number
        image = image + np.where(strip & (mask == 0), CONTRAST * board, 0)
    return image.astype(np.uint8), mask
