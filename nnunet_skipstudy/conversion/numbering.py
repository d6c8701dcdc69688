"""Files told apart by the numbers in their names: of one number there must be one file."""

import re
from collections.abc import MutableMapping
from typing import TypeVar

from nnunet_skipstudy.errors import UserError

Key = TypeVar("Key")


def add_once(files: MutableMapping[Key, str], key: Key, name: str) -> None:
    """Enter a file by what its name says, unless another one says the same. Raises UserError: one does."""
    if key in files:
        raise UserError(f"{name}: {files[key]} has the same number; remove one of them")
    files[key] = name


def patient_number(text: str) -> str:
    """A table's patient as part of a group's name: 1, 01 and a spreadsheet's 1.0 are one; other signs become ``_``."""
    whole = re.fullmatch(r"0*(\d+)(?:\.0*)?", text, re.ASCII)
    return whole[1] if whole else re.sub(r"[\W_]+", "_", text)
