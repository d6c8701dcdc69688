"""The trainer behind all trainers of the study: nnU-Net's, with another network and the options of its name."""

import inspect
import math
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from batchgenerators.dataloading.nondet_multi_threaded_augmenter import NonDetMultiThreadedAugmenter
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer
from torch import nn

from nnunet_skipstudy.architectures.matching import built_by_name, plan_of
from nnunet_skipstudy.architectures.network import SkipUNet, build_network, redecoded
from nnunet_skipstudy.errors import UserError
from nnunet_skipstudy.nnunet.trainer_name import TrainerName, TrainerOptions
from nnunet_skipstudy.support.version import __version__
from nnunet_skipstudy.support.working_folder import remove_leftovers, working_folder
from nnunet_skipstudy.training.mixing import refuse_untrue_mixtures
from nnunet_skipstudy.training.origin import Plugin
from nnunet_skipstudy.training.seeding import (
    AT_EPOCH,
    AT_START,
    FOR_WORKER,
    derived_seed,
    pin_choices_made_by_timing,
    seed_everything,
)
from nnunet_skipstudy.training.spatial_augmentation import label_transforms, spatial_transforms

CHECKPOINT_EVERY_EPOCHS = 10
"""How often ``checkpoint_latest.pth`` is written; nnU-Net's 50 loses too much of a short training."""
EPOCHS_VARIABLE = "SKIPSTUDY_CHECKPOINT_EPOCHS"
"""The environment variable that sets another number of epochs between checkpoints."""
MINUTES_VARIABLE = "SKIPSTUDY_CHECKPOINT_MINUTES"
"""The environment variable that asks for a checkpoint after so many minutes too, at the end of an epoch."""


def _number(variable: str) -> float | None:
    """A positive number from the environment; None where there is none."""
    text = os.environ.get(variable, "")
    try:
        value = float(text) if text else 0.0
    except ValueError:
        raise UserError(f"{variable}={text!r}: not a number; give one or unset it") from None
    return value if value > 0 else None


class OtherWidths:
    """A configuration of nnU-Net's whose network has other ``arch_kwargs``; everything else is its own."""

    def __init__(self, configuration: Any, arch_kwargs: Mapping[str, Any]) -> None:
        self.network_arch_init_kwargs = dict(arch_kwargs)
        self._configuration = configuration

    def __getattr__(self, name: str) -> Any:
        return getattr(self._configuration, name)


