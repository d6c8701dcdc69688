"""Contests counted: in how many of the harder, the perturbed and all levels each network, and each group, is best."""

from collections.abc import Iterator, Sequence

import pandas as pd

from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED, groups
from nnunet_skipstudy.analysis.statistics.setting import ALL_LABELS, ALL_LEVELS, ALL_TRAININGS, Setting
from nnunet_skipstudy.registry import in_order, known_order

ALL_DATASETS = "(all data sets)"
HARDER, PERTURBED, ALL = "harder", "perturbed", "all"
TALLY_COLUMNS: tuple[str, ...] = (
    *("dataset", "levels", "metric", "quantity", *PUBLISHED, "group"),
    *("won", "shared", "n_contests"),
)


def tallies(settings: Sequence[Setting], wins: pd.DataFrame) -> pd.DataFrame:
    """How often each network, and each group of networks, is best.

    Args:
        settings: those that ``wins`` were held in. Of several labels the mean over labels counts, and of training sets
            each one, not their mean.
        wins: of :func:`~nnunet_skipstudy.analysis.statistics.wins.wins`.

    Returns:
        A row per data set (and all together, where there are several), set of ``levels``, metric, contest and network,
        and such rows with ``group`` alone: ``won`` alone, ``shared`` with others, of ``n_contests`` that somebody won.
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
    if chosen["dataset"].nunique() > 1:
        parts.append(chosen.assign(own=chosen["dataset"], dataset=ALL_DATASETS))
    contests = pd.concat(parts, ignore_index=True)
    contests["own"] = contests.get("own", contests["dataset"]).fillna(contests["dataset"])
    keys = ["dataset", "levels", "metric", "quantity"]
    rows = [
        dict(zip(keys, values, strict=True)) | row for values, part in groups(contests, *keys) for row in _counted(part)
    ]
    return pd.DataFrame(rows, columns=list(TALLY_COLUMNS)).fillna(dict.fromkeys([*PUBLISHED, "group"], ""))


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


def _counted(rows: pd.DataFrame) -> Iterator[dict[str, object]]:
    """Of contests of one kind: each network, then each group."""
    place = ["own", "trained_on", "level"]
    best = rows[rows["best"].astype(bool)]
    n = len(best[place].drop_duplicates())
    for unit in (list(PUBLISHED), ["group"]):
        winners = best.drop_duplicates([*place, *unit])
        alone = winners.groupby(place, sort=False)[unit[0]].transform("size") == 1
        for names, part in groups(rows, *unit):
            own = (winners[unit] == list(names)).all(axis=1)
            yield {
                **dict(zip(unit, names, strict=True)),
                **({"group": part["group"].iloc[0]} if unit != ["group"] else {}),
                "won": int((own & alone).sum()),
                "shared": int((own & ~alone).sum()),
                "n_contests": n,
            }
