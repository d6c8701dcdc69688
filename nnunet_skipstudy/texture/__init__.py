"""Texture: how far apart two regions are (disparity), and images whose texture is known (synthesis)."""

from nnunet_skipstudy.texture.disparity import DEFINITIONS, Disparity, disparity_or_reason, texture_disparity

__all__ = ["DEFINITIONS", "Disparity", "disparity_or_reason", "texture_disparity"]
