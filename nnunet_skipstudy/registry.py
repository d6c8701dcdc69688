"""The study's vocabulary: every architecture and test level, once.

Command-line choices, the order of tables, the colours of figures, the trainers and the tests all read it.
Nothing heavy is imported here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum


class SkipPolicy(str, Enum):
    """What one level's skip does with the encoder's features."""

    NONE = "none"
    """They are not handed on."""
    IDENTITY = "identity"
    """They are concatenated (Ronneberger et al. 2015)."""
    GATED = "gated"
    """They are weighted by an attention gate, then concatenated (Oktay et al. 2018)."""
    NESTED = "nested"
    """They pass through UNet++'s dense pathway (Zhou et al. 2018)."""


class Stages(str, Enum):
    """What encoder and decoder stages are made of."""

    PLAN = "plan"
    """The plan's own: plain or residual convolution blocks."""
    VNET = "vnet"
    """V-Net's residual stages (Milletari et al. 2016)."""


class Group(str, Enum):
    """The study's three groups of networks, and what goes beyond it."""

    NO_SKIP = "No-Skip"
    STANDARD = "Standard"
    ENHANCED = "Enhanced"
    BEYOND = "beyond the study"


OTHER_GROUP = "other"
"""Of networks that are not in this file."""


@dataclass(frozen=True)
class Architecture:
    """One network of the study.

    ``top`` is the skip policy of the topmost (full-resolution) level, ``skips`` that of all levels below it.
    """

    name: str
    title: str
    group: Group
    stages: Stages
    skips: SkipPolicy
    top: SkipPolicy
    colour: str
    dashes: str
    marker: str

    @property
    def trainer(self) -> str:
        """The name of the nnU-Net trainer, without suffixes."""
        return f"nnUNetTrainer{self.name}"

    def policies(self, n_levels: int) -> tuple[SkipPolicy, ...]:
        """The policy of each of ``n_levels`` skips, full resolution first."""
        return (self.top, *[self.skips] * (n_levels - 1))


def _architectures() -> dict[str, Architecture]:
    none, identity, gated, nested = SkipPolicy
    # Colours: Okabe and Ito (2008), told apart under all common colour-vision deficiencies. One colour a
    # pair of networks would hide the pairing, so each has its own, and line style and marker repeat it.
    rows = [
        Architecture("NoSkip", "No-Skip U-Net", Group.NO_SKIP, Stages.PLAN, none, none, "#D55E00", "--", "o"),
        Architecture("NoSkipVNet", "No-Skip V-Net", Group.NO_SKIP, Stages.VNET, none, none, "#E69F00", "--", "s"),
        Architecture("UNet", "U-Net", Group.STANDARD, Stages.PLAN, identity, identity, "#0072B2", "-", "o"),
        Architecture("VNet", "V-Net", Group.STANDARD, Stages.VNET, identity, identity, "#56B4E9", "-", "s"),
        Architecture(
            *("AttentionUNet", "Attention U-Net", Group.ENHANCED, Stages.PLAN, gated, identity, "#009E73", ":", "^")
        ),
        Architecture("UNetPlusPlus", "UNet++", Group.ENHANCED, Stages.PLAN, nested, nested, "#CC79A7", ":", "D"),
        Architecture(
            *("NoTopSkip", "U-Net without top skip", Group.BEYOND, Stages.PLAN, identity, none, "#000000", "-.", "v")
        ),
    ]
    return {row.name: row for row in rows}


ARCHITECTURES: dict[str, Architecture] = _architectures()
"""Every architecture by name, in the order of tables and figures."""
SKIP_PAIRS: tuple[tuple[str, str], ...] = (("NoSkip", "UNet"), ("NoSkipVNet", "VNet"), ("NoTopSkip", "UNet"))
"""Networks that differ in their skips alone: the one without first."""
STUDY_ARCHITECTURES: tuple[str, ...] = tuple(
    name for name, architecture in ARCHITECTURES.items() if architecture.group is not Group.BEYOND
)
"""The six networks of the original study."""
UNPERTURBED = "unperturbed"

