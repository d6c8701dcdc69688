"""Commented ``study.yaml`` files, to begin with."""

from collections.abc import Collection, Sequence
from importlib.resources import files
from string import Template

from nnunet_skipstudy.registry import LEVELS, STUDY_ARCHITECTURES

MEDICAL: dict[str, tuple[int, str]] = {
    "busi": (502, "downloads/Dataset_BUSI_with_GT"),
    "glas": (503, "downloads/GlaS"),
    "acdc": (504, "downloads/ACDC"),
    "spleen": (505, "downloads/Task09_Spleen"),
}
"""The full study's medical data sets: converter, identifier, and where the download is expected."""


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


def full_text(converters: Collection[str], *, plan_for: str = "heaviest", levels: Sequence[str] = LEVELS) -> str:
    """The full study of the papers; data sets that this version can't convert are expected in nnUNet_raw."""
    entries = []
    for name, (identifier, download) in MEDICAL.items():
        entries.append(f"  - id: {identifier}")
        if name in converters:
            entries += [f"    converter: {name}", f"    source: {download}"]
        else:
            entries[-1] += f"               # {name}: this version can't convert it; put it into nnUNet_raw"
    return _template("full.yaml").substitute(
        architectures=", ".join(STUDY_ARCHITECTURES),
        medical="\n".join(entries),
        plan_for=plan_for,
        levels=", ".join(levels),
    )


def _template(name: str) -> Template:
    return Template((files("nnunet_skipstudy.study.templates") / name).read_text(encoding="utf-8"))
