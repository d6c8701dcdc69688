"""The report's fixed words: definitions, and the caveats that apply to the data at hand."""

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from nnunet_skipstudy.analysis.inputs.matching import Comparison
from nnunet_skipstudy.analysis.inputs.runs import Run, mirroring
from nnunet_skipstudy.analysis.report.words import count
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.trainer_name import parse_trainer_name
from nnunet_skipstudy.registry import LEVELS, METRICS, BothEmpty, Surface, level_alpha

DEFAULT_EPOCHS = 1000
"""nnU-Net's."""
EDGE_VOXELS = (
    "The edge voxels (--surface voxel): the mask minus its cross-shaped erosion; beyond the image's border everything "
    "is background. The values equal MONAI's, the study's tool. A volume of one slice is measured in 2D."
)
SURFELS = (
    "Surface elements (--surface surfel; Nikolov et al. 2018): the corners between voxels around which some are inside "
    "and some outside, each weighted by the area (in 2D the length) of the surface that marching cubes lays through "
    "it. The values equal those of DeepMind's surface-distance. A volume of one slice is measured in 2D."
)
SCORES = (
    "Nothing was measured here: the scores were read from {tables}. What a surface, a distance and a tolerance are is "
    "as their makers had it; the definitions here are this tool's."
)
UNITS = {"mm": "millimetres", "px": "pixels"}


def methods(comparisons: Sequence[Comparison], both_empty: BothEmpty) -> list[tuple[str, str]]:
    """Definitions of what the tables hold, as (term, explanation)."""
    shares = [row for row in METRICS.values() if row.bounded]
    worst, perfect = (", ".join(f"{row.title} {getattr(row, at):g}" for row in shares) for at in ("worst", "perfect"))
    empty = (
        f"A correct empty prediction (neither side holds the label) counts as {perfect}, distances and volume error 0."
        if both_empty is BothEmpty.COUNT
        else "Cases whose reference lacks the label are left out of all means, whatever was predicted there."
    )
    left_out = (
        ""
        if both_empty is BothEmpty.COUNT
        else "Labels and trainings without a value (the reference lacks the label) are left out of a case's mean, so "
        "it is of the others alone. "
    )
    return [
        *_definitions(comparisons),
        (
            "Failures",
            "A missed label (prediction empty), a spurious one (reference empty) and an absent file count as "
            f"{worst}, the image's diagonal as every distance and a relative volume error of -1 (none where the "
            f"reference is empty). {empty} Every outcome is counted.",
        ),
        (
            "Unit",
            "Distances are in millimetres where images have a spacing, else in pixels: "
            + "; ".join(f"{c.reference.dataset} in {UNITS.get(c.unit, c.unit)}" for c in comparisons)
            + ".",
        ),
        (
            "Means",
            "Seeds, and folds that differ only in the split, are replicates: each case is averaged over them, "
            "then cases are averaged; n counts cases. With several labels, a case's DSC at a level is the mean over "
            f"its labels. {left_out}Standard deviations are the population's, over cases.",
        ),
        *_methods_of_change(),
    ]


def _methods_of_change() -> list[tuple[str, str]]:
    return [
        ("CV", "Coefficient of variation, sd / mean, within a level over cases."),
        (
            "Change",
            "Mean over cases of the value at a level minus the same case's at the reference level: unperturbed, "
            "or for synthetic data the alpha that the network was trained on, or the one asked for. Both are of one "
            "training, so one that lacks either level has none. Relative: divided by the mean at the reference level.",
        ),
        (
            "Degenerate",
            "A training whose predictions are (nearly) all empty, all foreground, of one size for five or more images "
            "although the references' sizes differ, or each the same at three or more levels. It is listed, and unless "
            "--include-degenerate was given neither ranked nor tested nor named best: a constant network must not win "
            "on steadiness.",
        ),
    ]


def _definitions(comparisons: Sequence[Comparison]) -> list[tuple[str, str]]:
    """The metrics as they were measured, and, behind the DSC, what distances are measured between."""
    of_surfels = bool(comparisons) and comparisons[0].surface is Surface.SURFEL
    tolerances = "; ".join(f"{c.reference.dataset}: {c.nsd_tolerance}" for c in comparisons)
    found = [
        (row.title, ((of_surfels and row.of_surfels) or row.definition).replace("{tolerances}", tolerances))
        for row in METRICS.values()
    ]
    tables = sorted({table for c in comparisons for table in c.tables})
    surface = SCORES.format(tables=", ".join(tables)) if tables else SURFELS if of_surfels else EDGE_VOXELS
    return [found[0], ("Surface", surface), *found[1:]]


def caveats(comparisons: Sequence[Comparison], cases: pd.DataFrame) -> list[str]:
    """What weakens the conclusions, as far as it applies to this data."""
    levels = set(cases["level"])
    runs = [run for comparison in comparisons for run in comparison.runs]
    return list(_caveats(levels, runs, bool(cases["disparity"].notna().any())))


def _caveats(levels: set[str], runs: Sequence[Run], with_disparity: bool) -> Iterator[str]:
    yield (
        "A small CV is no merit by itself: a network that always fails alike has none. Nothing here is ranked "
        "by CV alone; read it beside the mean."
    )
    if len(levels & set(LEVELS)) > 1:
        yield (
            "The levels are named by texture disparity, not by what a network finds hard: the blur that makes "
            "'easier' and 'easiest' is itself an unseen change of the image."
        )
    if with_disparity or any(level_alpha(level) is not None for level in levels):
        yield (
            "The published texture disparity (TD) is asymmetric, drops histogram bins that are empty on one "
            "side (two wholly different textures then score 0, and values can be negative), and was taken on "
            "floating-point images, on which tiny differences count."
        )
    if not all(_spatial_only(run.trainer) for run in runs):
        yield (
            "nnU-Net's default augmentation contains noise, blur, contrast, gamma and low resolution, close kin "
            "of the perturbations tested here. Only trainers with the suffix _spatialDA leave texture alone; "
            "for the others, or where the trainer is not known, robustness may come from augmentation."
        )
    if any(mirroring(run) is None for run in runs):
        yield (
            "Whether predictions were made with mirroring (test-time augmentation, nnU-Net's default) is not "
            "recorded beside some of them."
        )


def _spatial_only(trainer: str) -> bool:
    try:
        return parse_trainer_name(trainer).options.spatial_augmentation
    except UserError:
        return False


def schedules(trainers: Iterable[str]) -> str:
    """How long and with which augmentation the networks were trained, as their trainers' names say."""
    return "; or ".join(dict.fromkeys(_schedule(trainer) for trainer in trainers))


def _schedule(trainer: str) -> str:
    try:
        options = parse_trainer_name(trainer).options
    except UserError:
        return f"as {trainer} does" if trainer else "not known"
    iterations = f" of {count(options.iterations, 'iteration')}" if options.iterations else ""
    augmentation = "spatial augmentation only" if options.spatial_augmentation else "nnU-Net's augmentation"
    theirs = [f"as {trainer}" for trainer in (options.augmentation, options.loss) if trainer]
    words = theirs if options.augmentation else [augmentation, *theirs]
    return f"{count(options.epochs or DEFAULT_EPOCHS, 'epoch')}{iterations}, {', '.join(words)}"


def mirroring_words(runs: Sequence[Run]) -> str:
    """Whether a data set's predictions were mirrored, in words."""
    known = {mirroring(run) for run in runs}
    words = {True: "on", False: "off", None: "not recorded"}
    return ", ".join(word for value, word in words.items() if value in known)
