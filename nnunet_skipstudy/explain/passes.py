"""One pass of a network, with all that went into each decoder stage, and what is decoded where some of it is changed.

The encoder runs once an image. Of the decoder nothing is computed twice: what a module makes is known by the very
tensors that went into it, so a changed pass takes over what the change doesn't reach, from whichever pass had it.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from nnunet_skipstudy.architectures.network import SkipUNet, refuse_other_networks
from nnunet_skipstudy.architectures.skips import AttentionGate, Concatenate, NestedPathway, Skip
from nnunet_skipstudy.errors import UserError

MOST_KEPT = 2**29
"""Bytes of what changed passes made that are kept for the next ones."""


class Site(NamedTuple):
    """A feature map that a decoder stage is made from.

    ``below`` False: the encoder's features of ``level`` (0 = full resolution), which its skip hands on. True: what
    comes up to that level's stage from the stage below, before up-sampling; from the bottleneck at the deepest level.
    """

    level: int
    below: bool = False


@dataclass(frozen=True)
class Pass:
    """What one image became: ``maps`` by site, each decoder stage's output by level, logits."""

    maps: Mapping[Site, Tensor]
    stages: Mapping[int, Tensor]
    logits: Tensor

    @property
    def bottleneck(self) -> Tensor:
        """The encoder's last output."""
        return self.maps[max(site for site in self.maps if site.below)]


@dataclass(frozen=True)
class _Stage:
    """A decoder's stage, of its input as its skip joins it."""

    stage: nn.Module
    skip: Skip

    def __call__(self, upsampled: Tensor, coarser: Tensor, *row: Tensor) -> Tensor:
        made: Tensor = self.stage(self.skip(upsampled, list(row), coarser))
        return made


@dataclass(frozen=True)
class _Node:
    """A node of a nested pathway, of the up-sampled one and those before it."""

    block: nn.Module

    def __call__(self, *joined: Tensor) -> Tensor:
        made: Tensor = self.block(torch.cat(joined, 1))
        return made


class _Made:
    """What was made of which tensors.

    All that the images' own passes made is kept, of changed passes the latest :data:`MOST_KEPT` bytes.
    """

    def __init__(self) -> None:
        self.own = True
        self._own: dict[tuple[object, ...], tuple[Tensor, ...]] = {}
        self._latest: dict[tuple[object, ...], tuple[Tensor, ...]] = {}
        self._free = MOST_KEPT

    def once(self, make: Callable[..., Tensor], *given: Tensor) -> Tensor:
        """``make(*given)``, or what it was before; what was given is kept with it, so that no other takes its id."""
        key = (make, *map(id, given))
        if known := self._own.get(key) or self._latest.get(key):
            return known[-1]
        made = make(*given)
        (self._own if self.own else self._latest)[key] = (*given, made)
        if not self.own:
            self._free -= made.nbytes
            while self._free < 0:
                self._free += self._latest.pop(next(iter(self._latest)))[-1].nbytes
        return made