LEVELS: tuple[str, ...] = ("hardest", "harder", UNPERTURBED, "easier", "easiest")
"""The five test categories of the medical data sets, hardest (smallest texture disparity) first."""
EXCESS, STUDYS_TD = "excess", "kamath2025"
TD_MEASURES: tuple[str, ...] = (EXCESS, STUDYS_TD, "jensen_shannon")
"""What cases are sorted by: the study's texture disparity beyond what the object's shape alone scores, which leaves
the object's size out; or a definition's value as it is."""
CONTROLLED_LEVELS: tuple[str, ...] = (
    *("hardest_blend", "harder_blend", UNPERTURBED),
    *("easier_elsewhere", "easiest_elsewhere"),
)
"""Levels that move texture without noise, and without the reference's outline; hardest first."""
TEXTURE, DISTORTION, BOTH = "texture", "distortion", "texture_distortion"
FACTORIAL_LEVELS: tuple[str, ...] = (UNPERTURBED, TEXTURE, DISTORTION, BOTH)
"""The 2 x 2 of texture and distortion."""
TEST_LEVELS: dict[str, tuple[str, ...]] = {
    "study": LEVELS,
    "controlled": CONTROLLED_LEVELS,
    "factorial": (*LEVELS, *FACTORIAL_LEVELS[1:]),
}
"""The test levels of a study by what it is to show; the 2 x 2 stands beside the study's own."""
SHAM = "sham_"
"""Before the name of a level, or of a way to perturb: what has its PSNR and leaves texture alone."""
SHAMMED: tuple[str, ...] = tuple(level for level in (*LEVELS, *CONTROLLED_LEVELS) if level != UNPERTURBED)
"""Levels whose sham is known by its name, such as ``sham_harder``."""
MADE_BY_NAME = frozenset({*SHAMMED, *FACTORIAL_LEVELS[1:], *(f"{SHAM}{level}" for level in SHAMMED)})
"""Levels that ``skipstudy perturb`` and a study make by their name alone."""
DRAWN_ALIKE: dict[str, str] = {
    **dict.fromkeys(("hardest_blend", "harder_blend"), "blend"),
    **dict.fromkeys(("easier_elsewhere", "easiest_elsewhere"), "elsewhere"),
    **dict.fromkeys((TEXTURE, DISTORTION, BOTH), "factorial"),
}
"""Levels with one seed a case: so they differ in strength, or in a factor, and not in what was drawn."""


def alpha_level(alpha: float) -> str:
    """The name of a synthetic test level: ``alpha_level(0.1) == "alpha0.10"``; a larger alpha is harder."""
    return f"alpha{alpha:.2f}"


def level_alpha(level: str) -> float | None:
    """The alpha of a synthetic test level's name, or ``None`` where the name is another level's."""
    named = re.fullmatch(r"alpha(\d{1,9}\.?\d{0,9}|\.\d{1,9})", level, re.ASCII)
    return float(named[1]) if named else None


def level_order(level: str) -> tuple[int, float, str]:
    """A sort key: the five categories from hardest to easiest, then alphas falling (hardest first), then others."""
    for ladder in (LEVELS, CONTROLLED_LEVELS):
        if level in ladder:
            return (0, float(ladder.index(level)), level)
    alpha = level_alpha(level)
    return (1, -alpha, level) if alpha is not None else (2, 0.0, level)


def known_order(levels: Iterable[str]) -> bool:
    """Whether the names tell which level is harder: all of one ladder of five categories, or all alphas."""
    names = list(levels)
    ladders = (LEVELS, CONTROLLED_LEVELS)
    return any(set(names) <= set(ladder) for ladder in ladders) or all(level_alpha(name) is not None for name in names)


def in_order(levels: Iterable[str]) -> list[str]:
    """The levels, each once, hardest first by their names; where these don't tell, in the order they come in.

    The analysis decides that order once, for the table of cases (analysis.inputs.matching).
    """
    names = list(dict.fromkeys(levels))
    return sorted(names, key=level_order) if known_order(names) else names


class BothEmpty(str, Enum):
    """What a case without the label counts as: the reference is empty."""

    COUNT = "count"
    """A correct empty prediction is perfect: shares 1, distances and volume error 0; any other is a failure."""
    EXCLUDE = "exclude"
    """Nothing, whatever was predicted: its metrics are NaN and enter no mean; its outcome is counted."""


SMALLEST_DIFFERENCE = 0.01
"""Of the DSC and other shares, the smallest that matters unless another is asked for."""


class Surface(str, Enum):
    """What the surface of a mask is."""

    VOXEL = "voxel"
    """Its edge voxels, each of the same weight: the study's and MONAI's."""
    SURFEL = "surfel"
    """Surface elements at the corners between voxels, weighted by their areas (Nikolov et al. 2018)."""


