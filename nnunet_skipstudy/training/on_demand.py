"""Trainer classes, made when nnU-Net asks for their name."""

from functools import cache

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.trainer_name import complain_once, parse_trainer_name
from nnunet_skipstudy.registry import ARCHITECTURES
from nnunet_skipstudy.training.trainer import SkipStudyTrainer


def trainer_class(name: str) -> type[SkipStudyTrainer]:
    """The trainer of that name, suffixes included; the same class for the same name.

    Raises:
        AttributeError: a suffix is unknown; the known ones are printed to stderr first. nnU-Net asks with ``hasattr``
            and so takes the name as simply not found.
    """
    try:
        return _trainer_class(name)
    except UserError as error:
        complain_once(str(error))
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
