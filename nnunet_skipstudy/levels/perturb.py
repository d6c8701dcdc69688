"""The perturbed copies of a test set: ``imagesTs_<level>`` and ``perturbations.csv``, resumable."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.disparity import NULL_COLUMNS, null_cells, rounded
from nnunet_skipstudy.nnunet.cases import (
    LEVEL_FOLDER,
    Case,
    Description,
    Labels,
    about,
    fingerprint,
    paired_cases,
    read_channel,
    read_description,
    read_labels,
    training_cases,
)
from nnunet_skipstudy.nnunet.images import Image, read_image, write_image
from nnunet_skipstudy.nnunet.survey import survey
from nnunet_skipstudy.registry import level_order
from nnunet_skipstudy.support import locks
from nnunet_skipstudy.support.files import read_object, write_csv, write_json
from nnunet_skipstudy.support.parallel import number_of_workers, parallel_map
from nnunet_skipstudy.support.tables import read_rows
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.leak import leak_probe
from nnunet_skipstudy.texture.null import DRAWS, null_draws
from nnunet_skipstudy.texture.perturbation import (
    NATIVE_LEVELS,
    Perturbation,
    case_seed,
    check_level_name,
    drawn_as,
    psnr_db,
    replay,
)

TABLE = "perturbations.csv"
MEASURED: tuple[str, ...] = ("disparity", *NULL_COLUMNS, "psnr_db", "leak", "leak_unperturbed")
NEEDED: tuple[str, ...] = ("case", "level", "parameters", "seed", "disparity")
COLUMNS: tuple[str, ...] = (*NEEDED, *MEASURED[1:])
RECORD = "perturbations.json"
"""Beside the table: the fingerprint of the cases that each level was made of."""
WORK = ".perturbing"
"""The folder in which levels lie until they are complete; what a killed run left there is used by the next one."""
Row = dict[str, Any]
"""A row of perturbations.csv."""


def write_levels(
    dataset_folder: Path,
    levels: Mapping[str, Perturbation] = NATIVE_LEVELS,
    *,
    seed: int = 0,
    workers: int | None = None,
    overwrite: bool = False,
) -> list[Row]:
    """Perturb the test set of an nnU-Net data set: ``imagesTs`` and ``labelsTs`` in, ``imagesTs_<level>`` out.

    A dataset.json is read where it is, but not needed. Arguments and rows are those of :func:`perturb_cases`;
    ``workers``: None is one a processor, up to four.

    Raises:
        UserError: as :func:`perturb_cases`, or there is no test set.
    """
    cases, description = test_set(dataset_folder)
    axis = survey(cases, planned_on(dataset_folder, description), workers=number_of_workers(workers)).axis
    return perturb_cases(
        cases,
        dataset_folder,
        across(levels, axis),
        seed=seed,
        workers=workers,
        overwrite=overwrite,
        description=description,
    )


def across(levels: Mapping[str, Perturbation], axis: int) -> dict[str, Perturbation]:
    """These levels with the planes of volumes across an axis, but for those that say themselves across which."""
    return {name: level if level.axis else replace(level, axis=axis) for name, level in levels.items()}


def planned_on(dataset_folder: Path, description: Description | None) -> list[Case]:
    """The cases by which nnU-Net chooses its planes, the training pool; none where there is no whole one."""
    if description is None or not (dataset_folder / "imagesTr").is_dir():
        return []
    try:
        return training_cases(dataset_folder, description)
    except UserError:  # what is wrong with it is for the training to say
        return []


def test_set(dataset_folder: Path) -> tuple[list[Case], Description]:
    """The unperturbed test cases, and dataset.json. Raises UserError: there are none, or files are missing."""
    images, labels = dataset_folder / "imagesTs", dataset_folder / "labelsTs"
    for folder in (images, labels):
        if not folder.is_dir():
            raise UserError(f"{folder}: no such folder; perturbed levels are made of test images and their label maps")
    description = read_description(dataset_folder)
    return paired_cases(images, labels, ending=description.ending), description


def perturb_cases(
    cases: Sequence[Case],
    folder: Path,
    levels: Mapping[str, Perturbation],
    *,
    seed: int = 0,
    workers: int | None = None,
    overwrite: bool = False,
    description: Description | None = None,
) -> list[Row]:
    """Write each case at each level, and its row into perturbations.csv; what is there already is left as it is.

    A level appears under its name when all its images are written. A killed run is continued by the next one,
    to the same bytes. Rows of other levels in the table stay. The images keep file name, format, data type and
    geometry; all channels of a case are perturbed, with one seed.

    Args:
        cases: unperturbed images and label maps, of which all that is not 0 (and not ignored) is the object.
        folder: gets ``imagesTs_<level>`` and ``perturbations.csv``.
        levels: what each level's images are perturbed with.
        seed: of the data set; a case's own depends on it, the level and the case's name.
        workers: threads, each holds one case in memory.
        overwrite: make all levels again, also those that are complete or were made with other settings.
        description: of the data set; its ``ignore`` label counts as background, and not in the disparity.

    Returns:
        One row a case and level, hardest level first: ``case``, ``level``, ``parameters`` (the perturbation's
        text), ``seed`` and, of the union of labels and the first channel, ``disparity`` (of the perturbed image, by the
        study's definition, nine decimals) and its null's ``NULL_COLUMNS``, ``psnr_db`` (against the unperturbed one;
        two decimals), ``leak`` and ``leak_unperturbed`` (:func:`~nnunet_skipstudy.texture.leak.leak_probe`; four
        decimals); each None where the case has none. What an earlier version made has no more than the disparity.

    Raises:
        UserError: a level's name can't be used, a level is there with other settings, another run is at work
            here, or a file can't be read or written.
    """
    jobs, recorded, made_of = _jobs(folder, levels, seed), _recorded_rows(folder / TABLE), fingerprint(cases)
    open_jobs = [job for job in jobs if overwrite or not job.is_finished(cases, made_of, recorded)]
    made: list[Row] = []
    if open_jobs:
        with _held(folder / WORK) as work:
            made = _make(open_jobs, cases, made_of, work, recorded, number_of_workers(workers), description)
    elif (folder / WORK).exists():  # a run may have died after its last level was complete
        with _held(folder / WORK):
            pass
    names = {job.name for job in jobs}
    rows = made + [_typed(row) for row in recorded if row["level"] in names - {job.name for job in open_jobs}]
    return sorted(rows, key=_row_order)


def level_folder(folder: Path, level: str) -> Path:
    """Where a level's images lie in a data set's folder."""
    return folder / f"{LEVEL_FOLDER}{level}"


def are_finished(cases: Sequence[Case], folder: Path, levels: Mapping[str, Perturbation], *, seed: int = 0) -> bool:
    """Whether all of these levels are there, made of these cases with these settings, so that nothing is to be done.

    Raises:
        UserError: one is there with other settings or of other cases, or its name can't be used.
    """
    recorded, made_of = _recorded_rows(folder / TABLE), fingerprint(cases)
    finished = [job.is_finished(cases, made_of, recorded) for job in _jobs(folder, levels, seed)]  # each may refuse
    return all(finished)


def _jobs(folder: Path, levels: Mapping[str, Perturbation], seed: int) -> "list[_Level]":
    for level in levels:
        check_level_name(level)
    return [_Level(level, levels[level], seed, folder) for level in sorted(levels, key=level_order)]


@dataclass(frozen=True)
class _Level:
    """One level to be made."""

    name: str
    perturbation: Perturbation
    seed: int
    folder: Path

    @property
    def images(self) -> Path:
        return level_folder(self.folder, self.name)

    def row(self, case: str) -> Row:
        return {
            "case": case,
            "level": self.name,
            "parameters": str(self.perturbation),
            "seed": case_seed(self.seed, drawn_as(self.name, self.perturbation), case),
            **dict.fromkeys(MEASURED),
        }

    def is_finished(self, cases: Sequence[Case], made_of: str, recorded: Sequence[Row]) -> bool:
        """Whether the level is complete; raises where it was made otherwise, or of cases that have changed since."""
        if not self.images.exists():
            return False
        expected = {(case.name, str(self.perturbation), str(self.row(case.name)["seed"])) for case in cases}
        found = {(row["case"], row["parameters"], row["seed"]) for row in recorded if row["level"] == self.name}
        files = {path.name for case in cases for path in case.images}
        unchanged = read_object(self.folder / RECORD).get(self.name, made_of) == made_of  # older versions recorded none
        if expected == found and unchanged and files <= {path.name for path in self.images.iterdir()}:
            return True
        raise UserError(
            f"{self.images}: is there already, made with other settings or of other cases; "
            f"--overwrite replaces it and its rows in {TABLE}, or give the level another name"
        )


def _make(
    jobs: Sequence[_Level],
    cases: Sequence[Case],
    made_of: str,
    work: Path,
    recorded: Sequence[Row],
    workers: int,
    description: Description | None,
) -> list[Row]:
    """Write all images of these levels into the working folder, then publish level by level."""
    places = {job.name: work / "levels" / job.name for job in jobs}
    ignore = description.ignore if description else None
    for job in jobs:
        settings = {"perturbation": str(job.perturbation), "seed": job.seed, "ignore": ignore, "cases_sha256": made_of}
        _prepare(places[job.name], settings)
    one_case = partial(_write_case, jobs=jobs, places=places, description=description)
    title = f"perturbing at {len(jobs)} level{'s' * (len(jobs) > 1)}"
    rows = [row for group in parallel_map(one_case, cases, workers=workers, title=title) for row in group]
    kept = list(recorded)
    for job in jobs:
        kept = [row for row in kept if row["level"] != job.name] + [row for row in rows if row["level"] == job.name]
        write_csv(work / TABLE, COLUMNS, sorted(kept, key=_row_order))
        made_of_what = {**read_object(job.folder / RECORD), job.name: made_of}
        write_json(work / RECORD, {level: made_of_what[level] for level in sorted(made_of_what, key=level_order)})
        _publish(job, work, places[job.name])
    return rows


def _publish(job: _Level, work: Path, place: Path) -> None:
    """Put table, record and images of a level in place, so that wherever images are, the two are about them.

    Hence the former images go first and the new ones come last; a level that a killed run leaves without images is
    made again by the next one.
    """
    if job.images.exists():
        shutil.rmtree(place / "former", ignore_errors=True)
        job.images.rename(place / "former")
    for name in (TABLE, RECORD):
        (work / name).replace(job.folder / name)
    (place / "images").rename(job.images)


@contextmanager
def _held(work: Path) -> Iterator[Path]:
    """The working folder, for this process alone; removed when the block ends well, else kept for the next run.

    Raises:
        UserError: another process holds it, or it can't be made.
    """
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = (work / "in-use").open("a")
    except OSError as error:
        raise UserError(f"{work.parent}: can't be written to ({error.strerror}); choose another folder") from error
    with lock:
        try:
            held = locks.take(lock)
        except OSError:  # a file system without locks: nothing keeps two runs apart
            held = True
        if not held:
            raise UserError(f"{work.parent}: another run perturbs here; wait until it has ended")
        yield work
        if os.name != "nt":
            shutil.rmtree(work)
    if os.name == "nt":  # where an open file can't be removed
        shutil.rmtree(work)


def _prepare(place: Path, settings: dict[str, Any]) -> None:
    """Make a level's working folder, or keep one that was begun with the same settings."""
    record = place / "settings.json"
    try:
        same = json.loads(record.read_text(encoding="utf-8")) == settings and (place / "images").is_dir()
    except (OSError, ValueError):
        same = False
    if same:
        for leftover in (place / "images").glob(".*"):  # of a file that was being written
            shutil.rmtree(leftover, ignore_errors=True)
        return
    shutil.rmtree(place, ignore_errors=True)
    (place / "images").mkdir(parents=True)
    write_json(record, settings)


def _write_case(
    case: Case, jobs: Sequence[_Level], places: Mapping[str, Path], description: Description | None
) -> list[Row]:
    """Write one case at every level; what a former run has written is read back instead."""
    labels, ignore = read_labels(case, description), description.ignore if description else None
    mask = labels != 0 if ignore is None else (labels != 0) & (labels != ignore)
    rows = [job.row(case.name) for job in jobs]
    for number, path in enumerate(case.images):
        image: Image | None = None
        for job, row in zip(jobs, rows, strict=True):
            target = places[job.name] / "images" / path.name
            perturbed = _left(target, labels)
            if perturbed is None:
                image = image or read_channel(case, number, labels)
                with about(path):
                    perturbed = replay(image.array, mask, row)
                write_image(target, perturbed, image.geometry)
            if number == 0:
                image = image or read_channel(case, number, labels)
                with about(path):
                    row.update(_texture(perturbed, labels, case.name, ignore, job.perturbation.axis))
                    row["psnr_db"] = _rounded(psnr_db(image.array, perturbed, mask), 2)
                    row["leak"] = _rounded(leak_probe(perturbed, mask, axis=job.perturbation.axis), 4)
        if number == 0 and image is not None:
            leak = _rounded(leak_probe(image.array, mask, axis=jobs[0].perturbation.axis), 4)
            rows = [row | {"leak_unperturbed": leak} for row in rows]
    return rows


def _left(path: Path, labels: Labels) -> npt.NDArray[np.generic] | None:
    """The image that a former run has written, if it can be read; what can't be read goes."""
    if not path.exists():
        return None
    try:
        return read_image(path, volume=labels.ndim == 3).array
    except UserError:  # of a full disk, or a machine that went down
        path.unlink()
        return None


def _texture(image: Any, labels: Labels, case: str, ignore: int | None, axis: int) -> dict[str, float | None]:
    texture = case_disparity(image, labels, ignore=ignore, axis=axis, draws=null_draws(case, DRAWS)).union
    return {"disparity": rounded(texture.value), **null_cells(texture)}


def _rounded(value: float, digits: int) -> float | None:
    return round(value, digits) if isfinite(value) else None


def _recorded_rows(path: Path) -> list[Row]:
    """The rows of a perturbations.csv as they stand; none where there is none."""
    if not path.is_file():
        return []
    return [{name: row.get(name, "") for name in COLUMNS} for row in read_rows(path, NEEDED, MEASURED)]


def _typed(row: Row) -> Row:
    try:
        measured = {name: float(row[name]) if row[name] else None for name in MEASURED}
        return {**row, "seed": int(row["seed"]), **measured}
    except ValueError as error:
        raise UserError(f"{TABLE}: case {row['case']!r} has no numbers; make it again (--overwrite)") from error


def _row_order(row: Mapping[str, Any]) -> tuple[tuple[int, float, str], str]:
    return level_order(row["level"]), row["case"]
