"""The estimate of hours: what it stands on, before and after something was measured."""

from pathlib import Path

import pytest
from tiny_study import write_study

from nnunet_skipstudy.architectures.cost import network_cost
from nnunet_skipstudy.cli import main
from nnunet_skipstudy.planning.nominal import NOMINAL_SIDE, nominal_network
from nnunet_skipstudy.planning.speed import Speed, read_speed, write_speed
from nnunet_skipstudy.registry import ARCHITECTURES
from nnunet_skipstudy.study.cost import NOMINAL_GFLOP
from nnunet_skipstudy.study.places import Places


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_nominal_flops_are_those_of_the_networks(name: str) -> None:
    counted = network_cost(nominal_network(name), 1, [NOMINAL_SIDE, NOMINAL_SIDE]).forward_flops / 1e9
    assert NOMINAL_GFLOP[name] == pytest.approx(counted, abs=0.01)


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
    assert all(0.001 < rate < 100 for rate in speed.tflops.values())


@pytest.mark.parametrize("change", [{"test": '"3"'}, {"size": "[32, 32]"}, {"size": ".nan"}, {"test": "true"}])
def test_an_option_that_is_no_number_counts_as_the_nominal_one(
    tmp_path: Path, change: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whether it can be an option at all is its converter's to say."""
    path = write_study(tmp_path, **change)
    hours, _ = estimated(path, capsys)
    assert hours > 0
    assert main(["status", str(path)]) == 0


def test_measuring_needs_a_dry_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", str(write_study(tmp_path)), "--measure"]) == 2
    assert "--measure belongs to --dry-run" in capsys.readouterr().err
