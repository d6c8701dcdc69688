"""V-Net: residual stages; the features of every level are concatenated."""

from contextlib import suppress


def __getattr__(name: str) -> type:
    """Make the trainer, with or without suffixes, when its name is asked for; import nothing heavy before."""
    if name.split("_")[0] == "nnUNetTrainerVNet":
        from nnunet_skipstudy.training.on_demand import trainer_class

        return trainer_class(name)
    with suppress(Exception):  # whatever is broken here, other people's trainers are found
        from nnunet_skipstudy.nnunet.trainer_name import suggest

        suggest(name, "nnUNetTrainerVNet")
    raise AttributeError(name)
