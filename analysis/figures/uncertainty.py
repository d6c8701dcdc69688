"""Where the uncertainty of the study's answer comes from: the cases, or the trainings."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np

from nnunet_skipstudy.analysis.figures import style as paper
from nnunet_skipstudy.analysis.figures.drawing import Drawing
from nnunet_skipstudy.analysis.figures.forest import pair_title
from nnunet_skipstudy.analysis.figures.looks import Looks
from nnunet_skipstudy.analysis.statistics.contrasts import Contrast, contrasts
from nnunet_skipstudy.analysis.statistics.estimates import NETWORKS
from nnunet_skipstudy.analysis.statistics.table import Statistics
from nnunet_skipstudy.analysis.statistics.verdict import share_of_trainings, trainings_needed

SIZE = 8
OF_TRAININGS, OF_CASES = "#009E73", "#bbbbbb"


def sources_of_uncertainty(statistics: Statistics, datasets: Sequence[str], looks: Looks) -> Iterator[Drawing]:
    """Draw the comparisons that answer the question, where their networks were trained several times."""
    for setting, words, first in paper.named_settings(statistics, datasets):
        found = contrasts(statistics, setting)
        several = [one for one in found.leading if one.other is not None and one.scope == NETWORKS and one.verdict]
        rows = [one for one in several if not np.isnan(share_of_trainings(one.se_cases, one.se_trainings))]
        if first and rows:
            title = f"Where the uncertainty comes from, {', '.join(words)}"
            caption = (
                f"Shares of the squared standard error of each difference at {found.hardest}. Beside it: how many "
                "trainings of each network would tell the difference from 0 (80 % power), on these cases."
            )
            yield Drawing(title, caption, paper.slug("uncertainty_dsc", *words), partial(_bars, rows, looks, title))


def needed(one: Contrast) -> str:
    """How many trainings of each network would settle a comparison, in words."""
    n = trainings_needed(one.estimate, one.se_cases, one.se_trainings, one.n_trainings, one.n_groups)
    return "more cases are needed" if n is None else f"{n} trainings (there are {one.n_trainings})"


def _bars(rows: Sequence[Contrast], looks: Looks, title: str) -> "paper.Figure":
    with paper.style(**{"axes.grid": False}):
        figure = paper.new_figure(6.5, 1.1 + 0.3 * len(rows))
        axis = figure.subplots()
        shares = [100 * share_of_trainings(one.se_cases, one.se_trainings) for one in rows]
        places = range(len(rows))
        axis.barh(places, shares, color=OF_TRAININGS, height=0.6, label="trainings")
        axis.barh(places, [100 - share for share in shares], left=shares, color=OF_CASES, height=0.6, label="cases")
        for place, one in zip(places, rows, strict=True):
            axis.text(102, place, needed(one), va="center", fontsize=SIZE)
        axis.set_yticks(places, [pair_title(one, looks) for one in rows], fontsize=SIZE)
        axis.set_xlim(0, 100)
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.set_xlabel("% of the squared standard error", fontsize=SIZE)
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, fontsize=SIZE, frameon=False)
        paper.title_above(figure, title)
    return figure
