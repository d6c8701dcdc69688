"""The version that the rooms write into what they make; users find it as ``nnunet_skipstudy.__version__``."""

__version__ = "0.1.0"
