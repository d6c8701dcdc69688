"""The report's fixed words: definitions and methods, and the caveats that apply to the data at hand."""

import itertools
import platform
from collections.abc import Iterable, Iterator, Sequence
from importlib import metadata

import numpy as np
import pandas as pd

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.inputs.runs import Run, mirroring
from nnunet_skipstudy.analysis.report.page import NOTES, TEMPLATES, Cell, Table, told
from nnunet_skipstudy.analysis.report.words import count, number
from nnunet_skipstudy.analysis.statistics.bootstrap import MIN_GROUPS, MIN_GROUPS_OF_SPREAD
from nnunet_skipstudy.analysis.statistics.intervals import PSEUDO
from nnunet_skipstudy.analysis.statistics.pairwise import MIN_PAIRS
from nnunet_skipstudy.analysis.statistics.ranks import MIN_BLOCKS
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.td_axis import (
    FOLLOWS_SIZE,
    MAX_POINTS,
    MAX_RESAMPLED,
    TD_WORDS,
    axis_measure,
    size_rows,
)
from nnunet_skipstudy.analysis.statistics.wins import MORE_FAILURES
from nnunet_skipstudy.nnunet.trainer_name import NNUNET_EPOCHS, known_trainer
from nnunet_skipstudy.registry import (
    EXCESS,
    LEVELS,
    METRICS,
    STUDY_ARCHITECTURES,
    UNPERTURBED,
    BothEmpty,
    Surface,
    in_order,
    known_order,
    level_alpha,
)
from nnunet_skipstudy.support.version import __version__

UNITS = {"mm": "millimetres", "px": "pixels"}
FEW_GROUPS = 20


def methods(
    comparisons: Sequence[Comparison], both_empty: BothEmpty, include_degenerate: bool
) -> list[tuple[str, str]]:
    """Definitions of what the tables hold, as (term, explanation); but for the metrics' they stand in methods.md.

    ``include_degenerate``: whether degenerate networks took part in tests.
    """
    shares = [row for row in METRICS.values() if row.bounded]
    worst, perfect = (", ".join(f"{row.title} {getattr(row, at):g}" for row in shares) for at in ("worst", "perfect"))
    empty = (
        f"A correct empty prediction (neither side holds the label) counts as {perfect}, distances and volume error 0."
        if both_empty is BothEmpty.COUNT
        else "Cases whose reference lacks the label are left out of all means, whatever was predicted there."
    )
    facts = {
        "worst": worst,
        "empty": empty,
        "units": "; ".join(f"{c.reference.dataset} in {UNITS.get(c.unit, c.unit)}" for c in comparisons),
        "left_out": "" if both_empty is BothEmpty.COUNT else f"{NOTES['left out']} ",
        "tested": "all networks, degenerate ones too" if include_degenerate else "the networks that aren't degenerate",
        "pseudo": PSEUDO,
        "min_groups": MIN_GROUPS,
        "min_groups_of_spread": MIN_GROUPS_OF_SPREAD,
        "min_pairs": MIN_PAIRS,
        "min_blocks": MIN_BLOCKS,
        "more_failures": MORE_FAILURES,
        "max_points": MAX_POINTS,
        "max_resampled": MAX_RESAMPLED,
    }
    return [*_definitions(comparisons), *((term, words.format(**facts)) for term, words in told("methods.md").items())]


def study_networks(architectures: Iterable[str]) -> Table | None:
    """How the study's own networks differed, as docs/networks.md has it, too; None where none like them is compared."""
    if not {name.split("_")[0] for name in architectures} & set(STUDY_ARCHITECTURES):
        return None
    text = (TEMPLATES / "study_networks.md").read_text(encoding="utf-8").replace("`", "")
    columns, *rows = (line.strip("| ").split(" | ") for line in text.splitlines())
    cells = [[Cell(words) for words in row] for row in rows]
    return Table("How the study's own networks differed from these", columns, cells, n_words=3)


def _definitions(comparisons: Sequence[Comparison]) -> list[tuple[str, str]]:
    """The metrics as they were measured, and, behind the DSC, what distances are measured between."""
    of_surfels = bool(comparisons) and comparisons[0].surface is Surface.SURFEL
    tolerances = "; ".join(f"{c.reference.dataset}: {c.nsd_tolerance}" for c in comparisons)
    found = [
        (row.title, ((of_surfels and row.of_surfels) or row.definition).replace("{tolerances}", tolerances))
        for row in METRICS.values()
    ]
    tables = sorted({table for c in comparisons for table in c.tables})
    measured = NOTES["surface elements" if of_surfels else "edge voxels"]
    surface = NOTES["scores"].format(tables=", ".join(tables)) if tables else measured
    return [found[0], ("Surface", surface), *found[1:]]


