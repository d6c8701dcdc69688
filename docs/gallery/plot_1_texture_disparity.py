"""
Texture disparity, and a shape's size
=====================================

Discs of one real texture on another have a large texture disparity, discs of a texture on itself a small one. But the
smaller the disc, the larger the value, whatever its texture; the excess over a null takes that out.
"""

import matplotlib.pyplot as plt
import numpy as np
from skimage import data

from nnunet_skipstudy import texture_disparity
from nnunet_skipstudy.texture.case_disparity import case_disparity
from nnunet_skipstudy.texture.null import null_draws

GRASS, BRICK = (texture[:256, :256] for texture in (data.grass(), data.brick()))
OTHER_GRASS = data.grass()[256:, 256:]
ROW, COLUMN = np.mgrid[:256, :256]


def disc(radius_px: float) -> np.ndarray:
    return np.hypot(ROW - 128, COLUMN - 128) < radius_px


# %%
# Two textures, and one texture alone
# -----------------------------------
fig, axes = plt.subplots(1, 2, figsize=(7, 3.8))
for ax, inside, title in zip(axes, (BRICK, OTHER_GRASS), ("brick on grass", "grass on grass"), strict=True):
    image = np.where(disc(50), inside, GRASS)
    ax.imshow(image, cmap="gray")
    ax.set_title(f"{title}: TD {texture_disparity(image, disc(50)):.3f}")
    ax.axis("off")

# %%
# The smaller, the larger
# -----------------------
# Grass on grass, twelve places of the texture for each radius. The value grows as the disc shrinks: a histogram of few
# pixels is noisy, and noise is distance. ``excess`` is the value beyond what the same shape scores in the image's own
# background.
radii = [4, 8, 16, 32, 60]
rng = np.random.default_rng(0)
value, excess = np.zeros((2, len(radii), 12))
for place in range(12):
    row, column = rng.integers(0, 256, 2)
    grass = data.grass()[row : row + 256, column : column + 256]
    for number, radius in enumerate(radii):
        mask = disc(radius).astype(np.uint8)
        found = case_disparity(grass, mask, draws=null_draws(f"grass{place}", 20)).union
        value[number, place], excess[number, place] = found.value, found.excess

fig, ax = plt.subplots(figsize=(6, 3.6))
for numbers, name, marker in ((value, "TD", "o"), (excess, "excess over the null", "s")):
    ax.errorbar(radii, numbers.mean(axis=1), numbers.std(axis=1), label=name, marker=marker, capsize=3)
ax.axhline(0, color="0.7", zorder=0)
ax.set(xlabel="radius of the disc (px)", ylabel="bits", xscale="log", xticks=radii, title="one texture, no object")
ax.set_xticks(radii, [str(radius) for radius in radii])
ax.legend(frameon=False)
fig.tight_layout()
