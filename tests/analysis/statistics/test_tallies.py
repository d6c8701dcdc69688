"""Contests counted over the harder, the perturbed and all levels, by network and by group."""

import pandas as pd
import pytest
from made_up_cases import table

from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.setting import settings
from nnunet_skipstudy.analysis.statistics.table import make_statistics
from nnunet_skipstudy.analysis.statistics.tallies import ALL_DATASETS

LEVELS = ("hardest", "harder", "unperturbed", "easier")
WINNERS = {"A": ("NoSkip", "NoSkip", "UNet", "UNet"), "B": ("UNet", "NoSkip", "VNet", "NoSkip")}


@pytest.fixture(scope="module")
def found() -> pd.DataFrame:
    """Two data sets; at each level one network is better in all cases, but at A's "easier" two tie."""
    parts = []
    for dataset, winners in WINNERS.items():
        dsc = {
            name: {f"c{case}": tuple(0.8 if name == winner else 0.7 for winner in winners) for case in range(6)}
            for name in ("NoSkip", "UNet", "VNet")
        }
        parts.append(table(dsc, (1.0, 2.0, 3.0, 4.0), LEVELS, dataset=dataset))
    cases = pd.concat(parts, ignore_index=True)
    tie = (cases["dataset"] == "A") & (cases["level"] == "easier") & (cases["architecture"] == "VNet")
    cases.loc[tie, "dsc"] = 0.8
    networks = [NetworkKey(name, name, "p", "2d") for name in ("NoSkip", "UNet", "VNet")]
    return make_statistics(settings(cases, networks)).tallies


def counted(found: pd.DataFrame, dataset: str, levels: str, **place: str) -> dict[str, tuple[int, int, int]]:
    place = {"dataset": dataset, "levels": levels, "metric": "dsc", "quantity": "mean", **place}
    rows = found[(found[list(place)] == list(place.values())).all(axis=1)]
    names = rows["architecture"].where(rows["architecture"] != "", rows["group"])
    return dict(zip(names, rows[["won", "shared", "n_contests"]].itertuples(index=False, name=None), strict=True))


def test_networks_and_groups_of_one_data_set(found: pd.DataFrame) -> None:
    """The tie of U-Net and V-Net is shared between them, and won by their group."""
    expected = {"NoSkip": (2, 0, 4), "UNet": (1, 1, 4), "VNet": (0, 1, 4), "No-Skip": (2, 0, 4), "Standard": (2, 0, 4)}
    assert counted(found, "A", "all") == expected


@pytest.mark.parametrize(("levels", "won", "of"), [("harder", 3, 4), ("perturbed", 4, 6), ("all", 4, 8)])
def test_sets_of_levels_over_all_data_sets(found: pd.DataFrame, levels: str, won: int, of: int) -> None:
    """Harder than the reference level, all but it, and all."""
    assert counted(found, ALL_DATASETS, levels)["NoSkip"] == (won, 0, of)


def test_the_form_of_most_cases_counts_only_clear_winners(found: pd.DataFrame) -> None:
    """Where two networks tie in all cases nobody is alone best: each has 0 of the cases, and they share the contest."""
    rows = counted(found, "A", "all", quantity="most_cases")
    assert rows["UNet"][0] == 1
    assert rows["NoSkip"] == (2, 1, 4)


def test_spreads_over_levels_are_one_contest_of_all(found: pd.DataFrame) -> None:
    rows = found[found["quantity"].isin(["cv_across_levels", "cv_of_level_means"]) & (found["dataset"] == "A")]
    assert set(rows["levels"]) == {"all"}
    assert (rows["n_contests"] == 1).all()
