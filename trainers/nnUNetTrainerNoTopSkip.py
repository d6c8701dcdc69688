"""U-Net without its topmost, full-resolution skip (Wilm et al. 2024)."""

from contextlib import suppress


def __getattr__(name: str) -> type:
    """Make the trainer, with or without suffixes, when its name is asked for; import nothing heavy before."""
    if name.split("_")[0] == "nnUNetTrainerNoTopSkip":
        from nnunet_skipstudy.training.on_demand import trainer_class

        return trainer_class(name)
    with suppress(Exception):  # whatever is broken here, other people's trainers are found
        from nnunet_skipstudy.nnunet.trainer_name import suggest

        suggest(name, "nnUNetTrainerNoTopSkip")
    raise AttributeError(name)
