"""How a network is called and drawn: the registry's colours for the study's, others for anybody else's."""

from collections.abc import Iterable
from dataclasses import dataclass

from nnunet_skipstudy.analysis.inputs.runs import architecture_order
from nnunet_skipstudy.analysis.measuring.columns import NetworkKey
from nnunet_skipstudy.registry import ARCHITECTURES, OTHER_GROUP, level_alpha

# Paul Tol's muted scheme: told apart from each other under colour-vision deficiency, and not the registry's.
OTHER_COLOURS = ("#332288", "#882255", "#999933", "#AA4499", "#44AA99", "#777777")
OTHER_MARKERS = ("P", "X", "<", ">", "p", "h")
# Variants of one architecture keep its hue and dashes; the first is the architecture's own look.
VARIANT_SHADES = (0.0, -0.4, 0.45, -0.65, 0.65)
"""Towards black (below 0) or white (above)."""
TOO_DARK = 75
"""Of 255, for a dark page; the registry's blue, 87, is not."""
VARIANT_MARKERS = ("", "X", "P", "<", "p")
VARIANT_HATCHES = ("", "////", "....", "xxxx", "----")


@dataclass(frozen=True)
class Look:
    """One network's title, group, strokes, and the hatch of its areas.

    Marks are filled; hollow ones are left to networks that aren't ranked.
    """

    title: str
    group: str
    colour: str
    dashes: str
    marker: str
    hatch: str = ""


Looks = dict[NetworkKey, Look]


def looks(networks: Iterable[NetworkKey]) -> Looks:
    """A look for each network, in the order of tables and legends."""
    keys = sorted(set(networks), key=lambda key: (architecture_order(key.architecture), key))
    others = [name for name in dict.fromkeys(key.architecture for key in keys) if name not in ARCHITECTURES]
    return {key: _look(key, [k for k in keys if k.architecture == key.architecture], others) for key in keys}


def _look(key: NetworkKey, variants: list[NetworkKey], others: list[str]) -> Look:
    known = ARCHITECTURES.get(key.architecture)
    detail = _detail(key, variants)
    title = known.title if known else key.architecture
    if known:
        group, colour, dashes, marker = known.group.value, known.colour, known.dashes, known.marker
    else:
        round_, index = divmod(others.index(key.architecture), len(OTHER_COLOURS))
        shape = OTHER_MARKERS[(index + round_) % len(OTHER_MARKERS)]  # each colour with another mark in each round
        group, colour, dashes, marker = OTHER_GROUP, OTHER_COLOURS[index], "-", shape
    variant = variants.index(key) % len(VARIANT_SHADES)
    return Look(
        f"{title} ({detail})" if detail else title,
        group,
        shade(colour, VARIANT_SHADES[variant]),
        dashes,
        marker if variant == 0 else "h" if VARIANT_MARKERS[variant] == marker else VARIANT_MARKERS[variant],
        VARIANT_HATCHES[variant],
    )


def shade(colour: str, amount: float) -> str:
    """A colour ``#rrggbb`` mixed with black (``amount`` below 0) or white (above); black goes towards white only."""
    channels = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    if amount < 0 and not any(channels):
        amount *= -0.6  # other greys than those of the lighter shades
    target = 255 if amount > 0 else 0
    mixed = [round(channel + (target - channel) * abs(amount)) for channel in channels]
    return "#" + "".join(f"{channel:02X}" for channel in mixed)


def is_dark(colour: str) -> bool:
    """Whether a colour ``#rrggbb`` is hard to see on black."""
    return _brightness(colour) < 110


def _brightness(colour: str) -> float:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.3 * red + 0.59 * green + 0.11 * blue


def on_dark(colour: str) -> str:
    """The colour as it can be seen on a dark page."""
    return shade(colour, 0.55) if _brightness(colour) < TOO_DARK else colour


def _detail(key: NetworkKey, variants: list[NetworkKey]) -> str:
    """What tells a network from the other variants of its architecture."""
    if len(variants) == 1:
        return ""
    words = []
    if len({variant.network for variant in variants}) > 1:
        suffixes = key.network.removeprefix(f"nnUNetTrainer{key.architecture}").strip("_")
        words.append(suffixes.replace("_", " ") or "default")
    for name in ("plans", "configuration"):
        words += [getattr(key, name)] if len({getattr(variant, name) for variant in variants}) > 1 else []
    return ", ".join(words)


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
