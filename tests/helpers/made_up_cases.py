"""Tables of cases as measuring makes them, from numbers alone."""

import itertools
from collections.abc import Sequence

import pandas as pd

LEVELS = ("hardest", "unperturbed", "easiest")


def table(
    dsc: dict[str, dict[str, Sequence[float]]],
    disparity: Sequence[float] = (1.0, 2.0, 4.0),
    levels: Sequence[str] = LEVELS,
    **columns: object,
) -> pd.DataFrame:
    """The table of cases from each network's and case's DSC by level; distances are 10 · (1 - DSC)."""
    rows = []
    for (network, cases), (index, level) in itertools.product(dsc.items(), enumerate(levels)):
        for number, (case, values) in enumerate(cases.items()):
            value = values[index]
            rows.append(
                {
                    "dataset": "D", "architecture": network, "trainer": network, "network": network, "plans": "p",
                    "configuration": "2d", "fold": "0", "seed": pd.NA, "level": level, "case": case,
                    "group": f"g{case}", "label": "a", "disparity": disparity[index], "dsc": value,
                    **dict.fromkeys(("hd", "hd95", "assd"), 10 * (1 - value)), "nsd": value,
                    "reference_size": 100 + 50 * number, "predicted_size": round(1000 * value) + 7 * number,
                    "outcome": "both" if value else "missed", "image_size": 4000, "trained_on": "", "training": "",
                    "reference_level": "unperturbed", "degenerate": False, **columns,
                }
            )  # fmt: skip
    return pd.DataFrame(rows)
