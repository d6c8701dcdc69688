"""Trainer classes, made when nnU-Net asks for their name."""

from collections.abc import Callable
from functools import cache

from nnunet_skipstudy.errors import UserError, nearest, shown
from nnunet_skipstudy.nnunet.trainer_name import complain_once, parse_trainer_name
from nnunet_skipstudy.registry import ARCHITECTURES
from nnunet_skipstudy.training.mixing import variants_of
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
        raise _not_found(error) from error


def _not_found(error: UserError) -> AttributeError:
    complain_once(str(error))
    return AttributeError(str(error))


@cache
def _trainer_class(name: str) -> type[SkipStudyTrainer]:
    parsed = parse_trainer_name(name)
    title = ARCHITECTURES[parsed.architecture].title
    return type(
        name,
        (SkipStudyTrainer, *variants_of(parsed.options)),
        {
            "architecture": parsed.architecture,
            "options": parsed.options,
            "__doc__": f"nnU-Net's training of the study's {title}.",
            "__module__": f"nnunet_skipstudy.trainers.{ARCHITECTURES[parsed.architecture].trainer}",
        },
    )


def trainers_of(name: str, architecture: str, *theirs: type) -> Callable[[str], type]:
    """The ``__getattr__`` of a module whose trainers have an architecture's network and otherwise others' training.

    Three lines in a folder that ``nnUNet_extTrainer`` lists make ``nnUNetTrainerNoSkipDA5``, with any suffix of ours::

        from nnunetv2.training.nnUNetTrainer.variants.data_augmentation.nnUNetTrainerDA5 import nnUNetTrainerDA5
        from nnunet_skipstudy.training.on_demand import trainers_of
        __getattr__ = trainers_of("nnUNetTrainerNoSkipDA5", "NoSkip", nnUNetTrainerDA5)

    Args:
        name: the trainer's, without suffixes; by nnU-Net's habit also the file's.
        architecture: a key of :data:`nnunet_skipstudy.registry.ARCHITECTURES`.
        theirs: trainers of nnU-Net's or anybody's, the first one's parts before the next one's.

    Raises:
        UserError: there is no such architecture, or the name has an underscore. A mixture that would train something
            else than it says is complained of and not found, like an unknown suffix.
    """
    if architecture not in ARCHITECTURES:
        raise UserError(f"architecture {shown(architecture)}: {nearest(architecture, ARCHITECTURES)}")
    if "_" in name:
        raise UserError(f"trainer {shown(name)}: what follows an underscore is a suffix; name it without")

    @cache
    def trainer(asked: str) -> type:
        base, *suffixes = asked.split("_")
        if base != name:
            raise AttributeError(asked)
        ours = trainer_class("_".join([ARCHITECTURES[architecture].trainer, *suffixes]))
        try:
            return type(asked, (ours, *theirs), {})
        except UserError as error:
            raise _not_found(error) from error

    return trainer
