"""
Five levels of one image
========================

The study's four perturbed levels of a real image, made with nothing but what ``nnunet_skipstudy`` gives a notebook.
The coin is an object whose relief is told from the ground by texture; the image is scikit-image's "coins" (Brooklyn
Museum, no known copyright restrictions).
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage
from skimage import data, filters, transform

from nnunet_skipstudy import Perturbation, perturb, texture_disparity

# %%
# An image and its mask
# ---------------------
coin = transform.resize(data.coins()[15:85, 305:375], (256, 256), preserve_range=True).astype(np.uint8)
mask = ndimage.binary_fill_holes(filters.gaussian(coin, 3, preserve_range=True) > filters.threshold_otsu(coin))
mask = ndimage.binary_opening(mask, iterations=5)

# %%
# Its levels
# ----------
# *Hardest* and *harder* are speckle on the whole image, *easier* and *easiest* a blur of what is outside the mask. On
# this image the stronger noise does not have the smaller TD: a level's name is a promise about most images, so
# ``skipstudy perturb`` counts how many keep it.
LEVELS = {
    "hardest": Perturbation("speckle", 0.3),
    "harder": Perturbation("speckle", 0.1),
    "unperturbed": None,
    "easier": Perturbation("blur_background", 3.0),
    "easiest": Perturbation("blur_background", 7.0),
}
images = {
    level: coin if change is None else perturb(coin, mask, change, np.random.default_rng(0))
    for level, change in LEVELS.items()
}

fig, axes = plt.subplots(1, 5, figsize=(12, 3))
for ax, (level, image) in zip(axes, images.items(), strict=True):
    ax.imshow(image, cmap="gray", vmin=0, vmax=255)
    ax.contour(mask, [0.5], colors="tab:orange", linewidths=0.8)
    ax.set_title(f"{level}\nTD {texture_disparity(image, mask):.3f}", fontsize=10)
    ax.axis("off")
fig.tight_layout()

# %%
# What a blur outside the mask gives away
# ---------------------------------------
# A high-pass filter sees where the blur ends, which is the reference's outline: nothing of the object is needed. Blur
# outside of a random region that holds the object (``blur_elsewhere``) ends anywhere.
images["easiest_elsewhere"] = perturb(coin, mask, Perturbation("blur_elsewhere", 0.05), np.random.default_rng(0))
fig, axes = plt.subplots(1, 3, figsize=(9, 3.3))
for ax, level in zip(axes, ("unperturbed", "easiest", "easiest_elsewhere"), strict=True):
    grey = images[level].astype(float)
    ax.imshow(filters.gaussian(np.abs(grey - filters.gaussian(grey, 2)), 2), cmap="magma")
    ax.set_title(f"{level}: high-pass")
    ax.axis("off")
fig.tight_layout()

# %%
# Distortion without texture
# --------------------------
# A sham has the distortion of another level (its PSNR) and leaves texture disparity where it is.
sham = perturb(coin, mask, Perturbation("sham_speckle", 0.1), np.random.default_rng(0))
fig, axes = plt.subplots(1, 3, figsize=(9, 3.5))
shown = {"unperturbed": coin, "harder": images["harder"], "sham of harder": sham}
for ax, (level, image) in zip(axes, shown.items(), strict=True):
    ax.imshow(image, cmap="gray", vmin=0, vmax=255)
    ax.set_title(f"{level}\nTD {texture_disparity(image, mask):.3f}", fontsize=10)
    ax.axis("off")
fig.tight_layout()
