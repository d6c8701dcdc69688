"""Trainer names carry their options, because nnU-Net keys its results folder by the trainer's name alone.

``nnUNetTrainerNoSkip_50epochs_seed2_spatialDA`` is the trainer ``nnUNetTrainerNoSkip`` with three options.
"""

import difflib
import re
import sys
from dataclasses import dataclass, replace
from functools import cache

from nnunet_skipstudy.errors import UserError, nearest, shown
from nnunet_skipstudy.registry import ARCHITECTURES, SkipPolicy

LARGEST_COUNT = 10**9
"""Of epochs, or of iterations of one: more than anybody waits for."""
LARGEST_SEED = 2**32 - 1
"""Larger ones are taken apart into 32-bit words, and would meet other trainings' random numbers."""
MOST_DIGITS = 11
"""So many are read of a number: with more it is larger than any that is taken."""


@dataclass(frozen=True)
class TrainerOptions:
    """What the suffixes of a trainer's name ask for; the defaults are nnU-Net's own behaviour."""

    epochs: int | None = None
    iterations: int | None = None
    seed: int | None = None
    spatial_augmentation: bool = False
    deep_supervision: bool = True
    full_resolution_heads: bool = False


@dataclass(frozen=True)
class TrainerName:
    """A parsed trainer name."""

    architecture: str
    options: TrainerOptions

    @property
    def without_seed(self) -> str:
        """The canonical name with the seed left out: what trainings that are replicates share."""
        return format_trainer_name(self.architecture, replace(self.options, seed=None))


_THEIRS = re.compile(r"^nnu?-?net-?train(er)?", re.IGNORECASE)


@dataclass(frozen=True)
class Suffix:
    """What a suffix sets ``field`` of the options to: ``value``, or where it has none its number, at most ``most``."""

    does: str
    field: str
    value: bool | None = None
    least: int = 1
    most: int = LARGEST_COUNT


SUFFIXES: dict[str, Suffix] = {
    "_<n>epochs": Suffix("train n epochs (nnU-Net: 1000)", "epochs"),
    "_<n>iters": Suffix("n iterations an epoch (nnU-Net: 250)", "iterations"),
    "_seed<n>": Suffix("seed all random numbers", "seed", least=0, most=LARGEST_SEED),
    "_spatialDA": Suffix("only augmentations that leave texture alone", "spatial_augmentation", True),
    "_noDS": Suffix("no deep supervision", "deep_supervision", False),
    "_fullresDS": Suffix("UNet++ only: every head at full resolution", "full_resolution_heads", True),
}
"""The known suffixes and what each does, in the order of a name that is made; any order is read, each once."""


def _option(word: str) -> tuple[Suffix, int | bool] | None:
    """What a suffix without its _ sets; a number has one spelling, since another would be another training's name."""
    for text, suffix in SUFFIXES.items():
        digits = f"({'0|' * (not suffix.least)}[1-9][0-9]*)"
        if match := re.fullmatch(text[1:].replace("<n>", digits), word):
            return suffix, int(match[1][:MOST_DIGITS]) if suffix.value is None else suffix.value
    return None


def _unknown(word: str) -> str:
    """Why a suffix is none, with the remedy."""
    plain = re.sub(r"\d+", lambda digits: str(int(digits[0][:MOST_DIGITS])), word)
    if plain != word and _option(plain):
        return f"the suffix {shown(f'_{word}')} is spelled '_{plain}'; write it so"
    return f"unknown suffix {shown(f'_{word}')}; known are {', '.join(SUFFIXES)}"


@cache
def parse_trainer_name(name: str) -> TrainerName:
    """Read a trainer's name.

    Args:
        name: ``nnUNetTrainer<Architecture>`` with any of :data:`SUFFIXES`, in any order, each at most once.

    Raises:
        UserError: the architecture or a suffix is unknown, a suffix stands twice, two contradict, a count is above
            :data:`LARGEST_COUNT`, or the seed has more than 32 bits.
    """
    base, *words = name.split("_")
    known = {architecture.trainer: architecture for architecture in ARCHITECTURES.values()}
    if base not in known:
        raise UserError(f"trainer {shown(name)}: {shown(base)} is none of ours; {nearest(base, known)}")
    architecture = known[base]
    options: dict[str, int | bool] = {}
    for word in words:
        option = _option(word)
        if option is None:
            raise UserError(f"trainer {shown(name)}: {_unknown(word)}")
        (row, value), suffix = option, shown(f"_{word}")
        if value > row.most:
            raise UserError(f"trainer {shown(name)}: the number of {suffix} is too large; give at most {row.most}")
        if row.field in options:
            raise UserError(f"trainer {shown(name)}: the suffix {suffix} sets {row.field} twice; keep one of them")
        options[row.field] = value
    parsed = TrainerOptions(**options)  # type: ignore[arg-type]  # the tables above pair field and type
    if parsed.full_resolution_heads:
        if architecture.skips is not SkipPolicy.NESTED:
            raise UserError(f"trainer {shown(name)}: '_fullresDS' is for nnUNetTrainerUNetPlusPlus only; leave it out")
        if not parsed.deep_supervision:
            raise UserError(f"trainer {shown(name)}: '_fullresDS' and '_noDS' contradict; keep one of them")
    return TrainerName(architecture.name, parsed)


def nearest_trainer(base: str) -> str | None:
    """The trainer of ours that a name without suffixes, nnU-Net's own part of it left out, is spelled much like."""
    words = {
        re.sub(_THEIRS, "", architecture.trainer).lower(): architecture.trainer
        for architecture in ARCHITECTURES.values()
    }
    close = difflib.get_close_matches(re.sub(_THEIRS, "", base).lower(), words, n=1, cutoff=0.7)
    return words[close[0]] if close and base not in words.values() else None


def suggest(name: str, ours: str) -> None:
    """Say, once, that a name is none of ours where it is spelled much like the trainer ``ours``."""
    if nearest_trainer(name.split("_")[0]) == ours:
        complain_once(f"trainer {shown(name)} is none of ours; did you mean {ours}?")


@cache
def complain_once(message: str) -> None:
    """Print a line to the user, however often it is said."""
    print(f"skipstudy: {message}", file=sys.stderr)


def format_trainer_name(architecture: str, options: TrainerOptions) -> str:
    """The trainer's name for ``options``, suffixes in the order of :data:`SUFFIXES`."""
    default = TrainerOptions()
    asked = {text: getattr(options, suffix.field) for text, suffix in SUFFIXES.items()}
    return ARCHITECTURES[architecture].trainer + "".join(
        text.replace("<n>", str(value))
        for text, value in asked.items()
        if value != getattr(default, SUFFIXES[text].field)
    )
