"""A trained encoder for another variant: weights that nnU-Net's ``-pretrained_weights`` takes whole."""

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from nnunet_skipstudy.errors import UserError, shown
from nnunet_skipstudy.nnunet.trainer_name import without_seed
from nnunet_skipstudy.support.files import atomic_path
from nnunet_skipstudy.training.seeding import AT_START, derived_seed, seed_everything

ENCODER = "encoder."


def initial_weights(trainer: type[Any], manager: Any, configuration: str, description: Any) -> dict[str, Tensor]:
    """The weights that a training begins with: where the trainer's name has a seed, that training's very own.

    Args:
        trainer: nnU-Net's, ours or anybody's.
        manager: nnU-Net's of the plans.
        configuration: one of theirs.
        description: the content of ``dataset.json``.

    Raises:
        UserError: the trainer is written for an older nnU-Net.
    """
    from nnunetv2.utilities.label_handling.label_handling import determine_num_input_channels

    chosen = manager.get_configuration(configuration)
    n_inputs = determine_num_input_channels(manager, chosen, description)
    n_outputs = manager.get_label_manager(description).num_segmentation_heads
    if "plans_manager" not in inspect.signature(trainer.build_network_architecture).parameters:
        raise UserError(f"{trainer.__name__}: its build_network_architecture has nnU-Net's old signature; update it")
    seed = without_seed(trainer.__name__)[1]
    with torch.random.fork_rng(devices=[]):
        if seed is not None:
            seed_everything(derived_seed(seed, AT_START, 0))
        network = trainer.build_network_architecture(manager, chosen, n_inputs, n_outputs, True)
    weights: dict[str, Tensor] = network.state_dict()
    return weights


def read_weights(checkpoint: Path) -> tuple[dict[str, Tensor], str]:
    """A checkpoint's weights and trainer's name, empty for none. Raises UserError: it can't be read, or is none."""
    try:
        content = torch.load(checkpoint, map_location="cpu", weights_only=False)
        weights: dict[str, Tensor] = dict(content["network_weights"])
    except Exception as error:  # whatever unpickling meets
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{checkpoint}: can't be read as a checkpoint of nnU-Net's ({reason}); give another") from error
    return weights, str(content.get("trainer_name", ""))


def transferred(source: Mapping[str, Tensor], initial: Mapping[str, Tensor], whose: str) -> dict[str, Tensor]:
    """The ``initial`` weights of a network with the encoder of ``source``; neither is changed.

    Raises:
        UserError: the encoders differ: nothing is left out, or taken in part; ``whose`` names the source.
    """
    theirs, ours = ({k: w for k, w in weights.items() if k.startswith(ENCODER)} for weights in (source, initial))
    remedy = "transfer between networks of one plan, whose stages and widths are alike (a U-Net's and a V-Net's aren't)"
    if not ours:
        raise UserError(f"the network to be trained has no weights under {ENCODER!r}, so no encoder; {remedy}")
    for key in [*ours, *theirs]:
        if key not in theirs or key not in ours:
            raise UserError(f"{whose}: {key} is in one of the two encoders only; {remedy}")
        if theirs[key].shape != ours[key].shape:
            shapes = f"{tuple(theirs[key].shape)}, not {tuple(ours[key].shape)}"
            raise UserError(f"{whose}: {key} has the shape {shapes}; {remedy}")
    # A decoder of nnU-Net's holds the encoder too, under a second name.
    second = {f"decoder.{key}": weight for key, weight in theirs.items() if f"decoder.{key}" in initial}
    return {**initial, **theirs, **second}


def words_of(weights: Mapping[str, Tensor], *, encoder: bool) -> str:
    """How much there is of an encoder, or beside it, each weight counted under one name."""
    again = (f"decoder.{ENCODER}", ".all_modules.")  # second names of nnU-Net's blocks
    own = {key: weight for key, weight in weights.items() if not any(part in key for part in again)}
    chosen = [weight for key, weight in own.items() if key.startswith(ENCODER) is encoder]
    return f"{len(chosen)} tensors, {sum(weight.numel() for weight in chosen):,} numbers"


def write_weights(path: Path, weights: Mapping[str, Tensor], **beside: str) -> None:
    """Write weights where ``-pretrained_weights`` reads them, and words beside them; whole or not at all.

    Raises:
        UserError: it can't be written there.
    """
    try:
        with atomic_path(path) as temporary:
            torch.save({"network_weights": dict(weights), **beside}, temporary)
    except (OSError, RuntimeError) as error:
        raise UserError(f"{shown(str(path))}: can't be written ({error}); give another -o") from error
