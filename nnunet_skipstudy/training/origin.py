"""What a checkpoint says of its maker: who opens one without this package is told which package is missing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plugin:
    """Stands in a checkpoint beside what its trainer was made with.

    Without it nnU-Net would say only that a trainer can't be found. Python, which imports the module of whatever it
    unpickles, says ``No module named 'nnunet_skipstudy'``. Checkpoints name this class: it stays where it is.
    """

    version: str
