"""BUSI, breast ultrasound (Al-Dhabyani et al. 2020): 437 benign and 210 malignant lesions, 133 normal images.

``skipstudy convert busi Dataset_BUSI_with_GT -d 502`` or ``python dataset_conversion/busi.py -i ... -d 502``.

Images are RGB(A), palette or grey PNGs of varying size, and become 8-bit grey at their own size. A case may have
several masks, which are merged. The collection holds duplicates and near-duplicates, which are kept in one group.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from nnunet_skipstudy.conversion.command import of_download, refuse_with_study
from nnunet_skipstudy.conversion.description import DatasetDescription, Division, Sizes, SourceCase
from nnunet_skipstudy.conversion.flat import LESION, breast_ultrasound
from nnunet_skipstudy.conversion.source import Layout, add_once, images_and_masks
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.parser import Parser, run_script

LESIONS = (
    r"(?P<lesion>benign|malignant)/(?P=lesion) ?\((?P<number>\d{1,9})\)(?P<mask>_mask(?:_(?P<part>\d{1,9}))?)?\.png"
)
NORMALS = r"normal/normal ?\((?P<normal>\d{1,9})\)\.png"
LABELS: dict[str, dict[str, int]] = {
    "lesion": LESION,
    "benign-malignant": {"background": 0, "benign": 1, "malignant": 2},
}
STUDY = Division(sizes=Sizes(train=400, val=100, test=147), first_fold="study_train_val")


def describe(arguments: argparse.Namespace) -> DatasetDescription:
    """BUSI with the options of the command line. Raises UserError: one of them is at fault."""
    if arguments.classes not in LABELS:
        raise UserError(f"classes {arguments.classes!r}; choose one of {', '.join(LABELS)} (--classes)")
    labels = LABELS[arguments.classes]
    refuse_with_study(arguments, normal="--normal")

    def list_cases(root: Path, names: Sequence[str]) -> list[SourceCase]:
        return cases_of(names, labels)

    return breast_ultrasound(
        arguments,
        name="BUSI",
        layout=Layout(
            images=f"(?:{LESIONS})|(?:{NORMALS})" if arguments.normal else LESIONS,
            unused=r"normal/.*_mask.*\.png" if arguments.normal else r"normal/.*\.png",
            expected="the folders 'benign' and 'malignant' with 'benign (1).png' and so on",
        ),
        list_cases=list_cases,
        labels=labels,
        division=STUDY if arguments.protocol == "study" else None,
        options={"classes": arguments.classes, "normal": arguments.normal},
        published=(647, "lesion images"),
    )


def cases_of(names: Sequence[str], labels: dict[str, int]) -> list[SourceCase]:
    """The cases by class and number; a lesion's own label is its class's, or the only one.

    Raises:
        UserError: an image lacks one of its masks, or a mask its image, or two files have one number.
    """
    images, masks = images_and_masks(names, LESIONS, lambda match: (match["lesion"].lower(), int(match["number"])))
    normals: dict[int, str] = {}
    for name in names:
        if match := re.fullmatch(NORMALS, name, re.IGNORECASE):
            add_once(normals, int(match["normal"]), name)
    cases = []
    for (lesion, number), image in sorted(images.items()):
        its_masks = masks[lesion, number]
        for part in range(max(its_masks, default=0) + 1):
            if part not in its_masks:
                missing = f"{image[:-4]}_mask{f'_{part}' if part else ''}.png"
                raise UserError(f"{image}: its mask is missing ({missing}); fetch the download again")
        case = f"{lesion}_{number:03d}"
        label = labels.get(lesion, 1)
        cases.append(
            SourceCase(case, image, tuple(its_masks[part] for part in sorted(its_masks)), case, lesion, label=label)
        )
    for number, image in sorted(normals.items()):
        case = f"normal_{number:03d}"
        cases.append(SourceCase(case, image, (), case, "normal"))
    return cases


def add_arguments(parser: Parser) -> None:
    """BUSI's own options."""
    told = "one label for all lesions, or one a class (default: lesion)"
    parser.add_argument("--classes", default="lesion", metavar="|".join(LABELS), help=told)
    parser.add_argument("--normal", action="store_true", help="with the images without a lesion (default: without)")


CONVERTER = of_download(
    describe,
    add_arguments,
    command="busi",
    dataset_id=502,
    dataset_name="BUSI",
    about="Make an nnU-Net data set of BUSI, breast ultrasound: grey, masks of a case merged, near-duplicates kept\n"
    "together (duplicates.csv lists them). A fifth of the images is the test set, benign and malignant in\n"
    "proportion.",
    study="native: images at their own size; study: 256 x 256 and 400/100/147 images (default: native)",
    examples=(
        "skipstudy convert busi archive.zip --classes benign-malignant",
        "skipstudy convert busi Dataset_BUSI_with_GT -d 512 --name BUSIstudy --protocol study",
    ),
)

if __name__ == "__main__":
    run_script(CONVERTER.main)
