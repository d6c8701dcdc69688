"""The settings hash beside each result, so that results of different settings never mix."""

import shutil
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.study.grid import Cell
from nnunet_skipstudy.study.places import ENGINE, Places
from nnunet_skipstudy.support.files import read_record, write_json

STAMP = "skipstudy_settings.json"
PACKAGES = ("nnunet-skipstudy", "nnunetv2", "torch")
"""Whose versions may change results, and are stamped on them."""


def claim(folder: Path, cell: Cell, places: Places) -> None:
    """Make ``folder`` the cell's: what other settings left there moves to ``superseded/<hash>``, and comes back later.

    Args:
        folder: where the cell's results go.
        cell: it is stamped with this cell's hash and settings.
        places: the study's folders; results of other settings are kept in one of them.

    Raises:
        UserError: the folder holds results that no study has stamped, or that belong to another study.
    """
    stamp = read_record(folder / STAMP)
    if stamp.get("digest") == cell.digest:
        return
    if folder.exists() and any(folder.iterdir()):
        if not stamp:
            raise UserError(
                f"{folder}: holds results that this study did not make; move them away, or give the study another root"
            )
        refuse_other_study(folder, stamp, places.root)
        _move(folder, _kept(places.superseded, str(stamp["digest"]), cell))
    kept = _kept(places.superseded, cell.digest, cell)
    if kept.exists():
        _move(kept, folder)
    else:
        content = {"digest": cell.digest, "cell": cell.key, "study": str(places.root), "settings": dict(cell.settings)}
        write_json(folder / STAMP, {**content, "versions": {package: version(package) for package in PACKAGES}})


def version_words(folders: Iterable[Path]) -> list[str]:
    """A sentence a package of which several versions made these results: they are no part of the settings' hash."""
    stamps = [read_record(folder / STAMP).get("versions", {}) for folder in folders]
    made_by = {package: sorted({stamp[package] for stamp in stamps if package in stamp}) for package in PACKAGES}
    return [
        f"Results of different versions of {package} are compared: {', '.join(versions)}."
        for package, versions in made_by.items()
        if len(versions) > 1
    ]


def refuse_other_study(what: Path, stamp: Mapping[str, Any], root: Path) -> None:
    """Leave alone what another study, with other settings, made in folders that both use.

    Args:
        what: what was made; under the study's own root nothing is another's, a copied study's for one.
        stamp: what the maker left beside it.
        root: the study that wants to replace it.

    Raises:
        UserError: the stamp names a study that still is where it was, and not this one.
    """
    owner = Path(stamp.get("study", root))
    if owner != root and (owner / ENGINE).is_dir() and root not in what.parents:
        raise UserError(
            f"{what}: belongs to the study in {owner}, whose settings are others; give this study folders of its own "
            "(nnunet_preprocessed, nnunet_results), or its plans another name (plans.name)"
        )


def check_stamp(folder: Path, digest: str) -> None:
    """See that a trained model is the one that this study's settings make.

    Raises:
        UserError: it is another's, or has none.
    """
    if read_record(folder / STAMP).get("digest") != digest:
        raise UserError(f"{folder}: is no training of this study's settings (any more); run the study again")


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