def caveats(statistics: Statistics, comparisons: Sequence[Comparison], cases: pd.DataFrame) -> Iterator[str]:
    """What weakens the conclusions, then what weakens the tests, as far as it applies to this data."""
    yield NOTES["caveat: CV"]
    levels = set(cases["level"])
    if len(levels & set(LEVELS)) > 1:
        yield NOTES["caveat: levels"]
    if cases["disparity"].notna().any() or any(level_alpha(level) is not None for level in levels):
        yield NOTES["caveat: TD"]
    runs = [run for comparison in comparisons for run in comparison.runs]
    trainers = [known_trainer(run.trainer) for run in runs]
    if not all(parsed and parsed.options.spatial_augmentation for parsed in trainers):
        yield NOTES["caveat: augmentation"]
    if any(mirroring(run) is None for run in runs):
        yield NOTES["caveat: mirroring"]
    for comparison in comparisons:
        yield from _of_dataset(statistics, comparison, cases[cases["dataset"] == comparison.reference.dataset])
    if n_tests := int(statistics.table["p_value"].notna().sum()):
        yield NOTES["caveat: tests"].format(n_tests=n_tests)


def schedules(trainers: Iterable[str]) -> str:
    """How long and with which augmentation the networks were trained, as their trainers' names say."""
    return "; or ".join(dict.fromkeys(_schedule(trainer) for trainer in trainers))


def _schedule(trainer: str) -> str:
    parsed = known_trainer(trainer)
    if parsed is None:
        return f"as {trainer} does" if trainer else "not known"
    options = parsed.options
    iterations = f" of {count(options.iterations, 'iteration')}" if options.iterations else ""
    augmentation = "spatial augmentation only" if options.spatial_augmentation else "nnU-Net's augmentation"
    theirs = [f"as {trainer}" for trainer in (options.augmentation, options.loss) if trainer]
    words = theirs if options.augmentation else [augmentation, *theirs]
    return f"{count(options.epochs or NNUNET_EPOCHS, 'epoch')}{iterations}, {', '.join(words)}"


def mirroring_words(runs: Sequence[Run]) -> str:
    """Whether a data set's predictions were mirrored, in words."""
    known = {mirroring(run) for run in runs}
    words = {True: "on", False: "off", None: "not recorded"}
    return ", ".join(word for value, word in words.items() if value in known)


def versions() -> str:
    """What computed all this."""
    names = ("numpy", "scipy", "pandas", "matplotlib")
    found = ", ".join(f"{name} {metadata.version(name)}" for name in names)
    return f"nnunet_skipstudy {__version__}, Python {platform.python_version()}, {found}"


def _of_dataset(statistics: Statistics, comparison: Comparison, cases: pd.DataFrame) -> Iterator[str]:
    dataset = comparison.reference.dataset
    overall = statistics.overall(dataset)
    if not overall:
        return
    setting = overall[0]
    n_groups = len(set(setting.groups))
    if MIN_GROUPS <= n_groups < FEW_GROUPS:
        yield NOTES["caveat: few groups"].format(dataset=dataset, groups=count(n_groups, "group"))
    if not any(comparison.reference.groups.values()):
        yield NOTES["caveat: no groups"].format(dataset=dataset)
    replicates = setting.replicates[setting.replicates > 0]
    if (replicates == 1).any():
        who = "one training per network" if (replicates == 1).all() else "some networks have one training only"
        yield NOTES["caveat: one training"].format(dataset=dataset, who=who)
    yield from _disparity(dataset, cases)
    yield from _size(dataset, cases)


def _size(dataset: str, cases: pd.DataFrame) -> Iterator[str]:
    """Whether what slopes go by follows the size of objects."""
    measure = axis_measure(cases)
    for row in size_rows(cases):
        found = row.excess_with_size if measure == EXCESS else row.value_with_size
        if row.level == UNPERTURBED and abs(found) >= FOLLOWS_SIZE:
            yield NOTES["caveat: size"].format(
                dataset=dataset, measure=TD_WORDS[measure], rho=number(found, sign=True), n_cases=row.n_cases
            )


def _disparity(dataset: str, cases: pd.DataFrame) -> Iterator[str]:
    """Whether the levels' mean TD rises from hardest to easiest, as their names say."""
    known = cases.dropna(subset=["disparity"])
    if known.empty:
        return
    means = known.groupby("level")["disparity"].mean()
    levels = in_order(level for level in means.index if known_order([level]))
    if not known_order(levels):
        return
    fallen = [
        f"{easier} ({number(means[easier])}) lies below {harder} ({number(means[harder])})"
        for harder, easier in itertools.pairwise(levels)
        if np.round(means[easier] - means[harder], 12) < 0
    ]
    if fallen:
        yield f"{dataset}: TD did not move as the levels are named: mean TD at {'; at '.join(fallen)}."
