"""What every step of a study has to state."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nnunet_skipstudy.study.cell import Cell
from nnunet_skipstudy.study.places import Places

if TYPE_CHECKING:  # the process of a cell has no use for them, and they take their time to import
    from nnunet_skipstudy.study.ownership import DataFacts
    from nnunet_skipstudy.study.settings import Dataset, Study

Measured = dict[str, Any]
"""What a finished cell leaves in its marker."""


class About(Enum):
    """What a step has one cell for."""

    DATASET = "each data set"
    MODEL = "each network, fold, seed and augmentation of a data set"
    ELSEWHERE = "each of these on each other data set that it is tested on"
    STUDY = "the study as a whole"


@dataclass(frozen=True)
class Subject:
    """What one cell is about.

    ``base`` is the folder that relative paths of the study's file start from. ``model`` names the trained network:
    dataset, trainer, plans, configuration, fold; ``tested`` the other data set (``tested_on``), with its ``content``
    where others made it; either is empty where there is none, and ``dataset`` None for the study as a whole.
    """

    name: str
    study: "Study"
    facts: "DataFacts"
    base: Path
    dataset: "Dataset | None" = None
    model: Mapping[str, Any] = field(default_factory=dict)
    tested: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    """What a step is given to work with.

    ``command`` runs one of ``skipstudy`` by its arguments, in this process; ``progress`` is told the share done.
    """

    places: Places
    command: Callable[[list[str]], int]
    progress: Callable[[float], None] = lambda share: None


class NotYet(str):
    """What has to be there when it runs, and may be on its way: no reason to refuse the study."""


class Load(NamedTuple):
    """What a network has to compute: forward GFLOP of a patch, patches a batch, cases of a test level."""

    gflop: float
    batch: int
    test_cases: float


@dataclass(frozen=True)
class Step:
    """A kind of cell; settings, conduct and what was measured are JSON."""

    name: str  # in the study's file (resources), in keys and in printed tables
    about: About  # what there is one cell for
    settings: Callable[[Subject], dict[str, Any] | None]  # what decides the result; None: nothing is to be done
    run: Callable[[Cell, Work], Measured]  # does the work. It can be repeated: what is done already is not done again
    stands: Callable[[Cell, Places, str], bool]  # whether a finished cell's results are there, of a data set's name
    lines: Callable[[Cell, Places], Iterator[list[object]]]  # the same by hand, as words; a comment is one word with #
    seconds: float  # how long it takes without what a network computes
    # the steps that come before; in the place of one that does nothing, those that it needs
    needs: tuple[str, ...] = ()
    conduct: Callable[[Subject], dict[str, Any]] = lambda subject: {}  # what decides only how it is computed
    # why it can't run, as far as can be told before anything has; NotYet where that may change
    refusals: Callable[[Cell, Places], Iterator[str]] = lambda cell, places: iter(())
    tflop: Callable[[Cell, Load], float] | None = None  # of networks; None: no time on the study's device is counted
    # the seconds that it took to compute as much, by what it measured; None: unknown
    timed: Callable[[Cell, Measured], float | None] = lambda cell, measured: None
