"""All statistics of a study: the rows of statistics.csv and wins.csv."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from nnunet_skipstudy.analysis.measuring.columns import PUBLISHED, NetworkKey, network_keys
from nnunet_skipstudy.analysis.statistics.comparisons import comparisons
from nnunet_skipstudy.analysis.statistics.estimates import estimates
from nnunet_skipstudy.analysis.statistics.factorial import factorial
from nnunet_skipstudy.analysis.statistics.ranks import LevelRanking, level_rankings, ranking_rows
from nnunet_skipstudy.analysis.statistics.resampled import Resampled, Row
from nnunet_skipstudy.analysis.statistics.setting import ALL_LEVELS, ALL_TRAININGS, Setting
from nnunet_skipstudy.analysis.statistics.tallies import tallies
from nnunet_skipstudy.analysis.statistics.verdict import BETTER, WORSE
from nnunet_skipstudy.analysis.statistics.wins import WIN_COLUMNS, wins
from nnunet_skipstudy.registry import SMALLEST_DIFFERENCE

STATISTICS_COLUMNS: tuple[str, ...] = (
    *("dataset", "trained_on", "label", "metric", "level", "quantity"),
    *(*PUBLISHED, "group"),
    *(*(f"other_{name}" for name in PUBLISHED), "other_group"),
    *("estimate", "low", "high", "n_cases", "n_groups", "n_replicates", "n_networks"),
    *("test", "statistic", "p_value", "p_holm", "n_tests", "effect"),
    *("scope", "n_trainings", "se_cases", "se_trainings", "df", "smallest_difference", "verdict", "p_false"),
    *("rank_test", "p_ranks", "p_ranks_holm"),
)
TURNED = {BETTER: WORSE, WORSE: BETTER}
_COUNTS = ("n_cases", "n_groups", "n_replicates", "n_networks", "n_tests", "n_trainings")
_NUMBERS = (
    *("estimate", "low", "high", "statistic", "p_value", "p_holm", "effect"),
    *("se_cases", "se_trainings", "df", "smallest_difference", "p_false", "p_ranks", "p_ranks_holm"),
)
_WORDS = ("scope", "verdict", "rank_test")


@dataclass(frozen=True)
class Statistics:
    """``table``: a row per statistic, with :data:`STATISTICS_COLUMNS`. ``wins``, ``tallies``: see their makers."""

    settings: tuple[Setting, ...]
    table: pd.DataFrame
    wins: pd.DataFrame
    tallies: pd.DataFrame
    rankings: tuple[LevelRanking, ...]

    def overall(self, dataset: str) -> list[Setting]:
        """The settings that speak for a data set as a whole, one per label, the mean of labels first.

        Of several training sets: their mean where there is one (synthetic data), else the training on all textures,
        else the first.
        """
        own = [setting for setting in self.settings if setting.dataset == dataset]
        trainings = list(dict.fromkeys(setting.training for setting in own))
        chosen = next((name for name in (ALL_TRAININGS, "") if name in trainings), trainings[0] if trainings else "")
        return [setting for setting in own if setting.training == chosen]

    def rows(self, setting: Setting, quantity: str, metric: str = "dsc", level: str | None = None) -> list[Row]:
        """The rows of one quantity in a setting, with ``key`` and ``other``, the networks."""
        place = (setting.dataset, setting.training, setting.label, quantity, metric)
        return [row for row in self._by_place.get(place, []) if level is None or row["level"] == level]

    def difference(
        self, setting: Setting, quantity: str, level: str, first: NetworkKey, other: NetworkKey
    ) -> Row | None:
        """The row of first minus other, of the DSC, turned round where the table has it the other way."""
        for row in self.rows(setting, quantity, level=level):
            if (row["key"], row["other"]) == (first, other):
                return row
            if (row["key"], row["other"]) == (other, first):
                turned = {"estimate": -row["estimate"], "low": -row["high"], "high": -row["low"]}
                return row | turned | {"effect": -row["effect"], "verdict": TURNED.get(row["verdict"], row["verdict"])}
        return None

    def by_network(self, setting: Setting, quantity: str, level: str | None = None) -> dict[NetworkKey, Row]:
        """As :meth:`rows` of the DSC, of a quantity that each network has once at a level."""
        return {row["key"]: row for row in self.rows(setting, quantity, level=level)}

    def contestants(self, setting: Setting, quantity: str) -> set[NetworkKey]:
        """The networks that take part in a setting's contest for a quantity of the DSC over all levels."""
        names = ["dataset", "trained_on", "label", "metric", "level", "quantity"]
        place = [setting.dataset, setting.training, setting.label, "dsc", ALL_LEVELS, quantity]
        chosen = self.wins["eligible"].astype(bool) & (self.wins[names] == place).all(axis=1)
        return set(network_keys(self.wins[chosen], PUBLISHED))

    @cached_property
    def _by_place(self) -> dict[tuple[str, ...], list[Row]]:
        found: dict[tuple[str, ...], list[Row]] = {}
        columns = list(self.table.columns)
        for values in self.table.itertuples(index=False, name=None):
            row = dict(zip(columns, values, strict=True))
            row["key"] = NetworkKey(*(row[name] for name in PUBLISHED))
            row["other"] = NetworkKey(*(row[f"other_{name}"] for name in PUBLISHED))
            place = tuple(row[name] for name in ("dataset", "trained_on", "label", "quantity", "metric"))
            found.setdefault(place, []).append(row)
        return found


def make_statistics(settings: Sequence[Setting], smallest_difference: float = SMALLEST_DIFFERENCE) -> Statistics:
    """Estimate, compare and rank in every setting. Resamples are seeded: equal input gives equal numbers.

    ``smallest_difference``: of a share, what smaller differences are as good as none.
    """
    rows: list[Row] = []
    won: list[Row] = []
    rankings: list[LevelRanking] = []
    for setting in settings:
        data = Resampled(setting)
        found = [*estimates(data), *factorial(data), *comparisons(data, smallest_difference)]
        for ranking in level_rankings(data):
            rankings.append(ranking)
            found += ranking_rows(data, ranking)
        rows += [row for row in found if row["metric"] in setting.metrics]
        won += [row for row in wins(data) if row["metric"] in setting.metrics]
    empty: Row = dict.fromkeys([*STATISTICS_COLUMNS[:16], *_WORDS], "")
    table = pd.DataFrame([empty | row for row in rows], columns=list(STATISTICS_COLUMNS))
    table = table.astype(dict.fromkeys(_COUNTS, "Int64") | dict.fromkeys(_NUMBERS, float))
    contests = pd.DataFrame(won, columns=list(WIN_COLUMNS))
    return Statistics(tuple(settings), table, contests, tallies(settings, contests), tuple(rankings))
