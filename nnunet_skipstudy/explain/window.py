"""All interventions on one case in one run of nnU-Net's own sliding window.

The images of a case (reference, perturbed, another's) are stacked as channels, so that tiles, padding and mirroring are
those of nnU-Net and the same for all of them; what comes out of the interventions are channels too, so that nnU-Net
weights and adds them up as it does the classes of a prediction.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from nnunet_skipstudy.nnunet.prediction import Predictor

MOST_BYTES = 2**31
"""Of nnU-Net's sums at a time, in half precision; what needs more is done in several runs."""
BYTES_OF_HALF = 2

TileFunction = Callable[[Sequence[Tensor]], Sequence[Tensor]]
"""From the stacked images' tiles, each (1, input channels, *tile), to maps (1, channels, *tile)."""


class _Stacked(nn.Module):
    """What nnU-Net's sliding window takes for the network."""

    def __init__(self, function: TileFunction, n_images: int) -> None:
        super().__init__()
        self._function = function
        self._n_images = n_images

    def forward(self, stacked: Tensor) -> Tensor:
        tiles = [tile.contiguous() for tile in stacked.chunk(self._n_images, 1)]
        return torch.cat(list(self._function(tiles)), 1)


def slide(predictor: Predictor, images: Sequence[Tensor], n_channels: int, function: TileFunction) -> Tensor:
    """Slide nnU-Net's window over several images of one shape at once.

    Args:
        predictor: the model; its network is put back in the end.
        images: (input channels, *size) each, as :meth:`Predictor.preprocessed` gives them.
        n_channels: how many channels ``function`` returns in all.
        function: is called with the images' tiles.

    Returns:
        (n_channels, *size) in half precision, on the CPU.
    """
    with _in_place_of_network(predictor.nnunet, _Stacked(function, len(images)), n_channels):
        found: Tensor = predictor.nnunet.predict_sliding_window_return_logits(torch.cat(list(images)))
        return found.cpu()


@contextmanager
def _in_place_of_network(nnunet: Any, stacked: nn.Module, n_channels: int) -> Iterator[None]:
    network, labels = nnunet.network, nnunet.label_manager
    nnunet.network, nnunet.label_manager = stacked, SimpleNamespace(num_segmentation_heads=n_channels)
    try:
        yield
    finally:
        nnunet.network, nnunet.label_manager = network, labels


def at_a_time(image: Tensor, n_heads: int) -> int:
    """How many predictions of an image, each of ``n_heads`` channels, fit into :data:`MOST_BYTES`; at least one."""
    return max(1, MOST_BYTES // (BYTES_OF_HALF * n_heads * image[0].numel()))


def as_large_as(image: Tensor, other: Tensor) -> Tensor:
    """``other`` cut around its centre, or repeated, to the size of ``image``; channels stay."""
    for axis in range(1, image.ndim):
        n, n_other = image.shape[axis], other.shape[axis]
        start = max(0, (n_other - n) // 2)
        other = other.index_select(axis, (torch.arange(n) + start) % n_other)
    return other


def segmented(predictor: Predictor, logits: Tensor, properties: dict[str, Any]) -> npt.NDArray[Any]:
    """The label map that nnU-Net makes of logits, on the grid of the case's file, in three axes."""
    from nnunetv2.inference.export_prediction import convert_predicted_logits_to_segmentation_with_correct_shape

    nnunet = predictor.nnunet
    threads = torch.get_num_threads()
    found = convert_predicted_logits_to_segmentation_with_correct_shape(
        *(logits, nnunet.plans_manager, nnunet.configuration_manager, nnunet.label_manager, properties),
        num_threads_torch=threads,
    )
    return np.asarray(found)
