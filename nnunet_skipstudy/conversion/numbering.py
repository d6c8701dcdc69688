"""Files told apart by the numbers in their names: of one number there must be one file."""

from collections.abc import MutableMapping
from typing import TypeVar

from nnunet_skipstudy.errors import UserError

Key = TypeVar("Key")


def add_once(files: MutableMapping[Key, str], key: Key, name: str) -> None:
    """Enter a file by what its name says, unless another one says the same. Raises UserError: one does."""
    if key in files:
        raise UserError(f"{name}: {files[key]} has the same number; remove one of them")
    files[key] = name
