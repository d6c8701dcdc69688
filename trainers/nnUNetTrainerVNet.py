"""V-Net: residual stages; the features of every level are concatenated."""


def __getattr__(name: str) -> type:
    """Make the trainer, with or without suffixes, when its name is asked for; import nothing before."""
    from nnunet_skipstudy.training.on_demand import asked_for

    return asked_for(name, "nnUNetTrainerVNet")
