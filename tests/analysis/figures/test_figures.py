"""Figures of many networks and of several trainings of one: nothing is cut, and everything can be told apart."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from made_up_study import write_study
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from nnunet_skipstudy.analysis.figures.disparity import _panels
from nnunet_skipstudy.analysis.figures.looks import OTHER_COLOURS, Look, is_dark, looks, on_dark, shade
from nnunet_skipstudy.analysis.figures.qualitative import _sheet
from nnunet_skipstudy.analysis.figures.style import (
    fitted,
    legend_below,
    network_handle,
    said_limits,
    share_limits,
    width_of,
)
from nnunet_skipstudy.analysis.measuring.case_views import CaseView, Choice, Place, Plane
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.measuring.outlines import outlines
from nnunet_skipstudy.analysis.pipeline import AnalyzeOptions, analyze
from nnunet_skipstudy.analysis.statistics.setting import Setting
from nnunet_skipstudy.registry import ARCHITECTURES

DATASET = "Dataset902_MadeUp"
VARIANTS = ("", "_50epochs", "_50epochs_spatialDA", "_spatialDA", "_noDS")


def test_variants_of_one_architecture_are_told_apart_by_shade_marker_and_hatch() -> None:
    names = ("NoSkip", "UNet", "UNetPlusPlus", "NoTopSkip", "SwinUNETR")
    found = looks(
        [NetworkKey(name, f"nnUNetTrainer{name}{variant}", "p", "2d") for name in names for variant in VARIANTS]
    )
    for name in names:
        own = [look for key, look in found.items() if key.architecture == name]
        for strokes in ("colour", "marker", "hatch", "title"):
            assert len({getattr(look, strokes) for look in own}) == len(VARIANTS), (name, strokes)
    assert len({look.dashes for key, look in found.items() if key.architecture == "UNet"}) == 1
    alone = looks([NetworkKey("UNet", "nnUNetTrainerUNet_spatialDA", "p", "2d")]).popitem()[1]
    assert (alone.colour, alone.marker, alone.hatch) == ("#0072B2", "o", "")


def test_shades() -> None:
    assert shade("#0080FF", 0) == "#0080FF"
    assert shade("#0080FF", -0.5) == "#004080"
    assert shade("#0080FF", 0.5) == "#80C0FF"
    assert shade("#000000", -0.5) == "#4C4C4C"


def test_words_are_broken_where_they_do_not_fit() -> None:
    assert fitted("No-Skip U-Net", 3, 9) == "No-Skip U-Net"
    lines = fitted("No-Skip U-Net (50epochs spatialDA)", 1.2, 9).split("\n")
    assert len(lines) > 1
    assert " ".join(lines) == "No-Skip U-Net (50epochs spatialDA)"
    broken = fitted("W" * 40, 1.0, 9).split("\n")
    assert "".join(broken) == "W" * 40
    assert all(width_of(line, 9) <= 1.0 for line in (*lines[1:], *broken[1:]))


@pytest.mark.parametrize("n", [1, 3, 6, 12])
@pytest.mark.parametrize("words", ["U-Net", "No-Skip U-Net (50epochs spatialDA)", "Some body's trainer of 2031 " * 5])
def test_a_legend_lies_within_its_figure(n: int, words: str) -> None:
    figure = Figure(figsize=(5.6, 4.2), layout="constrained")
    axis = figure.subplots()
    handle = network_handle(Look("", "", "#000000", "-", "o"), line=True)
    legend_below(figure, [handle] * n, [f"{words} {i}" for i in range(n)])
    figure.draw_without_rendering()
    whole, legend = figure.bbox, figure.legends[0].get_window_extent()
    assert legend.x0 >= whole.x0
    assert legend.x1 <= whole.x1
    assert legend.y0 >= whole.y0
    assert axis.get_window_extent().height > 2 * figure.dpi  # the legend takes none of the axes' room


def test_nothing_is_cut_in_figures_of_two_trainings_of_each_network(tmp_path: Path) -> None:
    """The outermost pixels of every figure are paper."""
    predictions, raw = write_study(
        tmp_path, n_patients=12, per_patient=1, architectures=("NoSkip", "UNet", "VNet"), seeds=(1,),
        labels=("organ",), images=False,
    )  # fmt: skip
    for folder in list(predictions.glob("*/*")):
        shutil.copytree(folder, folder.with_name(folder.name.replace("_spatialDA", "")))
    analyze(AnalyzeOptions(predictions, raw, tmp_path / "out", progress=False))
    kinds = ("levels_dsc", "tradeoff_dsc", "cases_dsc", "ranks_dsc", "disparity_dsc")
    for kind in kinds:
        pixels = np.array(Image.open(tmp_path / "out" / "figures" / f"{kind}_{DATASET}.png").convert("L"))
        for edge in (pixels[:, :2], pixels[:, -2:], pixels[:2], pixels[-2:]):
            assert edge.min() > 250, kind
    script = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert '"colour":"#0072B2"' in script
    assert f'"colour":"{shade("#0072B2", -0.4)}"' in script
    assert '"marker":"X"' in script


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6])
def test_the_lowest_panel_of_each_column_names_its_ticks(n: int) -> None:
    keys = tuple(NetworkKey(f"N{i}", f"N{i}", "p", "2d") for i in range(n))
    rng = np.random.default_rng(0)
    cases = tuple("abcdef")
    values, once = rng.uniform(0.5, 1, (6, n, 2, 5)), np.ones((6, n, 2), dtype=int)
    setting = Setting(
        "D", "", "x", cases, groups=cases, networks=keys, levels=("hardest", "easiest"),
        values=values, changes=0 * values, before=values,
        deviations=(0 * values[:1],), change_deviations=(0 * values[:1],),
        profiles=values, failures=0.0 * once, disparities=rng.uniform(0, 2, (6, 2)), references=("",) * n,
        eligible=np.ones(n, dtype=bool), trainings=once, paired=once,
    )  # fmt: skip
    found = looks(keys)
    figure = _panels({found[key]: line for key, line in setting.dsc_lines.items()}, "title", "TD")
    figure.draw_without_rendering()
    lowest: dict[float, Axes] = {}
    for axis in figure.axes:
        if axis.get_visible():
            lowest[round(axis.get_position().x0, 3)] = axis
    assert len(lowest) == min(n, 3)
    for axis in lowest.values():
        assert all(tick.label1.get_visible() for tick in axis.xaxis.get_major_ticks())


def test_a_tile_without_a_prediction_says_so() -> None:
    key = NetworkKey("UNet", "nnUNetTrainerUNet", "p", "2d")
    picture, place = np.zeros((8, 8), dtype=np.uint8), Place("", key, "easiest")
    images, none = {"hardest": picture, "easiest": picture}, outlines(picture > 0)
    plane = Plane(None, images, (none,), {place: (none,)})
    view = CaseView("D", Choice("a", "best"), (8, 8), ("organ",), (plane,), 0, {place: (0.5, 0.5)}, frozenset(), {})
    figure = _sheet(view, "", looks([key]), "title")
    words = [text.get_text() for text in figure.axes[0].texts]
    assert (words.count("no prediction"), words.count("0.500")) == (1, 1)


def test_axes_of_shares_run_around_what_lies_close() -> None:
    """All within less than half of 0 to 1 fill the axis, and its title says where it begins; else 0 to 1."""
    low, high = share_limits([0.9, 0.95, np.nan])
    assert 0.85 < low < 0.9
    assert 0.95 < high <= 1.01
    assert share_limits([0.2, 0.9]) == (0.0, 1.02)
    assert share_limits([]) == (0.0, 1.02)
    assert share_limits([0.01, 0.1])[0] == 0.0
    assert share_limits([-0.2, 0.9])[0] == -0.2
    axis = Figure().subplots()
    for value, words in ((0.7, "; axis from 0.70"), (0.0, "")):
        axis.set_ylim(value, 1)
        assert said_limits(axis) == words


def test_many_labels_are_one_heat_map(tmp_path: Path) -> None:
    """Of three labels, mean DSC by label and network; of two there is none. Only the first label's chart is main."""
    for n in (2, 3):
        labels = ("organ", "core", "rim")[:n]
        predictions, raw = write_study(
            tmp_path / str(n), n_patients=5, per_patient=1, architectures=("NoSkip", "UNet"), seeds=(1,), labels=labels,
            images=False,
        )  # fmt: skip
        analyze(AnalyzeOptions(predictions, raw, tmp_path / str(n) / "out", progress=False))
        assert (tmp_path / str(n) / "out" / "figures" / f"labels_dsc_{DATASET}.svg").exists() == (n == 3)
        page = (tmp_path / str(n) / "out" / "report.html").read_text(encoding="utf-8")
        assert page.count('alt="DSC over test levels') == 1


def test_dark_colours_are_seen_on_dark_pages_and_images() -> None:
    """They get a light halo on images and are lighter on a dark page; no two of the registry's become one."""
    own = [architecture.colour for architecture in ARCHITECTURES.values()]
    assert is_dark("#000000")
    assert not is_dark("#F0E442")
    assert len({on_dark(colour) for colour in own}) == len(own)
    for colour in (*own, *OTHER_COLOURS):
        red, green, blue = (int(on_dark(colour)[i : i + 2], 16) for i in (1, 3, 5))
        assert 0.3 * red + 0.59 * green + 0.11 * blue > 75
