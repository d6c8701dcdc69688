"""ACDC, cine MRI of the heart (Bernard et al. 2018): 150 patients, each at end-diastole (ED) and end-systole (ES).

``skipstudy convert acdc ACDC/database -d 504`` or ``python dataset_conversion/acdc.py -i ... -d 504``.

The two frames of a patient are two cases of one group. The publisher's ``testing`` patients are the test set where
their ground truth is there (newer releases); else a fifth of the patients is held out, diseases in proportion.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from nnunet_skipstudy.conversion.command import of_download
from nnunet_skipstudy.conversion.description import DatasetDescription, Division, SourceCase
from nnunet_skipstudy.conversion.source import Layout, add_once
from nnunet_skipstudy.conversion.volumes import add_slices_argument, volumes_or_slices
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.support.parser import run_script
from nnunet_skipstudy.support.tables import decoded

FRAME = (
    r"(?:(?:training|testing)/)?(?P<patient>patient\d{1,9})/"
    r"(?P=patient)_frame(?P<frame>\d{1,9})(?P<mask>_gt)?\.nii(?:\.gz)?"
)
INFO = r"(?:(?:training|testing)/)?patient\d{1,9}/Info\.cfg"
LABELS = {"background": 0, "RV": 1, "MYO": 2, "LV": 3}
PHASES = ("ED", "ES")


def describe(arguments: argparse.Namespace) -> DatasetDescription:
    """ACDC with the options of the command line."""
    return DatasetDescription(
        name="ACDC",
        layout=Layout(
            images=FRAME,
            tables=INFO,
            unused=r".*_4d\.nii(?:\.gz)?",
            expected="folders 'training/patient001' with 'patient001_frame01.nii.gz' and so on",
        ),
        list_cases=cases_of,
        labels=LABELS,
        division=Division(test_sets=("testing",)),
        published=(150, "patients"),
        **volumes_or_slices(arguments, "MRI"),
    )


def cases_of(root: Path, names: Sequence[str]) -> list[SourceCase]:
    """ED and ES of each patient.

    Raises:
        UserError: a frame, its ground truth or the patient's Info.cfg is missing, or two frames have one number.
    """
    infos: dict[tuple[str, str], str] = {}
    frames: dict[tuple[str, str], dict[tuple[int, bool], str]] = defaultdict(dict)
    for name in names:
        if re.fullmatch(INFO, name, re.IGNORECASE):
            add_once(infos, _patient(name), name)
        elif match := re.fullmatch(FRAME, name, re.IGNORECASE):
            add_once(frames[_patient(name)], (int(match["frame"]), bool(match["mask"])), name)
    labelled_sets = {official for (official, _), its in frames.items() if any(is_mask for _, is_mask in its)}
    cases = []
    for (official, patient), files in sorted(frames.items(), key=lambda item: item[0][1]):
        if official == "testing" and "testing" not in labelled_sets:
            continue
        if (official, patient) not in infos:
            raise UserError(
                f"{official}/{patient}: has no Info.cfg, which says its frames ED and ES and its disease; "
                "fetch the whole download"
            )
        info = read_info(root / infos[official, patient])
        for phase in PHASES:
            frame = int(info[phase.lower()])
            image, mask = files.get((frame, False)), files.get((frame, True))
            if image is None or mask is None:
                missing = f"{patient}_frame{frame:02d}{'_gt' if image else ''}.nii.gz"
                raise UserError(f"{official}/{patient}/{missing}: missing ({phase}); fetch the download again")
            cases.append(SourceCase(f"{patient}_{phase}", image, (mask,), patient, info.get("group", ""), official))
    return cases


def _patient(name: str) -> tuple[str, str]:
    """Set and patient of a file; where the patients lie at the top, they are those of the training set."""
    *official, patient, _ = name.lower().split("/")
    return (official or ["training"])[0], patient


def read_info(path: Path) -> dict[str, str]:
    """The lines ``Key: value`` of an Info.cfg, keys in lower case; ``ed`` and ``es`` are two frame numbers.

    Raises:
        UserError: it can't be read, says something twice, or doesn't say which frames are ED and ES.
    """
    try:
        lines = decoded(path.read_bytes()).splitlines()
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: can't be read ({error}); fetch the download again") from error
    info: dict[str, str] = {}
    for key, colon, value in (line.partition(":") for line in lines):
        if colon and info.setdefault(key.strip().lower(), value.strip()) != value.strip():
            raise UserError(f"{path}: says {key.strip()!r} twice; fetch the download again")
    for phase in PHASES:
        if not re.fullmatch(r"\d{1,9}", info.get(phase.lower(), ""), re.ASCII):
            raise UserError(f"{path}: doesn't say which frame is {phase}; fetch the download again")
    if int(info["ed"]) == int(info["es"]):
        raise UserError(f"{path}: says that frame {int(info['ed'])} is both ED and ES; fetch the download again")
    return info


CONVERTER = of_download(
    describe,
    add_slices_argument,
    command="acdc",
    dataset_id=504,
    dataset_name="ACDC",
    about="Make an nnU-Net data set of ACDC, cine MRI of the heart: end-diastole and end-systole of each patient,\n"
    "with right ventricle (RV) 1, myocardium (MYO) 2, left ventricle (LV) 3. The testing patients are the test set\n"
    "where their ground truth is there, else a fifth of the patients.",
    study="native: volumes; study: 2D as in --slices, but each slice stretched from its own minimum to its maximum, as "
    "the study did with other MRI (it had no ACDC) (default: native)",
    examples=("skipstudy convert acdc ACDC.zip -d 514 --name ACDCslices --slices",),
)

if __name__ == "__main__":
    run_script(CONVERTER.main)
