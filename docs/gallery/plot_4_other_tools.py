"""
Predictions of another tool, analysed
=====================================

Nothing here is nnU-Net's: two classical methods segment 24 real coins at five levels, their masks are written as PNG
files, and ``analyze`` says how robust each one is. The report is :doc:`live </gallery-of-reports>`.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from scipy import ndimage
from skimage import data, filters, io, measure, segmentation

from nnunet_skipstudy import AnalyzeOptions, Perturbation, analyze, perturb

# %%
# The cases: each coin with its surroundings, and a reference mask from a watershed of the clean image.
image = data.coins()
markers = np.select([image < 30, image > 150], [1, 2])
coins = ndimage.binary_fill_holes(segmentation.watershed(filters.sobel(image), markers) == 2)
centres = [region.centroid for region in measure.regionprops(measure.label(coins)) if region.area > 500]


def crop(array: np.ndarray, centre: tuple[float, float]) -> np.ndarray:
    row, column = (int(np.clip(c - 40, 0, n - 80)) for c, n in zip(centre, array.shape, strict=True))
    return array[row : row + 80, column : column + 80]


# %%
# The methods: Otsu's threshold, and the same on a smoothed image, with holes filled.
def threshold(grey: np.ndarray) -> np.ndarray:
    return grey > filters.threshold_otsu(grey)


def smoothed_threshold(grey: np.ndarray) -> np.ndarray:
    smooth = filters.gaussian(grey, 2, preserve_range=True)
    return ndimage.binary_fill_holes(smooth > filters.threshold_otsu(smooth))


METHODS = {"Otsu": threshold, "SmoothedOtsu": smoothed_threshold}
LEVELS = {
    "hardest": Perturbation("speckle", 0.3),
    "harder": Perturbation("speckle", 0.1),
    "unperturbed": None,
    "easier": Perturbation("blur_background", 1.0),
    "easiest": Perturbation("blur_background", 3.0),
}

# %%
# The files: a folder of labels, one of predictions for each method and level, and a table that names them.
root = Path("../_build/coins")
rows = ["dataset,architecture,level,predictions,labels"]
for folder in ("labels", *(f"{method}/{level}" for method in METHODS for level in LEVELS)):
    (root / folder).mkdir(parents=True, exist_ok=True)
for number, centre in enumerate(centres):
    grey, mask = crop(image, centre), crop(coins, centre)
    io.imsave(root / "labels" / f"coin_{number:02d}.png", mask.astype(np.uint8), check_contrast=False)
    for level, change in LEVELS.items():
        seen = grey if change is None else perturb(grey, mask, change, np.random.default_rng(number))
        for method, segment in METHODS.items():
            target = root / method / level / f"coin_{number:02d}.png"
            io.imsave(target, segment(seen).astype(np.uint8), check_contrast=False)
whole = root.resolve()
rows += [f"coins,{m},{level},{whole / m / level},{whole / 'labels'}" for m in METHODS for level in LEVELS]
(root / "predictions.csv").write_text("\n".join(rows) + "\n")

# %%
# The analysis, and its first figure.
result = analyze(AnalyzeOptions(root / "predictions.csv", None, Path("../_extra/reports/coins"), progress=False))
print(result.cases.groupby(["architecture", "level"])["dsc"].mean().unstack().round(3).to_string())

figure = next(path for path in sorted((result.report.parent / "figures").glob("*.png")) if "levels" in path.name)
fig, ax = plt.subplots(figsize=(9, 6))
ax.imshow(plt.imread(figure))
ax.axis("off")
fig.tight_layout()
