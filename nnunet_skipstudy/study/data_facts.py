"""What a study knows of its data on disk: what it made itself, what others made, and whether it is still the same."""

from collections.abc import Mapping
from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.registry import UNPERTURBED
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.support.contents import Contents
from nnunet_skipstudy.support.files import read_record, write_json

SPLITS = "splits_final.json"
OWN_SPLITS = "skipstudy_splits.json"
"""Lies beside splits that the study drew, for want of any, and holds their hash: they are no setting of the user's."""
TRAINING = ("dataset.json", "imagesTr", "labelsTr")
TEST = ("imagesTs", "labelsTs")


def test_folder(level: str) -> str:
    """The folder of a level's test images: ``imagesTs_hardest``; of the unperturbed ones ``imagesTs``."""
    return "imagesTs" if level == UNPERTURBED else f"imagesTs_{level}"


def missing_levels(dataset: Path, levels: list[str]) -> list[str]:
    """The levels without a folder of test images."""
    return [level for level in levels if not (dataset / test_folder(level)).is_dir()]


def dataset_folder(root: Path, identifier: int) -> Path:
    """The folder of a data set under one of nnU-Net's.

    Raises:
        UserError: there is none.
    """
    found = found_dataset(root, identifier)
    if found is None:
        raise UserError(f"{root}: holds no data set {identifier}; convert it, or name a converter in the study")
    return found


def found_dataset(root: Path, identifier: int) -> Path | None:
    """The folder of a data set under one of nnU-Net's; None: there is none."""
    found = sorted(path for path in root.glob(f"Dataset{identifier:03d}_*") if path.is_dir())
    return found[0] if found else None


class DataFacts:
    """Looks at the data sets of a study."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._contents = Contents(places.engine / "contents.json")

    def save(self) -> None:
        """Remember the hashes of unchanged files."""
        self._contents.save()

    def training(self, identifier: int) -> dict[str, str]:
        """The hashes of all that trainings on a data set depend on: description, images, labels, the user's splits."""
        folder = found_dataset(self._places.nnunet["nnUNet_raw"], identifier)
        if folder is None:
            return {}
        return {"name": folder.name, **self._contents.parts(folder, TRAINING), **self._splits(folder.name)}

    def testing(self, identifier: int, levels: list[str]) -> dict[str, str]:
        """The hashes of the test set, and of those of these levels that this study did not make itself."""
        folder = found_dataset(self._places.nnunet["nnUNet_raw"], identifier)
        if folder is None:
            return {}
        ours = read_record(self.perturbed_record(identifier)).get("levels", [])
        foreign = [name for name in map(test_folder, levels) if name not in (*ours, *TEST)]
        return self._contents.parts(folder, (*TEST, *foreign))

    def _splits(self, name: str) -> dict[str, str]:
        folder = self._places.nnunet["nnUNet_preprocessed"] / name
        splits = self._contents.of(folder / SPLITS)
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
        folder = found_dataset(self._places.nnunet["nnUNet_raw"], identifier)
        if folder is None:
            return {}
        ours = read_record(self.perturbed_record(identifier)).get("levels", [])
        levels = sorted(path.name for path in folder.glob("imagesTs_*") if path.name not in ours)
        return {**self._contents.parts(folder, (*TRAINING, *TEST, *levels)), **self._splits(folder.name)}

    def changed(self, identifier: int) -> list[str]:
        """What of a data set that this study converted is not as it was then; nothing where all of it is gone."""
        if found_dataset(self._places.nnunet["nnUNet_raw"], identifier) is None:
            return []
        return self.differing(identifier, read_record(self.converted_record(identifier)).get("parts", {}))

    def differing(self, identifier: int, before: Mapping[str, str]) -> list[str]:
        """What changed or is gone; what was added, a level of the user's for one, changes nothing."""
        now = self._converted(identifier)
        return [name for name, value in before.items() if now.get(name) != value]
