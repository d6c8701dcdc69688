"""
Why a network fails: which skip carries it
==========================================

The demo's U-Net loses Dice where the textures grow alike. ``skipstudy explain`` puts the features of the easy image
into one skip at a time of the hard image's pass: where the Dice comes back, the loss had passed through that skip.
"""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd

from nnunet_skipstudy.cli import main

# %%
# The demo, as ``make demo`` left it: data, plans and trained networks.
demo = Path("../../demo").resolve()
for folder in ("nnUNet_raw", "nnUNet_preprocessed", "nnUNet_results"):
    os.environ[folder] = str(demo / folder)

# %%
# ``skipstudy explain -d 501 -tr … -f 0 --levels alpha0.90``, on six test images.
trainer = "nnUNetTrainerUNet_3epochs_50iters_seed1_spatialDA"
asked = f"-d 501 -tr {trainer} -p skipstudyDemoPlans -f 0 --levels alpha0.90 --cases 6 --interventions patch reverse"
out = Path("../_extra/explain")
main(["explain", *asked.split(), "--disable_tta", "-device", "cpu", "-o", str(out)])

# %%
# The share of the loss of all six images together that each part gives back. Depth 0 is full resolution; the
# bottleneck and the decoder's inputs (what comes up to a level from below) are patched as well, so that shares can be
# compared: they overlap, and don't add up to one. Six images and one training: this shows how to read it, not what is
# true of U-Nets.
table = pd.read_csv(out / "explain.csv")
patched = table[(table["intervention"] == "patch") & (table["level"] == "alpha0.90")]
place = [patched["part"], patched["depth"].fillna(-1)]
gained = (patched["dsc"] - patched["dsc_level"]).groupby(place).sum()
lost = (patched["dsc_reference"] - patched["dsc_level"]).groupby(place).sum()
shares = (gained / lost).sort_index(ascending=False)
print(shares.round(3).to_string())

fig, ax = plt.subplots(figsize=(7, 4.4))
names = [part.replace("_", " ") + (f" {depth:g}" if depth >= 0 else "") for part, depth in shares.index]
bars = ax.barh(names, shares, color=["#0072B2" if name.startswith("skip") else "0.6" for name in names])
ax.bar_label(bars, fmt="%.2f", padding=3)
ax.set_xlim(right=1.15 * shares.max())
ax.axvline(0, color="0.5", linewidth=0.8)
ax.set(xlabel="share of the lost DSC that comes back", title="alpha 0.10 into alpha 0.90, U-Net of the demo")
fig.tight_layout()
