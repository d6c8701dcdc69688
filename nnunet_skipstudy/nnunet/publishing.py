"""A converted data set in nnU-Net's folders: taking an identifier, writing, publishing all of it or nothing.

A converter does three things::

    target = target_dataset(502, "BUSI")
    if is_finished(target, provenance, overwrite=overwrite):
        return target.raw
    with publishing(target, provenance, overwrite=overwrite) as draft:
        ...  # writes into draft.raw, calls write_dataset_json and write_splits

Nothing here knows a particular data set.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.environment import required_folder
from nnunet_skipstudy.support.files import read_record, write_csv, write_json, write_text
from nnunet_skipstudy.support.tables import read_rows
from nnunet_skipstudy.support.version import __version__
from nnunet_skipstudy.support.working_folder import only_run, remove_leftovers, working_folder

RESULTS = "nnUNet_results"
SPLITS = "splits_final.json"
PERTURBATIONS = "perturbations.csv"
PROVENANCE_KEY = "skipstudy"
"""The key of dataset.json under which a converter's own record lies; nnU-Net ignores it."""
Provenance = Mapping[str, Any]
"""Everything that decides a data set's content, as JSON: equal provenance, equal data set."""


@dataclass(frozen=True)
class Target:
    """Where a data set is to lie."""

    dataset_id: int
    folder_name: str
    raw_root: Path
    preprocessed_root: Path

    @property
    def raw(self) -> Path:
        """The data set's folder in nnUNet_raw."""
        return self.raw_root / self.folder_name

    @property
    def preprocessed(self) -> Path:
        """The data set's folder in nnUNet_preprocessed."""
        return self.preprocessed_root / self.folder_name


class Promised(NamedTuple):
    """What a converter will make: test levels, as many folds, counted from 0, and what dataset.json says of images."""

    levels: tuple[str, ...]
    n_folds: int
    content: Mapping[str, Any]


class Draft(NamedTuple):
    """The folders that a converter writes into; they take their final names together."""

    raw: Path
    preprocessed: Path
    provenance: Provenance


class Fold(NamedTuple):
    """One split: its place in the list is nnU-Net's fold number."""

    name: str
    kind: str
    """How the training cases were chosen, such as ``wide`` and ``narrow``."""
    train: tuple[str, ...]
    val: tuple[str, ...]
    disparity_min: float
    disparity_max: float
    """Of the training cases."""


def target_dataset(dataset_id: int, name: str) -> Target:
    """The place of data set ``name`` under nnU-Net's folders, with the identifier checked to be free.

    Raises:
        UserError: an environment variable is missing, the identifier or the name is none, or another data set
            has the identifier already (nnU-Net then finds neither).
    """
    if not 1 <= dataset_id <= 999:
        raise UserError(f"data set identifier {dataset_id}; give a number from 1 to 999 (-d)")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise UserError(f"data set name {name!r}; use letters, digits, - and _ (--name)")
    target = Target(
        dataset_id,
        f"Dataset{dataset_id:03d}_{name}",
        required_folder("nnUNet_raw"),
        required_folder("nnUNet_preprocessed"),
    )
    _refuse_taken(target)
    return target


def _refuse_taken(target: Target) -> None:
    """Refuse an identifier that another data set has."""
    roots = [target.raw_root, target.preprocessed_root]
    if os.environ.get(RESULTS):
        roots.append(required_folder(RESULTS))
    for root in roots:
        for folder in sorted(root.glob(f"Dataset{target.dataset_id:03d}_*")):
            if folder.name != target.folder_name:
                raise UserError(
                    f"data set identifier {target.dataset_id} is taken by {folder}; "
                    "give another one (-d), or remove that folder"
                )


