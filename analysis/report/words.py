"""Numbers in words: means with intervals, p-values, lists."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

PER_CENT = "\u00a0%"
"""With a space that ends no line."""


def number(value: float | None, sign: bool = False) -> str:
    """Three decimals, two from 10 on; a dash where there is none."""
    if value is None or pd.isna(value):
        return "–"
    value = float(value) + 0.0
    decimals = 3 if abs(value) < 10 else 2
    text = f"{value:+.{decimals}f}" if sign else f"{value:.{decimals}f}"
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share in whole per cent; a dash where there is none."""
    return "–" if pd.isna(share) else f"{round(100 * share) + 0}{PER_CENT}".replace("-", "−")


def interval(estimate: float, low: float, high: float, sign: bool = False) -> str:
    """An estimate with its 95 % interval, where there is one."""
    if pd.isna(low) or pd.isna(high):
        return number(estimate, sign)
    return f"{number(estimate, sign)} [{number(low, sign)}, {number(high, sign)}]"


def p_value(value: float) -> str:
    """As papers print it: three decimals, never 0."""
    if not np.isfinite(value):
        return "no p-value"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def count(n: int, word: str) -> str:
    """``1 case``, ``2 cases``."""
    return f"{n} {word}" + ("" if n == 1 else "s")


def joined(words: Sequence[str]) -> str:
    """``a, b and c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def capital(sentence: str) -> str:
    """The sentence with a capital letter first."""
    return sentence[:1].upper() + sentence[1:]
