"""Trainings of nnU-Net's own loop: seeded ones agree bit for bit, also when one was stopped and resumed."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from tiny_training import trained, trainer, weights, write_preprocessed

from nnunet_skipstudy.training.seeding import derived_seed, pin_choices_made_by_timing, seed_everything
from nnunet_skipstudy.training.trainer import SkipStudyTrainer

pytestmark = pytest.mark.filterwarnings("ignore")  # nnU-Net's own
NAME = "nnUNetTrainerNoSkip_3epochs_2iters_seed7"


@pytest.fixture(scope="module")
def preprocessed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("preprocessed")
    write_preprocessed(root)
    return root


@pytest.fixture(autouse=True)
def nnunet(preprocessed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """nnU-Net's folders, one thread, and no picture of the network."""
    monkeypatch.setenv("nnUNet_preprocessed", str(preprocessed))
    monkeypatch.setenv("nnUNet_results", str(tmp_path / "results"))
    monkeypatch.setenv("nnUNet_n_proc_DA", "0")
    monkeypatch.setattr(SkipStudyTrainer, "plot_network_architecture", lambda self: None)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    assert list(one) == list(other)
    return all(torch.equal(one[name], other[name]) for name in one)


def test_two_trainings_agree_bit_for_bit_whatever_was_drawn_before_them() -> None:
    seed_everything(1)
    first = weights(trained(trainer(NAME)))
    random.random(), np.random.random(99), torch.randn(99)
    assert equal(first, weights(trained(trainer(NAME))))


def test_a_training_that_was_stopped_goes_on_as_if_nothing_had_happened() -> None:
    """Weights, losses and best score; stopped behind an epoch whose checkpoint was written."""
    whole = trained(trainer(NAME))
    stopped = trainer(NAME)
    stopped.save_every = 1
    trained(stopped, stop_before=2)
    resumed = trainer(NAME)
    resumed.initialize()
    torch.randn(5)
    resumed.load_checkpoint(str(Path(stopped.output_folder) / "checkpoint_latest.pth"))
    assert resumed.current_epoch == 2
    trained(resumed)
    assert equal(weights(whole), weights(resumed))
    assert resumed._best_ema == whole._best_ema
    for key in ("train_losses", "val_losses"):
        losses = [training.logger.get_value(key, step=None) for training in (whole, resumed)]
        assert losses[0] == losses[1]


