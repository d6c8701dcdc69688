"""Whose data and results lie on disk, so that those of different settings, or of other people, never mix.

Results carry the hash of their settings (a stamp). Of data sets, the study keeps what it made itself; of the others it
takes fingerprints, so that a change is noticed.
"""

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.planning.preprocess import OWN_SPLITS, SPLITS
from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.places import ENGINE, Places, test_folder
from nnunet_skipstudy.support.contents import Contents
from nnunet_skipstudy.support.files import read_record, write_json

if TYPE_CHECKING:
    from nnunet_skipstudy.study.settings import Dataset

STAMP = "skipstudy_settings.json"
PACKAGES = ("nnunet-skipstudy", "nnunetv2", "torch")
"""Whose versions may change results, and are stamped on them."""
TRAINING = ("dataset.json", "imagesTr", "labelsTr")
TEST = ("imagesTs", "labelsTs")


def claim(folder: Path, cell: Cell, places: Places) -> None:
    """Make ``folder`` the cell's: what other settings left there moves to ``superseded/<hash>``, and comes back later.

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
        _move(folder, places.superseded / str(stamp["digest"]) / cell.key)
    kept = places.superseded / cell.digest / cell.key
    if kept.exists():
        _move(kept, folder)
    else:
        content = {"digest": cell.digest, "cell": cell.key, "study": str(places.root), "settings": dict(cell.settings)}
        write_json(folder / STAMP, {**content, "versions": versions()})


def versions() -> dict[str, str]:
    """The installed versions of :data:`PACKAGES`."""
    from importlib.metadata import version  # as long to import as all else that the process of a cell starts with

    return {package: version(package) for package in PACKAGES}


def version_words(folders: Iterable[Path]) -> list[str]:
    """A sentence a package of which several versions made these results: they are no part of the settings' hash."""
    stamps = [read_record(folder / STAMP).get("versions", {}) for folder in folders]
    made_by = {package: sorted({stamp[package] for stamp in stamps if package in stamp}) for package in PACKAGES}
    return [
        f"Results of different versions of {package} are compared: {', '.join(found)}."
        for package, found in made_by.items()
        if len(found) > 1
    ]


def refuse_other_study(what: Path, stamp: Mapping[str, Any], root: Path) -> None:
    """Leave alone what another study, with other settings, made in folders that both use.

    ``what`` was made by the study that left the stamp, and the one at ``root`` wants to replace it; under its own root
    nothing is another's, a copied study's for one.

    Raises:
        UserError: the stamp names a study that still is where it was, and not this one.
    """
    owner = Path(stamp.get("study", root))
    if owner != root and (owner / ENGINE).is_dir() and root not in what.parents:
        raise UserError(
            f"{what}: belongs to the study in {owner}, whose settings are others; give this study folders of its own "
            "(nnunet_preprocessed, nnunet_results), or its plans another name (plans.name)"
        )


def is_stamped(folder: Path, digest: str) -> bool:
    """Whether results are those of the settings of that hash."""
    return bool(read_record(folder / STAMP).get("digest") == digest)


def _move(source: Path, target: Path) -> None:
    if target.is_dir() and not any(target.iterdir()):
        target.rmdir()
    place, number = target, 1
    while place.exists():  # nothing is ever deleted
        place, number = target.with_name(f"{target.name}-{number}"), number + 1
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(source, place)


class DataFacts:
    """Looks at the data sets of a study: what it made itself, what others made, whether it still is the same."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self.contents = Contents(places.contents)

    def identifier(self, named: str, datasets: Iterable["Dataset"]) -> int:
        """The identifier of a data set: by its converter or its name in the study, or by its name in nnUNet_raw.

        Raises:
            UserError: it is the name of none, or of several.
        """
        asked, raw = named.casefold(), self._places.raw
        names = {one.id: (one.converter, str(one.options.get("name", "")).casefold()) for one in datasets}
        found = {identifier for identifier, known in names.items() if asked in known}
        for folder in raw.iterdir() if raw.is_dir() and not found else ():
            if match := re.fullmatch(r"dataset(\d{3,})_(.+)", folder.name.casefold()):
                found |= {int(match[1])} if asked in (match[0], match[2]) else set()
        if len(found) != 1:
            those = f"data sets {', '.join(map(str, sorted(found)))}" if found else f"no data set in {raw}"
            raise UserError(
                f"test_on: {shown(named)} is the name of {those}; give the identifier, or convert the data set first"
            )
        return found.pop()

    def training(self, identifier: int) -> dict[str, str]:
        """The hashes of all that trainings on a data set depend on: description, images, labels, the user's splits."""
        folder = self._places.found(identifier)
        if folder is None:
            return {}
        return {"name": folder.name, **self.contents.parts(folder, TRAINING), **self._splits(folder.name)}

    def testing(self, identifier: int, levels: list[str]) -> dict[str, str]:
        """The hashes of the test set, and of those of these levels that this study did not make itself."""
        folder = self._places.found(identifier)
        if folder is None:
            return {}
        foreign = [name for name in map(test_folder, levels) if name not in (*self._made_levels(identifier), *TEST)]
        return self.contents.parts(folder, (*TEST, *foreign))

    def _made_levels(self, identifier: int) -> list[str]:
        levels: list[str] = read_record(self.perturbed_record(identifier)).get("levels", [])
        return levels

    def _splits(self, name: str) -> dict[str, str]:
        folder = self._places.preprocessed / name
        splits = self.contents.of(folder / SPLITS)
        drawn = splits is None or read_record(folder / OWN_SPLITS).get("splits") == splits
        return {SPLITS: "drawn" if drawn or splits is None else splits}

    def converted_record(self, identifier: int) -> Path:
        """Where the study notes what it converted."""
        return self._places.engine / "made" / f"d{identifier:03d}.json"

    def perturbed_record(self, identifier: int) -> Path:
        """Where the study notes which levels it made."""
        return self._places.engine / "made" / f"perturbed-d{identifier:03d}.json"

    def note_converted(self, identifier: int, digest: str) -> None:
        """Note what a conversion has made."""
        parts = self._converted(identifier)
        write_json(self.converted_record(identifier), {"digest": digest, "parts": parts})

    def _converted(self, identifier: int) -> dict[str, str]:
        folder = self._places.found(identifier)
        if folder is None:
            return {}
        ours = self._made_levels(identifier)
        levels = sorted(path.name for path in folder.glob("imagesTs_*") if path.name not in ours)
        return {**self.contents.parts(folder, (*TRAINING, *TEST, *levels)), **self._splits(folder.name)}

    def refuse_changed(self, identifier: int) -> None:
        """Refuse a converted data set that was changed since; gone it may be. Raises UserError: what of it changed."""
        before = read_record(self.converted_record(identifier)).get("parts", {})
        if self._places.found(identifier) is None or not (differing := self.differing(identifier, before)):
            return
        raise UserError(
            f"data set {identifier}: {', '.join(differing)} changed since this study converted it, so that its results "
            "are of other data; put that back, or remove the data set's folder to have it converted anew, or take its "
            "converter out of the study to have it used as it is"
        )

    def differing(self, identifier: int, before: Mapping[str, str]) -> list[str]:
        """What changed or is gone; what was added, a level of the user's for one, changes nothing."""
        now = self._converted(identifier)
        return [name for name, value in before.items() if now.get(name) != value]
