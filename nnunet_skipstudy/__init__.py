"""Do a U-Net's skip connections help or hurt when texture shifts? A plugin for stock nnU-Net v2."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("nnunet-skipstudy")
except PackageNotFoundError:  # a source tree on PYTHONPATH that nobody installed
    __version__ = "0+unknown"
