"""ACDC, cine MRI of the heart (Bernard et al. 2018): 150 patients, each at end-diastole (ED) and end-systole (ES).

``skipstudy convert acdc ACDC/database -d 504`` or ``python dataset_conversion/acdc.py -i ... -d 504``.

The two frames of a patient are two cases of one group. The publisher's ``testing`` patients are the test set where
their ground truth is there (newer releases); else a fifth of the patients is held out, diseases in proportion.
"""

import argparse
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from nnunet_skipstudy.conversion.command import Converter, run
from nnunet_skipstudy.conversion.description import DatasetDescription, Division, SourceCase
from nnunet_skipstudy.conversion.numbering import add_once
from nnunet_skipstudy.conversion.slices import add_slices_argument, volume_options
from nnunet_skipstudy.conversion.source import Layout
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.parser import Parser, run_script

FRAME = (
    r"(?:(?P<set>training|testing)/)?(?P<patient>patient\d+)/"
    r"(?P=patient)_frame(?P<frame>\d+)(?P<mask>_gt)?\.nii(?:\.gz)?"
)
INFO = "Info.cfg"
LABELS = {"background": 0, "RV": 1, "MYO": 2, "LV": 3}
PHASES = ("ED", "ES")
DIVISION = Division(test_sets=("testing",))


def describe(arguments: argparse.Namespace) -> DatasetDescription:
    """ACDC with the options of the command line."""
    volume = volume_options(arguments)
    return DatasetDescription(
        name="ACDC",
        layout=Layout(
            images=FRAME,
            tables=r"(?:(?:training|testing)/)?patient\d+/Info\.cfg",
            unused=r".*_4d\.nii(?:\.gz)?",
            expected="folders 'training/patient001' with 'patient001_frame01.nii.gz' and so on",
        ),
        list_cases=cases_of,
        render=volume.rendering,
        labels=LABELS,
        channel_names=volume.channel_names("MRI"),
        ending=volume.ending,
        configuration=volume.configuration,
        division=DIVISION,
        options=volume.options,
    )


def cases_of(root: Path, names: Sequence[str]) -> list[SourceCase]:
    """ED and ES of each patient.

    Raises:
        UserError: a frame, or its ground truth, is missing, or two have one number.
    """
    frames: dict[tuple[str, str], dict[tuple[int, bool], str]] = defaultdict(dict)
    for name in names:
        if match := re.fullmatch(FRAME, name, re.IGNORECASE):
            key = (match["set"] or "training").lower(), match["patient"].lower()
            add_once(frames[key], (int(match["frame"]), bool(match["mask"])), name)
    labelled_sets = {official for (official, _), its in frames.items() if any(is_mask for _, is_mask in its)}
    cases = []
    for (official, patient), files in sorted(frames.items(), key=lambda item: item[0][1]):
        if official == "testing" and "testing" not in labelled_sets:
            continue
        info = read_info((root / next(iter(files.values()))).with_name(INFO))
        for phase, frame in phases_of(patient, files, info).items():
            image, mask = files.get((frame, False)), files.get((frame, True))
            if image is None or mask is None:
                missing = f"{patient}_frame{frame:02d}{'_gt' if image else ''}.nii.gz"
                raise UserError(f"{official}/{patient}/{missing}: missing ({phase}); fetch the download again")
            cases.append(SourceCase(f"{patient}_{phase}", image, (mask,), patient, info.get("group", ""), official))
    return cases


def phases_of(patient: str, files: Mapping[tuple[int, bool], str], info: Mapping[str, str]) -> dict[str, int]:
    """The frames of ED and ES: from Info.cfg, else the patient's two frames in their order."""
    if all(phase.lower() in info for phase in PHASES):
        try:
            return {phase: int(info[phase.lower()]) for phase in PHASES}
        except ValueError:
            raise UserError(f"{patient}/{INFO}: ED or ES is no frame number; fetch the download again") from None
    found = sorted({frame for frame, is_mask in files})
    if len(found) != len(PHASES):
        raise UserError(
            f"{patient}: {len(found)} frames and no {INFO} that says which are ED and ES; fetch the download again"
        )
    return dict(zip(PHASES, found, strict=True))


def read_info(path: Path) -> dict[str, str]:
    """The lines ``Key: value`` of an Info.cfg, keys in lower case; nothing where there is no such file."""
    if not path.is_file():
        return {}
    pairs = (line.split(":", 1) for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return {pair[0].strip().lower(): pair[1].strip() for pair in pairs if len(pair) == 2}


def add_arguments(parser: Parser) -> None:
    """ACDC's own options."""
    add_slices_argument(parser, "the volume's own percentiles 0.5 to 99.5")


CONVERTER = Converter(
    command="acdc",
    dataset_id=504,
    dataset_name="ACDC",
    about="Make an nnU-Net data set of ACDC, cine MRI of the heart: end-diastole and end-systole of each patient,\n"
    "with right ventricle (RV) 1, myocardium (MYO) 2, left ventricle (LV) 3. The testing patients are the test set\n"
    "where their ground truth is there, else a fifth of the patients.",
    study="native: volumes; study: 2D as in --slices (the study had no ACDC) (default: native)",
    describe=describe,
    add_arguments=add_arguments,
    examples=("skipstudy convert acdc ACDC.zip -d 514 --name ACDCslices --slices",),
)


def main(argv: list[str]) -> int:
    """Convert as the arguments say.

    Raises:
        UserError: arguments, environment or download are at fault.
    """
    return run(CONVERTER, argv)


if __name__ == "__main__":
    run_script(main)
