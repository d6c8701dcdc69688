"""
The published scores, with seeds counted
========================================

The study's authors published each case's scores of three trainings of each network. ``reproduce`` meets their means
and counts of wins, and says what the variance between trainings leaves of them. The report is
:doc:`live </gallery-of-reports>`.
"""

from pathlib import Path

import matplotlib.pyplot as plt

from nnunet_skipstudy import reproduce

found = reproduce(Path("../_extra/reports/published"))
print(*found.lines, sep="\n\n")

# %%
# Skip minus no-skip, with the interval that three trainings of each allow.
figures = sorted((found.result.report.parent / "figures").glob("forest*.png"))
fig, ax = plt.subplots(figsize=(9, 7))
ax.imshow(plt.imread(figures[0]))
ax.axis("off")
fig.tight_layout()
