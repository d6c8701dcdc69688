"""What the tests of the converters share: running one, reading what it made, and what must hold for each."""

import csv
import hashlib
import itertools
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nnunet_skipstudy import cli
from nnunet_skipstudy.nnunet.images import read_image
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.null import null_draws
from nnunet_skipstudy.texture.perturbation import STUDY_LEVELS, replay

FOLDS = [
    *(f"wide_{number}" for number in range(5)),
    *(f"narrow_{category}" for category in ("hardest", "harder", "medium", "easier", "easiest")),
    "matched",
]


@dataclass(frozen=True)
class Study:
    """nnU-Net's folders under a root."""

    root: Path

    def convert(self, name: str, *arguments: object) -> Path:
        """Run ``skipstudy convert`` and give the data set's folder."""
        assert cli.main(["convert", name, *map(str, arguments)]) == 0
        (folder,) = (self.root / "nnUNet_raw").iterdir()
        return folder

    def splits(self, folder: Path) -> list[dict[str, list[str]]]:
        text = (self.root / "nnUNet_preprocessed" / folder.name / "splits_final.json").read_text()
        assert text == (folder / "splits_final.json").read_text()
        splits: list[dict[str, list[str]]] = json.loads(text)
        return splits


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def contents(root: Path) -> dict[str, str]:
    """The digest of every file under a folder, by its path in it."""
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def cases_in(folder: Path, ending: str) -> list[str]:
    return sorted(path.name.removesuffix(ending) for path in folder.iterdir())


def check_data_set(study: Study, folder: Path) -> None:
    """What design.md promises of every converted data set, file by file and cell by cell."""
    description = json.loads((folder / "dataset.json").read_text())
    ending = description["file_ending"]
    pool, test = (cases_in(folder / f"labels{part}", ending) for part in ("Tr", "Ts"))
    assert description["numTraining"] == len(pool)
    for images, cases in (("imagesTr", pool), ("imagesTs", test), *((f"imagesTs_{n}", test) for n in STUDY_LEVELS)):
        assert cases_in(folder / images, f"_0000{ending}") == cases
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == sorted(
        ["imagesTr", "imagesTs", "labelsTr", "labelsTs", *(f"imagesTs_{level}" for level in STUDY_LEVELS)]
    )

    rows = {row["case"]: row for row in table(folder / "cases.csv")}
    assert sorted(rows) == sorted(pool + test)
    known = set(description["labels"].values())
    n_channels = len(description["channel_names"])
    for case, row in rows.items():
        part = "Tr" if case in set(pool) else "Ts"
        path = folder / f"images{part}" / f"{case}_0000{ending}"
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row["sha256"]
        image, label = read_image(path), read_image(folder / f"labels{part}" / f"{case}{ending}")
        assert label.array.shape == image.array.shape[: label.array.ndim]
        assert image.array.shape[label.array.ndim :] == ((n_channels,) if n_channels > 1 else ())
        assert set(np.unique(label.array)) <= known
        if image.geometry is not None and label.geometry is not None:
            assert np.allclose(image.geometry.spacing, label.geometry.spacing)
            assert np.allclose(image.geometry.direction, label.geometry.direction)
            assert np.allclose(image.geometry.origin, label.geometry.origin)
        found = case_disparity(image.array, label.array, draws=null_draws(case, 20)).union
        by = "kamath2025" if description["skipstudy"]["provenance"].get("protocol") == "study" else "excess"
        assert row["sorted_by"] == by
        for column, value in (
            ("disparity", found.value),
            ("disparity_null", found.null_mean),
            ("disparity_excess", found.excess),
            ("disparity_percentile", found.percentile),
            ("sorted_value", found.excess if by == "excess" else found.value),
        ):
            assert row[column] == ("" if np.isnan(value) else repr(round(value, 9)))
    finite = sorted((float(row["sorted_value"]), row["category"]) for row in rows.values() if row["sorted_value"])
    assert finite[0][1] == "hardest"
    assert finite[-1][1] == "easiest"

    perturbed = table(folder / "perturbations.csv")
    assert Counter(row["level"] for row in perturbed) == dict.fromkeys(STUDY_LEVELS, len(test))
    for row in perturbed:
        name = f"{row['case']}_0000{ending}"
        mask = read_image(folder / "labelsTs" / f"{row['case']}{ending}").array
        replayed = replay(read_image(folder / "imagesTs" / name).array, mask, row)
        written = read_image(folder / f"imagesTs_{row['level']}" / name).array
        assert written.dtype == replayed.dtype
        assert np.array_equal(written, replayed)
        found = case_disparity(written, mask, draws=null_draws(row["case"], 20)).union
        assert row["disparity_excess"] == ("" if np.isnan(found.excess) else repr(round(found.excess, 9)))
    check_splits(study, folder, rows, pool, test)


def check_splits(study: Study, folder: Path, rows: dict[str, dict[str, str]], pool: list[str], test: list[str]) -> None:
    """No group straddles; the pool is validated once; narrow folds are narrow; folds.csv says what there is."""
    splits = study.splits(folder)
    folds = table(folder / "folds.csv")
    names = [fold["name"] for fold in folds]
    assert names[1:] == FOLDS[1:]
    assert names[0] in (FOLDS[0], "study_train_val")
    assert [fold["kind"] for fold in folds] == ["wide"] * 5 + ["narrow"] * 5 + ["matched"]
    group = {case: row["group"] for case, row in rows.items()}
    assert not {group[case] for case in pool} & {group[case] for case in test}
    for split, fold in zip(splits, folds, strict=True):
        assert not {group[case] for case in split["train"]} & {group[case] for case in split["val"]}
        assert set(split["train"]) | set(split["val"]) <= set(pool)
        assert (fold["n_train"], fold["n_val"]) == (str(len(split["train"])), str(len(split["val"])))
        disparities = [float(rows[case]["sorted_value"]) for case in split["train"] if rows[case]["sorted_value"]]
        assert (float(fold["disparity_min"]), float(fold["disparity_max"])) == (min(disparities), max(disparities))
    assert sorted(case for split in splits[:5] for case in split["val"]) == pool
    assert all(sorted(split["train"] + split["val"]) == pool for split in splits[:5])
    for split in splits[5:]:
        assert split["val"] == splits[0]["val"]
        assert set(split["train"]) <= set(splits[0]["train"])
        assert len(split["train"]) == len(splits[5]["train"])
    for below, above in itertools.pairwise(folds[5:10]):
        assert float(below["disparity_max"]) <= float(above["disparity_min"])
