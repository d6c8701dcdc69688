"""The estimate of hours: what it stands on, before and after something was measured."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_study import write_study

from nnunet_skipstudy.cli import main
from nnunet_skipstudy.commands.convert import CONVERTERS
from nnunet_skipstudy.commands.study_file import open_file
from nnunet_skipstudy.planning.nominal import nominal_gflop
from nnunet_skipstudy.planning.speed import Speed, read_speed, write_speed
from nnunet_skipstudy.registry import ARCHITECTURES
from nnunet_skipstudy.study.cost import Estimate, parts
from nnunet_skipstudy.study.places import Places
from nnunet_skipstudy.study.templates import full_text


@pytest.mark.parametrize(("features", "side"), [(8, 32), (32, 256), (16, 300), (32, 7)])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_network_can_be_counted_before_there_is_a_plan(name: str, features: int, side: int) -> None:
    """At any size: a small image has fewer stages, an odd one is padded, as in nnU-Net's plans."""
    assert nominal_gflop(name, features, side) > 0


def test_the_nominal_flops_are_those_of_nnunets_plan() -> None:
    assert nominal_gflop("UNet") == pytest.approx(29.52, abs=0.01)
    assert nominal_gflop("UNet", side=512) == pytest.approx(4 * 29.52, rel=0.03)  # with one stage more


def estimated(path: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[float, str]:
    """The hours of the dry run, and what it says that they stand on."""
    assert main(["run", str(path), "--dry-run", *options]) == 0
    printed = capsys.readouterr().out
    _, _, tail = printed.partition("estimate: ")
    return float(tail.split()[0].replace(",", "")), tail


def test_measured_rates_take_the_place_of_the_assumption(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path, epochs="100000", iterations="250")
    hours, grounds = estimated(path, capsys)
    assert "FLOPs at 0.14 TFLOP/s, measured on two shared cores, not on this machine" in grounds
    write_speed(Places(tmp_path, {}).speed, Speed("cpu x 64", 1, {"UNet": 1.4, "NoSkip": 1.4, "VNet": 9.0}))
    faster, grounds = estimated(path, capsys)
    assert faster == pytest.approx(hours / 10, rel=0.02)
    assert "timed by --measure on cpu x 64 (batch 1, without data loading), in TFLOP/s: UNet 1.4, NoSkip 1.4" in grounds


def test_measuring_times_every_network_of_the_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_study(tmp_path)
    assert "timed by --measure on cpu x" in estimated(path, capsys, "--measure")[1]
    speed = read_speed(Places(tmp_path, {}).speed)
    assert speed is not None
    assert set(speed.tflops) == {"UNet", "NoSkip"}
    assert all(0 < rate < 100 for rate in speed.tflops.values())


@pytest.mark.parametrize("change", [{"test": '"3"'}, {"size": "[32, 32]"}, {"test": "true"}])
def test_an_option_that_is_no_number_counts_as_the_nominal_one(
    tmp_path: Path, change: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether it can be an option at all is its converter's to say."""
    assert main(["status", str(write_study(tmp_path, **change))]) == 0
    assert float(capsys.readouterr().out.partition("estimate: ")[2].split()[0]) > 0


def test_measuring_needs_a_dry_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(write_study(tmp_path)), "--measure"]) == 2
    assert "--measure belongs to --dry-run" in capsys.readouterr().err


def test_a_network_is_counted_once_and_again_only_where_the_code_is_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counting takes torch's seconds, which nobody should wait for at each dry run; nor should an old count stay."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    memory = tmp_path / "nnunet_skipstudy" / "gflop.json"
    counted = nominal_gflop.__wrapped__("UNet", 8, 32)
    kept = json.loads(memory.read_text())
    assert kept["gflop"] == {"UNet 8 32": counted}
    kept["gflop"]["UNet 8 32"] = 7.0
    memory.write_text(json.dumps(kept))
    assert nominal_gflop.__wrapped__("UNet", 8, 32) == 7.0
    memory.write_text(json.dumps({**kept, "code": "of another version"}))
    assert nominal_gflop.__wrapped__("UNet", 8, 32) == counted
    memory.write_text("{")
    assert nominal_gflop.__wrapped__("UNet", 8, 32) == counted


def test_a_dry_run_asked_for_again_needs_no_torch(tmp_path: Path) -> None:
    script = (
        "import sys; from nnunet_skipstudy.cli import main; "
        "assert main(['run', sys.argv[1], '--dry-run']) == 0; print('torch' in sys.modules)"
    )
    command = [sys.executable, "-c", script, str(write_study(tmp_path))]
    said = [
        subprocess.run(
            command, check=True, capture_output=True, text=True, env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
        ).stdout.splitlines()[-1]
        for _ in range(2)
    ]
    assert said == ["True", "False"]


def test_hours_are_divided_by_what_a_user_can_leave_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each part's hours add up to all; what has one value is no part."""
    path = write_study(tmp_path, architectures="[NoSkip, UNet]", seeds="[1, 2, 3]", epochs="100", iterations="250")
    whole, tail = estimated(path, capsys)
    lines = [line.strip() for line in tail.partition("left by key of the study's file")[2].splitlines()]
    found = {key: shares for key, colon, shares in (line.partition(": ") for line in lines) if colon}
    assert set(found) >= {"architectures", "seeds"}
    assert "datasets" not in found
    for shares in found.values():
        assert sum(float(share.split()[1].replace(",", "")) for share in shares.split(", ")) == pytest.approx(
            whole, rel=0.02
        )
    assert found["seeds"].startswith("1 ")
    assert len({share.split()[1] for share in found["seeds"].split(", ")}) == 1


def test_folds_that_a_data_set_has_of_its_own_are_a_part_of_their_own(tmp_path: Path) -> None:
    """Of the papers' study, fold 0 of the synthetic textures is another than fold 0 of the medical data sets."""
    opened = open_file(write_study(tmp_path, full_text(CONVERTERS)))
    cells = [cell for cell in opened.grid.values() if cell.step == "train"]
    found = parts(Estimate({cell.key: 3600.0 for cell in cells}), cells, opened.study)
    each = 6 * 3 * 2  # networks, seeds, augmentations
    assert found["folds"] == {str(fold): 5 * each for fold in (0, 5, 6, 7, 8, 9, 10)}
    assert found["folds of 501"] == {str(fold): each for fold in range(9)}
    assert found["augmentation"] == {"spatial": len(cells) / 2, "nnunet": len(cells) / 2}
    assert set(found["datasets"]) == {"501", "511", "502", "503", "504", "505", "506"}
