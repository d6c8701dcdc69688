"""What the user should be told after a conversion: what may not be expected of the data set."""

from collections.abc import Iterator, Sequence, Sized
from math import isfinite
from statistics import median

from nnunet_skipstudy.conversion.description import DatasetDescription, Division, SourceCase
from nnunet_skipstudy.conversion.duplicates import Pair
from nnunet_skipstudy.conversion.flat import ENDING
from nnunet_skipstudy.conversion.parts import Converted, Parts
from nnunet_skipstudy.conversion.source import Download, is_image_name
from nnunet_skipstudy.texture.patterns import SIDE_PX

MOST_NAMED = 3
"""Files that a remark names."""
MOST_OBJECT = 0.75
"""A larger share of the image, in the median, is a background rather than an object."""


def remarks(
    description: DatasetDescription,
    download: Download,
    items: Sequence[SourceCase],
    done: Sequence[Sequence[Converted]],
    pairs: Sequence[Pair],
    parts: Parts,
) -> Iterator[str]:
    """A line each on the test set, missing and left out files, duplicates, and cases without a disparity.

    ``done`` has the cases that came out of each of the download's ``items``.
    """
    yield from description.caveats
    yield from _on_test_set(parts, description.division)
    yield from _on_missing(items, done, description)
    used = {name for item in items for name in (item.image, *item.masks)}
    strangers = [name for name in (*download.sizes, *download.strangers) if name not in used and is_image_name(name)]
    if strangers:
        yield f"{_counted(strangers, 'image')} of no case left out, such as {strangers[0]}"
    if pairs:
        yield (
            f"{_counted(pairs, 'pair')} of duplicates or near-duplicates (duplicates.csv), each on one side of every "
            f"split{_contradiction(items, done, pairs)}"
        )
    if (share := _share_of_objects([*parts.pool, *parts.test], description)) > MOST_OBJECT:
        yield (
            f"the masks mark {share:.0%} of the image in the median: if object and background have changed places, "
            "correct them (the brighter side of a mask is the object)"
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


def _share_of_objects(cases: Sequence[Converted], description: DatasetDescription) -> float:
    """The median share of flat images that is labelled; 0 of volumes, or where nothing is known."""
    flat = description.configuration == "2d" and description.ending == ENDING
    known = [case.texture.size_px / SIDE_PX**2 for case in cases if isfinite(case.texture.value)]
    return median(known) if flat and known else 0.0


def _on_test_set(parts: Parts, division: Division) -> Iterator[str]:
    """Which test set was taken, where that depends on the download."""
    if not division.test_sets or division.needed_sets:
        return
    groups = _counted({case.group for case in parts.test}, "patient")
    sets = " and ".join(division.test_sets)
    if any(case.official in division.test_sets for case in parts.test):
        yield f"the test set is the publisher's {sets} ({groups})"
    else:
        yield f"the test set is {groups} held out by the seed, since there is no {sets} with ground truth"


def _on_missing(
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


def contradictions(cases: Sequence[Converted], pairs: Sequence[Pair]) -> dict[Pair, str]:
    """The two classes of each pair that has two: one of them is wrong, since both cases are one picture."""
    stratum = {case.case: case.stratum for case in cases}
    classes = {pair: sorted({stratum[pair.case], stratum[pair.other]}) for pair in pairs}
    return {pair: " ".join(two) for pair, two in classes.items() if len(two) > 1}


def _contradiction(items: Sequence[SourceCase], done: Sequence[Sequence[Converted]], pairs: Sequence[Pair]) -> str:
    """Which pairs are one picture with two classes; with a label for each, no network can get both right."""
    torn = list(contradictions([case for cases in done for case in cases], pairs))
    if not torn:
        return ""
    shown = ", ".join(f"{pair.case} and {pair.other}" for pair in torn[:MOST_NAMED]) + " ..." * (len(torn) > MOST_NAMED)
    label = {item.case: item.label for item in items if item.masks}
    labelled = any(len({label.get(pair.case), label.get(pair.other)} - {None}) > 1 for pair in torn)
    remedy = ": correct the download, or take one label for all" if labelled else ", of which one is wrong"
    what = "under contradicting labels, one picture with two classes" if labelled else "one picture with two classes"
    return f"; {len(torn)} of them {what} ({shown}){remedy}"


def _counted(things: Sized, name: str) -> str:
    return f"{len(things)} {name}{'s' * (len(things) != 1)}"
