"""The one sentence that answers the study's question, with its uncertainty and its scope."""

import math

import pandas as pd

from nnunet_skipstudy.analysis.figures.looks import Looks
from nnunet_skipstudy.analysis.report.evidence import scope
from nnunet_skipstudy.analysis.report.page import Answer
from nnunet_skipstudy.analysis.report.words import capital, count, interval, number
from nnunet_skipstudy.analysis.statistics.contrasts import Contrast, Contrasts
from nnunet_skipstudy.analysis.statistics.estimates import NETWORKS
from nnunet_skipstudy.analysis.statistics.setting import ALL_TRAININGS, Setting
from nnunet_skipstudy.analysis.statistics.verdict import BETTER, EQUIVALENT, UNDECIDED, WORSE

SKIPS = {
    BETTER: "skips help",
    WORSE: "skips hurt",
    EQUIVALENT: "skips make no difference that matters to",
    UNDECIDED: "whether skips help or hurt is undecided for",
    "": "too few cases to say whether skips help or hurt",
}
SHORT = {BETTER: "better", WORSE: "worse", EQUIVALENT: "no difference that matters",
         UNDECIDED: "undecided", "": "too few cases to say"}  # fmt: skip


def answer(found: Contrasts, setting: Setting, table: pd.DataFrame, looks: Looks) -> Answer:
    """Whether skips help or hurt when texture shifts; of other networks, which one holds best.

    ``table``: the data set's ``standings``, for what there is no contrast of.
    """
    leading = found.leading
    if not leading:
        return Answer(_without_numbers(table, looks))
    if found.skips:
        return Answer(capital(_of_skips(leading, found, setting, looks)), _scope(leading[0], setting))
    if leading[0].other is None:
        only, alone = leading[0], "here" if len(setting.networks) == 1 else "here that can be ranked"
        text = (
            f"{looks[only.first].title}'s mean DSC changes by {_value(only)} {_way(only.level, setting)}; it is the "
            f"only network {alone}, so nothing is compared."
        )
        return Answer(text, _scope(only, setting))
    behind = max((one for one in found.differences if one.level == found.hardest), key=lambda one: one.estimate)
    of_these = " of these trainings" if behind.verdict and behind.scope != NETWORKS else ""
    text = (
        f"{_other(behind, looks)} has the highest mean DSC{of_these} at "
        f"{found.hardest}{scope(setting)}; the next, "
        f"{looks[behind.first].title}, lies {_value(behind)} from it ({SHORT[behind.verdict]})."
    )
    return Answer(text, f"No two networks here differ in their skips alone. {_scope(behind, setting)}".strip())


def _of_skips(leading: list[Contrast], found: Contrasts, setting: Setting, looks: Looks) -> str:
    """The first pair answers; those of other networks with skips follow in short."""
    first = leading[0]
    others = [one for one in leading[1:] if one.first != first.first]
    shift, told = f"at {first.level}", f"its mean DSC lies {_value(first)} from"
    if first in found.changes:
        shift, told = (
            "when texture shifts",
            f"{_way(first.level, setting)}, its mean DSC changes by {_value(first)} against",
        )
    more = [
        f"{looks[one.first].title} against {_other(one, looks)}: {_value(one)}, {SHORT[one.verdict]}" for one in others
    ]
    whose = f"in {_these(first, setting)}, " if first.verdict and first.scope != NETWORKS else ""
    return (
        f"{whose}{SKIPS[first.verdict]} {looks[first.first].title} {shift}: {told} {_other(first, looks)}'s"
        f"{''.join(f'; {words}' for words in more)}."
    )


def _other(one: Contrast, looks: Looks) -> str:
    return "" if one.other is None else looks[one.other].title


def _way(level: str, setting: Setting) -> str:
    shared = set(setting.references) - {""}
    start = shared.pop() if len(shared) == 1 else "the level trained on"
    return f"from {start} to {level}{scope(setting)}"


def _value(one: Contrast) -> str:
    return interval(one.estimate, one.low, one.high, sign=True)


def _scope(one: Contrast, setting: Setting) -> str:
    """Whom the interval speaks of."""
    if math.isnan(one.low):
        return ""
    wrong = f" Probability that the sign is wrong: {one.p_false:.1%}." if one.verdict in (BETTER, WORSE) else ""
    wrong = wrong.replace(" 0.0%", " below 0.1%") if one.other is not None else ""
    if one.verdict == UNDECIDED and one.low * one.high > 0:
        wrong = " The interval is of this pair alone; the verdict is corrected for all pairs of networks."
    if all(group == f"case {case}" for group, case in zip(setting.groups, setting.cases, strict=True)):
        wrong += " No groups of cases (patients, slides) are known, so each case counts as independent."
    if one.scope == NETWORKS:
        return f"This holds for the networks: the variance between trainings is counted.{wrong}"
    return f"This speaks of {_these(one, setting)}: another seed may differ.{wrong}"


def _these(one: Contrast, setting: Setting) -> str:
    if setting.training == ALL_TRAININGS or int(setting.replicates.max()) > 1:
        return "these trainings"
    return "this training" if one.other is None else "these two trainings"


def _without_numbers(table: pd.DataFrame, looks: Looks) -> str:
    """Of one level, or of networks without a common case."""
    known = table[table["dsc"].notna()].sort_values("dsc", kind="stable")
    if known.empty:
        return "No network has a mean DSC."
    best = known.iloc[-1]
    n = table["key"].nunique()
    more = f", of {count(n, 'network')}" if n > 1 else "; one network only, so nothing is compared"
    return f"The highest mean DSC is {number(best['dsc'])}: {looks[best['key']].title} at {best['level']}{more}."
