"""A metric is one row of the registry and one function: all else reads them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from made_up_study import write_study

from nnunet_skipstudy import cli
from nnunet_skipstudy.metrics import measure_case, measures
from nnunet_skipstudy.metrics.measures import Pair
from nnunet_skipstudy.registry import METRICS, BothEmpty, Metric

DATASET = "Dataset902_MadeUp"


def off_by(pair: Pair) -> float:
    """How far the sizes differ, as a distance: lower is better."""
    return float(abs(pair.overlap.reference_size - pair.overlap.prediction_size)) ** 0.5


@pytest.fixture(autouse=True)
def made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    row = Metric("off_by", "Off-by", True, 0.0, None, "distance", "Root of the sizes' difference.")
    monkeypatch.setitem(METRICS, row.name, row)
    monkeypatch.setattr(measures, row.name, off_by, raising=False)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_its_row_says_what_failures_and_empty_pairs_count_as() -> None:
    dot = np.zeros((3, 4), dtype=bool)
    dot[1, 1] = True
    assert measure_case(dot, None, tolerance=1).values["off_by"] == 5
    assert measure_case(~dot, dot, tolerance=1).values["off_by"] == pytest.approx(10**0.5)
    assert measure_case(dot & ~dot, dot & ~dot, tolerance=1).values["off_by"] == 0
    left_out = measure_case(dot & ~dot, dot & ~dot, tolerance=1, both_empty=BothEmpty.EXCLUDE)
    assert np.isnan(left_out.values["off_by"])


def test_it_appears_in_every_table_figure_and_page(tmp_path: Path) -> None:
    """And the others' numbers stay: they were measured without it before, and are asked for again with it."""
    predictions, raw = write_study(
        tmp_path, n_patients=6, per_patient=1, architectures=("NoSkip", "UNet"), seeds=(1,), labels=("organ",),
        images=False,
    )  # fmt: skip
    out = tmp_path / "out"
    arguments = ["analyze", str(predictions), "--labels", str(raw), "-o", str(out), "--latex"]
    row = METRICS.pop("off_by")
    assert cli.main(arguments) == 0
    before = rows(out / "case_metrics.csv")
    METRICS["off_by"] = row
    assert cli.main(arguments) == 0
    after = rows(out / "case_metrics.csv")
    assert all(float(one["off_by"]) >= 0 for one in after)
    assert [{name: value for name, value in one.items() if name != "off_by"} for one in after] == before
    for name in ("robustness", "statistics", "wins"):
        assert any(one["metric"] == "off_by" for one in rows(out / f"{name}.csv")), name
    wins = [one for one in rows(out / "wins.csv") if (one["metric"], one["quantity"]) == ("off_by", "mean")]
    for level in {one["level"] for one in wins}:
        of_level = [one for one in wins if one["level"] == level]
        assert min(of_level, key=lambda one: float(one["value"]))["best"] == "True"
    assert (out / "figures" / f"levels_off_by_{DATASET}.svg").is_file()
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "<dt>Off-by</dt><dd>Root of the sizes&#39; difference.</dd>" in page
    assert '{"name":"off_by","title":"Off-by","bounded":false,"lower":true}' in page
    assert "Off-by mean" in (out / "tables" / f"Robustness-by-level-{DATASET}.tex").read_text(encoding="utf-8")


def test_every_row_has_its_function() -> None:
    assert all(callable(getattr(measures, name)) and row.name == name for name, row in METRICS.items())
    assert next(iter(METRICS)) == "dsc"
