"""Trainer names carry their options, because nnU-Net keys its results folder by the trainer's name alone.

``nnUNetTrainerNoSkip_50epochs_seed2_spatialDA`` is the trainer ``nnUNetTrainerNoSkip`` with three options.
"""

import difflib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from nnunet_skipstudy.errors import UserError, nearest, shown
from nnunet_skipstudy.registry import ARCHITECTURES, Architecture, SkipPolicy

TRAINERS = {architecture.trainer: architecture for architecture in ARCHITECTURES.values()}
"""The registry's networks by their trainers' names without suffixes."""
LARGEST_COUNT = 10**9
"""Of epochs, or of iterations of one: more than anybody waits for."""
NNUNET_EPOCHS, NNUNET_ITERATIONS = 1000, 250
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
    skips: str = ""
    skip_dropout: int = 0
    matched: str = ""
    augmentation: str = ""
    loss: str = ""


@dataclass(frozen=True)
class TrainerName:
    """A parsed trainer name."""

    architecture: str
    options: TrainerOptions

    @property
    def without_seed(self) -> str:
        """The canonical name with the seed left out: what trainings that are replicates share."""
        return format_trainer_name(self.architecture, replace(self.options, seed=None))

    @property
    def network(self) -> str:
        """The architecture's name, with the suffixes that make another network or another way of training skips."""
        fields = {suffix.field for suffix in SUFFIXES.values() if suffix.of_network}
        options = TrainerOptions(**{field: getattr(self.options, field) for field in fields})
        return format_trainer_name(self.architecture, options).removeprefix("nnUNetTrainer")


_THEIRS = re.compile(r"^nnu?-?net-?train(er)?", re.IGNORECASE)


@dataclass(frozen=True)
class Suffix:
    """What a suffix sets ``field`` of the options to: ``value``, or where it has none its number, at most ``most``.

    ``of_network``: the network that it makes is compared under a name of its own.
    """

    does: str
    field: str
    value: bool | str | None = None
    least: int = 1
    most: int = LARGEST_COUNT
    of_network: bool = False


SUFFIXES: dict[str, Suffix] = {
    "_<n>epochs": Suffix("train n epochs (nnU-Net: 1000)", "epochs"),
    "_<n>iters": Suffix("n iterations an epoch (nnU-Net: 250)", "iterations"),
    "_seed<n>": Suffix("seed all random numbers", "seed", least=0, most=LARGEST_SEED),
    "_spatialDA": Suffix("only augmentations that leave texture alone", "spatial_augmentation", True),
    "_noDS": Suffix("no deep supervision", "deep_supervision", False),
    "_fullresDS": Suffix("UNet++ only: every head at full resolution", "full_resolution_heads", True),
    "_skips<levels>": Suffix("only these levels hand on, 0 = full resolution (_skips123)", "skips", of_network=True),
    "_skipDropout<percent>": Suffix(
        "in training, drop whole skips of whole samples so often", "skip_dropout", most=99, of_network=True
    ),
    "_matchedParams": Suffix("widths scaled to the U-Net's parameters", "matched", "parameters", of_network=True),
    "_matchedFLOPs": Suffix("widths scaled to the U-Net's FLOPs", "matched", "forward_flops", of_network=True),
    "_DA5": Suffix("nnU-Net's stronger augmentation", "augmentation", "nnUNetTrainerDA5"),
    "_noDA": Suffix("no augmentation", "augmentation", "nnUNetTrainerNoDA"),
    "_DiceLoss": Suffix("Dice loss alone (nnU-Net: with cross-entropy)", "loss", "nnUNetTrainerDiceLoss"),
    "_CELoss": Suffix("cross-entropy alone", "loss", "nnUNetTrainerCELoss"),
}
"""The known suffixes and what each does; any order is read, each once."""
_PLACE = re.compile("<.*>")
_LEVELS = "(?=[0-9])" + "".join(f"{level}?" for level in range(10))


def _option(word: str) -> tuple[Suffix, int | bool | str] | None:
    """What a suffix without its _ sets; it has one spelling, since another would be another training's name."""
    for text, suffix in SUFFIXES.items():
        levels = text.endswith("<levels>")
        pattern = _LEVELS if levels else f"{'0|' * (not suffix.least)}[1-9][0-9]*"
        if match := re.fullmatch(_PLACE.sub(f"({pattern})", text[1:]), word):
            if suffix.value is not None:
                return suffix, suffix.value
            return suffix, match[1] if levels else int(match[1][:MOST_DIGITS])
    return None


