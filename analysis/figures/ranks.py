"""Critical-difference diagrams (Demšar 2006): mean ranks on a line, bars over networks that are not told apart."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from nnunet_skipstudy.analysis.figures.style import Picture, named_after, save, slug, style
from nnunet_skipstudy.analysis.looks import Look, NetworkKey
from nnunet_skipstudy.analysis.statistics.rankings import LevelRanking
from nnunet_skipstudy.analysis.statistics.ranks import bars
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS
from nnunet_skipstudy.analysis.statistics.table import Statistics

MAX_PANELS = 6
_TOP = 1.5  # a panel's height above the axis, in rows of names


def critical_differences(
    statistics: Statistics, datasets: list[str], looks: dict[NetworkKey, Look], folder: Path
) -> Iterator[Picture]:
    """Draw the ranks by DSC of each data set, where Nemenyi's test could be made."""
    for dataset in datasets:
        overall = statistics.overall(dataset)
        for setting in overall[:1]:
            found = [
                ranking
                for ranking in statistics.rankings
                if (ranking.dataset, ranking.training, ranking.label) == (dataset, setting.training, setting.label)
                and ranking.metric == "dsc"
                and np.isfinite(ranking.ranking.critical_difference)
            ]
            found.sort(key=lambda ranking: ranking.level != ALL_LEVELS)
            if not found:
                continue
            words = named_after(setting, several=len(overall) > 1)
            title = f"Critical differences of ranks by DSC, {', '.join(words)}"
            caption = (
                "Mean rank over groups of cases, 1 the best. A bar joins networks whose mean ranks lie less than the "
                "critical difference (CD) apart: Nemenyi's test doesn't tell them apart at 5 %, family-wise."
            )
            figure = _diagrams(found[:MAX_PANELS], looks, title)
            yield Picture(title, caption, save(figure, folder, slug("critical_difference_dsc", *words)), True)


def _diagrams(rankings: Sequence[LevelRanking], looks: dict[NetworkKey, Look], title: str) -> Figure:
    rows = [_TOP + 1 + (len(ranking.networks) + 1) // 2 + 0.35 * len(_bars(ranking)) for ranking in rankings]
    with style(**{"axes.grid": False}):
        figure = Figure(figsize=(6.6, 0.5 + 0.215 * sum(rows) + 0.08 * len(rows)), layout="constrained")
        axes = figure.subplots(len(rankings), 1, squeeze=False, gridspec_kw={"height_ratios": rows}).ravel()
        for axis, ranking, height in zip(axes, rankings, rows, strict=True):
            _diagram(axis, ranking, looks, height)
        figure.suptitle(title, fontsize=10)
    return figure


def _bars(ranking: LevelRanking) -> list[tuple[int, ...]]:
    return bars(ranking.ranking.mean_ranks, ranking.ranking.critical_difference)


def _diagram(axis: Any, found: LevelRanking, looks: dict[NetworkKey, Look], height: float) -> None:
    ranks, critical = found.ranking.mean_ranks, found.ranking.critical_difference
    n = len(ranks)
    axis.set_axis_off()
    axis.set_xlim(1 - 0.55 * (n - 1), n + 0.55 * (n - 1))
    axis.set_ylim(height - _TOP, -_TOP)
    axis.plot([1, n], [0, 0], color="black", linewidth=1)
    for rank in range(1, n + 1):
        axis.plot([rank, rank], [0, -0.15], color="black", linewidth=1)
        axis.text(rank, -0.25, str(rank), ha="center", va="bottom", fontsize=7)
    where = "mean of all levels" if found.level == ALL_LEVELS else found.level
    axis.text(
        1 - 0.55 * (n - 1),
        -1.15,
        f"{where}: n = {found.ranking.n_blocks}, CD {critical:.2f}, Friedman p {p_words(found.ranking.p_value)}",
        fontsize=8,
        va="center",
    )
    joined = _bars(found)
    for row, members in enumerate(joined):
        y = 0.35 * (row + 1)
        axis.plot([ranks[members[0]] - 0.04, ranks[members[-1]] + 0.04], [y, y], color="#444444", linewidth=3,
                  solid_capstyle="butt")  # fmt: skip
    base = 0.35 * len(joined) + 0.75
    order = [int(i) for i in np.argsort(ranks, kind="stable")]
    half = (n + 1) // 2
    for place, index in enumerate(order):
        left = place < half
        y = base + (place if left else n - 1 - place)
        end = 1 - 0.06 * (n - 1) if left else n + 0.06 * (n - 1)
        look = looks[found.networks[index]]
        axis.plot([ranks[index], ranks[index], end], [0, y, y], color=look.colour, linewidth=1.1)
        axis.plot([ranks[index]], [0], marker=look.marker, color=look.colour, markersize=4.5)
        words = f"{look.title} ({ranks[index]:.2f})"
        axis.text(end + (-0.03 if left else 0.03) * (n - 1), y, words, ha="right" if left else "left", va="center",
                  fontsize=8)  # fmt: skip


def p_words(value: float) -> str:
    """A p-value as papers print it."""
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