class SkipStudyTrainer(nnUNetTrainer):  # type: ignore[misc]  # nnU-Net is untyped
    """nnU-Net's training with a network of the study.

    Subclasses set ``architecture``; those made for a name with suffixes set ``options`` too. With the default options
    everything but the network, the checkpoint interval and atomic checkpoint writing is nnU-Net's own.
    """

    architecture: ClassVar[str]
    options: ClassVar[TrainerOptions] = TrainerOptions()

    enable_deep_supervision: bool
    num_iterations_per_epoch: int
    num_val_iterations_per_epoch: int
    my_init_kwargs: dict[str, Any]
    _best_ema: float | None
    network: nn.Module

    def __init_subclass__(cls) -> None:
        """Refuse a mixture with other trainers that would train something else than its names say."""
        super().__init_subclass__()
        refuse_untrue_mixtures(cls, SkipStudyTrainer)

    def __init__(
        self,
        plans: dict[str, Any],
        configuration: str,
        fold: int,
        dataset_json: dict[str, Any],
        device: torch.device = torch.device("cuda"),  # noqa: B008  # nnU-Net copies this signature's names
    ) -> None:
        super().__init__(plans, configuration, fold, dataset_json, device)
        self.save_every = max(1, int(_number(EPOCHS_VARIABLE) or CHECKPOINT_EVERY_EPOCHS))
        self._checkpoint_minutes = _number(MINUTES_VARIABLE)
        self._last_checkpoint = time.monotonic()
        if not self.options.deep_supervision:
            self.enable_deep_supervision = False
        if self.options.epochs is not None:
            self.num_epochs = self.options.epochs
        if self.options.iterations is not None:
            share = self.num_val_iterations_per_epoch / self.num_iterations_per_epoch
            self.num_iterations_per_epoch = self.options.iterations
            self.num_val_iterations_per_epoch = max(1, round(share * self.options.iterations))

    @classmethod
    def build_network_architecture(
        cls,
        plans_manager: Any,
        configuration_manager: Any,
        num_input_channels: int,
        num_output_channels: int,
        enable_deep_supervision: bool = True,
    ) -> nn.Module:
        """The architecture's network on this configuration; nnU-Net calls it at training and at inference.

        Where a trainer that this one is mixed with builds its own, that one's encoder is decoded with our skips.
        """
        channels = (num_input_channels, num_output_channels)
        name = TrainerName(cls.architecture, cls.options)
        own, size = plan_of(configuration_manager), configuration_manager.patch_size
        plan, decoding = built_by_name(name, own, size, channels, deep_supervision=enable_deep_supervision)
        theirs = super().build_network_architecture
        if theirs is nnUNetTrainer.build_network_architecture:
            network = build_network(cls.architecture, *plan, *channels, **decoding)
        else:
            source = theirs.__qualname__.split(".")[-2]
            if "plans_manager" not in inspect.signature(theirs).parameters:
                raise UserError(f"{source}: its build_network_architecture has nnU-Net's old signature; update it")
            scaled = OtherWidths(configuration_manager, plan[1])
            stock = theirs(plans_manager, scaled, *channels, decoding["deep_supervision"])
            network = redecoded(stock, source, cls.architecture, num_input_channels, **decoding)
            if cls.options.matched and list(network.encoder.output_channels) != plan[1]["features_per_stage"]:
                raise UserError(f"{source} builds with widths of its own, which aren't matched; leave '_matched' out")
        if not decoding["deep_supervision"]:
            # Only the last head is ever reached; DDP stops on parameters that wait for a gradient in vain.
            for head in network.decoder.seg_layers[:-1]:
                head.requires_grad_(False)
        return network

    # Seeds

    def initialize(self) -> None:
        """Build network, optimizer and loss; with a seed the initial weights follow from it."""
        name = type(self).__name__
        if self.options.full_resolution_heads and not self.enable_deep_supervision:
            raise UserError(f"{name}: _fullresDS and a trainer without deep supervision contradict; keep one of them")
        self._seed(AT_START)
        super().initialize()
        if not any(isinstance(module, SkipUNet) for module in self.network.modules()):
            raise UserError(
                f"{name}: a trainer that ours is mixed with builds its network elsewhere than in "
                "build_network_architecture, so ours wouldn't be trained; build it there"
            )

    def on_epoch_start(self) -> None:
        """Seed from (seed, epoch), so that a resumed training draws what an undisturbed one draws."""
        super().on_epoch_start()
        self._seed(AT_EPOCH, self.current_epoch)

    def _seed(self, *position: int) -> None:
        if self.options.seed is not None:
            # Under DDP each rank draws other patches; the network's weights are rank 0's on all of them.
            seed_everything(derived_seed(self.options.seed, *position, self.local_rank))

    def get_dataloaders(self) -> tuple[Any, Any]:
        """nnU-Net's augmenters; with a seed their worker processes are seeded too.

        Batches of several workers still arrive in an order that depends on timing: only ``nnUNet_n_proc_DA=0`` is
        reproducible bit for bit.
        """
        loaders: tuple[Any, Any] = super().get_dataloaders()
        if self.options.seed is not None:
            for which, loader in enumerate(loaders):
                if isinstance(loader, NonDetMultiThreadedAugmenter):
                    loader._finish()
                    position = (FOR_WORKER, which, self.current_epoch, self.local_rank)
                    loader.seeds = [
                        derived_seed(self.options.seed, *position, worker) for worker in range(loader.num_processes)
                    ]
        return loaders

    # Augmentation

    def configure_rotation_dummyDA_mirroring_and_inital_patch_size(self) -> tuple[Any, ...]:  # noqa: N802
        """Nothing rotates by odd angles in the spatial augmentation, so it needs no larger initial patch."""
        rotation, dummy_2d, initial_patch_size, mirror_axes = (
            super().configure_rotation_dummyDA_mirroring_and_inital_patch_size()
        )
        if self.options.spatial_augmentation:
            initial_patch_size = self.configuration_manager.patch_size
        return rotation, dummy_2d, initial_patch_size, mirror_axes

    def get_training_transforms(
        self,
        patch_size: Sequence[int],
        rotation_for_DA: Any,  # noqa: N803  # nnU-Net's name
        deep_supervision_scales: Any,
        mirror_axes: Sequence[int] | None,
        do_dummy_2d_data_aug: bool,
        **labels: Any,
    ) -> BasicTransform:
        """nnU-Net's augmentation, or the spatial one; with a seed no step of it is chosen by timing."""
        transforms: BasicTransform = super().get_training_transforms(
            patch_size, rotation_for_DA, deep_supervision_scales, mirror_axes, do_dummy_2d_data_aug, **labels
        )
        if self.options.spatial_augmentation:
            spacing = self.configuration_manager.spacing[-len(patch_size) :]
            return spatial_transforms(patch_size, spacing, mirror_axes, label_transforms(transforms))
        if self.options.seed is not None:
            pin_choices_made_by_timing(transforms)
        return transforms

    # Deep supervision: at full resolution, and of plans of two stages

    def _get_deep_supervision_scales(self) -> list[list[float]] | None:
        scales: list[list[float]] | None = super()._get_deep_supervision_scales()
        if self.options.full_resolution_heads and scales is not None:
            return [[1.0] * len(scale) for scale in scales]
        return scales

    def _build_loss(self) -> nn.Module:
        with np.errstate(invalid="ignore"):
            loss: nn.Module = super()._build_loss()
        if isinstance(loss, DeepSupervisionWrapper):
            # nnU-Net leaves the coarsest head out; in a plan of two stages it is the only one, and its weight 0 / 0.
            n_heads = len(loss.weight_factors)
            if self.options.full_resolution_heads or n_heads == 1:
                loss = DeepSupervisionWrapper(loss.loss, np.full(n_heads, 1 / n_heads))
        return loss

    # Checkpoints

    def on_train_start(self) -> None:
        """Remove what a training of this fold left half written when it was killed."""
        if self.local_rank == 0:
            remove_leftovers(Path(self.output_folder))
        super().on_train_start()

    def on_epoch_end(self) -> None:
        """Write a checkpoint also when the last one is older than the minutes asked for."""
        every = self.save_every
        if self._checkpoint_minutes and time.monotonic() - self._last_checkpoint >= 60 * self._checkpoint_minutes:
            self.save_every = 1
        try:
            super().on_epoch_end()
        finally:
            self.save_every = every

    def save_checkpoint(self, filename: str) -> None:
        """Write a checkpoint whole or not at all: a killed training must find its last one readable.

        nnU-Net writes ``checkpoint_latest.pth`` before it has compared this epoch's pseudo Dice with the best one, so
        a resumed training would forget an epoch's record; here the record is brought up to date first.
        """
        if self.local_rank != 0 or self.disable_checkpointing:
            super().save_checkpoint(filename)
            return
        self.my_init_kwargs = {**self.my_init_kwargs, "made_by": Plugin(__version__)}
        target = Path(filename)
        best_before = self._best_ema
        if target.name == "checkpoint_latest.pth":
            self._best_ema = max(self._best_ema or -math.inf, self.logger.get_value("ema_fg_dice", step=-1))
            self._last_checkpoint = time.monotonic()
        try:
            with working_folder(target.parent) as folder:
                super().save_checkpoint(str(folder / target.name))
                (folder / target.name).replace(target)
        finally:
            self._best_ema = best_before
