"""Accuracy in domain against the hardest level: who is on the front, by hand, and which levels are meant."""

import pandas as pd
import pytest
from made_up_cases import table

from nnunet_skipstudy.analysis.figures.looks import looks
from nnunet_skipstudy.analysis.figures.tradeoff import accuracy_against_the_hardest
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.statistics.setting import settings
from nnunet_skipstudy.analysis.statistics.table import Statistics, make_statistics
from nnunet_skipstudy.analysis.statistics.tradeoff import Point, comparable_settings, hardest_points

SCORES = {
    # at the unperturbed and the hardest level
    "NoSkip": (0.8, 0.7),
    "UNet": (0.9, 0.5),
    "VNet": (0.8, 0.7),
    "UNet_skips1": (0.9, 0.6),
    "UNet_skips2": (0.85, 0.55),
    "Constant": (0.7, 0.8),
}
KEYS = [NetworkKey(name, name, "p", "2d") for name in SCORES]


def statistics(**columns: object) -> Statistics:
    dsc = {
        name: {f"c{case}": (hard + 0.01 * (case % 2), own + 0.01 * (case % 2), 0.95) for case in range(8)}
        for name, (own, hard) in SCORES.items()
    }
    cases = table(dsc, **columns)
    return make_statistics(settings(cases.assign(degenerate=cases["architecture"] == "Constant"), KEYS))


def points(found: Statistics) -> tuple[str, str, list[Point]]:
    (setting,) = comparable_settings(found, "D")
    made = hardest_points(found, setting)
    assert made is not None
    return made


def test_on_the_front_is_whom_none_beats_in_both() -> None:
    """Equal networks keep each other company; as good in one and worse in the other is beaten; degenerate is out."""
    reference, hardest, made = points(statistics())
    assert (reference, hardest) == ("unperturbed", "hardest")
    assert {point.key.architecture: (point.x, point.y) for point in made} == {
        name: pytest.approx((own + 0.005, hard + 0.005)) for name, (own, hard) in SCORES.items()
    }
    assert {point.key.architecture for point in made if point.on_front} == {"NoSkip", "VNet", "UNet_skips1"}
    assert [point.key.architecture for point in made if not point.eligible] == ["Constant"]
    for point in made:
        assert point.x_bounds[0] < point.x < point.x_bounds[1]
        assert point.y_bounds[0] < point.y < point.y_bounds[1]


def test_without_a_reference_level_or_with_the_hardest_as_one_there_is_none() -> None:
    for level in ("", "hardest"):
        found = statistics(reference_level=level)
        assert all(hardest_points(found, setting) is None for setting in comparable_settings(found, "D"))


def test_trained_at_two_alphas_each_has_a_figure_of_its_own() -> None:
    """Their reference levels differ, so that the mean over both has none."""
    levels = ("alpha0.90", "alpha0.50", "alpha0.10")
    dsc = {name: {f"c{case}": (hard, own, 0.95) for case in range(6)} for name, (own, hard) in SCORES.items()}
    parts = [
        table(dsc, levels=levels, trained_on=alpha, training=alpha, reference_level=alpha, fold=str(fold))
        for fold, alpha in enumerate(levels[1:])
    ]
    found = make_statistics(settings(pd.concat(parts, ignore_index=True), KEYS))
    drawings = list(accuracy_against_the_hardest(found, ["D"], looks(KEYS)))
    assert [drawing.name for drawing in drawings] == [
        "tradeoff_hardest_D_trained-on-alpha-0.50",
        "tradeoff_hardest_D_trained-on-alpha-0.10",
    ]
    assert "alpha0.90, the hardest level" in drawings[0].caption


def test_the_figure_numbers_the_front_and_names_every_network() -> None:
    (drawing,) = accuracy_against_the_hardest(statistics(), ["D"], looks(KEYS))
    figure = drawing.draw()
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names == [
        *("1 No-Skip U-Net", "U-Net", "2 V-Net", "3 UNet_skips1", "UNet_skips2", "Constant (not ranked)"),
    ]
    assert [text.get_text() for text in figure.axes[0].texts] == ["1", "2", "3"]
    assert figure.axes[0].get_xlabel() == "mean DSC at unperturbed →"


def test_thirty_networks_that_are_none_of_the_study_s_look_different() -> None:
    found = looks(NetworkKey(f"UNet_skips{i}", f"UNet_skips{i}", "p", "2d") for i in range(30))
    assert len({(look.colour, look.marker) for look in found.values()}) == 30
