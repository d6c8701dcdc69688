"""No-Skip V-Net: residual stages; the features of no level are handed on."""


def __getattr__(name: str) -> type:
    """Make the trainer, with or without suffixes, when its name is asked for; import nothing before."""
    if name.split("_")[0] != "nnUNetTrainerNoSkipVNet":
        raise AttributeError(name)
    from nnunet_skipstudy.training.on_demand import trainer_class

    return trainer_class(name)
