"""The choice between whole volumes and the study's slices, for every data set of volumes."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nnunet_skipstudy.conversion import flat, volumes
from nnunet_skipstudy.conversion.description import Render
from nnunet_skipstudy.support.parser import Parser


@dataclass(frozen=True)
class VolumeOptions:
    """What follows from the choice."""

    rendering: Render
    ending: str
    configuration: str
    options: Mapping[str, Any]
    sliced: bool

    def channel_names(self, modality: str) -> tuple[str]:
        """The modality for volumes, by which nnU-Net chooses the normalisation; windowed slices are just grey."""
        return ("grey",) if self.sliced else (modality,)


def volume_options(arguments: argparse.Namespace, *, window: tuple[float, float] | None = None) -> VolumeOptions:
    """Slices where ``--slices`` or ``--protocol study`` is given, else volumes."""
    sliced = arguments.slices or arguments.protocol == "study"
    options = {"protocol": arguments.protocol, "slices": sliced}
    if sliced:
        return VolumeOptions(volumes.SliceRendering(window), flat.ENDING, "2d", options, sliced)
    return VolumeOptions(volumes.VolumeRendering(), volumes.ENDING, "3d_fullres", options, sliced)


def add_slices_argument(parser: Parser, black_to_white: str) -> None:
    """Add ``--slices``."""
    parser.add_argument(
        "--slices",
        action="store_true",
        help=f"2D: slices with more than 0.5 %% foreground, 256 x 256, 8 bit, {black_to_white} as black to white "
        "(default: volumes)",
    )
