"""Heart, MRI (Medical Segmentation Decathlon, Task02): 20 labelled volumes, left atrium.

``skipstudy convert heart Task02_Heart -d 506`` or ``python dataset_conversion/heart.py -i ... -d 506``.
"""

import argparse

from nnunet_skipstudy.conversion import decathlon
from nnunet_skipstudy.conversion.command import Converter, run
from nnunet_skipstudy.conversion.description import DatasetDescription, Division, Sizes
from nnunet_skipstudy.conversion.slices import add_slices_argument, volume_options
from nnunet_skipstudy.support.parser import Parser, run_script

STUDY = Division(sizes=Sizes(train=13, val=4, test=3, unit="groups"), first_fold="study_train_val")


def describe(arguments: argparse.Namespace) -> DatasetDescription:
    """Heart with the options of the command line."""
    volume = volume_options(arguments)
    return DatasetDescription(
        name="Heart",
        layout=decathlon.layout("la"),
        list_cases=decathlon.cases_of,
        render=volume.rendering,
        labels={"background": 0, "left_atrium": 1},
        channel_names=volume.channel_names("MRI"),
        ending=volume.ending,
        configuration=volume.configuration,
        division=STUDY if arguments.protocol == "study" else Division(),
        options=volume.options,
        published=(20, "labelled volumes"),
    )


def add_arguments(parser: Parser) -> None:
    """Heart's own options."""
    add_slices_argument(parser, "the volume's own percentiles 0.5 to 99.5")


CONVERTER = Converter(
    command="heart",
    dataset_id=506,
    dataset_name="Heart",
    about="Make an nnU-Net data set of the Decathlon's Task02, left atrium in MRI: the labelled volumes,\n"
    "a fifth of them the test set.",
    study="native: volumes; study: 2D as in --slices, of 13 volumes to train, 4 to validate and "
    "3 to test (default: native)",
    describe=describe,
    add_arguments=add_arguments,
    examples=("skipstudy convert heart Task02_Heart.tar -d 516 --name HeartStudy --protocol study",),
)


def main(argv: list[str]) -> int:
    """Convert as the arguments say.

    Raises:
        UserError: arguments, environment or download are at fault.
    """
    return run(CONVERTER, argv)


if __name__ == "__main__":
    run_script(main)
