"""Walking through a table group by group."""

from collections.abc import Iterator

import pandas as pd

NETWORK: tuple[str, ...] = ("dataset", "architecture", "network", "plans", "configuration")
"""The columns that tell one network from another; ``network`` is the trainer without its seed."""


def groups(table: pd.DataFrame, *columns: str) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """The groups of rows that agree in ``columns`` (of words), as (values, rows), in the table's own order."""
    for values, rows in table.groupby(list(columns), sort=False):
        yield tuple(str(value) for value in values), rows
