"""How a network is called and drawn: the registry's colours for the study's, others for anybody else's."""

from collections.abc import Iterable
from dataclasses import dataclass

from nnunet_skipstudy.analysis.predictions import architecture_order
from nnunet_skipstudy.registry import ARCHITECTURES, level_alpha

NetworkKey = tuple[str, str, str, str]
"""Architecture, trainer without seed, plans, configuration."""

OTHER_GROUP = "other"
# Paul Tol's muted scheme: told apart from each other under colour-vision deficiency, and not the registry's.
OTHER_COLOURS = ("#332288", "#882255", "#999933", "#AA4499", "#44AA99", "#777777")
OTHER_MARKERS = ("P", "X", "<", ">", "p", "h")


@dataclass(frozen=True)
class Look:
    """One network's title, group and strokes; ``hollow`` markers tell variants of one architecture apart."""

    title: str
    group: str
    colour: str
    dashes: str
    marker: str
    hollow: bool = False


def looks(networks: Iterable[NetworkKey]) -> dict[NetworkKey, Look]:
    """A look for each network, in the order of tables and legends."""
    keys = sorted(set(networks), key=lambda key: (architecture_order(key[0]), key[1:]))
    others = [name for name in dict.fromkeys(key[0] for key in keys) if name not in ARCHITECTURES]
    return {key: _look(key, [k for k in keys if k[0] == key[0]], others) for key in keys}


def _look(key: NetworkKey, variants: list[NetworkKey], others: list[str]) -> Look:
    known = ARCHITECTURES.get(key[0])
    hollow = variants.index(key) > 0
    detail = _detail(key, variants)
    if known:
        title = f"{known.title} ({detail})" if detail else known.title
        return Look(title, known.group.value, known.colour, known.dashes, known.marker, hollow)
    index = others.index(key[0]) % len(OTHER_COLOURS)
    title = f"{key[0]} ({detail})" if detail else key[0]
    return Look(title, OTHER_GROUP, OTHER_COLOURS[index], "-", OTHER_MARKERS[index], hollow)


def _detail(key: NetworkKey, variants: list[NetworkKey]) -> str:
    """What tells a network from the other variants of its architecture."""
    if len(variants) == 1:
        return ""
    words = []
    if len({variant[1] for variant in variants}) > 1:
        words.append(key[1].removeprefix(f"nnUNetTrainer{key[0]}").strip("_").replace("_", " ") or "default")
    words += [key[i] for i in (2, 3) if len({variant[i] for variant in variants}) > 1]
    return ", ".join(words)


def trained_alike(key: NetworkKey, architecture: str) -> NetworkKey:
    """The network of another architecture trained alike, as far as the trainers' names tell."""
    prefix = f"nnUNetTrainer{key[0]}"
    trainer = f"nnUNetTrainer{architecture}{key[1].removeprefix(prefix)}" if key[1].startswith(prefix) else key[1]
    return (architecture, trainer, *key[2:])


def level_title(level: str) -> str:
    """A level's name on an axis: the bare alpha of a synthetic level."""
    alpha = level_alpha(level)
    return level if alpha is None else f"{alpha:.2f}"


def training_title(training: str, among_others: bool = False) -> str:
    """What a group of folds was trained on, in words; empty where there is nothing to tell it from."""
    if not training:
        return "trained on all levels of texture" if among_others else ""
    alpha = level_alpha(training)
    return f"trained on {training}" if alpha is None else f"trained on alpha {alpha:.2f}"
