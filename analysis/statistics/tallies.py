"""Contests counted: in how many of the harder, the perturbed and all levels each network, and each group, is best."""

from collections.abc import Sequence

import pandas as pd

from nnunet_skipstudy.analysis.inputs.runs import is_elsewhere
from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED
from nnunet_skipstudy.analysis.statistics.setting import ALL_LABELS, ALL_LEVELS, ALL_TRAININGS, Setting
from nnunet_skipstudy.registry import in_order, known_order

ALL_DATASETS = "(all data sets)"
HARDER, PERTURBED, ALL = "harder", "perturbed", "all"
_KIND = ["dataset", "levels", "metric", "quantity"]
_COUNTS = ("won", "shared", "n_contests")
TALLY_COLUMNS: tuple[str, ...] = (*(*_KIND, *PUBLISHED, "group"), *_COUNTS)


def tallies(settings: Sequence[Setting], wins: pd.DataFrame) -> pd.DataFrame:
    """How often each network, and each group of networks, is best.

    Args:
        settings: those that ``wins`` were held in. Of several labels the mean over labels counts, and of training sets
            each one, not their mean.
        wins: of :func:`~nnunet_skipstudy.analysis.statistics.wins.wins`.

    Returns:
        A row per data set (and all together, where there are several; without those that networks of another were
        tested on), set of ``levels``, metric, contest and network, and such rows with ``group`` alone: ``won`` alone,
        ``shared`` with others, of ``n_contests`` that somebody won.
        ``levels``: ``harder`` than the reference level, ``perturbed`` (all but it), ``all``; the first two where names
        and reference levels tell.
    """
    if wins.empty:
        return pd.DataFrame(columns=list(TALLY_COLUMNS))
    several = wins.groupby("dataset")["label"].transform("nunique") > 1
    chosen = wins[(~several | (wins["label"] == ALL_LABELS)) & (wins["trained_on"] != ALL_TRAININGS)]
    of_level = {
        (setting.dataset, setting.training, level): sets
        for setting in settings
        for level, sets in _level_sets(setting).items()
    }
    places = zip(chosen["dataset"], chosen["trained_on"], chosen["level"], strict=True)
    sets = pd.Series([of_level.get(place, (ALL,)) for place in places], index=chosen.index)
    chosen = chosen.assign(levels=sets).explode("levels")
    parts = [chosen]
    at_home = chosen[~chosen["dataset"].map(is_elsewhere).astype(bool)]  # also of no contest at all
    if at_home["dataset"].nunique() > 1:
        parts.append(at_home.assign(own=at_home["dataset"], dataset=ALL_DATASETS))
    contests = pd.concat(parts, ignore_index=True)
    contests["own"] = contests.get("own", contests["dataset"]).fillna(contests["dataset"])
    parts = [_counted(contests, [*PUBLISHED, "group"]), _counted(contests, ["group"])]
    counted = pd.concat(parts, ignore_index=True).fillna(dict.fromkeys(PUBLISHED, ""))
    order = counted.groupby(_KIND, sort=False).ngroup()
    return counted.iloc[order.argsort(kind="stable")].reset_index(drop=True)[list(TALLY_COLUMNS)]


def _level_sets(setting: Setting) -> dict[str, tuple[str, ...]]:
    """The sets that each level belongs to."""
    references = {reference for reference in setting.references if reference}
    found: dict[str, tuple[str, ...]] = {ALL_LEVELS: (ALL,)}
    order = in_order(setting.levels)
    for level in order:
        sets = [ALL]
        if len(references) == 1 and references <= set(order):
            (reference,) = references
            sets += [PERTURBED] if level != reference else []
            sets += [HARDER] if known_order(order) and order.index(level) < order.index(reference) else []
        found[level] = tuple(sets)
    return found


def _counted(contests: pd.DataFrame, unit: list[str]) -> pd.DataFrame:
    """Contests of each kind that each unit, a network or a group, won alone and shared."""
    place = [*_KIND, "own", "trained_on", "level"]
    best = contests[contests["best"].astype(bool)].drop_duplicates([*place, *unit])
    alone = best.groupby(place, sort=False)["best"].transform("size") == 1
    won = best.assign(won=alone, shared=~alone).groupby([*_KIND, *unit], sort=False)[["won", "shared"]].sum()
    n = best.drop_duplicates(place).groupby(_KIND, sort=False).size().rename("n_contests")
    rows = contests[[*_KIND, *unit]].drop_duplicates()
    return rows.join(won, on=[*_KIND, *unit]).join(n, on=_KIND).fillna(0).astype(dict.fromkeys(_COUNTS, int))
