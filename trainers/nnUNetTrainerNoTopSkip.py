"""U-Net without its topmost, full-resolution skip (Wilm et al. 2024)."""


def __getattr__(name: str) -> type:
    """Make the trainer, with or without suffixes, when its name is asked for; import nothing before."""
    if name.split("_")[0] != "nnUNetTrainerNoTopSkip":
        raise AttributeError(name)
    from nnunet_skipstudy.training.on_demand import trainer_class

    return trainer_class(name)
