"""What the breast ultrasound sets have in common, so that networks of one read the others."""

import argparse
from typing import Any

from nnunet_skipstudy.conversion.description import STUDY_SIDE_PX, DatasetDescription, Division
from nnunet_skipstudy.conversion.flat import ENDING, FlatRendering

LESION = {"background": 0, "lesion": 1}


def breast_ultrasound(
    arguments: argparse.Namespace, *, labels: dict[str, int] = LESION, division: Division | None = None, **own: Any
) -> DatasetDescription:
    """Grey 2D images, at their own size or the study's; near-duplicates stay together.

    Args:
        arguments: of the command line: ``protocol``.
        labels: of ``dataset.json``.
        division: the set's own way into train and test.
        own: the description's other fields; its ``options`` beside the protocol.
    """
    study = arguments.protocol == "study"
    return DatasetDescription(
        render=FlatRendering(side_px=STUDY_SIDE_PX if study else None),
        labels=labels,
        channel_names=("grey",),  # no name that nnU-Net knows: each image by its own mean and spread
        ending=ENDING,
        configuration="2d",
        division=division or Division(),
        options={"protocol": arguments.protocol, **own.pop("options", {})},
        find_duplicates=True,
        **own,
    )
