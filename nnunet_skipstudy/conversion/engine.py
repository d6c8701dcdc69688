"""From a download to a data set: the one converter behind all descriptions.

Each image is read once, and its image, label map and disparity are made from that. Only then, when duplicates and
disparities are known, cases are assigned to training pool and test set; the files are moved there.
"""

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import isfinite
from pathlib import Path
from shutil import copyfile, rmtree
from typing import Any

from nnunet_skipstudy.conversion.description import DatasetDescription, Division, Rendered, SourceCase
from nnunet_skipstudy.conversion.duplicates import Pair, Thumbnail, merged_groups, near_duplicates, thumbnail
from nnunet_skipstudy.conversion.source import Download, find_download, is_image_name, unpacked
from nnunet_skipstudy.conversion.splits import SplitCase, hold_out, study_folds
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.levels.moves import level_moves
from nnunet_skipstudy.levels.perturb import write_levels
from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.nnunet.publishing import (
    Draft,
    Target,
    image_name,
    is_finished,
    publishing,
    target_dataset,
    write_dataset_json,
    write_splits,
)
from nnunet_skipstudy.support.files import sha256_of_file, write_csv
from nnunet_skipstudy.support.parallel import number_of_workers, parallel_map
from nnunet_skipstudy.support.working_folder import working_folder
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.categories import disparity_categories

MOST_NAMED = 3
"""Files that a remark names."""
TEST_PART = 0.2
"""Of all cases (or groups), where neither the publisher nor the study says which are the test set."""
CASE_COLUMNS = ("case", "group", "set", "source", "sha256", "disparity", "category", "stratum")
LEFT_OUT_COLUMNS = ("case", "group", "set", "source", "reason")
DUPLICATE_COLUMNS = ("case", "other", "distance", "correlation")


@dataclass(frozen=True)
class Converted:
    """A case that has been written, and what is known of it."""

    case: str
    group: str
    stratum: str
    official: str
    source: str
    sha256: str
    disparity: float
    thumbnail: Thumbnail | None = field(default=None, compare=False)

    @property
    def for_splits(self) -> SplitCase:
        """What the splits need to know."""
        return SplitCase(self.case, self.group, self.disparity, self.stratum)


@dataclass(frozen=True)
class Parts:
    """Training pool, fold 0's validation cases (empty: no matter which), test set, and those in none."""

    pool: tuple[Converted, ...]
    validation: frozenset[str]
    test: tuple[Converted, ...]
    left_out: tuple[Converted, ...]


def convert(
    description: DatasetDescription,
    source: Path,
    *,
    dataset_id: int,
    name: str,
    seed: int = 0,
    overwrite: bool = False,
    workers: int | None = None,
) -> Path:
    """Make the data set in nnU-Net's folders, unless it is there already.

    The same download, options and seed make the same bytes, with any number of workers. Nothing appears under the
    final names before all is written.

    Args:
        description: of the data set.
        source: folder or archive.
        dataset_id: nnU-Net's identifier, 1 ... 999.
        name: of the data set.
        seed: of all that is drawn.
        overwrite: replace a data set of the same identifier and name, and its preprocessed cases.
        workers: threads, each holds one case in memory; None: one a processor, up to four.

    Returns:
        The data set's folder in nnUNet_raw.

    Raises:
        UserError: nnU-Net's folders are not set, the identifier is taken, the data set is there with other options,
            or the download is not what it should be; the file is named.
    """
    if seed < 0:
        raise UserError(f"seed {seed}; give 0 or a positive number (--seed)")
    workers = number_of_workers(workers)
    target = target_dataset(dataset_id, name)
    download = find_download(source, description.layout, description.name)
    made_from = {"converter": description.name, **description.options, "seed": seed}
    provenance = {**made_from, "source_sha256": download.fingerprint}
    former = {**made_from, "source_sha256_names_and_sizes": download.names_and_sizes}
    if is_finished(target, provenance, overwrite=overwrite, former=former):
        return target.raw
    with publishing(target, provenance, overwrite=overwrite) as draft:
        notes = _write_dataset(description, download, target, draft, seed, workers, provenance)
    for note in notes:
        print(f"skipstudy: {note}", file=sys.stderr)
    return target.raw