def is_finished(target: Target, provenance: Provenance, *, overwrite: bool = False) -> bool:
    """Whether the data set is there already, made from the same provenance, so that nothing is to be done.

    Says so on stderr. With ``overwrite`` the answer is always no. If nnU-Net's copy of the splits has gone, it is put
    back.

    Raises:
        UserError: something else lies in the data set's place, or files of it have gone.
    """
    if overwrite:
        return False
    if not target.raw.exists():
        if target.preprocessed.exists() and {p.name for p in target.preprocessed.iterdir()} - {SPLITS}:
            raise UserError(
                f"{target.preprocessed} holds preprocessed cases of a data set that has gone; "
                "--overwrite removes them, or give another identifier (-d)"
            )
        return False
    description = read_record(target.raw / "dataset.json")
    ours = description.get(PROVENANCE_KEY)
    if not isinstance(ours, dict) or ours.get("provenance") != json.loads(json.dumps(provenance)):
        raise UserError(
            f"{target.raw} is there already, made with other options; "
            "--overwrite replaces it and its preprocessed cases, or give another identifier (-d)"
        )
    _refuse_incomplete(target, provenance, str(description.get("file_ending")))
    for root in (target.raw_root, target.preprocessed_root):
        remove_leftovers(root)  # a run may have died after it was done, before it had cleaned up
    if not (target.preprocessed / SPLITS).exists():
        write_text(target.preprocessed / SPLITS, (target.raw / SPLITS).read_text(encoding="utf-8"))
    print(f"skipstudy: {target.folder_name} is finished, made with the same options; nothing to do", file=sys.stderr)
    return True


def _refuse_incomplete(target: Target, provenance: Provenance, ending: str) -> None:
    """Refuse a data set that has lost files which its tables name."""
    try:
        missing = next(_missing(target, provenance, ending), None)
    except (OSError, UserError) as error:
        raise UserError(f"{target.raw}: its tables can't be read ({error}); --overwrite makes it again") from error
    if missing is not None:
        raise UserError(f"{target.raw}: {missing[0]} has gone since the data set was made; {missing[1]} makes it again")


def _rows(path: Path, *needed: str) -> list[dict[str, str]]:
    """The rows of a table, none where there is no such file: synthetic data have no perturbed levels."""
    return read_rows(path, needed) if path.exists() else []


def _missing(target: Target, provenance: Provenance, ending: str) -> Iterator[tuple[str, str]]:
    """Each file that cases.csv or perturbations.csv speak of and that isn't there, and what makes it again."""
    raw = target.raw
    there = {(folder.name, path.name) for folder in raw.iterdir() if folder.is_dir() for path in folder.iterdir()}
    for row in _rows(raw / "cases.csv", "case"):
        for kind, name in (("images", image_name(row["case"], ending)), ("labels", f"{row['case']}{ending}")):
            if not any((f"{kind}{part}", name) in there for part in ("Tr", "Ts", f"Ts_{row.get('level')}")):
                yield f"{kind}T*/{name}", "--overwrite"
    for row in _rows(raw / PERTURBATIONS, "case", "level", "parameters"):
        folder, name = f"imagesTs_{row['level']}", image_name(row["case"], ending)
        if (folder, name) not in there:
            level = f"--level {row['level']}:{row['parameters']} --seed {provenance.get('seed', 0)}"
            yield f"{folder}/{name}", f"'skipstudy perturb -d {target.dataset_id} {level} --overwrite'"
    if not (raw / SPLITS).is_file():
        yield SPLITS, "--overwrite"


