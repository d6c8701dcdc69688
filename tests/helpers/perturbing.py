"""``skipstudy perturb`` in this process, and the tables that it writes."""

import csv
from pathlib import Path

from nnunet_skipstudy import cli


def read(path: Path) -> list[dict[str, str]]:
    """A table's rows."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def perturb(*arguments: object) -> int:
    """The exit code of the command."""
    return cli.main(["perturb", *map(str, arguments)])
