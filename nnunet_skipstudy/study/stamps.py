"""The settings hash beside each result, so that results of different settings never mix."""

import shutil
from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.files import write_json
from nnunet_skipstudy.study.grid import Cell
from nnunet_skipstudy.study.states import read_record

STAMP = "skipstudy_settings.json"


def claim(folder: Path, cell: Cell, superseded: Path) -> None:
    """Make ``folder`` the cell's: what other settings left there moves to ``superseded/<hash>``, and comes back later.

    Args:
        folder: where the cell's results go.
        cell: it is stamped with this cell's hash and settings.
        superseded: where results of other settings are kept.

    Raises:
        UserError: the folder holds results that no study has stamped.
    """
    stamp = read_record(folder / STAMP)
    if stamp.get("digest") == cell.digest:
        return
    if folder.exists() and any(folder.iterdir()):
        if not stamp:
            raise UserError(
                f"{folder}: holds results that this study did not make; move them away, or give the study another root"
            )
        _move(folder, _kept(superseded, str(stamp["digest"]), cell))
    kept = _kept(superseded, cell.digest, cell)
    if kept.exists():
        _move(kept, folder)
    else:
        write_json(folder / STAMP, {"digest": cell.digest, "cell": cell.key, "settings": dict(cell.settings)})


def _kept(superseded: Path, digest: str, cell: Cell) -> Path:
    return superseded / digest / cell.key


def _move(source: Path, target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    place, number = target, 1
    while place.exists():  # nothing is ever deleted
        place, number = target.with_name(f"{target.name}-{number}"), number + 1
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, place)
