"""Do a U-Net's skip connections help or hurt when texture shifts? A plugin for stock nnU-Net v2."""

__version__ = "0.1.0"
