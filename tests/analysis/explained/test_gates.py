"""Where attention gates look, beside the predictions of the report's cases."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_up_explained import write_explained, write_gates
from made_up_study import GRID, write_study
from PIL import Image

from nnunet_skipstudy import cli
from nnunet_skipstudy.analysis.figures.looks import looks
from nnunet_skipstudy.analysis.measuring.case_views import CaseView, Choice, Gate, Place, Plane
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.analysis.measuring.outlines import outlines
from nnunet_skipstudy.analysis.report.sweep import sweep
from nnunet_skipstudy.nnunet.images import write_image
from nnunet_skipstudy.registry import LEVELS

SHAPE = (GRID, GRID + 8)
LOOKED_AT = ("p01_1", "p04_0", "p08_1")


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """Predictions of two seeds, raw data, and an attention network explained at all levels in three cases."""
    root = tmp_path_factory.mktemp("study")
    predictions, raw = write_study(root, n_patients=10, per_patient=2, architectures=("NoSkip", "AttentionUNet"))
    explained = write_explained(root / "explained", raw, architectures=["AttentionUNet"], seeds=[1])
    write_gates(explained / "AttentionUNet_1", LOOKED_AT, LEVELS, SHAPE)
    return predictions, raw, explained


def shown(predictions: Path, raw: Path, output: Path, *options: str) -> tuple[list[dict[str, Any]], str]:
    """The cases of the page's slider, and the page."""
    given = ["analyze", str(predictions), "--labels", str(raw), "-o", str(output), "--no-figures", *options]
    assert cli.main(given) == 0
    page = (output / "report.html").read_text()
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', page)
    assert data
    return json.loads(data[1])["sweep"]["cases"], page


def gates(case: dict[str, Any]) -> dict[int, list[list[dict[str, Any]]]]:
    """By network: the gates of each level."""
    (training,) = case["trainings"]
    return {tile["network"]: [level["gates"] for level in tile["levels"]] for tile in training["tiles"]}


def test_maps_stand_beside_the_prediction_of_the_same_training(study: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Of every case that was looked at, at every level, with the mass that the table has; of other cases none.

    The same cases are chosen for a reason as without, their numbers stay, and the page grows by kilobytes a case.
    """
    predictions, raw, explained = study
    without, bare = shown(predictions, raw, tmp_path / "without")
    cases, page = shown(predictions, raw, tmp_path / "with", "--explain", str(explained))
    table = pd.read_csv(explained / "AttentionUNet_1" / "attention.csv")
    names = [case["case"] for case in cases]
    assert len(cases) == len(without) == len(set(names))
    assert set(LOOKED_AT) <= set(names)
    assert [(case["case"], case["why"]) for case in cases[:3]] == [(case["case"], case["why"]) for case in without[:3]]
    for case in cases:
        of_noskip, of_attention = gates(case).values()
        assert of_noskip == [[]] * 5
        if case["case"] not in LOOKED_AT:
            assert of_attention == [[]] * 5
            continue
        for level, found in zip(LEVELS, of_attention, strict=True):
            rows = table[(table["case"] == case["case"]) & (table["level"] == level)]
            for gate, mass in zip(found, rows["mass_in_object"], strict=True):
                assert gate["words"] == f"{mass:.0%} of its weight in the reference, which is 10% of the image".replace(
                    "%", "\u00a0%"
                )
                assert gate["slice"] == 0
    assert len({gate["image"] for case in cases for level in gates(case)[1] for gate in level}) == 30
    assert all(gates(case) == {0: [[]] * 5, 1: [[]] * 5} for case in without)
    assert "Of attention networks also where each gate looks" in page
    assert "where each gate looks" not in bare
    for name in ("case_metrics", "statistics", "robustness", "wins", "tallies"):
        assert (tmp_path / "without" / f"{name}.csv").read_bytes() == (tmp_path / "with" / f"{name}.csv").read_bytes()
    grown = sum(len(gate["image"]) for case in cases for level in gates(case)[1] for gate in level)
    assert grown < 30 * 1000


def test_a_volume_has_a_map_of_one_slice() -> None:
    """Told by its place among those shown, -1 where another is; as coarse as the gate's grid, words for volumes."""
    key, none = (
        NetworkKey("AttentionUNet", "nnUNetTrainerAttentionUNet", "nnUNetPlans", "3d_fullres"),
        outlines(np.zeros(SHAPE, dtype=bool)),
    )
    place, image = Place("", key, "easier"), np.zeros((64, 48), np.uint8)
    planes = tuple(Plane(index, {"easier": image}, (none,), {place: (none,)}) for index in (3, 5))
    found = [(Gate(depth, Path(), index, 0.5, 0.1), image) for depth, index in ((1, 5), (3, 4))]
    view = CaseView(
        *("D", Choice("a", ""), image.shape, ("organ",), planes, 0, {place: (0.5, 0.5)}, frozenset(), {}),
        gates={place: found},
    )
    ((one, other),) = gates(sweep([view], looks([key]))["cases"][0])[0]
    assert (one["slice"], other["slice"]) == (1, -1)
    assert one["words"].endswith("which is 10\u00a0% of the volume")
    sizes = [Image.open(io.BytesIO(base64.b64decode(gate["image"].split(",")[1]))).size for gate in (one, other)]
    assert sizes == [(24, 32), (6, 8)]


def test_maps_of_another_training_or_shape_are_left_out(study: tuple[Path, Path, Path], tmp_path: Path) -> None:
    """Seed 1 is shown, so seed 2's maps are not; nor is a picture that is absent, broken, or of another size."""
    predictions, raw, _ = study
    explained = write_explained(tmp_path / "explained", raw, architectures=["AttentionUNet"], seeds=[1, 2])
    write_gates(explained / "AttentionUNet_2", LOOKED_AT, LEVELS, SHAPE)
    table = write_gates(explained / "AttentionUNet_1", LOOKED_AT[:1], ["hardest", "easier"], SHAPE)
    first, second, third, _ = (explained / "AttentionUNet_1" / picture for picture in table["picture"])
    first.unlink()
    second.write_bytes(b"no picture")
    write_image(third, np.zeros((8, 8), np.uint8))
    cases, _ = shown(predictions, raw, tmp_path / "out", "--explain", str(explained))
    found = {case["case"]: gates(case)[1] for case in cases}
    assert [len(level) for level in found[LOOKED_AT[0]]] == [0, 0, 0, 1, 0]
    assert found[LOOKED_AT[0]][3][0]["title"] == "gate of skip 2"
    assert not any(level for case, levels in found.items() for level in levels if case != LOOKED_AT[0])