def _write_dataset(
    description: DatasetDescription,
    download: Download,
    target: Target,
    draft: Draft,
    seed: int,
    workers: int,
    provenance: Mapping[str, Any],
) -> list[str]:
    """Write everything into the draft; returns what the user should be told."""
    staged = draft.raw / "staged"
    with working_folder(target.raw_root) as scratch, unpacked(download, scratch) as root:
        items = description.list_cases(root, sorted(download.sizes))
        check_items(items, description)
        work = partial(convert_item, root=root, staged=staged, description=description, seed=seed)
        done = parallel_map(work, items, workers=workers, title=target.folder_name, unit="image")
    pairs = near_duplicates({case.case: case.thumbnail for part in done for case in part if case.thumbnail is not None})
    cases = regrouped([case for part in done for case in part], pairs)
    parts = divide(cases, description, seed)
    folds = study_folds(
        [case.for_splits for case in parts.pool],
        seed=seed,
        validation=parts.validation,
        validation_name=description.division.first_fold,
    )
    _move(staged, draft.raw, parts, description.ending)
    write_dataset_json(
        draft.raw,
        channel_names=description.channel_names,
        labels=description.labels,
        n_training=len(parts.pool),
        ending=description.ending,
        provenance=provenance,
    )
    _write_tables(draft, cases, parts, pairs, description)
    write_splits(draft, folds)
    rows = write_levels(draft.raw, seed=seed, workers=workers)
    before = {case.case: case.disparity for case in parts.test if isfinite(case.disparity)}
    misnamed = [move.warning for move in level_moves(rows, before) if move.warning]
    return [
        *description.caveats,
        *test_set_remark(parts, description.division),
        *missing_remarks(items, done, description),
        *remarks(download, items, pairs, parts),
        *misnamed,
    ]


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
    item: SourceCase, *, root: Path, staged: Path, description: DatasetDescription, seed: int
) -> list[Converted]:
    """Read one case of a download, and write what comes out of it into a folder, with the texture disparities.

    Raises:
        UserError: a file of it is not what it should be.
    """
    return [
        _write_case(rendered, item, staged, description)
        for rendered in description.render(item, root, description.labels, seed)
    ]


def _write_case(rendered: Rendered, item: SourceCase, staged: Path, description: DatasetDescription) -> Converted:
    image = staged / "images" / image_name(rendered.case, description.ending)
    if rendered.copy_of is None:
        write_image(image, rendered.image, rendered.geometry)
    else:
        image.parent.mkdir(parents=True, exist_ok=True)
        copyfile(rendered.copy_of, image)
    write_image(staged / "labels" / f"{rendered.case}{description.ending}", rendered.label, rendered.geometry)
    try:
        disparity = case_disparity(rendered.image, rendered.label).union.value
    except UserError as error:
        raise UserError(f"{item.image}: {error}") from error
    return Converted(
        case=rendered.case,
        group=item.group,
        stratum=item.stratum,
        official=item.official,
        source=rendered.source,
        sha256=sha256_of_file(image),
        disparity=round(disparity, 9),
        thumbnail=thumbnail(rendered.image) if description.find_duplicates else None,
    )


def regrouped(cases: Sequence[Converted], pairs: Sequence[Pair]) -> list[Converted]:
    """The cases with the groups of near-duplicates joined."""
    groups = merged_groups({case.case: case.group for case in cases}, pairs)
    return [replace(case, group=groups[case.case]) for case in cases]


def divide(cases: Sequence[Converted], description: DatasetDescription, seed: int) -> Parts:
    """Choose the test set, and leave out of the training pool what its groups have a part in.

    Raises:
        UserError: too few cases.
    """
    division = description.division
    sizes = division.sizes
    table = [case.for_splits for case in cases]
    test = {case.case for case in cases if case.official in division.test_sets}
    validation: frozenset[str] = frozenset()
    if test:
        tested = {case.group for case in cases if case.case in test}
        left_out = {case.case for case in cases if case.group in tested} - test
        validation = frozenset(
            case.case for case in cases if case.official in division.validation_sets and case.case not in left_out
        )
    else:
        left_out = set()
        unit = "groups" if sizes is None else sizes.unit
        total = len({case.group for case in cases}) if unit == "groups" else len(cases)
        if sizes is not None:
            sizes = sizes.scaled(total)
        n_test = max(1, round(TEST_PART * total)) if sizes is None else sizes.test
        test = set(hold_out(table, n_test, seed=seed, unit=unit))
        if sizes is not None:
            rest = [case for case in table if case.case not in test]
            validation = hold_out(rest, sizes.val, seed=seed, unit=unit, purpose="validation")
    return Parts(
        pool=tuple(case for case in cases if case.case not in test | left_out),
        validation=validation,
        test=tuple(case for case in cases if case.case in test),
        left_out=tuple(case for case in cases if case.case in left_out),
    )


