"""Spleen, CT (Medical Segmentation Decathlon, Task09): 41 labelled volumes.

``skipstudy convert spleen Task09_Spleen -d 505`` or ``python dataset_conversion/spleen.py -i ... -d 505``.
"""

import argparse

from nnunet_skipstudy.conversion import decathlon
from nnunet_skipstudy.conversion.command import Converter, run
from nnunet_skipstudy.conversion.description import DatasetDescription, Division, Sizes
from nnunet_skipstudy.conversion.slices import add_slices_argument, volume_options
from nnunet_skipstudy.support.parser import Parser, run_script

WINDOW_HU = (-160.0, 240.0)
"""Black and white of slices: the usual abdominal window, 400 wide around 40."""
STUDY = Division(sizes=Sizes(train=25, val=5, test=11, unit="groups"), first_fold="study_train_val")


def describe(arguments: argparse.Namespace) -> DatasetDescription:
    """Spleen with the options of the command line."""
    volume = volume_options(arguments, window=WINDOW_HU)
    return DatasetDescription(
        name="Spleen",
        layout=decathlon.layout("spleen"),
        list_cases=decathlon.cases_of,
        render=volume.rendering,
        labels={"background": 0, "spleen": 1},
        channel_names=volume.channel_names("CT"),
        ending=volume.ending,
        configuration=volume.configuration,
        division=STUDY if arguments.protocol == "study" else Division(),
        options=volume.options,
        published=(41, "labelled volumes"),
    )


def add_arguments(parser: Parser) -> None:
    """Spleen's own options."""
    add_slices_argument(parser, f"{WINDOW_HU[0]:g} to {WINDOW_HU[1]:g} HU")


CONVERTER = Converter(
    command="spleen",
    dataset_id=505,
    dataset_name="Spleen",
    about="Make an nnU-Net data set of the Decathlon's Task09, spleen in CT: the labelled volumes, a fifth\n"
    "of them the test set.",
    study="native: volumes; study: 2D as in --slices, of 25 volumes to train, 5 to validate and "
    "11 to test (default: native)",
    describe=describe,
    add_arguments=add_arguments,
    examples=("skipstudy convert spleen Task09_Spleen.tar -d 515 --name SpleenStudy --protocol study",),
)


def main(argv: list[str]) -> int:
    """Convert as the arguments say.

    Raises:
        UserError: arguments, environment or download are at fault.
    """
    return run(CONVERTER, argv)


if __name__ == "__main__":
    run_script(main)