class OpenNetwork:
    """A network whose passes can be looked into and changed; nothing in it is.

    Ours with any skips, and nnU-Net's PlainConvUNet and ResidualEncoderUNet, whose skips concatenate.

    Attributes:
        n_levels: levels with a decoder stage.
        skip_levels: those of them whose skip hands something on, full resolution first.
    """

    def __init__(self, network: Any) -> None:
        """Open it.

        Raises:
            UserError: it is no U-Net whose parts are known.
        """
        network = getattr(network, "_orig_mod", network)  # where torch has compiled it
        if not isinstance(network, SkipUNet):
            refuse_other_networks(network, f"the training builds {type(network).__name__}")
        self.network = network
        self._decoder: Any = network.decoder
        self.n_levels = len(self._decoder.stages)
        channels = network.encoder.output_channels[-2::-1]
        self._skips: Any = getattr(self._decoder, "skips", None) or [Concatenate(n) for n in channels]
        self.forget()
        self.skip_levels = [level for level in range(self.n_levels) if self._skip(level).row_length]

    def _skip(self, level: int) -> Skip:
        skip: Skip = self._skips[self.n_levels - 1 - level]
        return skip

    def run(self, images: Tensor) -> Pass:
        """A pass as the network's own; ``images`` (batch, input channels, *size)."""
        return self.passes([images])[0]

    def passes(self, images: Sequence[Tensor]) -> list[Pass]:
        """Passes as the network's own, that share with those changed from them; those before share no longer."""
        self.forget()
        found = [self._decode(self._encoded(one), ()) for one in images]
        self._made.own = False
        return found

    def forget(self) -> None:
        """Give back the memory of what passes share."""
        self._made = _Made()

    def changed(self, base: Pass, changes: Mapping[Site, Tensor]) -> Pass:
        """The pass that ``base`` becomes with other feature maps at some sites; all above them follows."""
        return self._decode({**base.maps, **changes}, changes)

    def _encoded(self, images: Tensor) -> dict[Site, Tensor]:
        features = self.network.encoder(images)
        maps = {Site(level): features[level] for level in range(self.n_levels)}
        return {**maps, Site(self.n_levels - 1, True): features[-1]}

    def _decode(self, maps: dict[Site, Tensor], changed: Container[Site]) -> Pass:
        """What follows from ``maps``; of what comes from below only those ``changed`` stay as they are."""
        stages: dict[int, Tensor] = {}
        for level, stage, given in self._inputs(maps):
            stages[level] = self._made.once(stage, *given)
            if level and Site(level - 1, True) not in changed:
                maps[Site(level - 1, True)] = stages[level]
        return Pass(maps, stages, self._decoder.seg_layers[-1](stages[0]))

    def _inputs(self, maps: Mapping[Site, Tensor]) -> Iterator[tuple[int, _Stage, list[Tensor]]]:
        """Each level from the deepest up, with its stage and what goes into it: up-sampled, coarser, the row."""
        row: list[Tensor] = []
        for s, stage in enumerate(self._decoder.stages):
            level = self.n_levels - 1 - s
            coarser, skip = maps[Site(level, True)], self._skip(level)
            row = self._row(skip, maps[Site(level)], row)
            yield level, _Stage(stage, skip), [self._made.once(self._decoder.transpconvs[s], coarser), coarser, *row]

    def _row(self, skip: Skip, features: Tensor, below: list[Tensor]) -> list[Tensor]:
        """The skip's own row; of a nested pathway node by node."""
        if not isinstance(skip, NestedPathway):
            return skip.row(features, below)
        nodes = [features]
        for upsampling, block, node in zip(skip.upsamplings, skip.blocks, below, strict=True):
            nodes.append(self._made.once(_Node(block), self._made.once(upsampling, node), *nodes))
        return nodes

    def handed(self, found: Pass) -> dict[int, Tensor]:
        """What each level's skip hands on in a pass, gated or nested as it is, by level."""
        inputs = {level: (stage.skip, given) for level, stage, given in self._inputs(found.maps) if given[2:]}
        return {
            level: skip(upsampled, row, coarser)[:, upsampled.shape[1] :]
            for level, (skip, (upsampled, coarser, *row)) in inputs.items()
        }

    @property
    def gated_levels(self) -> list[int]:
        """The levels whose skip is an attention gate."""
        return [level for level in self.skip_levels if isinstance(self._skip(level), AttentionGate)]

    def attention(self, found: Pass) -> list[Tensor]:
        """The weights of each of :attr:`gated_levels` in a pass, (batch, 1, *size of the level)."""
        gates: list[Any] = [self._skip(level) for level in self.gated_levels]
        places = zip(self.gated_levels, gates, strict=True)
        return [gate.attention(found.maps[Site(level)], found.maps[Site(level, True)]) for level, gate in places]

    def check(self, images: Tensor) -> None:
        """See that a pass taken apart is the network's own, bit by bit on a CPU.

        Raises:
            UserError: it is not: the network does more than its parts tell.
        """
        with torch.inference_mode():
            ours, theirs = self.run(images).logits, self.network(images)
        exact = images.device.type == "cpu"
        if not (torch.equal(ours, theirs) if exact else torch.allclose(ours, theirs, rtol=1e-3, atol=1e-3)):
            raise UserError(
                f"{type(self.network).__name__}: its prediction is not what its encoder and decoder make one after the "
                "other, so it can't be taken apart; explain a training of this package's or of nnU-Net's own networks"
            )