@dataclass(frozen=True)
class Metric:
    """One metric of a case and label; ``metrics.measures`` holds the function of its name.

    ``perfect`` is what two equal masks have. ``worst`` is what a failed prediction counts as; ``None``: the image's
    diagonal. ``unit``: ``distance``, the image's; empty: a share, 0…1. ``definition`` is for edge voxels,
    ``of_surfels`` for surface elements where that differs; ``{tolerances}`` in them are the NSD's.
    ``signed``: an error relative to the reference, -1…∞, that says which way a prediction is wrong: described, but
    never ranked, contested or divided by its mean; NaN where the reference alone is empty. ``detail``: the page has
    it in a folded table of its own, and its figure is drawn where asked for.
    """

    name: str
    title: str
    lower_is_better: bool
    perfect: float
    worst: float | None
    unit: str
    definition: str
    of_surfels: str = ""
    signed: bool = False
    detail: bool = False

    @property
    def bounded(self) -> bool:
        """Whether it is a share, between 0 and 1."""
        return not (self.unit or self.signed)

    @property
    def direction(self) -> str:
        """Which values are better, in words."""
        if self.signed:
            return "0 is best; below: too small, above: too large"
        return f"{'lower' if self.lower_is_better else 'higher'} is better"


def _metrics() -> dict[str, Metric]:
    share: tuple[bool, float, float, str] = (False, 1.0, 0.0, "")
    distance: tuple[bool, float, None, str] = (True, 0.0, None, "distance")
    rows = [
        Metric("dsc", "DSC", *share, "Dice similarity coefficient, 2|A∩B| / (|A| + |B|). 0…1, higher is better."),
        Metric(
            *("hd", "HD", *distance),
            "Hausdorff distance: the largest distance between the two surfaces. Lower is better.",
        ),
        Metric(
            *("hd95", "HD95", *distance),
            "The larger of the two directed 95th percentiles of surface distances (as MONAI; other tools pool both "
            "directions and get smaller values). Lower is better.",
            "The larger of the two directed distances within which 95 % of a surface's area lies. Lower is better.",
        ),
        Metric(
            *("assd", "ASSD", *distance),
            "Mean of the surface distances of both directions, pooled. Lower is better.",
            "Mean of the surface distances of both directions, pooled and weighted by area: the two directed means "
            "that DeepMind's package gives, weighted by the areas of the two surfaces. Lower is better.",
        ),
        Metric(
            *("nsd", "NSD", *share),
            "Share of edge voxels within a tolerance of the other surface ({tolerances}). Higher is better.",
            "Share of surface area within a tolerance of the other surface ({tolerances}). Higher is better.",
        ),
        Metric(
            *("recall", "Recall", *share),
            "Share of the reference that was predicted, |A∩B| / |A| (sensitivity). 0…1, higher is better.",
            detail=True,
        ),
        Metric(
            *("precision", "Precision", *share),
            "Share of the prediction that is in the reference, |A∩B| / |B| (positive predictive value). 0…1, higher "
            "is better.",
            detail=True,
        ),
        Metric(
            *("relative_volume_error", "RVE", False, 0.0, -1.0, ""),
            "Relative volume error, (|B| - |A|) / |A|, signed: below 0 too little was predicted, above 0 too much. "
            "-1…∞, 0 is best; not defined where the reference is empty and the prediction is not.",
            signed=True,
            detail=True,
        ),
    ]
    return {row.name: row for row in rows}


METRICS: dict[str, Metric] = _metrics()
"""Every metric by name, in the order of tables: columns, directions, words and figures are made from these rows."""
INTERVENTIONS: dict[str, tuple[str, tuple[float, ...]]] = {
    "patch": ("the reference image's features put into the pass of the perturbed image: what of the loss returns", ()),
    "reverse": ("the perturbed image's features put into the pass of the reference image: what of it they bring", ()),
    "scale": ("deviations from each channel's mean over the image times the strength, 1 … 0", (0.5, 0.0)),
    "zero": ("zeros", ()),
    "noise": ("Gaussian noise added, of strength times each channel's standard deviation", (1.0,)),
    "other": ("the features of the next case's image of the same level", ()),
}
"""What ``skipstudy explain`` does to a skip, by name: in words, and the strengths it is tried with."""
