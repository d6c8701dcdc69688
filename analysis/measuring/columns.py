"""Walking through a table group by group."""

from collections.abc import Iterator

import pandas as pd

NETWORK: tuple[str, ...] = ("dataset", "architecture", "network", "plans", "configuration")
"""The columns that tell one network from another; ``network`` is the trainer without its seed."""
NetworkKey = tuple[str, str, str, str]
"""Architecture, trainer without seed, plans, configuration."""
TRAINING: tuple[str, ...] = (*NETWORK, "trainer", "fold", "seed")
"""The columns that tell one training from another; a network's trainings are its replicates.

The seed is a column of its own: a table of predictions may name it where no trainer's name does.
"""


def groups(table: pd.DataFrame, *columns: str) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """The groups of rows that agree in ``columns``, as (values as words, rows), in the table's own order.

    What isn't known (a seed) is a value like any other, and an empty word.
    """
    for values, rows in table.groupby(list(columns), sort=False, dropna=False):
        yield tuple("" if value is pd.NA or value != value else str(value) for value in values), rows
