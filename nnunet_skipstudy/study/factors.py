"""The networks of a study: its architectures, each with each choice of what its skips hand on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from nnunet_skipstudy.errors import UserError, nearest, shown
from nnunet_skipstudy.nnunet.trainer_name import TrainerName, TrainerOptions, format_trainer_name, parse_trainer_name
from nnunet_skipstudy.registry import ARCHITECTURES, SkipPolicy

PREFIX = "nnUNetTrainer"
ELSEWHERE = {
    "epochs": "schedule",
    "iterations": "schedule",
    "seed": "seeds",
    "spatial_augmentation": "augmentation",
    "augmentation": "augmentation",
    "deep_supervision": "deep_supervision",
}
"""Options of a trainer's name that a study has a key of its own for."""
Levels = str | list[int]
"""``all``, or the levels that hand on, 0 = full resolution."""


def networks(architectures: Iterable[str], skips: Sequence[Levels], dropouts: Sequence[int]) -> list[str]:
    """The names of all networks: trainers' without ``nnUNetTrainer``, as :func:`named` reads them.

    Architectures are the registry's, perhaps with suffixes (``UNet_skips123``). One without skips, or with a suffix of
    its own that says what they do, is taken once, as it is; others with each choice of levels and of dropout (percent).

    Raises:
        UserError: a name is unknown, its suffix is set elsewhere in the study, or an architecture has no such skips.
    """
    return [name for entry in architectures for name in _variants(named(entry), skips, dropouts)]


def named(entry: str) -> TrainerName:
    """A network's name, parsed. Raises UserError: as :func:`networks`."""
    base = entry.split("_")[0]
    if base not in ARCHITECTURES:
        raise UserError(f"architectures: {shown(entry)}; {nearest(base, ARCHITECTURES)}")
    parsed, default = parse_trainer_name(f"{PREFIX}{entry}"), TrainerOptions()
    for field, key in ELSEWHERE.items():
        if getattr(parsed.options, field) != getattr(default, field):
            raise UserError(f"architectures: {shown(entry)}: a study says this under {key!r}; leave the suffix out")
    return parsed


def _variants(own: TrainerName, skips: Sequence[Levels], dropouts: Sequence[int]) -> Iterator[str]:
    if ARCHITECTURES[own.architecture].skips is SkipPolicy.NONE or own.options.skips or own.options.skip_dropout:
        yield format_trainer_name(own.architecture, own.options).removeprefix(PREFIX)
        return
    for levels in skips:
        chosen = "" if levels == "all" else "".join(map(str, levels))
        for percent in dropouts:
            name = format_trainer_name(own.architecture, replace(own.options, skips=chosen, skip_dropout=percent))
            parse_trainer_name(name)  # refuses levels that hand on nothing anyway
            yield name.removeprefix(PREFIX)