def test_another_seed_and_the_lack_of_one_train_otherwise() -> None:
    """Initial weights already; without a seed they follow from what was drawn before, as nnU-Net's do."""
    starts = []
    for name in (NAME, NAME.replace("seed7", "seed8"), NAME.replace("_seed7", "")):
        made = trainer(name)
        seed_everything(3)
        made.initialize()
        starts.append(weights(made))
    assert not any(equal(starts[a], starts[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    again = trainer(NAME.replace("_seed7", ""))
    seed_everything(3)
    again.initialize()
    assert equal(weights(again), starts[2])


def test_checkpoints_carry_the_best_score_up_to_their_own_epoch() -> None:
    """nnU-Net writes the latest one before it compares; the trainer's own record is left to nnU-Net."""
    training = trainer(NAME)
    training.save_every = 1
    trained(training, stop_before=2)
    folder = Path(training.output_folder)
    written = torch.load(folder / "checkpoint_latest.pth", map_location="cpu", weights_only=False)
    scores = training.logger.get_value("ema_fg_dice", step=None)
    assert written["_best_ema"] == max(scores)
    assert written["current_epoch"] == 2
    assert written["trainer_name"] == NAME
    assert not list(folder.glob(".writing-*"))


@pytest.mark.parametrize("architecture", ["UNet", "VNet", "AttentionUNet", "UNetPlusPlus", "NoTopSkip", "NoSkipVNet"])
def test_every_network_learns_in_nnunets_loop(architecture: str) -> None:
    """One epoch: losses are numbers, and all weights have moved but the deepest head's, to which nnU-Net gives none."""
    training = trainer(f"nnUNetTrainer{architecture}_1epochs_3iters_seed1_spatialDA")
    training.initialize()
    before = weights(training)
    after = weights(trained(training))
    moved = [name for name in before if not torch.equal(before[name], after[name])]
    still = sorted(set(before) - set(moved))
    assert [name for name in still if not name.endswith("bias")] == ["decoder.seg_layers.0.weight"]
    assert np.isfinite(training.logger.get_value("train_losses", step=None)).all()


@pytest.mark.parametrize(("suffix", "n_train", "n_val"), [("", 250, 50), ("_2iters", 2, 1), ("_100iters", 100, 20)])
def test_validation_keeps_its_proportion_of_the_iterations(suffix: str, n_train: int, n_val: int) -> None:
    made = trainer(f"nnUNetTrainerUNet{suffix}")
    assert (made.num_iterations_per_epoch, made.num_val_iterations_per_epoch) == (n_train, n_val)
    assert (made.num_epochs, made.enable_deep_supervision) == (1000, True)
    assert trainer("nnUNetTrainerUNet_noDS_7epochs").num_epochs == 7
    assert not trainer("nnUNetTrainerUNet_noDS").enable_deep_supervision


def test_full_resolution_heads_weigh_alike_and_see_the_whole_label() -> None:
    """Other networks keep nnU-Net's weights, which halve from head to head."""
    full, plain = trainer("nnUNetTrainerUNetPlusPlus_fullresDS"), trainer("nnUNetTrainerUNetPlusPlus")
    assert full._get_deep_supervision_scales() == [[1.0, 1.0]] * 2
    assert plain._get_deep_supervision_scales() == [[1.0, 1.0], [0.5, 0.5]]
    for made, expected in ((full, [0.5, 0.5]), (plain, [1.0, 0.0])):
        made.initialize()
        assert list(made.loss.weight_factors) == pytest.approx(expected)


def test_spatial_augmentation_needs_no_larger_patch() -> None:
    spatial, plain = (trainer(f"nnUNetTrainerUNet{suffix}") for suffix in ("_spatialDA", ""))
    sizes = [made.configure_rotation_dummyDA_mirroring_and_inital_patch_size()[2] for made in (spatial, plain)]
    assert list(sizes[0]) == [16, 16]
    assert min(sizes[1]) > 16


def test_each_epoch_and_each_rank_draws_from_a_seed_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The start's, then one an epoch, which a resumed training takes from the epoch that it begins with."""
    seeds = []
    monkeypatch.setattr("nnunet_skipstudy.training.trainer.seed_everything", seeds.append)
    for rank in (0, 1):
        made = trainer(NAME)
        made.local_rank = rank
        for epoch in (0, 1, 2):
            made.current_epoch = epoch
            made._seed(1, epoch)
        made._seed(0)
    assert len(set(seeds)) == len(seeds) == 8
    assert seeds[1] == derived_seed(7, 1, 1, 0)
    unseeded = trainer("nnUNetTrainerNoSkip")
    unseeded._seed(0)
    assert len(seeds) == 8
    begun = trainer(NAME)
    begun.current_epoch = 2
    monkeypatch.setattr(nnUNetTrainer, "on_epoch_start", lambda self: None)
    begun.on_epoch_start()
    assert seeds[-1] == seeds[2]


@pytest.mark.parametrize(
    ("name", "before", "now", "written"),
    [
        ("checkpoint_latest.pth", 0.9, 0.5, 0.9),
        ("checkpoint_latest.pth", 0.5, 0.9, 0.9),
        ("checkpoint_latest.pth", None, 0.4, 0.4),
        ("checkpoint_best.pth", 0.5, 0.9, 0.5),
    ],
)
def test_the_latest_checkpoint_alone_gets_the_better_of_two_scores(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, before: float | None, now: float, written: float
) -> None:
    made, seen = trainer(NAME), []
    made._best_ema = before
    monkeypatch.setattr(made.logger, "get_value", lambda key, step: now)

    def save(self: nnUNetTrainer, filename: str) -> None:
        seen.append(self._best_ema)
        Path(filename).touch()

    monkeypatch.setattr(nnUNetTrainer, "save_checkpoint", save)
    made.save_checkpoint(str(tmp_path / name))
    assert seen == [written]
    assert made._best_ema == before


def test_seeds_of_all_positions_of_many_trainings_differ() -> None:
    """Start, epochs and workers, of neighbouring seeds and ranks; and none has more than 32 bits."""
    positions = [*((0, rank) for rank in range(3)), *((1, epoch, rank) for epoch in range(120) for rank in range(3))]
    positions += [(2, which, epoch, 0, worker) for which in (0, 1) for epoch in (0, 1, 7) for worker in range(12)]
    seeds = [derived_seed(seed, *position) for seed in range(8) for position in positions]
    assert len(set(seeds)) >= len(seeds) - 1  # of 3500 draws from 2**32, two may meet by chance
    assert all(0 <= seed < 2**32 for seed in seeds)
    assert derived_seed(5, 1, 2) == derived_seed(5, 1, 2)


def test_seeding_reaches_all_three_generators() -> None:
    drawn = []
    for _ in range(2):
        seed_everything(2**32 - 1)
        drawn.append((random.random(), np.random.random(), float(torch.rand(1))))
    assert drawn[0] == drawn[1]


def test_timed_choices_are_switched_off_however_deep_they_are_nested() -> None:
    class Blur:
        def __init__(self) -> None:
            self.benchmark = True

    class Wrapped:
        def __init__(self, **parts: object) -> None:
            vars(self).update(parts)

    blurs = [Blur(), Blur(), Blur()]
    pin_choices_made_by_timing(
        Wrapped(transforms=[Wrapped(transform=blurs[0]), blurs[1], Wrapped(transforms=[Wrapped(transform=blurs[2])])])
    )
    assert [blur.benchmark for blur in blurs] == [False] * 3
    pin_choices_made_by_timing(Wrapped(transforms=None, transform=None))
