"""BrEaST, breast ultrasound (Pawłowska et al. 2024, Breast-Lesions-USG of the TCIA): 252 patients' lesions.

``skipstudy convert breast BrEaST-Lesions_USG-images_and_masks -d 508`` or
``python dataset_conversion/breast.py -i ... -d 508``.

Several machines and hospitals, one image a patient. The lesion that was examined is the object (``_tumor``); other
findings (``_other1`` …) are background, and the four images without a lesion are left out. Which lesions are benign
stands in a workbook that isn't read.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from nnunet_skipstudy.conversion.command import of_download
from nnunet_skipstudy.conversion.description import SourceCase
from nnunet_skipstudy.conversion.flat import breast_ultrasound
from nnunet_skipstudy.conversion.source import Layout, images_and_masks
from nnunet_skipstudy.support.parser import run_script

FILE = r"case(?P<number>\d{1,9})(?P<mask>_tumor(?P<part>\d{0,9}))?\.png"
LAYOUT = Layout(
    images=FILE,
    unused=r"case\d{1,9}_other\d{0,9}\.png",
    expected="'case001.png', 'case001_tumor.png' and so on",
)


def cases_of(root: Path, names: Sequence[str]) -> list[SourceCase]:
    """The cases with a lesion, by number; each is a patient.

    Raises:
        UserError: a mask lacks its image, or two files have one number.
    """
    images, masks = images_and_masks(names, FILE, lambda match: int(match["number"]))
    parts = {number: tuple(masks[number][part] for part in sorted(masks[number])) for number in sorted(masks)}
    return [SourceCase(f"case{n:03d}", images[n], its_masks, f"case{n:03d}") for n, its_masks in parts.items()]


CONVERTER = of_download(
    partial(breast_ultrasound, name="BrEaST", layout=LAYOUT, list_cases=cases_of, published=(252, "lesion images")),
    command="breast",
    dataset_id=508,
    dataset_name="BrEaST",
    about="Make an nnU-Net data set of BrEaST (Breast-Lesions-USG), breast ultrasound of other hospitals than BUSI's:\n"
    "grey, the examined lesion of each patient. A fifth of the images is the test set.",
    study="native: images at their own size; study: 256 x 256, as BUSI in the study (default: native)",
    examples=("skipstudy convert breast images_and_masks.zip -d 518 --name BrEaSTstudy --protocol study",),
)

if __name__ == "__main__":
    run_script(CONVERTER.main)
