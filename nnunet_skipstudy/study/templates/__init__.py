"""Commented ``study.yaml`` files, to begin with."""

from collections.abc import Collection, Sequence
from importlib.resources import files
from string import Template
from typing import NamedTuple

from nnunet_skipstudy.registry import CONTROLLED_LEVELS, FACTORIAL_LEVELS, LEVELS, STUDY_ARCHITECTURES

MEDICAL: dict[str, tuple[int, str]] = {
    "busi": (502, "downloads/Dataset_BUSI_with_GT"),
    "glas": (503, "downloads/GlaS"),
    "acdc": (504, "downloads/ACDC"),
    "spleen": (505, "downloads/Task09_Spleen"),
    "heart": (506, "downloads/Task02_Heart"),
}
"""The full study's medical data sets: converter, identifier, and where the download is expected."""


class Design(NamedTuple):
    """What one named design of the full study has of its own."""

    title: str
    options: str
    architectures: tuple[str, ...]
    folds: str
    deep_supervision: str
    levels: tuple[str, ...]
    by: str


DESIGNS: dict[str, Design] = {
    "papers": Design(
        "the papers' study: their images, split sizes, levels and measure of texture, their six networks",
        "    options: {protocol: study}",
        STUDY_ARCHITECTURES,
        "[0, 5, 6, 7, 8, 9, 10]   # 0: their split, 1 to 4: cross-validation beside it",
        "false   # as they trained",
        LEVELS,
        "kamath2025          # slopes on texture disparity go by its value, as theirs; excess: without object size",
    ),
    "controlled": Design(
        "the papers' question with controls: size, outline, noise, capacity, augmentation, each apart",
        "",
        (*STUDY_ARCHITECTURES, "NoSkip_matchedParams", "NoTopSkip"),
        "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]   # 0 to 4: cross-validation",
        "true",
        tuple(dict.fromkeys((*LEVELS, *CONTROLLED_LEVELS, *FACTORIAL_LEVELS))),
        "excess              # slopes on texture disparity go by what lies beyond the object's size",
    ),
}
"""The full study's designs by name."""


def demo_text(
    *,
    architectures: Sequence[str] = STUDY_ARCHITECTURES,
    epochs: int = 3,
    iterations: int = 50,
    seed: int = 1,
    device: str = "cpu",
) -> str:
    """The demo's study."""
    return _template("demo.yaml").substitute(
        architectures=", ".join(architectures), epochs=epochs, iterations=iterations, seed=seed, device=device
    )


def search_text() -> str:
    """A search, on the demo's textures, for networks that are accurate and robust."""
    return _template("search.yaml").template


def full_text(
    converters: Collection[str],
    *,
    plan_for: str = "heaviest",
    protocol: str = "papers",
    levels: Sequence[str] | None = None,
) -> str:
    """The full study in one of its designs; data sets that this version can't convert are expected in nnUNet_raw.

    ``levels``: other test levels of the medical data sets than the design's.
    """
    design = DESIGNS[protocol]
    entries = []
    for name, (identifier, download) in MEDICAL.items():
        entries.append(f"  - id: {identifier}")
        if name in converters:
            entries += [f"    converter: {name}", f"    source: {download}", *filter(None, [design.options])]
        else:
            entries[-1] += f"               # {name}: this version can't convert it; put it into nnUNet_raw"
    return _template("full.yaml").substitute(
        title=design.title,
        architectures=", ".join(design.architectures),
        medical="\n".join(entries),
        plan_for=plan_for,
        folds=design.folds,
        deep_supervision=design.deep_supervision,
        levels=", ".join(levels or design.levels),
        by=design.by,
    )


def _template(name: str) -> Template:
    return Template((files("nnunet_skipstudy.study.templates") / name).read_text(encoding="utf-8"))
