"""From a download to a data set: the one converter behind all descriptions.

Each image is read once, and its image, label map and disparity are made from that. Only then, when duplicates and
disparities are known, cases are assigned to training pool and test set; the files are moved there.
"""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from math import isfinite
from pathlib import Path
from shutil import copyfile, rmtree

from nnunet_skipstudy.conversion.description import DatasetDescription, Rendered, SourceCase
from nnunet_skipstudy.conversion.duplicates import Pair, looks, merged_groups, near_duplicates
from nnunet_skipstudy.conversion.parts import Converted, Parts, divide
from nnunet_skipstudy.conversion.remarks import contradictions, remarks
from nnunet_skipstudy.conversion.source import Download, find_download, unpacked
from nnunet_skipstudy.conversion.splits import study_folds
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.disparity import NULL_COLUMNS, rounded, sorted_by, sorting_cells, sorting_texture
from nnunet_skipstudy.levels.ladder import RULES, ladder_levels
from nnunet_skipstudy.levels.moves import level_moves
from nnunet_skipstudy.levels.perturb import test_set, write_levels
from nnunet_skipstudy.levels.side_effects import level_warnings, side_effects
from nnunet_skipstudy.nnunet import publishing as folders
from nnunet_skipstudy.nnunet.cases import Case, about
from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.nnunet.survey import survey
from nnunet_skipstudy.registry import EXCESS
from nnunet_skipstudy.support.files import atomic_path, sha256_of_file, write_csv
from nnunet_skipstudy.support.parallel import number_of_workers, parallel_map
from nnunet_skipstudy.support.working_folder import working_folder
from nnunet_skipstudy.texture.categories import disparity_categories
from nnunet_skipstudy.texture.perturbation import STUDY_LEVELS

ORIGIN_COLUMNS = ("case", "group", "set", "source")
CASE_COLUMNS = (
    *(*ORIGIN_COLUMNS, "sha256", "disparity", "category", "stratum", *NULL_COLUMNS),
    *("sorted_by", "sorted_value"),
)
DUPLICATE_COLUMNS = ("case", "other", "distance", "correlation", "agreement", "contradiction")


def convert(
    description: DatasetDescription,
    source: Path,
    *,
    dataset_id: int,
    name: str,
    seed: int = 0,
    by: str = EXCESS,
    levels: str = RULES[0],
    overwrite: bool = False,
    workers: int | None = None,
) -> Path:
    """Make the data set in nnU-Net's folders, unless it is there already, and return its folder in nnUNet_raw.

    The same download, options and seed make the same bytes, with any number of workers. Nothing appears under the
    final names before all is written.

    ``by`` is the measure that folds and categories go by, one of ``TD_MEASURES``; ``levels`` says how strong the test
    levels are, one of :data:`~nnunet_skipstudy.levels.ladder.RULES`. ``overwrite``: replace a data set of the same
    identifier and name, and its preprocessed cases. ``workers``: threads, each holds one case in memory; None: one a
    processor, up to four.

    Raises:
        UserError: nnU-Net's folders are not set, the identifier is taken, the data set is there with other options,
            or the download is not what it should be; the file is named.
    """
    if seed < 0:
        raise UserError(f"seed {seed}; give 0 or a positive number (--seed)")
    workers = number_of_workers(workers)
    target = folders.target_dataset(dataset_id, name)
    download = find_download(source, description.layout, description.name)
    made_from = {"converter": description.name, **description.options, "seed": seed}
    settled = {**sorted_by(by), **({} if levels == "study" else {"levels": levels})}  # as older versions' where it is
    provenance = {**made_from, "source_sha256": download.fingerprint, **settled}
    if folders.is_finished(target, provenance, overwrite=overwrite):
        return target.raw
    with folders.publishing(target, provenance, overwrite=overwrite) as draft:
        notes = _write_dataset(description, download, target, draft, seed, by, levels, workers)
    for note in notes:
        print(f"skipstudy: {note}", file=sys.stderr)
    return target.raw


def _write_dataset(
    description: DatasetDescription,
    download: Download,
    target: folders.Target,
    draft: folders.Draft,
    seed: int,
    by: str,
    levels: str,
    workers: int,
) -> list[str]:
    """Write everything into the draft; returns what the user should be told."""
    staged = draft.raw / "staged"
    with working_folder(target.raw_root) as scratch, unpacked(download, scratch) as root:
        items = description.list_cases(root, sorted(download.sizes))
        check_items(items, description)
        headers = [Case(item.case, (root / item.image,), root / item.image) for item in items]
        axis = survey((), headers, workers=workers).axis
        work = partial(convert_item, root=root, staged=staged, description=description, seed=seed, by=by, axis=axis)
        done = parallel_map(work, items, workers=workers, title=target.folder_name, unit="image")
    cases = [case for part in done for case in part]
    pairs = near_duplicates({case.case: case.looks for case in cases if case.looks is not None})
    groups = merged_groups({case.case: case.group for case in cases}, pairs)
    cases = [replace(case, group=groups[case.case]) for case in cases]
    parts = divide(cases, description.division, seed)
    first = description.division.first_fold
    folds = study_folds(parts.pool, seed=seed, validation=parts.validation, validation_name=first)
    _move(staged, draft.raw, parts, description.ending)
    folders.write_dataset_json(
        draft.raw,
        channel_names=description.channel_names,
        labels=description.labels,
        n_training=len(parts.pool),
        ending=description.ending,
        provenance=draft.provenance,
    )
    _write_tables(draft.raw, cases, parts, pairs, description, by)
    folders.write_splits(draft, folds)
    return [
        *remarks(description, download, items, done, pairs, parts),
        *_write_levels(draft.raw, parts, levels, axis, seed, workers),
    ]


