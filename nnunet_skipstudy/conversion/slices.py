"""The choice between whole volumes and the study's slices, for every data set of volumes."""

import argparse
from typing import Any

from nnunet_skipstudy.conversion import flat, volumes
from nnunet_skipstudy.support.parser import Parser

Window = tuple[float, float]
"""The intensities that become black and white."""


def volumes_or_slices(arguments: argparse.Namespace, modality: str, window: Window | None = None) -> dict[str, Any]:
    """What of a description follows from the choice: slices with ``--slices`` or ``--protocol study``, else volumes.

    By its channel's name nnU-Net chooses the normalisation: volumes have their modality's, slices are grey. The study's
    protocol stretches each slice by its own range.
    """
    study = arguments.protocol == "study"
    sliced = arguments.slices or study
    return {
        "render": volumes.SliceRendering(window, own_range=study) if sliced else volumes.VolumeRendering(),
        "channel_names": ("grey",) if sliced else (modality,),
        "ending": flat.ENDING if sliced else volumes.ENDING,
        "configuration": "2d" if sliced else "3d_fullres",
        "options": {
            "protocol": arguments.protocol,
            "slices": sliced,
            **({"intensities": "each slice's own range"} if study else {}),
        },
    }


def add_slices_argument(parser: Parser, window: Window | None = None) -> None:
    """Add ``--slices``."""
    ends = f"{window[0]:g} to {window[1]:g} HU" if window else "the volume's own percentiles 0.5 to 99.5"
    parser.add_argument(
        "--slices",
        action="store_true",
        help=f"2D: slices with more than 0.5 %% foreground, 256 x 256, 8 bit, {ends} as black to white "
        "(default: volumes)",
    )
