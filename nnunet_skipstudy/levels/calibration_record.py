"""What calibrated strengths were found, kept beside perturbations.csv so that they are searched for once."""

from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.calibrate import Calibrated, Wanted
from nnunet_skipstudy.support.files import read_object, write_json
from nnunet_skipstudy.texture.perturbation import Perturbation

RECORD = "calibration.json"


def recall(folder: Path, level: str, wanted: Wanted, seed: int, cases_sha256: str) -> Perturbation | None:
    """The perturbation that was found for a level when the same was wanted of the same cases, or None.

    Raises:
        UserError: the record can't be read.
    """
    try:
        entry = read_object(folder / RECORD).get(level, {})
        if (entry.get("wanted"), entry.get("seed"), entry.get("cases_sha256")) == (str(wanted), seed, cases_sha256):
            return Perturbation.parse(entry["perturbation"])
    except (AttributeError, KeyError, TypeError) as error:
        raise UserError(f"{folder / RECORD}: level {level!r} can't be read; remove the file") from error
    return None


def record(folder: Path, level: str, wanted: Wanted, seed: int, cases_sha256: str, found: Calibrated) -> None:
    """Write what was found for a level, and leave what is recorded of others."""
    entry = {
        "wanted": str(wanted),
        "seed": seed,
        "cases_sha256": cases_sha256,
        "perturbation": str(found.perturbation),
        "target_median": found.target,
        "reached_median": found.reached,
        "tried": [{"strength": strength, "median": value} for strength, value in found.tried],
    }
    write_json(folder / RECORD, {**read_object(folder / RECORD), level: entry})
