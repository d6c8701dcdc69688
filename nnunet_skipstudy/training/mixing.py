"""What may be mixed with a trainer of ours: others' trainers, behind it in the list of base classes."""

import importlib
from typing import Any

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.trainer_name import TrainerOptions

_VARIANTS = "nnunetv2.training.nnUNetTrainer.variants"


def variants_of(options: TrainerOptions) -> list[type]:
    """nnU-Net's own trainers that options ask to be mixed with ours."""
    named = {"data_augmentation": options.augmentation, "loss": options.loss}
    return [
        getattr(importlib.import_module(f"{_VARIANTS}.{folder}.{name}"), name) for folder, name in named.items() if name
    ]


def refuse_untrue_mixtures(mixed: Any, ours: Any) -> None:
    """Refuse a class whose name and options would say something else than what it trains.

    Args:
        mixed: a new subclass of ``ours`` and perhaps of others' trainers.
        ours: the trainer behind all trainers of the study.

    Raises:
        UserError: another's trainer stands before ours and would replace a part of it; two of ours are mixed; or
            another's trainer and a suffix choose the augmentation, or the loss, both.
    """
    studied = [base.__name__ for base in mixed.__bases__ if issubclass(base, ours)]
    if len(studied) > 1:
        raise UserError(f"{mixed.__name__}: {' and '.join(studied)} are both of the study; keep one of them")
    for base in mixed.__mro__[: mixed.__mro__.index(ours)]:
        replaced = sorted(name for name in vars(base).keys() & vars(ours).keys() if not name.startswith("__"))
        if replaced and not issubclass(base, ours):
            raise UserError(
                f"{mixed.__name__}: {base.__name__} stands before {studied[0]} and would replace its "
                f"{', '.join(replaced)}; write class {mixed.__name__}({studied[0]}, {base.__name__})"
            )
    options = mixed.options
    choices = {
        "get_training_transforms": "_spatialDA" if options.spatial_augmentation else options.augmentation,
        "_build_loss": options.loss,
    }
    for method, chosen in choices.items():
        for base in mixed.__mro__:
            if chosen and base.__name__ != chosen and base not in ours.__mro__ and method in vars(base):
                raise UserError(
                    f"{mixed.__name__}: {chosen} and {base.__name__} both choose {method}; keep one of them"
                )
