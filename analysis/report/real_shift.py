"""The page's tables of networks that were tested on another hospital's images, and what a level tells of it."""

import math
from collections.abc import Iterator, Sequence

from nnunet_skipstudy.analysis.figures.looks import Looks, training_title
from nnunet_skipstudy.analysis.inputs.runs import trained_and_tested
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.report.page import Cell, Table
from nnunet_skipstudy.analysis.report.words import count, interval, number, p_value
from nnunet_skipstudy.analysis.statistics.real_shift import AWAY, FEWEST, FEWEST_FOR_MORE, RankCorrelation, RealShift
from nnunet_skipstudy.registry import UNPERTURBED, in_order

UNKNOWN = dict.fromkeys(("estimate", "low", "high"), math.nan)


def real_shift_tables(found: Sequence[RealShift], looks: Looks) -> Iterator[Table]:
    """Of each: the DSC at home and away with the changes, and their rank correlations over networks."""
    for shift in found:
        trained, tested = trained_and_tested(shift.away.dataset)
        title = ", ".join(filter(None, (f"{trained}, tested on {tested}", training_title(shift.away.training))))
        levels = in_order(shift.correlations)
        yield Table(
            f"Real shift: {title}",
            ["network", "DSC in domain", f"on {tested}", "change", *(f"change at {level}" for level in levels)],
            [_network_row(shift, key, levels, looks) for key in looks if key in shift.means[AWAY]],
            note="Mean DSC on the unperturbed test images of either data set, with 95 % intervals, and what it changes "
            "by. Other images are other cases, too, harder or easier ones: a change is not the shift's alone, but all "
            "networks met the same.",
        )
        if levels:
            yield Table(
                f"What levels tell of the real shift: {title}",
                ["level", "rank correlation", "p", "same DSC in domain", "p", "networks"],
                [_level_row(level, shift.correlations[level]) for level in levels],
                note=f"{sentence(shift, tested)} Spearman's rho over networks of the change at the level with the "
                "change on the real shift. Both are counted from one DSC in domain, which alone makes rho positive; "
                "the second one, partial, holds it constant, as it was measured: what it errs by stays in. Its p is "
                "the larger one of ranks and of values. Networks that are variants of each other are no independent "
                "draws. Of several levels some agree by chance.",
            )


def _network_row(shift: RealShift, key: NetworkKey, levels: Sequence[str], looks: Looks) -> list[Cell]:
    rows = [shift.means[level].get(key, UNKNOWN) for level in (UNPERTURBED, AWAY)]
    scores = [interval(row["estimate"], row["low"], row["high"]) for row in rows]
    changes = [number(shift.change(key, level), sign=True) for level in (AWAY, *levels)]
    return [Cell(text) for text in (looks[key].title, *scores, *changes)]


def _level_row(level: str, one: RankCorrelation) -> list[Cell]:
    rho, partial = interval(one.rho, one.low, one.high, sign=True), number(one.partial, sign=True)
    return [Cell(text) for text in (level, rho, number(one.p), partial, number(one.p_partial), str(one.n))]


def sentence(shift: RealShift, tested: str) -> str:
    """Whether the change at the hardest level tells the change on the real shift; no more than the numbers carry."""
    one = shift.correlations[shift.hardest]
    networks = count(one.n, "network")
    if math.isnan(one.rho):
        why = f"at least {FEWEST_FOR_MORE} are needed" if one.n < FEWEST else "their changes are all one"
        return f"With {networks} that learnt something, whether a level tells of {tested} can't be said: {why}."
    seen = f"rank correlation {number(one.rho, sign=True)}, {p_value(one.p)}, n = {networks}"
    least = (
        f"of so few networks none is significant, not even {number(1.0)}"
        if math.isinf(one.least)
        else f"of {one.n} networks the smallest that is significant is {number(one.least)}"
    )
    if one.told:
        return (
            f"Networks that lose more at {shift.hardest} lose more on {tested}, too ({seen}), also among those of the "
            f"same measured DSC in domain ({number(one.partial, sign=True)}, {p_value(one.p_partial)}). It holds for "
            "these networks and these two data sets."
        )
    if one.n < FEWEST_FOR_MORE:
        least += f", and below {FEWEST_FOR_MORE} the DSC in domain can't be held constant"
    if one.n < FEWEST_FOR_MORE or math.isnan(one.partial) or one.p > 0.05:
        return f"Whether the change at {shift.hardest} tells the change on {tested} is undecided ({seen}; {least})."
    if one.rho < 0:
        return f"Networks that lose more at {shift.hardest} lose less on {tested} ({seen}): the level doesn't tell."
    return (
        f"Changes at {shift.hardest} and on {tested} are in one order ({seen}), but among networks of the same DSC in "
        f"domain that may be chance ({number(one.partial, sign=True)}, {p_value(one.p_partial)}): undecided."
    )
