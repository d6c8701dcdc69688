"""What is explained: a trained fold, on which cases and levels, by which interventions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.calls import Training
from nnunet_skipstudy.nnunet.cases import read_description, test_levels
from nnunet_skipstudy.registry import UNPERTURBED, alpha_level, in_order, level_alpha
from nnunet_skipstudy.support.tables import read_rows


@dataclass(frozen=True)
class Request:
    """What is explained.

    Attributes:
        training: the fold.
        raw: the data set's folder, with ``imagesTs_<level>`` and ``labelsTs``.
        reference: the level whose images stand for what the network can do.
        levels: the others.
        cases: names.
        kinds: interventions, keys of :data:`~nnunet_skipstudy.registry.INTERVENTIONS`.
        strengths: by kind, instead of its own.
        mirroring: test-time augmentation, as predictions have it.
        seed: of noise.
    """

    training: Training
    raw: Path
    reference: str
    levels: tuple[str, ...]
    cases: tuple[str, ...]
    kinds: tuple[str, ...]
    strengths: dict[str, Sequence[float]]
    mirroring: bool = True
    seed: int = 0


def reference_level(raw: Path, fold: int, asked: str | None = None) -> str:
    """The level that others are held against: the unperturbed one, or of synthetic textures the one trained on.

    Raises:
        UserError: the data set has no such level, or none that could be meant.
    """
    there = level_folders(raw)
    if asked is not None:
        if asked not in there:
            raise UserError(f"{raw}: has no test images of level {asked!r}; choose one of {', '.join(there)}")
        return asked
    if UNPERTURBED in there:
        return UNPERTURBED
    table = raw / "folds.csv"
    rows = read_rows(table, ("fold", "name")) if table.is_file() else []
    for row in rows:
        alpha = level_alpha(f"alpha{row['name'].removeprefix('alpha')}")
        if row["fold"] == str(fold) and alpha is not None and alpha_level(alpha) in there:
            return alpha_level(alpha)
    raise UserError(f"{raw}: has no unperturbed test images; name the level to hold others against (--reference)")


def level_folders(raw: Path) -> dict[str, Path]:
    """The folders of test images by level, hardest first."""
    found = test_levels(raw)
    if (raw / "imagesTs").is_dir():
        found[UNPERTURBED] = raw / "imagesTs"
    return {level: found[level] for level in in_order(sorted(found))}


def labelled_cases(raw: Path) -> list[str]:
    """The names of the test cases, by their label maps.

    Raises:
        UserError: there is none.
    """
    ending = read_description(raw).ending
    folder = raw / "labelsTs"
    found = sorted(path.name.removesuffix(ending) for path in folder.glob(f"[!.]*{ending}"))
    if not found:
        raise UserError(f"{folder}: holds no label map <case>{ending}; explaining needs labelled test cases")
    return found


def spread(cases: Sequence[str], n: int) -> list[str]:
    """``n`` of the cases, evenly spaced by name; all where there are no more."""
    n = min(n, len(cases))
    return [cases[place * len(cases) // n] for place in range(n)]