def _move(staged: Path, raw: Path, parts: Parts, ending: str) -> None:
    for suffix, cases in (("Tr", parts.pool), ("Ts", parts.test)):
        for folder, names in (
            ("images", [image_name(case.case, ending) for case in cases]),
            ("labels", [f"{case.case}{ending}" for case in cases]),
        ):
            target = raw / f"{folder}{suffix}"
            target.mkdir()
            for name in names:
                (staged / folder / name).rename(target / name)
    rmtree(staged)


def _write_tables(
    draft: Draft, cases: Sequence[Converted], parts: Parts, pairs: Sequence[Pair], description: DatasetDescription
) -> None:
    tested = {case.case for case in parts.test}
    by_publisher = any(case.official in description.division.test_sets for case in parts.test)
    omitted = {case.case for case in parts.left_out}
    kept = [case for case in cases if case.case not in omitted]
    rows = [
        {
            "case": case.case,
            "group": case.group,
            "set": case.official if by_publisher else ("test" if case.case in tested else "train"),
            "source": case.source,
            "sha256": case.sha256,
            "disparity": case.disparity if isfinite(case.disparity) else None,
            "category": category,
            "stratum": case.stratum,
        }
        for case, category in zip(kept, disparity_categories([case.disparity for case in kept]), strict=True)
    ]
    write_csv(draft.raw / "cases.csv", CASE_COLUMNS, rows)
    if description.find_duplicates:
        write_csv(draft.raw / "duplicates.csv", DUPLICATE_COLUMNS, [asdict(pair) for pair in pairs])
    if parts.left_out:
        reason = "its group is in the test set"
        write_csv(
            draft.raw / "left_out.csv",
            LEFT_OUT_COLUMNS,
            [
                {"case": c.case, "group": c.group, "set": c.official, "source": c.source, "reason": reason}
                for c in parts.left_out
            ],
        )


def test_set_remark(parts: Parts, division: Division) -> Iterator[str]:
    """Which test set was taken, where that depends on the download."""
    if not division.test_sets or division.needed_sets:
        return
    groups = _counted({case.group for case in parts.test}, "patient")
    sets = " and ".join(division.test_sets)
    if any(case.official in division.test_sets for case in parts.test):
        yield f"the test set is the publisher's {sets} ({groups})"
    else:
        yield f"the test set is {groups} held out by the seed, since there is no {sets} with ground truth"


def missing_remarks(
    items: Sequence[SourceCase], done: Sequence[Sequence[Converted]], description: DatasetDescription
) -> Iterator[str]:
    """What of the published data set is not there, and what gave no case."""
    published, what = description.published
    whole = {item.group if what == "patients" else item.case for item in items if item.stratum != "normal"}
    if published and len(whole) != published:
        yield f"{len(whole)} of the published {published} {what}"
    empty = [item.image for item, cases in zip(items, done, strict=True) if not cases]
    if empty:
        shown = ", ".join(empty[:MOST_NAMED]) + (" ..." if len(empty) > MOST_NAMED else "")
        yield f"{_counted(empty, 'volume')} without a slice of enough foreground left out: {shown}"


def remarks(download: Download, items: Iterable[SourceCase], pairs: Sequence[Pair], parts: Parts) -> Iterator[str]:
    """What the user may not expect: images of no case, duplicates, cases that have been left out."""
    used = {name for item in items for name in (item.image, *item.masks)}
    strangers = [name for name in (*download.sizes, *download.strangers) if name not in used and is_image_name(name)]
    if strangers:
        yield f"{_counted(strangers, 'image')} of no case left out, such as {strangers[0]}"
    if pairs:
        yield (
            f"{_counted(pairs, 'pair')} of duplicates or near-duplicates (duplicates.csv), each on one side of every "
            "split"
        )
    if parts.left_out:
        yield (
            f"{_counted(parts.left_out, 'case')} of the test set's patients left out of the training pool "
            "(left_out.csv)"
        )
    unmeasured = [case for case in (*parts.pool, *parts.test) if not isfinite(case.disparity)]
    if unmeasured:
        yield (
            f"{_counted(unmeasured, 'case')} without a texture disparity (nothing or everything is labelled), in no "
            f"narrow fold, such as {unmeasured[0].case}"
        )


def _counted(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"