def _unknown(word: str) -> str:
    """Why a suffix is none, with the remedy."""
    plain = re.sub(r"\d+", lambda digits: str(int(digits[0][:MOST_DIGITS])), word)
    in_order = re.sub(r"[0-9]+$", lambda digits: "".join(sorted(set(digits[0]))), word)
    for spelled in (plain, in_order):
        if spelled != word and _option(spelled):
            return f"the suffix {shown(f'_{word}')} is spelled '_{spelled}'; write it so"
    return f"unknown suffix {shown(f'_{word}')}; known are {', '.join(SUFFIXES)}"


@cache
def parse_trainer_name(name: str) -> TrainerName:
    """Read a trainer's name.

    Args:
        name: ``nnUNetTrainer<Architecture>`` with any of :data:`SUFFIXES`, in any order, each at most once.

    Raises:
        UserError: the architecture or a suffix is unknown, a suffix stands twice, two contradict, a number is above
            what it may be, or it asks for skips where the architecture has none.
    """
    base, *words = name.split("_")
    if base not in TRAINERS:
        raise UserError(f"trainer {shown(name)}: {shown(base)} is none of ours; {nearest(base, TRAINERS)}")
    architecture = TRAINERS[base]
    options: dict[str, int | bool | str] = {}
    for word in words:
        option = _option(word)
        if option is None:
            raise UserError(f"trainer {shown(name)}: {_unknown(word)}")
        (row, value), suffix = option, shown(f"_{word}")
        if isinstance(value, int) and value > row.most:
            raise UserError(f"trainer {shown(name)}: the number of {suffix} is too large; give at most {row.most}")
        if row.field in options:
            raise UserError(f"trainer {shown(name)}: the suffix {suffix} sets {row.field} twice; keep one of them")
        options[row.field] = value
    parsed = TrainerOptions(**options)  # type: ignore[arg-type]  # the tables above pair field and type
    for complaint in _contradictions(architecture, parsed):
        raise UserError(f"trainer {shown(name)}: {complaint}")
    return TrainerName(architecture.name, parsed)


def known_trainer(name: str) -> TrainerName | None:
    """A trainer's name, parsed; None where it is another's."""
    try:
        return parse_trainer_name(name)
    except UserError:
        return None


def without_seed(name: str) -> tuple[str, int | None]:
    """Anybody's trainer's name without the suffix ``_seed<n>``, and that seed."""
    if found := re.search(rf"_seed([0-9]{{1,{MOST_DIGITS}}})(?=_|$)", name):
        return name.replace(found[0], "", 1), int(found[1])
    return name, None


def counts_of(name: str) -> tuple[int, int]:
    """Epochs of a training, and iterations of one: as anybody's trainer's name says, else nnU-Net's."""
    found = (re.search(rf"_([0-9]{{1,{MOST_DIGITS}}}){what}(?=_|$)", name) for what in ("epochs", "iters"))
    epochs, iterations = (int(match[1]) if match else None for match in found)
    return epochs or NNUNET_EPOCHS, iterations or NNUNET_ITERATIONS


def _contradictions(architecture: Architecture, options: TrainerOptions) -> Iterator[str]:
    """What suffixes ask for that the architecture, or another suffix, rules out."""
    if options.full_resolution_heads:
        if architecture.skips is not SkipPolicy.NESTED:
            yield "'_fullresDS' is for nnUNetTrainerUNetPlusPlus only; leave it out"
        if not options.deep_supervision:
            yield "'_fullresDS' and '_noDS' contradict; keep one of them"
        if options.skips:
            yield "'_fullresDS' needs the skips of all levels; leave '_skips' out"
    if options.spatial_augmentation and options.augmentation:
        yield "'_spatialDA' and another augmentation contradict; keep one of them"
    for level in options.skips:
        if (architecture.skips if int(level) else architecture.top) is SkipPolicy.NONE:
            yield f"the {architecture.title} hands on nothing at level {level}; leave that out of '_skips'"
    if options.skip_dropout and architecture.skips is SkipPolicy.NONE:
        yield f"the {architecture.title} has no skips to drop; leave '_skipDropout' out"


def nearest_trainer(base: str) -> str | None:
    """The trainer of ours that a name without suffixes, nnU-Net's own part of it left out, is spelled much like."""
    words = {re.sub(_THEIRS, "", trainer).lower(): trainer for trainer in TRAINERS}
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
    """The trainer's name for ``options``: suffixes of the network first, each kind in the order of :data:`SUFFIXES`."""
    default, words = TrainerOptions(), ""
    for text, suffix in sorted(SUFFIXES.items(), key=lambda row: not row[1].of_network):
        value = getattr(options, suffix.field)
        if value != getattr(default, suffix.field) and suffix.value in (None, value):
            words += _PLACE.sub(str(value), text)
    return ARCHITECTURES[architecture].trainer + words
