"""What tells one network, and one training, from another in a table; and walking through it group by group."""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from nnunet_skipstudy.registry import METRICS


class NetworkKey(NamedTuple):
    """The columns that tell one network of a data set from another; ``network`` is the trainer without its seed."""

    architecture: str
    network: str
    plans: str
    configuration: str

    def trained_alike(self, architecture: str) -> "NetworkKey":
        """The network of another architecture trained alike, as far as the trainers' names tell."""
        prefix, other = (f"nnUNetTrainer{name}" for name in (self.architecture, architecture))
        suffixes = self.network.removeprefix(prefix)
        network = f"{other}{suffixes}" if self.network.startswith(prefix) else self.network
        return self._replace(architecture=architecture, network=network)


class TrainingKey(NamedTuple):
    """The columns that tell one training from another; a network's trainings are its replicates.

    The seed is a column of its own: a table of predictions may name it where no trainer's name does.
    """

    dataset: str
    architecture: str
    network: str
    plans: str
    configuration: str
    trainer: str
    fold: str
    seed: str


NETWORK: tuple[str, ...] = ("dataset", *NetworkKey._fields)
TRAINING: tuple[str, ...] = TrainingKey._fields
PUBLISHED: tuple[str, ...] = tuple(name.replace("network", "trainer") for name in NetworkKey._fields)
"""A network's columns in the tables of results, where ``trainer`` is without its seed."""


def metrics_of(cases: pd.DataFrame) -> list[str]:
    """The metrics that a table of cases has; one of another's scores may lack some, not the DSC."""
    return [name for name in METRICS if name in cases.columns]


def network_keys(table: pd.DataFrame, columns: tuple[str, ...] = NetworkKey._fields) -> list[NetworkKey]:
    """The network of each row."""
    return [NetworkKey(*values) for values in table[list(columns)].itertuples(index=False, name=None)]


def groups(table: pd.DataFrame, *columns: str) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    """The groups of rows that agree in ``columns``, as (values as words, rows), in the table's own order.

    What isn't known (a seed) is a value like any other, and an empty word.
    """
    for values, rows in table.groupby(list(columns), sort=False, dropna=False):
        yield tuple("" if value is pd.NA or value != value else str(value) for value in values), rows


def by_network(table: pd.DataFrame) -> Iterator[tuple[NetworkKey, pd.DataFrame]]:
    """As :func:`groups`, by network."""
    return ((NetworkKey(*values), rows) for values, rows in groups(table, *NetworkKey._fields))
