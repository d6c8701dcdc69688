"""Texture: how far apart two regions are (disparity), and images whose texture is known (synthesis)."""

from nnunet_skipstudy.texture.disparity import Disparity, disparity_or_reason, texture_disparity
from nnunet_skipstudy.texture.patterns import DEFINITIONS

__all__ = ["DEFINITIONS", "Disparity", "disparity_or_reason", "texture_disparity"]
