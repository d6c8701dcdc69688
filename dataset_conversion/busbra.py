"""BUS-BRA, breast ultrasound (Gómez-Flores et al. 2024): 1875 images of 1064 patients, each with one lesion.

``skipstudy convert busbra BUSBRA -d 507`` or ``python dataset_conversion/busbra.py -i ... -d 507``.

Another hospital, other machines and the same question as BUSI: what a network that was trained on one makes of the
other is a shift that nobody made. Images of one patient, which the publisher's table tells, stay together.
"""

import re
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from nnunet_skipstudy.conversion.command import of_download
from nnunet_skipstudy.conversion.description import SourceCase
from nnunet_skipstudy.conversion.flat import breast_ultrasound
from nnunet_skipstudy.conversion.source import Layout, add_once, patient_number
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.parser import run_script
from nnunet_skipstudy.support.tables import read_rows

FILE = r"(?:Images/bus|Masks/(?P<mask>mask))_(?P<view>\d{1,9}-[A-Za-z0-9]{1,8})\.png"
TABLE = "bus_data.csv"
ABOUT = """\
Make an nnU-Net data set of BUS-BRA, breast ultrasound of another hospital than BUSI's: grey, a patient's
images kept together. A fifth of the patients is the test set, benign and malignant in proportion."""
LAYOUT = Layout(
    images=FILE,
    tables=re.escape(TABLE),
    expected=f"'Images/bus_0001-l.png', 'Masks/mask_0001-l.png' and so on beside {TABLE}",
)


def cases_of(root: Path, names: Sequence[str]) -> list[SourceCase]:
    """The images by patient's number and view; the group is the patient, the stratum the pathology.

    Raises:
        UserError: an image lacks its mask or its row of the table, or the other way round.
    """
    files: dict[tuple[str, bool], str] = {}
    for name in names:
        if match := re.fullmatch(FILE, name, re.IGNORECASE):
            add_once(files, (match["view"].lower(), bool(match["mask"])), name)
    table = next((name for name in names if name.lower() == TABLE), TABLE)
    if not (root / table).is_file():
        raise UserError(f"{TABLE}: is missing; it says which images are of one patient, so fetch the whole download")
    patients = _patients(root / table)
    cases = []
    for view, is_mask in sorted(files):
        if (view, not is_mask) not in files:
            raise UserError(f"{files[view, is_mask]}: its {'image' if is_mask else 'mask'} is missing; fetch it again")
        if not is_mask:
            patient, pathology = patients.get(f"bus_{view}", ("", ""))
            if not patient:
                raise UserError(f"{TABLE}: doesn't say whose image bus_{view} is; fetch the download again")
            image, mask = files[view, False], files[view, True]
            cases.append(SourceCase(f"bus_{view}", image, (mask,), f"patient_{patient}", pathology))
    return cases


def _patients(table: Path) -> dict[str, tuple[str, str]]:
    """Patient and pathology of each image. Raises UserError: the table says two things of one."""
    patients: dict[str, tuple[str, str]] = {}
    for row in read_rows(table, ("ID", "Case", "Pathology")):
        found = patient_number(row["Case"]), row["Pathology"].lower()
        if patients.setdefault(row["ID"].lower(), found) != found:
            raise UserError(f"{TABLE}: says two things of {row['ID']}; fetch the download again")
    return patients


CONVERTER = of_download(
    partial(breast_ultrasound, name="BUS-BRA", layout=LAYOUT, list_cases=cases_of, published=(1875, "lesion images")),
    command="busbra",
    dataset_id=507,
    dataset_name="BUSBRA",
    about=ABOUT,
    study="native: images at their own size; study: 256 x 256, as BUSI in the study (default: native)",
    examples=("skipstudy convert busbra BUSBRA.zip -d 517 --name BUSBRAstudy --protocol study",),
)

if __name__ == "__main__":
    run_script(CONVERTER.main)
