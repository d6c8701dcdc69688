"""How often a training can be continued from: by epochs, by minutes, whichever comes first."""

from typing import Any

import pytest
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.training import trainer as module
from nnunet_skipstudy.training.trainer import SkipStudyTrainer


class Bare(SkipStudyTrainer):
    """A trainer without nnU-Net's plans and data."""

    num_iterations_per_epoch = 250
    num_val_iterations_per_epoch = 50


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(nnUNetTrainer, "__init__", lambda self, *arguments: None)

    def made(**variables: str) -> Bare:
        for name in ("EPOCHS", "MINUTES"):
            monkeypatch.delenv(f"SKIPSTUDY_CHECKPOINT_{name}", raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(f"SKIPSTUDY_CHECKPOINT_{name}", value)
        return Bare({}, "2d", 0, {})

    return made


def test_ten_epochs_unless_asked_otherwise(make: Any) -> None:
    assert make().save_every == 10
    assert make(EPOCHS="3").save_every == 3
    assert make(EPOCHS="", MINUTES="").save_every == 10


def test_a_checkpoint_that_is_old_enough_is_followed_by_one_at_this_epochs_end(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(nnUNetTrainer, "on_epoch_end", lambda self: seen.append(self.save_every))
    clock = iter([0.0, 60.0, 119.0, 120.0])  # read when the training is made, then at each epoch's end
    monkeypatch.setattr(module.time, "monotonic", lambda: next(clock))
    training = make(MINUTES="2")
    for _ in range(3):
        training.on_epoch_end()
    assert seen == [10, 10, 1]
    assert training.save_every == 10


def test_without_minutes_only_epochs_count(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(nnUNetTrainer, "on_epoch_end", lambda self: seen.append(self.save_every))
    training = make()
    training._last_checkpoint -= 1e6
    training.on_epoch_end()
    assert seen == [10]


def test_nonsense_is_named(make: Any) -> None:
    with pytest.raises(UserError, match="SKIPSTUDY_CHECKPOINT_MINUTES='often': not a number; give one or unset it"):
        make(MINUTES="often")
