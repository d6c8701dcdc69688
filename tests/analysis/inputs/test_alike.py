"""What looks alike is no second level or network, and what is the same throughout no second training."""

import shutil
from pathlib import Path

import pytest
from made_up_study import write_study

from nnunet_skipstudy import cli

DATASET = "Dataset902_MadeUp"


@pytest.fixture
def study(tmp_path: Path) -> tuple[Path, Path, list[Path]]:
    """Predictions, labels, and the folders of the trainings' folds: two seeds of two networks."""
    predictions, raw = write_study(
        tmp_path, n_patients=6, per_patient=1, architectures=("NoSkip", "UNet"), labels=("organ",), images=False
    )
    return predictions, raw, sorted(predictions.glob("*/*/fold_0"))


def analyze(study: tuple[Path, Path, list[Path]], output: Path) -> int:
    return cli.main(["analyze", str(study[0]), "--labels", str(study[1]), "-o", str(output), "--no-figures"])


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["Hardest", "hardest", "hardest", "hardest"], "the level 'Hardest' differs from 'hardest' by capitals or bla"),
        (["HARDEST"] * 4, "the level 'HARDEST' differs from 'hardest' by capitals or blanks alone; spell them alike"),
        (["hardest "] * 2 + ["hardest"] * 2, "the level 'hardest ' differs from 'hardest'"),
        (["mine", "mine", "Mine", "mine"], "the level 'Mine' differs from 'mine'"),
    ],
)
def test_levels_that_look_alike_are_refused(
    study: tuple[Path, Path, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str], names: list[str],
    said: str,
) -> None:  # fmt: skip
    """Also where all are spelled so: what is known of ``hardest``, TD and order, would not be known of it."""
    for fold, name in zip(study[2], names, strict=True):
        (fold / "hardest").rename(fold / name)
    assert analyze(study, tmp_path / "out") == 2
    assert said in capsys.readouterr().err


def test_networks_of_a_table_that_look_alike_are_refused(
    study: tuple[Path, Path, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["architecture,seed,level,predictions,dataset"]
    for fold, name, seed in zip(study[2], ("Mine", "mine", "UNet", "UNet"), (1, 2, 1, 2), strict=True):
        lines += [f"{name},{seed},{level},{fold / level},{DATASET}" for level in ("hardest", "unperturbed")]
    (tmp_path / "predictions.csv").write_text("\n".join(lines))
    assert analyze((tmp_path / "predictions.csv", *study[1:]), tmp_path / "out") == 2
    assert "the network 'mine' differs from 'Mine' by capitals or blanks alone" in capsys.readouterr().err


@pytest.mark.parametrize("to", ["another fold", "another seed", "another network", "none"])
def test_copied_predictions_are_warned_of(
    study: tuple[Path, Path, list[Path]], tmp_path: Path, capsys: pytest.CaptureFixture[str], to: str
) -> None:
    """Counted as a training of their own they would have no variance; scores in a table are told likewise."""
    fold = study[2][0]
    target = {"another fold": fold.with_name("fold_1"), "another seed": study[2][1], "another network": study[2][2]}
    if to in target:
        shutil.rmtree(target[to], ignore_errors=True)
        shutil.copytree(fold, target[to])
    assert analyze(study, tmp_path / "out") == 0
    words = "have the same DSC in every row: that is one training counted as two"
    assert (words in capsys.readouterr().err) == (to in target)
    given = ["analyze", str(tmp_path / "out" / "case_metrics.csv"), "-o", str(tmp_path / "again"), "--no-figures"]
    assert cli.main(given) == 0
    assert (words in capsys.readouterr().err) == (to in target)