@contextmanager
def publishing(target: Target, provenance: Provenance, *, overwrite: bool = False) -> Iterator[Draft]:
    """Give two empty folders to write into; they take the place of the data set when the block ends well.

    What dead runs left is removed first, and other runs for this identifier are refused until the block has ended. On
    an exception both folders are removed and what stood in their place stays, also when they can't be put in place.
    The preprocessed folder is put in place first: where the raw one is, all is. A former data set of the same name
    goes, with its preprocessed cases, which belong to its images; networks that were trained on it stay, and a line
    on stderr says so. A data set that has appeared meanwhile, from a run on another machine, counts as at the start.

    Raises:
        UserError: another run makes this data set, its place has been taken meanwhile, or it can't be written.
    """
    replaced = False
    with ExitStack() as cleaning:
        identifier = f"{target.dataset_id:03d}"
        cleaning.enter_context(only_run(target.raw_root, identifier, f"making data set {target.dataset_id}"))
        remove_leftovers(target.raw_root)
        remove_leftovers(target.preprocessed_root)
        raw = cleaning.enter_context(working_folder(target.raw_root))
        preprocessed = cleaning.enter_context(working_folder(target.preprocessed_root))
        draft = Draft(raw / target.folder_name, preprocessed / target.folder_name, provenance)
        draft.raw.mkdir()
        draft.preprocessed.mkdir()
        yield draft
        _refuse_taken(target)
        if is_finished(target, provenance, overwrite=overwrite):
            return
        replaced = target.raw.exists()
        away = [
            (place, working / "former")
            for place, working in ((target.raw, raw), (target.preprocessed, preprocessed))
            if place.exists()
        ]
        _rename_all([*away, (draft.preprocessed, target.preprocessed), (draft.raw, target.raw)])
    results = Path(os.environ.get(RESULTS) or os.devnull) / target.folder_name
    if replaced and results.exists():
        print(f"skipstudy: {results} holds networks trained on the replaced data set", file=sys.stderr)


def _rename_all(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename all of these in their order, or none. Raises UserError: one can't be renamed."""
    begun: list[tuple[Path, Path]] = []
    try:
        for source, place in moves:
            begun.append((source, place))
            source.rename(place)
    except BaseException as error:  # also Ctrl-C: the former data set must not go with the working folder
        for source, place in reversed(begun):
            if place.exists() and not source.exists():
                place.rename(source)
        if isinstance(error, OSError):
            source, place = begun[-1]
            raise UserError(
                f"{place}: {source} can't be moved there ({error.strerror}); what was there stays: "
                "look at the permissions and at who uses it, then run again"
            ) from error
        raise


def image_name(case: str, ending: str) -> str:
    """nnU-Net's name of the first channel's image: ``image_name("a", ".png") == "a_0000.png"``."""
    return f"{case}_0000{ending}"


def json_content(channel_names: Sequence[str], labels: Mapping[str, int], ending: str) -> dict[str, Any]:
    """What dataset.json says of images and labels."""
    channels = {str(number): name for number, name in enumerate(channel_names)}
    return {"channel_names": channels, "labels": dict(labels), "file_ending": ending}


def write_dataset_json(
    folder: Path,
    *,
    channel_names: Sequence[str],
    labels: Mapping[str, int],
    n_training: int,
    ending: str,
    provenance: Provenance,
) -> None:
    """Write dataset.json with what nnU-Net needs and, under a key of ours, what the data set was made from.

    nnU-Net normalises a channel whose name it doesn't know, like ``grey``, by each image's mean and spread.
    """
    content = {
        **json_content(channel_names, labels, ending),
        "numTraining": n_training,
        PROVENANCE_KEY: {"version": __version__, "provenance": dict(provenance)},
    }
    write_json(folder / "dataset.json", content)


def write_splits(draft: Draft, folds: Sequence[Fold]) -> None:
    """Write the splits that nnU-Net trains by, a copy beside the images, and ``folds.csv``, their table.

    nnU-Net's planner puts the copy back where the preprocessed folder was removed; without a list of splits
    nnU-Net silently draws random ones.
    """
    splits = [{"train": list(fold.train), "val": list(fold.val)} for fold in folds]
    write_json(draft.preprocessed / SPLITS, splits)
    write_json(draft.raw / SPLITS, splits)
    columns = ("name", "kind", "disparity_min", "disparity_max")
    rows = [
        {"fold": number, **{column: getattr(fold, column) for column in columns}}
        | {"n_train": len(fold.train), "n_val": len(fold.val)}
        for number, fold in enumerate(folds)
    ]
    write_csv(draft.raw / "folds.csv", ("fold", *columns, "n_train", "n_val"), rows)
