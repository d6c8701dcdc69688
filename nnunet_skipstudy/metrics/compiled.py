"""Loops over voxels that are compiled on first use."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Compile a function of arrays and numbers when it is first called.

    It releases Python's lock, so that threads run side by side. The machine code is kept beside the source file,
    or in the user's cache folder (``NUMBA_CACHE_DIR`` names another place), so that only the first process waits
    for it; where nothing can be written it is compiled anew in each.
    """
    try:
        return cast(Function, numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # no folder to keep it in
        return cast(Function, numba.njit(nogil=True)(function))