def _write_levels(raw: Path, parts: Parts, rule: str, axis: int, seed: int, workers: int) -> list[str]:
    """Write the test levels; returns what is to be said of their strengths, of where they moved TD, and of leaks."""
    before = {case.case: case.texture.value for case in parts.test if isfinite(case.texture.value)}
    percentiles = {case.case: case.texture.percentile for case in parts.test}
    levels, notes = dict(STUDY_LEVELS), list[str]()
    if rule != "study":
        levels, notes = ladder_levels(test_set(raw)[0], before, seed=seed, workers=workers, axis=axis)
    rows = write_levels(raw, levels, seed=seed, workers=workers)
    return [*notes, *level_warnings(level_moves(rows, before, percentiles), side_effects(rows))]


def check_items(items: Sequence[SourceCase], description: DatasetDescription) -> None:
    """Refuse a list of cases that nnU-Net would mix up.

    Raises:
        UserError: there is none, or one identifier twice, or an official set is missing.
    """
    if not items:
        raise UserError(f"{description.name}: no case has an image and its masks; fetch the whole download")
    there = {item.official for item in items}
    missing = [official for official in description.division.needed_sets if official not in there]
    if missing:
        raise UserError(f"{description.name}: nothing of {' and '.join(missing)} is there; fetch the whole download")
    (case, count), *_ = Counter(item.case for item in items).most_common(1)
    if count > 1:
        files = ", ".join(item.image for item in items if item.case == case)
        raise UserError(f"{description.name}: {count} images are case {case} ({files}); remove all but one")


def convert_item(
    item: SourceCase, *, root: Path, staged: Path, description: DatasetDescription, seed: int, by: str, axis: int
) -> list[Converted]:
    """Read one case of a download, and write what comes out of it into a folder, with the texture disparities.

    Cases are to be sorted ``by`` that measure; the planes of volumes lie across ``axis`` of (slice, row, column).

    Raises:
        UserError: a file of it is not what it should be.
    """
    return [
        _write_case(rendered, item, staged, description, by, axis)
        for rendered in description.render(item, root, description.labels, seed)
    ]


def _write_case(
    rendered: Rendered, item: SourceCase, staged: Path, description: DatasetDescription, by: str, axis: int
) -> Converted:
    image = staged / "images" / folders.image_name(rendered.case, description.ending)
    if rendered.copy_of is None:
        write_image(image, rendered.image, rendered.geometry)
    else:
        with atomic_path(image) as temporary:
            copyfile(rendered.copy_of, temporary)
    write_image(staged / "labels" / f"{rendered.case}{description.ending}", rendered.label, rendered.geometry)
    with about(Path(item.image)):
        texture, value = sorting_texture(rendered.image, rendered.label, rendered.case, by, axis=axis)
    return Converted(
        case=rendered.case,
        group=item.group,
        stratum=item.stratum,
        official=item.official,
        source=rendered.source,
        sha256=sha256_of_file(image),
        disparity=value,
        texture=texture,
        looks=looks(rendered.image if rendered.whole is None else rendered.whole)
        if description.find_duplicates
        else None,
    )


def _move(staged: Path, raw: Path, parts: Parts, ending: str) -> None:
    for suffix, cases in (("Tr", parts.pool), ("Ts", parts.test)):
        for folder, names in (
            ("images", [folders.image_name(case.case, ending) for case in cases]),
            ("labels", [f"{case.case}{ending}" for case in cases]),
        ):
            target = raw / f"{folder}{suffix}"
            target.mkdir()
            for name in names:
                (staged / folder / name).rename(target / name)
    rmtree(staged)


def _write_tables(
    raw: Path, cases: Sequence[Converted], parts: Parts, pairs: Sequence[Pair], description: DatasetDescription, by: str
) -> None:
    sets = parts.sets(description.division)
    kept = [case for case in cases if case not in parts.left_out]
    categories = disparity_categories([case.disparity for case in kept])
    rows = [
        {
            **_origin(case, sets),
            "sha256": case.sha256,
            "disparity": rounded(case.texture.value),
            "category": category,
            "stratum": case.stratum,
            **sorting_cells(case.texture, by, case.disparity),
        }
        for case, category in zip(kept, categories, strict=True)
    ]
    write_csv(raw / "cases.csv", CASE_COLUMNS, rows)
    if description.find_duplicates:
        torn = contradictions(cases, pairs)
        found = [{**asdict(pair), "contradiction": torn.get(pair, "")} for pair in pairs]
        write_csv(raw / "duplicates.csv", DUPLICATE_COLUMNS, found)
    if parts.left_out:
        omitted = [{**_origin(case, sets), "reason": "its group is in the test set"} for case in parts.left_out]
        write_csv(raw / "left_out.csv", (*ORIGIN_COLUMNS, "reason"), omitted)


def _origin(case: Converted, sets: Mapping[str, str]) -> dict[str, str]:
    return {"case": case.case, "group": case.group, "set": sets[case.case], "source": case.source}
