"""One pass of a network, with all that went into each decoder stage, and what is decoded where some of it is changed.

The encoder runs once an image; what differs between interventions is decoded anew from the deepest change on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from nnunet_skipstudy.architectures.network import SkipUNet, refuse_other_networks
from nnunet_skipstudy.architectures.skips import AttentionGate, Concatenate, Skip
from nnunet_skipstudy.errors import UserError


class Site(NamedTuple):
    """A feature map that a decoder stage is made from.

    ``below`` False: the encoder's features of ``level`` (0 = full resolution), which its skip hands on. True: what
    comes up to that level's stage from the stage below, before up-sampling; from the bottleneck at the deepest level.
    """

    level: int
    below: bool = False


@dataclass(frozen=True)
class Pass:
    """What one image became: ``maps`` by site, the rows of skips before each decoder stage (deepest first), logits.

    ``handed``: what each level's skip hands on, gated or nested as it is, by level; ``stages``: each decoder stage's
    output, by level.
    """

    maps: Mapping[Site, Tensor]
    rows: tuple[list[Tensor], ...]
    logits: Tensor
    handed: Mapping[int, Tensor]
    stages: Mapping[int, Tensor]

    @property
    def bottleneck(self) -> Tensor:
        """The encoder's last output."""
        return self.maps[max(site for site in self.maps if site.below)]


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
        self.skip_levels = [level for level in range(self.n_levels) if self._skip(level).row_length]

    def _skip(self, level: int) -> Skip:
        skip: Skip = self._skips[self.n_levels - 1 - level]
        return skip

    def sites(self) -> list[Site]:
        """All of them: skips from full resolution down, then what comes from below, deepest last."""
        return [*map(Site, self.skip_levels), *(Site(level, True) for level in range(self.n_levels))]

    def run(self, images: Tensor) -> Pass:
        """A pass as the network's own; ``images`` (batch, input channels, *size)."""
        features = self.network.encoder(images)
        maps = {Site(level): features[level] for level in range(self.n_levels)}
        return self._decode({**maps, Site(self.n_levels - 1, True): features[-1]}, (), {})

    def changed(self, base: Pass, changes: Mapping[Site, Tensor]) -> Pass:
        """The pass that ``base`` becomes with other feature maps at some sites; all above them follows."""
        first = self.n_levels - 1 - max(site.level for site in changes)
        return self._decode(base.maps, base.rows[: first + 1], changes)

    def _decode(
        self, known: Mapping[Site, Tensor], rows: tuple[list[Tensor], ...], changes: Mapping[Site, Tensor]
    ) -> Pass:
        first = max(0, len(rows) - 1)
        kept: list[list[Tensor]] = list(rows) or [[]]
        maps = {**known, **changes}
        handed: dict[int, Tensor] = {}
        stages: dict[int, Tensor] = {}
        row, decoder = kept[first], self._decoder
        for s in range(first, self.n_levels):
            level = self.n_levels - 1 - s
            skip, x = self._skip(level), maps[Site(level, True)]
            row = skip.row(maps[Site(level)], row)
            upsampled = decoder.transpconvs[s](x)
            joined = skip(upsampled, row, x)
            if row:
                handed[level] = joined[:, upsampled.shape[1] :]
            x = stages[level] = decoder.stages[s](joined)
            kept.append(row)
            if level and Site(level - 1, True) not in changes:
                maps[Site(level - 1, True)] = x
        return Pass(maps, tuple(kept[: self.n_levels]), decoder.seg_layers[-1](x), handed, stages)

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
