"""Trainer classes, made when nnU-Net asks for their name."""

import sys
from functools import cache

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.nnunet.trainer_name import nearest_trainer, parse_trainer_name
from nnunet_skipstudy.registry import ARCHITECTURES
from nnunet_skipstudy.training.trainer import SkipStudyTrainer


def asked_for(name: str, ours: str) -> type[SkipStudyTrainer]:
    """What the file of the trainer ``ours`` has by ``name``: that trainer, with or without suffixes.

    Raises:
        AttributeError: it is none of the file's. For one that is spelled much like ours, that is said on stderr first.
    """
    base = name.split("_")[0]
    if base == ours:
        return trainer_class(name)
    if nearest_trainer(base) == ours:
        _complain_once(f"trainer {shown(name)} is none of ours; did you mean {ours}?")
    raise AttributeError(name)


def trainer_class(name: str) -> type[SkipStudyTrainer]:
    """The trainer of that name, suffixes included; the same class for the same name.

    Raises:
        AttributeError: a suffix is unknown; the known ones are printed to stderr first. nnU-Net asks with ``hasattr``
            and so takes the name as simply not found.
    """
    try:
        return _trainer_class(name)
    except UserError as error:
        _complain_once(str(error))
        raise AttributeError(str(error)) from error


@cache
def _trainer_class(name: str) -> type[SkipStudyTrainer]:
    parsed = parse_trainer_name(name)
    title = ARCHITECTURES[parsed.architecture].title
    return type(
        name,
        (SkipStudyTrainer,),
        {
            "architecture": parsed.architecture,
            "options": parsed.options,
            "__doc__": f"nnU-Net's training of the study's {title}.",
            "__module__": f"nnunet_skipstudy.trainers.{ARCHITECTURES[parsed.architecture].trainer}",
        },
    )


@cache
def _complain_once(message: str) -> None:
    print(f"skipstudy: {message}", file=sys.stderr)
