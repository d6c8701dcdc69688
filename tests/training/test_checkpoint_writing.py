"""A checkpoint is there whole or not at all, and a killed write leaves nothing for good."""

import subprocess
import sys
from pathlib import Path

import pytest
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from nnunet_skipstudy.support.working_folder import working_folder
from nnunet_skipstudy.training.trainer import SkipStudyTrainer

KILLED = """
import os, sys
from pathlib import Path
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from nnunet_skipstudy.training.trainer import SkipStudyTrainer

def save(self, filename):
    Path(filename).write_text("half")
    os.kill(os.getpid(), 9)

nnUNetTrainer.save_checkpoint = save
training = object.__new__(SkipStudyTrainer)
training.local_rank, training.disable_checkpointing, training._best_ema, training.my_init_kwargs = 0, False, None, {}
training.save_checkpoint(sys.argv[1])
"""


@pytest.fixture
def training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SkipStudyTrainer:
    """A trainer without nnU-Net's plans and data, in ``tmp_path``."""
    monkeypatch.setattr(nnUNetTrainer, "on_train_start", lambda self: None)
    monkeypatch.setattr(nnUNetTrainer, "save_checkpoint", lambda self, filename: Path(filename).write_text("whole"))
    made = object.__new__(SkipStudyTrainer)
    made.output_folder = str(tmp_path)
    made.local_rank, made.disable_checkpointing, made._best_ema, made.my_init_kwargs = 0, False, None, {}
    return made


def test_a_killed_write_is_removed_when_the_fold_is_trained_again(tmp_path: Path, training: SkipStudyTrainer) -> None:
    target = tmp_path / "checkpoint_best.pth"
    target.write_text("before")
    ended = subprocess.run([sys.executable, "-W", "ignore", "-c", KILLED, str(target)], cwd=tmp_path, check=False)
    assert ended.returncode == -9
    assert target.read_text() == "before"
    assert len(list(tmp_path.glob(".writing-*/checkpoint_best.pth"))) == 1
    training.on_train_start()
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint_best.pth"]
    training.save_checkpoint(str(target))
    assert target.read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint_best.pth"]


def test_what_earlier_versions_left_goes_and_what_is_being_written_stays(
    tmp_path: Path, training: SkipStudyTrainer
) -> None:
    (tmp_path / ".writing-old").mkdir()
    (tmp_path / ".writing-old" / "checkpoint_latest.pth").touch()
    with working_folder(tmp_path) as living:
        training.on_train_start()
        assert list(tmp_path.iterdir()) == [living]
