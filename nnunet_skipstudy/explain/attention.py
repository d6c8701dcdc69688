"""Where an attention U-Net looks: its gates' weights on the image's grid, and how much of them is in the object."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from nnunet_skipstudy.explain.passes import OpenNetwork
from nnunet_skipstudy.explain.window import slide
from nnunet_skipstudy.nnunet.prediction import Predictor
from nnunet_skipstudy.support.files import atomic_path

Floats = npt.NDArray[np.float32]
_INTERPOLATION = {2: "bilinear", 3: "trilinear"}


def attention_on_grid(predictor: Predictor, network: OpenNetwork, files: list[str]) -> dict[int, Floats]:
    """The gates' weights of a case.

    Returns:
        Level (0 = full resolution) to weights in 0…1 on the grid of the case's file, in three axes; 0 where nnU-Net
        cuts the image off. Empty for a network without gates.
    """
    if not network.gated_levels:
        return {}
    image, properties = predictor.preprocessed(files)

    def maps(tiles: Sequence[Tensor]) -> list[Tensor]:
        size = tiles[0].shape[2:]
        found = network.attention(network.run(tiles[0]))
        return [torch.nn.functional.interpolate(one, size=size, mode=_INTERPOLATION[len(size)]) for one in found]

    slid = slide(predictor, [image], len(network.gated_levels), maps)
    return dict(zip(network.gated_levels, _on_grid(predictor, slid, properties), strict=True))


def _on_grid(predictor: Predictor, maps: Tensor, properties: dict[str, Any]) -> Floats:
    """As nnU-Net brings probabilities back: resampled, put where the image was cut out, axes in the file's order."""
    plans, configuration = predictor.nnunet.plans_manager, predictor.nnunet.configuration_manager
    spacing = [properties["spacing"][axis] for axis in plans.transpose_forward]
    shape = properties["shape_after_cropping_and_before_resampling"]
    own = configuration.spacing
    current = own if len(own) == len(shape) else [spacing[0], *own]
    resampled = configuration.resampling_fn_probabilities(maps.float(), shape, current, spacing)
    whole: Floats = np.zeros((len(maps), *properties["shape_before_cropping"]), np.float32)
    whole[(slice(None), *(slice(*ends) for ends in properties["bbox_used_for_cropping"]))] = np.clip(resampled, 0, 1)
    return whole.transpose([0, *(axis + 1 for axis in plans.transpose_backward)])


def mass_in(weights: Floats, inside: npt.NDArray[np.bool_]) -> float | None:
    """The share of all weight that lies inside; None where there is no weight."""
    total = float(weights.sum(dtype=np.float64))
    return float(weights[inside].sum(dtype=np.float64)) / total if total else None


def write_picture(path: Path, weights: Floats) -> None:
    """An 8-bit grey PNG of the weights (row, column), black for 0."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as target:
        Image.fromarray(np.rint(255 * weights).astype(np.uint8)).save(target, format="PNG")
