"""GlaS, colon histology (Warwick QU, Sirinukunwattana et al. 2017): 165 pieces of slides of 16 patients.

``skipstudy convert glas "Warwick QU Dataset (Released 2016_07_08)" -d 503`` or
``python dataset_conversion/glas.py -i ... -d 503``.

The publisher's division into train, test A and test B is one of slides, not of patients: 59 of the 60 slides of test
A and all of test B are of patients who are in train too. So that the test set is new patients, test B is it (the
study's own choice, and the smaller one in patients), and the training pool is all of train and test A but the
patients of test B. With both test sets as test, eight slides would be left to train on. ``--protocol study`` divides as
the study did, by slide.
"""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from nnunet_skipstudy.conversion.command import of_download, refuse_with_study
from nnunet_skipstudy.conversion.description import STUDY_SIDE_PX, DatasetDescription, Division, SourceCase
from nnunet_skipstudy.conversion.flat import ENDING, Crops, FlatRendering
from nnunet_skipstudy.conversion.source import Layout, images_and_masks, patient_number
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.parser import Parser, run_script
from nnunet_skipstudy.support.tables import read_cells

SLIDE = r"(?P<set>train|testA|testB)_(?P<number>\d{1,9})(?P<mask>_anno)?\.bmp"
TABLE = "Grade.csv"
SETS = ("train", "testA", "testB")
STUDY_CROPS = 4
OFFICIAL = Division(test_sets=("testB",), needed_sets=SETS)
STUDY = Division(test_sets=("testB",), validation_sets=("testA",), first_fold="study_train_val", needed_sets=SETS)


def describe(arguments: argparse.Namespace) -> DatasetDescription:
    """GlaS with the options of the command line. Raises UserError: one of them is at fault."""
    refuse_with_study(arguments, rgb="grey (--rgb)")
    study = arguments.protocol == "study"
    number = (STUDY_CROPS if study else 0) if arguments.crops is None else arguments.crops
    crops = Crops(number, arguments.crop_size) if number else None

    def list_cases(root: Path, names: Sequence[str]) -> list[SourceCase]:
        return cases_of(names, read_patients(root / table_name(names)), by_patient=not study)

    return DatasetDescription(
        name="GlaS",
        layout=Layout(images=SLIDE, tables=re.escape(TABLE), expected="'train_1.bmp', 'train_1_anno.bmp' and so on"),
        list_cases=list_cases,
        render=FlatRendering(colour=arguments.rgb, rec601=study, instances=True, crops=crops),
        labels={"background": 0, "gland": 1},
        # No names that nnU-Net knows: each channel by its own mean and spread, which also evens out the staining;
        # so that colour is all that --rgb changes.
        channel_names=("red", "green", "blue") if arguments.rgb else ("grey",),
        ending=ENDING,
        configuration="2d",
        published=(165, "slides"),
        division=STUDY if study else OFFICIAL,
        options={
            "protocol": arguments.protocol,
            "rgb": arguments.rgb,
            "crops": number,
            "crop_size": arguments.crop_size if number else None,
            **({"grey": "Rec. 601"} if study else {}),
        },
        caveats=("divided by slide, as the study did: patients are on both sides of every split",) if study else (),
    )


def cases_of(names: Sequence[str], patients: dict[str, tuple[str, str]], *, by_patient: bool) -> list[SourceCase]:
    """The slides by set and number; the group is the patient or the slide itself.

    Raises:
        UserError: a slide lacks its annotation, or its patient, or two have one number.
    """
    places = [name.lower() for name in SETS]
    images, masks = images_and_masks(
        names, SLIDE, lambda match: (places.index(match["set"].lower()), int(match["number"]))
    )
    cases = []
    for (place, number), name in sorted(images.items()):
        official = SETS[place]
        if (place, number) not in masks:
            raise UserError(f"{name}: its annotation is missing; fetch the download again")
        case = f"{official}_{number}"
        if case.lower() not in patients:
            raise UserError(f"{TABLE}: doesn't say whose slide {case} is; fetch the download again")
        patient, grade = patients[case.lower()]
        group = f"patient_{patient}" if by_patient else case
        cases.append(SourceCase(case, name, (masks[place, number][0],), group, grade, official))
    return cases


def table_name(names: Sequence[str]) -> str:
    """The table of patients as this download spells it, else its usual name. Raises UserError: there are two."""
    found = sorted(name for name in names if name.lower() == TABLE.lower())
    if len(found) > 1:
        raise UserError(f"{' and '.join(found)}: two tables of patients; remove one of them")
    return found[0] if found else TABLE


def read_patients(path: Path) -> dict[str, tuple[str, str]]:
    """Patient and grade (benign, malignant) of each slide, by the slide's name in lower case.

    The published file has spaces in its header and cells, and old Macintosh line ends.

    Raises:
        UserError: there is no such file, it has no columns for name and patient, or says two things of one slide.
    """
    if not path.is_file():
        raise UserError(f"{path}: can't be read; it says which slides are of one patient, so fetch the whole download")
    header, *rows = [row for row in read_cells(path)[0] if any(row)] or [[]]
    titles = ("name", "patient", "grade")
    places = [next((place for place, cell in enumerate(header) if cell.lower().startswith(t)), None) for t in titles]
    if places[0] is None or places[1] is None:
        raise UserError(f"{path}: has no columns 'name' and 'patient ID'; fetch the download again")
    patients: dict[str, tuple[str, str]] = {}
    for row in rows:
        name, patient, grade = (row[place] if place is not None and place < len(row) else "" for place in places)
        found = (patient_number(patient), grade.lower())
        if patient and patients.setdefault(name.lower().removesuffix(".bmp"), found) != found:
            raise UserError(f"{path}: says two things of slide {name}; fetch the download again")
    return patients


def add_arguments(parser: Parser) -> None:
    """GlaS's own options."""
    add = parser.add_argument
    add("--rgb", action="store_true", help="keep the colours (default: grey)")
    add("--crops", type=int, metavar="N", help="N random pieces of each slide (default: 0, whole slides; study: 4)")
    add("--crop-size", type=int, default=STUDY_SIDE_PX, metavar="PX", help="rows and columns of a piece (default: 256)")


CONVERTER = of_download(
    describe,
    add_arguments,
    command="glas",
    dataset_id=503,
    dataset_name="GlaS",
    about="Make an nnU-Net data set of GlaS, glands in colon histology: grey, all glands one label. Test B is the\n"
    "test set; train and test A are the training pool, but for the patients of test B, whose slides are left\n"
    "out (left_out.csv): the publisher's own division is one of slides, not of patients.",
    study="native: whole slides, new patients in the test set; study: 4 crops of 256 x 256 a slide, grey by Rec. 601, "
    "divided by slide as the study did: train 85, validation 60 (test A), test 20 (test B) (default: native)",
    examples=(
        "skipstudy convert glas warwick_qu_dataset.zip --rgb",
        "skipstudy convert glas GlaS -d 513 --name GlaSstudy --protocol study",
    ),
)

if __name__ == "__main__":
    run_script(CONVERTER.main)
